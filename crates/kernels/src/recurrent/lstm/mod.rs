//! Long short-term memory, with peepholes of any kind and the variants of Greff et al. 2015.

#[cfg(feature = "flex")]
pub(super) mod gates;
#[cfg(feature = "flex")]
mod kernel;
#[cfg(feature = "flex")]
mod peephole;
#[cfg(feature = "flex")]
mod walk;

use burn::tensor::{Tensor, activation};

use super::unroll::{Walk, unroll};
#[cfg(feature = "flex")]
use crate::flex::runs_kernel;

/// Connections from the cell to the gates (Gers and Schmidhuber 2000): the input and the forget gate see the cell before
/// the step, the output gate sees it after the step.
#[derive(Clone, Debug)]
pub struct Peephole {
    /// `[3, hidden]`: a diagonal matrix for each of input, forget and output gate (Gers et al. 2002); or
    /// `[3 hidden, hidden]`: a dense one for each (the lecture's `W [C, h, x]`).
    pub weight: Tensor<2>,
    /// The gates that have them; the others' weights are not used.
    pub gates: PeepholeGates,
}

/// A subset of the gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeepholeGates {
    /// The input gate.
    pub input: bool,
    /// The forget gate.
    pub forget: bool,
    /// The output gate.
    pub output: bool,
}

impl PeepholeGates {
    /// All three.
    pub const ALL: Self = Self { input: true, forget: true, output: true };
}

/// What a cell has of a standard one (the default); Greff et al. 2015 take one part away at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LstmForm {
    /// An input gate; without, it is 1.
    pub input_gate: bool,
    /// Where the forget gate comes from.
    pub forget: Forget,
    /// An output gate; without, it is 1.
    pub output_gate: bool,
    /// tanh of the block's input; without, the input itself.
    pub input_activation: bool,
    /// tanh of the cell for the output; without, the cell itself.
    pub output_activation: bool,
}

/// Where the forget gate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forget {
    /// Its own weights.
    Own,
    /// There is none: nothing is forgotten (Hochreiter and Schmidhuber 1997).
    None,
    /// What the input gate leaves, `1 - i`.
    Coupled,
}

impl Default for LstmForm {
    fn default() -> Self {
        Self {
            input_gate: true,
            forget: Forget::Own,
            output_gate: true,
            input_activation: true,
            output_activation: true,
        }
    }
}

/// A long short-term memory over whole sequences. With `i, f, g, o` the four parts of `projected` and `recurrent`, and `P`
/// the peepholes, if there are any:
///
/// ```text
/// i = sigmoid(projected_i + W_i h + P_i c)    f = sigmoid(projected_f + W_f h + P_f c)    g = tanh(projected_g + W_g h)
/// c = f * c + i * g                           o = sigmoid(projected_o + W_o h + P_o c)    h = o * tanh(c)
/// ```
///
/// `projected` `[time, batch, 4 hidden]` is `U x + b`; `recurrent` `[4 hidden, hidden]`; `hidden` and `cell`
/// `[batch, hidden]` are the state before the first step. Returns the outputs `[time, batch, hidden]` and the state after
/// the last step. Of gates that `form` lacks the parts are not used.
///
/// # Panics
/// When sizes do not fit each other.
pub fn lstm(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    peephole: Option<Peephole>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
    form: LstmForm,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
    check(&projected, &recurrent, &peephole, &hidden, &cell, walk);
    #[cfg(feature = "flex")]
    if runs_kernel(&projected) {
        return kernel::lstm(projected, recurrent, peephole, hidden, cell, form, walk);
    }
    lstm_reference(projected, recurrent, peephole, hidden, cell, form, walk)
}

/// [`lstm`] by Burn's operations.
///
/// # Panics
/// As [`lstm`].
pub fn lstm_reference(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    peephole: Option<Peephole>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
    form: LstmForm,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
    check(&projected, &recurrent, &peephole, &hidden, &cell, walk);
    let units = hidden.dims()[1];
    let recurrent = recurrent.transpose();
    let [peep_input, peep_forget, peep_output] = peepholes(peephole, units);
    let see = |gate: Tensor<2>, peephole: &Option<Tensor<2>>, cell: &Tensor<2>| match peephole {
        None => gate,
        Some(diagonal) if diagonal.dims()[0] == 1 => gate + cell.clone() * diagonal.clone(),
        Some(dense) => gate + cell.clone().matmul(dense.clone().transpose()),
    };
    let (outputs, [hidden, cell]) = unroll(projected, [hidden, cell], walk, |input, [hidden, cell]| {
        let sums = input + walk.masked(hidden).matmul(recurrent.clone());
        let part = |gate: usize| sums.clone().slice([0..sums.dims()[0], gate * units..(gate + 1) * units]);
        let input_gate = form.input_gate.then(|| activation::sigmoid(see(part(0), &peep_input, &cell)));
        let written = if form.input_activation { activation::tanh(part(2)) } else { part(2) };
        let written = input_gate.iter().cloned().fold(written, |written, gate| written * gate);
        let kept = match form.forget {
            Forget::Own => cell.clone() * activation::sigmoid(see(part(1), &peep_forget, &cell)),
            Forget::None => cell,
            // Without an input gate it is 1, and nothing is kept.
            Forget::Coupled => match input_gate {
                Some(gate) => cell.clone() - cell * gate,
                None => cell.zeros_like(),
            },
        };
        let cell = kept + written;
        let read = if form.output_activation { activation::tanh(cell.clone()) } else { cell.clone() };
        let hidden = match form.output_gate {
            true => read * activation::sigmoid(see(part(3), &peep_output, &cell)),
            false => read,
        };
        [hidden, cell]
    });
    (outputs, hidden, cell)
}

/// The weights of the gates that have peepholes: `[1, hidden]` or `[hidden, hidden]`.
fn peepholes(peephole: Option<Peephole>, units: usize) -> [Option<Tensor<2>>; 3] {
    let Some(Peephole { weight, gates }) = peephole else { return [None, None, None] };
    let rows = if weight.dims()[0] == 3 { 1 } else { units };
    let mut gate = 0..;
    [gates.input, gates.forget, gates.output].map(|present| {
        let first = gate.next().unwrap_or(0) * rows;
        present.then(|| weight.clone().slice(first..first + rows))
    })
}

fn check(
    projected: &Tensor<3>,
    recurrent: &Tensor<2>,
    peephole: &Option<Peephole>,
    hidden: &Tensor<2>,
    cell: &Tensor<2>,
    walk: &Walk,
) {
    let [time, batch, quadruple] = projected.dims();
    let [_, units] = hidden.dims();
    assert!(time > 0 && batch > 0 && units > 0, "an empty batch of sequences: {:?}", projected.dims());
    assert_eq!(quadruple, 4 * units, "the projected inputs of an LSTM");
    assert_eq!(recurrent.dims(), [quadruple, units], "the recurrent weight of an LSTM");
    assert_eq!([hidden.dims(), cell.dims()], [[batch, units]; 2], "the initial state");
    if let Some(Peephole { weight, .. }) = peephole {
        let [rows, columns] = weight.dims();
        let diagonal_or_dense = rows == 3 || rows == 3 * units;
        assert!(diagonal_or_dense && columns == units, "peepholes {:?} of {units} units", weight.dims());
    }
    walk.check(time, batch, units);
}
