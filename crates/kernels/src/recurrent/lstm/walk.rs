//! Through all steps and back.

use burn::backend::flex::FlexTensor;

use super::{gates, kernel::LstmOptions, peephole::Peepholes};
use crate::{
    flex::{Update, Values, tensor},
    parallel::{Disjoint, copy, fill},
    product::Packed,
    recurrent::steps::{Steps, multiply, split},
    scratch,
    simd::Level,
};

/// What the walk leaves for the way back: its results, and what it was given.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    /// `[time + 2, batch, hidden]`: the outputs, the last hidden state, the last cell.
    pub(super) outputs: FlexTensor,
    /// The gates' values, `[time, batch, 4 hidden]`.
    gates: FlexTensor,
    /// The cells, `[time, batch, hidden]`.
    pub(super) cells: FlexTensor,
    recurrent: FlexTensor,
    pub(super) peephole: FlexTensor,
    hidden: FlexTensor,
    pub(super) cell: FlexTensor,
}

/// Runs the cells over the steps; `projected` becomes the gates, in its own memory where nothing else holds it.
pub(super) fn forward(
    level: Level,
    projected: FlexTensor,
    recurrent: FlexTensor,
    peephole: FlexTensor,
    hidden: FlexTensor,
    cell: FlexTensor,
    options: &LstmOptions,
) -> Forward {
    let (steps, form) = (&options.steps, options.form);
    let Steps { time, batch, hidden: units, .. } = *steps;
    let (weight, first, first_cell) = (Values::new(recurrent), Values::new(hidden), Values::new(cell));
    let peepholes = Peepholes::new(level, peephole, options);
    let packed = Packed::transposed(level, weight.as_slice(), 4 * units, units);
    let [of_outputs, of_cells] = [(time + 2) * batch * units, time * batch * units];
    let (mut outputs, mut cells) = (Vec::with_capacity(of_outputs), Vec::with_capacity(of_cells));
    let to_outputs = Disjoint::new(&mut outputs.spare_capacity_mut()[..of_outputs]);
    let to_cells = Disjoint::new(&mut cells.spare_capacity_mut()[..of_cells]);
    let run = |update: &Update| {
        steps.for_each_part(|part| {
            let length = part.len() * units;
            scratch::with(3 * length, |memory| {
                let [hidden, seen, cell] = split(memory);
                let start = part.start * units..part.end * units;
                hidden.copy_from_slice(&first.as_slice()[start.clone()]);
                cell.copy_from_slice(&first_cell.as_slice()[start]);
                for step in steps.order() {
                    // SAFETY: each part of each step is visited once, by one thread.
                    let (sums, output, saved) = unsafe {
                        (
                            update.load(steps.rows(step, &part, 4 * units)),
                            to_outputs.slice(steps.rows(step, &part, units)),
                            to_cells.slice(steps.rows(step, &part, units)),
                        )
                    };
                    steps.masked(&part, hidden, seen);
                    packed.multiply_add(part.len(), seen, units, sums, 4 * units);
                    peepholes.before(part.len(), cell, sums);
                    for (row, sums) in steps.states(&part, step).zip(sums.chunks_exact_mut(4 * units)) {
                        if let Some(row) = row {
                            gates::write(sums, &mut cell[row], peepholes.diagonal(), form);
                        }
                    }
                    peepholes.after(part.len(), cell, sums);
                    let results = output.chunks_exact_mut(units).zip(saved.chunks_exact_mut(units));
                    for ((row, sums), (output, saved)) in
                        steps.states(&part, step).zip(sums.chunks_exact_mut(4 * units)).zip(results)
                    {
                        let Some(row) = row else {
                            // No gradient passes through a step that does not exist, whatever stands there.
                            sums.fill(0.0);
                            fill(output, 0.0);
                            fill(saved, 0.0);
                            continue;
                        };
                        let (hidden, cell) = (&mut hidden[row.clone()], &cell[row]);
                        gates::read(sums, cell, hidden, peepholes.diagonal(), form);
                        copy(output, hidden);
                        copy(saved, cell);
                    }
                }
                // SAFETY: as above; the last two rows of `outputs` are the state after the last step.
                unsafe {
                    copy(to_outputs.slice(steps.rows(time, &part, units)), hidden);
                    copy(to_outputs.slice(steps.rows(time + 1, &part, units)), cell);
                }
            });
        });
    };
    // SAFETY: the parts of all steps cover the sums, the outputs and the cells.
    let gates = unsafe {
        let gates = Update::run(projected, run);
        outputs.set_len(of_outputs);
        cells.set_len(of_cells);
        gates
    };
    Forward {
        outputs: tensor(outputs, [time + 2, batch, units]),
        gates,
        cells: tensor(cells, [time, batch, units]),
        recurrent: weight.into_tensor(),
        peephole: peepholes.into_tensor(),
        hidden: first.into_tensor(),
        cell: first_cell.into_tensor(),
    }
}

/// Gradients that the way back finds.
pub(super) struct Gradients {
    /// To the gates' sums, `[time, batch, 4 hidden]`.
    pub(super) sums: FlexTensor,
    /// Not a gradient: what the recurrent weight was multiplied by, `[time * batch, hidden]`.
    pub(super) seen: FlexTensor,
    /// To the first hidden state.
    pub(super) hidden: Vec<f32>,
    /// To the first cell.
    pub(super) cell: Vec<f32>,
}

/// From the gradient to [`Forward::outputs`] back to the first step; the gates become their sums' gradients, in place.
pub(super) fn backward(level: Level, run: Forward, of_outputs: FlexTensor, options: &LstmOptions) -> Gradients {
    let (steps, form) = (&options.steps, options.form);
    let Steps { time, batch, hidden: units, .. } = *steps;
    let Forward { outputs, gates, cells, recurrent, peephole, hidden, cell } = run;
    let (outputs, cells, of_outputs) = (Values::new(outputs), Values::new(cells), Values::new(of_outputs));
    let (recurrent, first, first_cell) = (Values::new(recurrent), Values::new(hidden), Values::new(cell));
    let peepholes = Peepholes::new(level, peephole, options).backward();
    let packed = Packed::new(level, recurrent.as_slice(), 4 * units, units);
    let length = time * batch * units;
    let mut seen = Vec::with_capacity(length);
    let (mut of_hidden, mut of_cell) = (vec![0.0; batch * units], vec![0.0; batch * units]);
    let to_seen = Disjoint::new(&mut seen.spare_capacity_mut()[..length]);
    let (to_hidden, to_cell) = (Disjoint::new(&mut of_hidden), Disjoint::new(&mut of_cell));
    let run = |update: &Update| {
        steps.for_each_part(|part| {
            let start = part.start * units..part.end * units;
            // SAFETY: parts are disjoint.
            let (dh, dc) = unsafe { (to_hidden.slice(start.clone()), to_cell.slice(start)) };
            dh.copy_from_slice(&of_outputs.as_slice()[steps.rows(time, &part, units)]);
            dc.copy_from_slice(&of_outputs.as_slice()[steps.rows(time + 1, &part, units)]);
            for step in steps.order().rev() {
                // SAFETY: each part of each step is visited once, by one thread.
                let (gates, seen) = unsafe {
                    (update.load(steps.rows(step, &part, 4 * units)), to_seen.slice(steps.rows(step, &part, units)))
                };
                for ((sequence, row), gates) in
                    part.clone().zip(steps.states(&part, step)).zip(gates.chunks_exact_mut(4 * units))
                {
                    let Some(row) = row else { continue };
                    let at = steps.row(step, sequence);
                    let (dh, dc) = (&mut dh[row.clone()], &mut dc[row]);
                    dh.iter_mut().zip(&of_outputs.as_slice()[at.clone()]).for_each(|(sum, part)| *sum += part);
                    gates::read_backward(gates, &cells.as_slice()[at], dh, dc, peepholes.diagonal(), form);
                }
                peepholes.before(part.len(), gates, dc);
                for (((sequence, row), gates), seen) in part
                    .clone()
                    .zip(steps.states(&part, step))
                    .zip(gates.chunks_exact_mut(4 * units))
                    .zip(seen.chunks_exact_mut(units))
                {
                    let Some(row) = row else {
                        fill(seen, 0.0);
                        continue;
                    };
                    let previous = steps.previous(step, sequence, cells.as_slice(), first_cell.as_slice());
                    gates::write_backward(gates, previous, &mut dc[row.clone()], peepholes.diagonal(), form);
                    dh[row].fill(0.0);
                    steps.seen(step, sequence, outputs.as_slice(), first.as_slice(), seen);
                }
                peepholes.after(part.len(), gates, dc);
                packed.multiply_add(part.len(), gates, 4 * units, dh, units);
                for (sequence, row) in part.clone().zip(steps.states(&part, step)) {
                    if let (Some(row), Some(mask)) = (row, steps.mask(sequence)) {
                        multiply(&mut dh[row], mask);
                    }
                }
            }
        });
    };
    // SAFETY: the parts of all steps cover the gates and what was seen.
    let sums = unsafe {
        let sums = Update::run(gates, run);
        seen.set_len(length);
        sums
    };
    Gradients { sums, seen: tensor(seen, [time * batch, units]), hidden: of_hidden, cell: of_cell }
}
