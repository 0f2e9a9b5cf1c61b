//! Through all steps and back.

use burn::backend::flex::FlexTensor;

use super::{GruForm, Reset, gates};
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
    /// `[time + 1, batch, hidden]`: the outputs and the last state.
    pub(super) outputs: FlexTensor,
    /// The gates' values, `[time, batch, 3 hidden]`.
    gates: FlexTensor,
    /// With the reset after it: the candidate's product with the state, `[time, batch, hidden]`.
    product: Option<FlexTensor>,
    recurrent: FlexTensor,
    hidden: FlexTensor,
}

/// Runs the cells over the steps; `projected` becomes the gates, in its own memory where nothing else holds it.
pub(super) fn forward(
    projected: FlexTensor,
    recurrent: FlexTensor,
    bias: Option<FlexTensor>,
    hidden: FlexTensor,
    form: GruForm,
    steps: &Steps,
) -> Forward {
    let Steps { time, batch, hidden: units, .. } = *steps;
    let (weight, first, bias) = (Values::new(recurrent), Values::new(hidden), bias.map(Values::new));
    let (of_gates, of_candidate) = weight.as_slice().split_at(2 * units * units);
    let of_gates = Packed::transposed(Level::detect(), of_gates, 2 * units, units);
    let of_candidate = Packed::transposed(Level::detect(), of_candidate, units, units);
    let length = (time + 1) * batch * units;
    let mut outputs = Vec::with_capacity(length);
    let after = form.reset == Reset::After;
    let mut products = match (&bias, after) {
        (Some(bias), true) => bias.as_slice().repeat(time * batch),
        (_, true) => vec![0.0; time * batch * units],
        _ => Vec::new(),
    };
    let to_outputs = Disjoint::new(&mut outputs.spare_capacity_mut()[..length]);
    let to_products = Disjoint::new(&mut products);
    let run = |update: &Update| {
        steps.for_each_part(|part| {
            let rows = part.len();
            scratch::with(3 * rows * units, |memory| {
                let [hidden, seen, reset] = split(memory);
                hidden.copy_from_slice(&first.as_slice()[part.start * units..part.end * units]);
                for step in steps.order() {
                    // SAFETY: each part of each step is visited once, by one thread.
                    let (sums, output) = unsafe {
                        (
                            update.load(steps.rows(step, &part, 3 * units)),
                            to_outputs.slice(steps.rows(step, &part, units)),
                        )
                    };
                    steps.masked(&part, hidden, seen);
                    of_gates.multiply_add(rows, seen, units, sums, 3 * units);
                    sums.chunks_exact_mut(3 * units).for_each(|sums| gates::open(sums, units));
                    if after {
                        // SAFETY: as above.
                        let products = unsafe { to_products.slice(steps.rows(step, &part, units)) };
                        of_candidate.multiply_add(rows, seen, units, products, units);
                        for (sums, product) in sums.chunks_exact_mut(3 * units).zip(products.chunks_exact(units)) {
                            gates::reset_after(sums, product);
                        }
                    } else {
                        let of_rows = sums.chunks_exact(3 * units).zip(seen.chunks_exact(units));
                        of_rows
                            .zip(reset.chunks_exact_mut(units))
                            .for_each(|((sums, seen), reset)| gates::reset(sums, seen, reset));
                        of_candidate.multiply_add(rows, reset, units, &mut sums[2 * units..], 3 * units);
                    }
                    let of_rows = sums.chunks_exact_mut(3 * units).zip(output.chunks_exact_mut(units));
                    for (row, (sums, output)) in steps.states(&part, step).zip(of_rows) {
                        match row {
                            Some(row) => {
                                gates::update(sums, &mut hidden[row.clone()], form.update);
                                copy(output, &hidden[row]);
                            }
                            None => {
                                // No gradient passes through a step that does not exist, whatever stands there.
                                sums.fill(0.0);
                                fill(output, 0.0);
                            }
                        }
                    }
                }
                // SAFETY: as above; the last row of `outputs` is the state after the last step.
                copy(unsafe { to_outputs.slice(steps.rows(time, &part, units)) }, hidden);
            });
        });
    };
    // SAFETY: the parts of all steps cover the sums and the outputs.
    let gates = unsafe {
        let gates = Update::run(projected, run);
        outputs.set_len(length);
        gates
    };
    Forward {
        outputs: tensor(outputs, [time + 1, batch, units]),
        gates,
        product: after.then(|| tensor(products, [time, batch, units])),
        recurrent: weight.into_tensor(),
        hidden: first.into_tensor(),
    }
}

/// Gradients that the way back finds.
pub(super) struct Gradients {
    /// To the sums of the gates and the candidate, `[time, batch, 3 hidden]`.
    pub(super) sums: FlexTensor,
    /// With the reset after it: to the candidate's product, `[time * batch, hidden]`.
    pub(super) product: Option<FlexTensor>,
    /// Not gradients: what the weights of the gates and of the candidate were multiplied by, `[time * batch, hidden]`.
    pub(super) seen: FlexTensor,
    pub(super) seen_by_candidate: Option<FlexTensor>,
    /// To the first state.
    pub(super) hidden: Vec<f32>,
}

/// From the gradient to [`Forward::outputs`] back to the first step; the gates become their sums' gradients, in place.
pub(super) fn backward(run: Forward, of_outputs: FlexTensor, form: GruForm, steps: &Steps) -> Gradients {
    let Steps { time, batch, hidden: units, .. } = *steps;
    let Forward { outputs, gates, product, recurrent, hidden } = run;
    let (outputs, of_outputs) = (Values::new(outputs), Values::new(of_outputs));
    let (recurrent, first) = (Values::new(recurrent), Values::new(hidden));
    let (of_gates, of_candidate) = recurrent.as_slice().split_at(2 * units * units);
    let of_gates = Packed::new(Level::detect(), of_gates, 2 * units, units);
    let of_candidate = Packed::new(Level::detect(), of_candidate, units, units);
    let after = form.reset == Reset::After;
    // With the reset after the product: its values, which become its gradient. Else what the candidate's weight saw.
    let mut products = match product {
        Some(product) => Values::new(product).as_slice().to_vec(),
        None => vec![0.0; time * batch * units],
    };
    let (mut seen, mut of_hidden) = (vec![0.0; time * batch * units], vec![0.0; batch * units]);
    let (to_products, to_seen, to_hidden) =
        (Disjoint::new(&mut products), Disjoint::new(&mut seen), Disjoint::new(&mut of_hidden));
    let run = |update: &Update| {
        steps.for_each_part(|part| {
            let rows = part.len();
            // SAFETY: parts are disjoint.
            let dh = unsafe { to_hidden.slice(part.start * units..part.end * units) };
            dh.copy_from_slice(&of_outputs.as_slice()[steps.rows(time, &part, units)]);
            scratch::with(rows * units, |through| {
                for step in steps.order().rev() {
                    let place = steps.rows(step, &part, units);
                    // SAFETY: each part of each step is visited once, by one thread.
                    let (gates, seen, products) = unsafe {
                        (
                            update.load(steps.rows(step, &part, 3 * units)),
                            to_seen.slice(place.clone()),
                            to_products.slice(place),
                        )
                    };
                    for ((sequence, row), gates) in
                        part.clone().zip(steps.states(&part, step)).zip(gates.chunks_exact_mut(3 * units))
                    {
                        let Some(row) = row else { continue };
                        let (dh, seen) = (&mut dh[row.clone()], &mut seen[row]);
                        let of_output = &of_outputs.as_slice()[steps.row(step, sequence)];
                        dh.iter_mut().zip(of_output).for_each(|(sum, part)| *sum += part);
                        let previous = steps.previous(step, sequence, outputs.as_slice(), first.as_slice());
                        seen.copy_from_slice(previous);
                        if let Some(mask) = steps.mask(sequence) {
                            multiply(seen, mask);
                        }
                        gates::update_backward(gates, previous, dh, form.update);
                    }
                    // What reaches the state through products; rows without this step have gradients 0.
                    through.fill(0.0);
                    if after {
                        let of_rows = gates.chunks_exact_mut(3 * units).zip(products.chunks_exact_mut(units));
                        of_rows.for_each(|(gates, product)| gates::reset_after_backward(gates, product));
                        of_candidate.multiply_add(rows, products, units, through, units);
                    } else {
                        of_candidate.multiply_add(rows, &gates[2 * units..], 3 * units, through, units);
                        let of_rows = gates.chunks_exact_mut(3 * units).zip(products.chunks_exact_mut(units));
                        let of_states = seen.chunks_exact(units).zip(through.chunks_exact_mut(units));
                        for ((gates, product), (seen, through)) in of_rows.zip(of_states) {
                            gates::reset_backward(gates, seen, through, product);
                        }
                    }
                    of_gates.multiply_add(rows, gates, 3 * units, through, units);
                    for (sequence, row) in part.clone().zip(steps.states(&part, step)) {
                        let Some(row) = row else { continue };
                        let through = &mut through[row.clone()];
                        if let Some(mask) = steps.mask(sequence) {
                            multiply(through, mask);
                        }
                        dh[row].iter_mut().zip(through).for_each(|(sum, part)| *sum += *part);
                    }
                }
            });
        });
    };
    // SAFETY: the parts of all steps cover the gates.
    let sums = unsafe { Update::run(gates, run) };
    let products = tensor(products, [time * batch, units]);
    let (product, seen_by_candidate) = if after { (Some(products), None) } else { (None, Some(products)) };
    Gradients { sums, product, seen: tensor(seen, [time * batch, units]), seen_by_candidate, hidden: of_hidden }
}
