//! Peepholes in the walk: the diagonals as the gates take them, the dense matrices as products.

use burn::backend::{TensorMetadata, flex::FlexTensor};

use super::{PeepholeGates, kernel::LstmOptions};
use crate::{
    flex::{Values, tensor},
    product::Packed,
    recurrent::steps::{Steps, stacked, weight_gradient},
    simd::Level,
};

/// The peepholes of a walk, if it has any.
pub(super) struct Peepholes {
    weight: Values,
    units: usize,
    /// The three diagonals, zero where a gate has none; empty unless they are diagonal.
    diagonal: Vec<f32>,
    /// The dense matrices, turned for the way forward or back.
    dense: [Option<Packed>; 3],
    level: Level,
}

fn present(gates: PeepholeGates) -> [bool; 3] {
    [gates.input, gates.forget, gates.output]
}

/// Where the sums of input, forget and output gate stand among the four.
const PLACES: [usize; 3] = [0, 1, 3];

impl Peepholes {
    pub(super) fn new(level: Level, weight: FlexTensor, options: &LstmOptions) -> Self {
        let units = options.steps.hidden;
        let rows = weight.shape().dims::<2>()[0];
        let weight = Values::new(weight);
        let (mut diagonal, mut dense) = (Vec::new(), [const { None }; 3]);
        if let Some(gates) = options.gates {
            for (gate, present) in present(gates).into_iter().enumerate() {
                if rows == 3 {
                    let values = &weight.as_slice()[gate * units..(gate + 1) * units];
                    diagonal.extend(values.iter().map(|value| if present { *value } else { 0.0 }));
                } else if present {
                    let matrix = &weight.as_slice()[gate * units * units..(gate + 1) * units * units];
                    dense[gate] = Some(Packed::transposed(level, matrix, units, units));
                }
            }
        }
        Self { weight, units, diagonal, dense, level }
    }

    /// The three diagonals one after the other; empty where there are none.
    pub(super) fn diagonal(&self) -> &[f32] {
        &self.diagonal
    }

    /// Adds to the sums of input and forget gate what they see of the cell before the step.
    pub(super) fn before(&self, rows: usize, cell: &[f32], sums: &mut [f32]) {
        (0..2).for_each(|gate| self.see(gate, rows, cell, sums));
    }

    /// Adds to the sums of the output gate what it sees of the cell after the step.
    pub(super) fn after(&self, rows: usize, cell: &[f32], sums: &mut [f32]) {
        self.see(2, rows, cell, sums);
    }

    fn see(&self, gate: usize, rows: usize, cell: &[f32], sums: &mut [f32]) {
        if let Some(dense) = &self.dense[gate] {
            dense.multiply_add(rows, cell, self.units, &mut sums[PLACES[gate] * self.units..], 4 * self.units);
        }
    }

    pub(super) fn into_tensor(self) -> FlexTensor {
        self.weight.into_tensor()
    }

    /// The same, for the way back.
    pub(super) fn backward(mut self) -> Backward {
        let units = self.units;
        for (gate, dense) in self.dense.iter_mut().enumerate() {
            if dense.is_some() {
                let matrix = &self.weight.as_slice()[gate * units * units..(gate + 1) * units * units];
                *dense = Some(Packed::new(self.level, matrix, units, units));
            }
        }
        Backward(self)
    }
}

/// Peepholes on the way back.
pub(super) struct Backward(Peepholes);

impl Backward {
    /// As [`Peepholes::diagonal`].
    pub(super) fn diagonal(&self) -> &[f32] {
        &self.0.diagonal
    }

    /// Adds to the gradient to the cell after the step what the output gate passes on.
    pub(super) fn before(&self, rows: usize, gates: &[f32], cell: &mut [f32]) {
        self.pass(2, rows, gates, cell);
    }

    /// Adds to the gradient to the cell before the step what input and forget gate pass on.
    pub(super) fn after(&self, rows: usize, gates: &[f32], cell: &mut [f32]) {
        (0..2).for_each(|gate| self.pass(gate, rows, gates, cell));
    }

    fn pass(&self, gate: usize, rows: usize, gates: &[f32], cell: &mut [f32]) {
        let units = self.0.units;
        if let Some(dense) = &self.0.dense[gate] {
            dense.multiply_add(rows, &gates[PLACES[gate] * units..], 4 * units, cell, units);
        }
    }
}

/// The gradient to the weight: of the gates' sums, `[time * batch, 4 hidden]`, and the cells that they saw.
pub(super) fn gradient(
    options: &LstmOptions,
    gates: PeepholeGates,
    sums: &FlexTensor,
    dense: bool,
    cells: FlexTensor,
    first: FlexTensor,
) -> FlexTensor {
    let Steps { time, batch, hidden: units, .. } = options.steps;
    let (cells, first) = (Values::new(cells), Values::new(first));
    let mut previous = vec![0.0; time * batch * units];
    for step in options.steps.order() {
        for sequence in (0..batch).filter(|&sequence| options.steps.exists(step, sequence)) {
            let before = options.steps.previous(step, sequence, cells.as_slice(), first.as_slice());
            previous[options.steps.row(step, sequence)].copy_from_slice(before);
        }
    }
    let previous = tensor(previous, [time * batch, units]);
    let after = cells.into_tensor().reshape([time * batch, units].into());
    let parts = [0, 1, 2].map(|gate| {
        let seen = if gate == 2 { &after } else { &previous };
        let columns = PLACES[gate] * units..(PLACES[gate] + 1) * units;
        match (present(gates)[gate], dense) {
            (true, true) => weight_gradient(sums, columns, seen),
            (true, false) => diagonal_gradient(sums, columns.start, seen),
            (false, _) => {
                tensor(vec![0.0; if dense { units * units } else { units }], [if dense { units } else { 1 }, units])
            }
        }
    });
    stacked(&parts)
}

/// The diagonal of the product that [`weight_gradient`] takes.
fn diagonal_gradient(sums: &FlexTensor, column: usize, seen: &FlexTensor) -> FlexTensor {
    let [_, units] = seen.shape().dims();
    let [_, width] = sums.shape().dims();
    let (sums, seen) = (Values::new(sums.clone()), Values::new(seen.clone()));
    let mut total = vec![0.0f64; units];
    for (sums, seen) in sums.as_slice().chunks_exact(width).zip(seen.as_slice().chunks_exact(units)) {
        for ((total, a), b) in total.iter_mut().zip(&sums[column..column + units]).zip(seen) {
            *total += f64::from(a * b);
        }
    }
    tensor(total.into_iter().map(|sum| sum as f32).collect(), [1, units])
}
