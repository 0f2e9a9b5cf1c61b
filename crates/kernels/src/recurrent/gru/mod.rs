//! The gated recurrent unit, in the lecture's form and in PyTorch's.

#[cfg(feature = "flex")]
pub(super) mod gates;
#[cfg(feature = "flex")]
mod kernel;
#[cfg(feature = "flex")]
mod walk;

use burn::tensor::{Tensor, activation};

use super::unroll::{Walk, unroll};
#[cfg(feature = "flex")]
use crate::flex::runs_kernel;

/// Which of the two forms in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GruForm {
    /// Where the reset gate acts.
    pub reset: Reset,
    /// What the update gate weighs.
    pub update: Update,
}

/// Where the reset gate acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reset {
    /// Before the product, `W (r * h)`: the lecture, Cho et al. 2014, ONNX with `linear_before_reset = 0`.
    #[default]
    Before,
    /// After it, `r * (W h + b)`: PyTorch, cuDNN, ONNX with `linear_before_reset = 1`.
    After,
}

/// What the update gate weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// The candidate, `h_t = (1 - z) * h_{t-1} + z * n`: the lecture, Chung et al. 2014.
    #[default]
    Candidate,
    /// The state before, `h_t = (1 - z) * n + z * h_{t-1}`: PyTorch, ONNX, Cho et al. 2014.
    State,
}

/// A gated recurrent unit over whole sequences. With `r, z, n` the three parts of `projected` and of `recurrent`:
///
/// ```text
/// r = sigmoid(projected_r + W_r h)    z = sigmoid(projected_z + W_z h)
/// n = tanh(projected_n + W_n (r * h))            with Reset::Before
/// n = tanh(projected_n + r * (W_n h + bias))     with Reset::After
/// h = (1 - z) * h + z * n                        with Update::Candidate
/// h = (1 - z) * n + z * h                        with Update::State
/// ```
///
/// `projected` `[time, batch, 3 hidden]` is `U x + b`; `recurrent` `[3 hidden, hidden]`; `recurrent_bias` `[hidden]`;
/// `hidden` `[batch, hidden]` the state before the first step. Returns the outputs `[time, batch, hidden]` and the state
/// after the last step.
///
/// # Panics
/// When sizes do not fit each other; with a recurrent bias and [`Reset::Before`], where it would be one more `b`.
pub fn gru(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    recurrent_bias: Option<Tensor<1>>,
    hidden: Tensor<2>,
    form: GruForm,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>) {
    check(&projected, &recurrent, &recurrent_bias, &hidden, form, walk);
    #[cfg(feature = "flex")]
    if runs_kernel(&projected) {
        return kernel::gru(projected, recurrent, recurrent_bias, hidden, form, walk);
    }
    gru_reference(projected, recurrent, recurrent_bias, hidden, form, walk)
}

/// [`gru`] by Burn's operations.
///
/// # Panics
/// As [`gru`].
pub fn gru_reference(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    recurrent_bias: Option<Tensor<1>>,
    hidden: Tensor<2>,
    form: GruForm,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>) {
    check(&projected, &recurrent, &recurrent_bias, &hidden, form, walk);
    let [_, _, triple] = projected.dims();
    let units = triple / 3;
    let bias = recurrent_bias.map(|bias| bias.unsqueeze_dim::<2>(0));
    let of_gates = recurrent.clone().slice(0..2 * units).transpose();
    let of_candidate = recurrent.slice(2 * units..triple).transpose();
    let (outputs, [hidden]) = unroll(projected, [hidden], walk, |input, [hidden]| {
        let part = |x: &Tensor<2>, first: usize, last: usize| x.clone().slice([0..x.dims()[0], first..last]);
        let seen = walk.masked(hidden.clone());
        let gates = activation::sigmoid(part(&input, 0, 2 * units) + seen.clone().matmul(of_gates.clone()));
        let (reset, update) = (part(&gates, 0, units), part(&gates, units, 2 * units));
        let candidate = part(&input, 2 * units, triple)
            + match form.reset {
                Reset::Before => (reset * seen).matmul(of_candidate.clone()),
                Reset::After => {
                    let product = seen.matmul(of_candidate.clone());
                    reset * bias.iter().cloned().fold(product, |sum, bias| sum + bias)
                }
            };
        let candidate = activation::tanh(candidate);
        [match form.update {
            Update::Candidate => hidden.clone() + update * (candidate - hidden),
            Update::State => candidate.clone() + update * (hidden - candidate),
        }]
    });
    (outputs, hidden)
}

fn check(
    projected: &Tensor<3>,
    recurrent: &Tensor<2>,
    recurrent_bias: &Option<Tensor<1>>,
    hidden: &Tensor<2>,
    form: GruForm,
    walk: &Walk,
) {
    let [time, batch, triple] = projected.dims();
    let [_, units] = hidden.dims();
    assert!(time > 0 && batch > 0 && units > 0, "an empty batch of sequences: {:?}", projected.dims());
    assert_eq!(triple, 3 * units, "the projected inputs of a GRU");
    assert_eq!(recurrent.dims(), [triple, units], "the recurrent weight of a GRU");
    assert_eq!(hidden.dims(), [batch, units], "the initial state");
    if let Some(bias) = recurrent_bias {
        assert_eq!(form.reset, Reset::After, "a recurrent bias needs Reset::After");
        assert_eq!(bias.dims(), [units], "the recurrent bias");
    }
    walk.check(time, batch, units);
}
