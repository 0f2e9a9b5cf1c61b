//! Full gate recurrence: every gate also sees all gates of the step before.

use burn::tensor::{Tensor, activation};
use ognivo_kernels::{Peephole, PeepholeGates, Walk, unroll};

use super::State;

/// An LSTM with full gate recurrence (Hochreiter and Schmidhuber 1997; Greff et al. 2015, "FGR"): [`ognivo_kernels::lstm`] with
/// `R [i, f, o]_{t-1}` added to what the three gates are a function of. `state` is hidden, cell and gates.
///
/// A loop of Burn's operations on every device: the variant is there to be compared, and no better for it.
pub(super) fn run(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    weight_gh: Tensor<2>,
    peephole: Option<Peephole>,
    state: [Tensor<2>; 3],
    walk: &Walk,
) -> (Tensor<3>, State) {
    let units = recurrent.dims()[1];
    let (recurrent, weight_gh) = (recurrent.transpose(), weight_gh.transpose());
    let block =
        |sums: &Tensor<2>, gate: usize| sums.clone().slice([0..sums.dims()[0], gate * units..(gate + 1) * units]);
    let see = |gate: Tensor<2>, number: usize, cell: &Tensor<2>| match &peephole {
        Some(Peephole { weight, gates }) if has(gates, number) => match weight.dims()[0] {
            3 => gate + cell.clone() * weight.clone().slice(number..number + 1),
            _ => gate + cell.clone().matmul(weight.clone().slice(number * units..(number + 1) * units).transpose()),
        },
        _ => gate,
    };
    let (outputs, [hidden, cell, gates]) = unroll(projected, state, walk, |input, [hidden, cell, gates]| {
        let sums = input + walk.masked(hidden).matmul(recurrent.clone());
        let of_gates = gates.matmul(weight_gh.clone());
        let input_gate = activation::sigmoid(see(block(&sums, 0) + block(&of_gates, 0), 0, &cell));
        let forget_gate = activation::sigmoid(see(block(&sums, 1) + block(&of_gates, 1), 1, &cell));
        let cell = forget_gate.clone() * cell + input_gate.clone() * activation::tanh(block(&sums, 2));
        let output_gate = activation::sigmoid(see(block(&sums, 3) + block(&of_gates, 2), 2, &cell));
        let hidden = output_gate.clone() * activation::tanh(cell.clone());
        [hidden, cell, Tensor::cat(vec![input_gate, forget_gate, output_gate], 1)]
    });
    (outputs, State { hidden, cell: Some(cell), gates: Some(gates) })
}

fn has(gates: &PeepholeGates, number: usize) -> bool {
    [gates.input, gates.forget, gates.output][number]
}
