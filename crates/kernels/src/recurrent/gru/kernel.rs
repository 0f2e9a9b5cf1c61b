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

use super::{
    GruForm,
    walk::{Forward, backward, forward},
};
use crate::{
    flex::{Values, register, tensor},
    recurrent::{
        Walk,
        steps::{Steps, stacked, weight_gradient},
    },
    sums,
};

/// A GRU over tensors whose sizes fit.
pub(super) fn gru(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    bias: Option<Tensor<1>>,
    hidden: Tensor<2>,
    form: GruForm,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>) {
    let [time, batch, _] = projected.dims();
    let units = hidden.dims()[1];
    let steps = Steps::new(walk, [time, batch, units]);
    let biased = bias.is_some();
    // The operation takes a tensor in any case; its values are not looked at unless it is biased.
    let bias = bias.unwrap_or_else(|| Tensor::zeros([1], &hidden.device()));
    let all = Tensor::<3>::from_dispatch(Dispatch::kernel_gru(
        projected.into_dispatch(),
        recurrent.into_dispatch(),
        bias.into_dispatch(),
        hidden.into_dispatch(),
        GruOptions { form, biased, steps },
    ));
    (all.clone().slice(0..time), all.slice(time..time + 1).reshape([batch, units]))
}

/// All that is not a tensor.
#[derive(Clone, Debug)]
pub(crate) struct GruOptions {
    form: GruForm,
    biased: bool,
    steps: Steps,
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait GruKernel: Backend {
    /// `[time + 1, batch, hidden]`: the outputs and the last state.
    fn kernel_gru(
        projected: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        options: GruOptions,
    ) -> FloatTensor<Self>;
}

impl GruKernel for Flex {
    fn kernel_gru(
        projected: FlexTensor,
        recurrent: FlexTensor,
        bias: FlexTensor,
        hidden: FlexTensor,
        GruOptions { form, biased, steps }: GruOptions,
    ) -> FlexTensor {
        forward(projected, recurrent, biased.then_some(bias), hidden, form, &steps).outputs
    }
}

impl<C: CheckpointStrategy> GruKernel for Autodiff<Flex, C> {
    fn kernel_gru(
        projected: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        options: GruOptions,
    ) -> FloatTensor<Self> {
        let nodes = [projected.node(), recurrent.node(), bias.node(), hidden.node()];
        let [projected, recurrent, bias, hidden] =
            [projected, recurrent, bias, hidden].map(|tensor| tensor.into_primitive());
        let bias = options.biased.then_some(bias);
        let run = forward(projected, recurrent, bias, hidden, options.form, &options.steps);
        match Gru.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let outputs = run.outputs.clone();
                prep.finish((run, options), outputs)
            }
            OpsKind::UnTracked(prep) => prep.finish(run.outputs),
        }
    }
}

#[derive(Debug)]
struct Gru;

impl Backward<Flex, 4> for Gru {
    type State = (Forward, GruOptions);

    fn backward(self, ops: Ops<Self::State, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let (run, GruOptions { form, steps, .. }) = ops.state;
        let Steps { time, batch, hidden: units, .. } = steps;
        let found = backward(run, gradients.consume::<Flex>(&ops.node), form, &steps);
        let flat = found.sums.reshape(Shape::from([time * batch, 3 * units]));
        let of_recurrent = parents[1].map(|_| {
            let of_gates = weight_gradient(&flat, 0..2 * units, &found.seen);
            let of_candidate = match &found.product {
                Some(product) => weight_gradient(product, 0..units, &found.seen),
                None => {
                    let seen = found.seen_by_candidate.as_ref().unwrap_or(&found.seen);
                    weight_gradient(&flat, 2 * units..3 * units, seen)
                }
            };
            stacked(&[of_gates, of_candidate])
        });
        let of_bias = parents[2]
            .zip(found.product)
            .map(|(_, product)| tensor(sums::of_columns(Values::new(product).as_slice(), units), [units]));
        let of_hidden = tensor(found.hidden, [batch, units]);
        register(gradients, parents, [Some(found.sums), of_recurrent, of_bias, Some(of_hidden)]);
    }
}
