//! The operation as the CPU backend runs and differentiates it.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        flex::FlexTensor,
        tensor::FloatTensor,
    },
    tensor::{Shape, Tensor},
};

use super::Activation;
use crate::{
    flex::{Update, Values, register, tensor},
    parallel::{Disjoint, copy, fill},
    product::Packed,
    recurrent::{
        Walk,
        function::{sigmoid, tanh},
        steps::{Steps, multiply, split, weight_gradient},
    },
    scratch,
    simd::{Level, vectorised},
};

/// An RNN over tensors whose sizes fit.
pub(super) fn rnn(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    hidden: Tensor<2>,
    activation: Activation,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>) {
    let [time, batch, units] = projected.dims();
    let steps = Steps::new(walk, [time, batch, units]);
    let all = Tensor::<3>::from_dispatch(Dispatch::kernel_rnn(
        projected.into_dispatch(),
        recurrent.into_dispatch(),
        hidden.into_dispatch(),
        activation,
        steps,
    ));
    (all.clone().slice(0..time), all.slice(time..time + 1).reshape([batch, units]))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait RnnKernel: Backend {
    /// `[time + 1, batch, hidden]`: the outputs and the last state.
    fn kernel_rnn(
        projected: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        activation: Activation,
        steps: Steps,
    ) -> FloatTensor<Self>;
}

vectorised! {
    /// Sums become their values, which are the new `hidden` too.
    pub(in crate::recurrent) fn activate(sums: &mut [f32], hidden: &mut [f32], activation: Activation) {
        let hidden = &mut hidden[..sums.len()];
        match activation {
            Activation::Tanh => (0..sums.len()).for_each(|j| hidden[j] = tanh(sums[j])),
            Activation::Relu => (0..sums.len()).for_each(|j| hidden[j] = if sums[j] > 0.0 { sums[j] } else { sums[j] * 0.0 }),
            Activation::Sigmoid => (0..sums.len()).for_each(|j| hidden[j] = sigmoid(sums[j])),
            Activation::Identity => hidden.copy_from_slice(sums),
        }
        sums.copy_from_slice(hidden);
    }

    /// The values of a step become the gradients to its sums.
    fn differentiate(values: &mut [f32], gradient: &[f32], activation: Activation) {
        let gradient = &gradient[..values.len()];
        for j in 0..values.len() {
            let y = values[j];
            values[j] = gradient[j] * match activation {
                Activation::Tanh => 1.0 - y * y,
                Activation::Relu => if y > 0.0 { 1.0 } else { 0.0 },
                Activation::Sigmoid => y * (1.0 - y),
                Activation::Identity => 1.0,
            };
        }
    }
}

/// What the walk leaves for the way back.
#[derive(Clone, Debug)]
struct Forward {
    /// `[time + 1, batch, hidden]`: the outputs and the last state.
    outputs: FlexTensor,
    /// The outputs again, `[time, batch, hidden]`, to be turned into the gradients to the sums.
    values: FlexTensor,
    recurrent: FlexTensor,
    hidden: FlexTensor,
}

fn forward(
    projected: FlexTensor,
    recurrent: FlexTensor,
    hidden: FlexTensor,
    activation: Activation,
    steps: &Steps,
) -> Forward {
    let Steps { time, batch, hidden: units, .. } = *steps;
    let (weight, first) = (Values::new(recurrent), Values::new(hidden));
    let packed = Packed::transposed(Level::detect(), weight.as_slice(), units, units);
    let length = (time + 1) * batch * units;
    let mut outputs = Vec::with_capacity(length);
    let to_outputs = Disjoint::new(&mut outputs.spare_capacity_mut()[..length]);
    let run = |update: &Update| {
        steps.for_each_part(|part| {
            scratch::with(2 * part.len() * units, |memory| {
                let [hidden, seen] = split(memory);
                hidden.copy_from_slice(&first.as_slice()[part.start * units..part.end * units]);
                for step in steps.order() {
                    let place = steps.rows(step, &part, units);
                    // SAFETY: each part of each step is visited once, by one thread.
                    let (sums, output) = unsafe { (update.load(place.clone()), to_outputs.slice(place)) };
                    steps.masked(&part, hidden, seen);
                    packed.multiply_add(part.len(), seen, units, sums, units);
                    let of_rows = sums.chunks_exact_mut(units).zip(output.chunks_exact_mut(units));
                    for (row, (sums, output)) in steps.states(&part, step).zip(of_rows) {
                        match row {
                            Some(row) => {
                                activate(sums, &mut hidden[row.clone()], activation);
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
    let values = unsafe {
        let values = Update::run(projected, run);
        outputs.set_len(length);
        values
    };
    let outputs = tensor(outputs, [time + 1, batch, units]);
    Forward { outputs, values, recurrent: weight.into_tensor(), hidden: first.into_tensor() }
}

impl RnnKernel for Flex {
    fn kernel_rnn(
        projected: FlexTensor,
        recurrent: FlexTensor,
        hidden: FlexTensor,
        activation: Activation,
        steps: Steps,
    ) -> FlexTensor {
        forward(projected, recurrent, hidden, activation, &steps).outputs
    }
}

impl<C: CheckpointStrategy> RnnKernel for Autodiff<Flex, C> {
    fn kernel_rnn(
        projected: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        activation: Activation,
        steps: Steps,
    ) -> FloatTensor<Self> {
        let nodes = [projected.node(), recurrent.node(), hidden.node()];
        let [projected, recurrent, hidden] = [projected, recurrent, hidden].map(|tensor| tensor.into_primitive());
        let run = forward(projected, recurrent, hidden, activation, &steps);
        match Rnn.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let outputs = run.outputs.clone();
                prep.finish((run, activation, steps), outputs)
            }
            OpsKind::UnTracked(prep) => prep.finish(run.outputs),
        }
    }
}

#[derive(Debug)]
struct Rnn;

impl Backward<Flex, 3> for Rnn {
    type State = (Forward, Activation, Steps);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let (Forward { outputs, values, recurrent, hidden }, activation, steps) = ops.state;
        let of_outputs = Values::new(gradients.consume::<Flex>(&ops.node));
        let Steps { time, batch, hidden: units, .. } = steps;
        let (outputs, recurrent, first) = (Values::new(outputs), Values::new(recurrent), Values::new(hidden));
        let packed = Packed::new(Level::detect(), recurrent.as_slice(), units, units);
        let length = time * batch * units;
        let (mut seen, mut of_hidden) = (Vec::with_capacity(length), vec![0.0; batch * units]);
        let to_seen = Disjoint::new(&mut seen.spare_capacity_mut()[..length]);
        let to_hidden = Disjoint::new(&mut of_hidden);
        let run = |update: &Update| {
            steps.for_each_part(|part| {
                // SAFETY: parts are disjoint.
                let dh = unsafe { to_hidden.slice(part.start * units..part.end * units) };
                dh.copy_from_slice(&of_outputs.as_slice()[steps.rows(time, &part, units)]);
                for step in steps.order().rev() {
                    let place = steps.rows(step, &part, units);
                    // SAFETY: each part of each step is visited once, by one thread.
                    let (values, seen) = unsafe { (update.load(place.clone()), to_seen.slice(place)) };
                    for ((sequence, row), seen) in
                        part.clone().zip(steps.states(&part, step)).zip(seen.chunks_exact_mut(units))
                    {
                        let Some(row) = row else {
                            fill(seen, 0.0);
                            continue;
                        };
                        let dh = &mut dh[row.clone()];
                        let of_output = &of_outputs.as_slice()[steps.row(step, sequence)];
                        dh.iter_mut().zip(of_output).for_each(|(sum, part)| *sum += part);
                        differentiate(&mut values[row], dh, activation);
                        dh.fill(0.0);
                        steps.seen(step, sequence, outputs.as_slice(), first.as_slice(), seen);
                    }
                    packed.multiply_add(part.len(), values, units, dh, units);
                    for (sequence, row) in part.clone().zip(steps.states(&part, step)) {
                        if let (Some(row), Some(mask)) = (row, steps.mask(sequence)) {
                            multiply(&mut dh[row], mask);
                        }
                    }
                }
            });
        };
        // SAFETY: the parts of all steps cover the values and what was seen.
        let sums = unsafe {
            let sums = Update::run(values, run);
            seen.set_len(length);
            sums
        };
        let flat = sums.reshape(Shape::from([time * batch, units]));
        let seen = tensor(seen, [time * batch, units]);
        let of_recurrent = parents[1].map(|_| weight_gradient(&flat, 0..units, &seen));
        register(gradients, parents, [Some(sums), of_recurrent, Some(tensor(of_hidden, [batch, units]))]);
    }
}
