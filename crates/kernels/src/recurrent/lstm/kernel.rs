//! The operation as the CPU backend runs and differentiates it.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex, TensorMetadata,
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
    LstmForm, Peephole, PeepholeGates, peephole,
    walk::{Forward, Gradients as OfWalk, backward, forward},
};
use crate::{
    flex::{register, tensor},
    recurrent::{
        Walk,
        steps::{Steps, weight_gradient},
    },
    simd::Level,
};

/// An LSTM over tensors whose sizes fit.
pub(super) fn lstm(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    peephole: Option<Peephole>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
    form: LstmForm,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
    let [time, batch, _] = projected.dims();
    let units = hidden.dims()[1];
    let steps = Steps::new(walk, [time, batch, units]);
    // The operation takes a tensor in any case; without peepholes its values are not looked at.
    let (weight, gates) = match peephole {
        Some(Peephole { weight, gates }) => (weight, Some(gates)),
        None => (Tensor::zeros([1, 1], &hidden.device()), None),
    };
    let all = Tensor::<3>::from_dispatch(Dispatch::kernel_lstm(
        projected.into_dispatch(),
        recurrent.into_dispatch(),
        weight.into_dispatch(),
        hidden.into_dispatch(),
        cell.into_dispatch(),
        LstmOptions { form, gates, steps },
    ));
    let state = |row: usize| all.clone().slice(row..row + 1).reshape([batch, units]);
    (all.clone().slice(0..time), state(time), state(time + 1))
}

/// All that is not a tensor.
#[derive(Clone, Debug)]
pub(crate) struct LstmOptions {
    pub(super) form: LstmForm,
    /// The gates with peepholes, where there are any.
    pub(super) gates: Option<PeepholeGates>,
    pub(super) steps: Steps,
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait LstmKernel: Backend {
    /// `[time + 2, batch, hidden]`: the outputs, the last hidden state, the last cell.
    fn kernel_lstm(
        projected: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        options: LstmOptions,
    ) -> FloatTensor<Self>;
}

impl LstmKernel for Flex {
    fn kernel_lstm(
        projected: FlexTensor,
        recurrent: FlexTensor,
        peephole: FlexTensor,
        hidden: FlexTensor,
        cell: FlexTensor,
        options: LstmOptions,
    ) -> FlexTensor {
        forward(Level::detect(), projected, recurrent, peephole, hidden, cell, &options).outputs
    }
}

impl<C: CheckpointStrategy> LstmKernel for Autodiff<Flex, C> {
    fn kernel_lstm(
        projected: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        options: LstmOptions,
    ) -> FloatTensor<Self> {
        let nodes = [projected.node(), recurrent.node(), peephole.node(), hidden.node(), cell.node()];
        let [projected, recurrent, peephole, hidden, cell] =
            [projected, recurrent, peephole, hidden, cell].map(|tensor| tensor.into_primitive());
        let run = forward(Level::detect(), projected, recurrent, peephole, hidden, cell, &options);
        match Lstm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let outputs = run.outputs.clone();
                prep.finish((run, options), outputs)
            }
            OpsKind::UnTracked(prep) => prep.finish(run.outputs),
        }
    }
}

#[derive(Debug)]
struct Lstm;

impl Backward<Flex, 5> for Lstm {
    type State = (Forward, LstmOptions);

    fn backward(self, ops: Ops<Self::State, 5>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (run, options) = ops.state;
        let of_outputs = gradients.consume::<Flex>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let dense = run.peephole.shape().dims::<2>()[0] != 3;
        let (cells, first_cell) = (run.cells.clone(), run.cell.clone());
        let OfWalk { sums, seen, hidden: of_hidden, cell: of_cell } =
            backward(Level::detect(), run, of_outputs, &options);
        let [batch, units] = [options.steps.batch, options.steps.hidden];
        let rows = options.steps.time * batch;
        let flat = sums.reshape(Shape::from([rows, 4 * units]));
        let of_recurrent = parents[1].map(|_| weight_gradient(&flat, 0..4 * units, &seen));
        let of_peephole = parents[2]
            .zip(options.gates)
            .map(|(_, gates)| peephole::gradient(&options, gates, &flat, dense, cells, first_cell));
        register(
            gradients,
            parents,
            [
                Some(sums),
                of_recurrent,
                of_peephole,
                Some(tensor(of_hidden, [batch, units])),
                Some(tensor(of_cell, [batch, units])),
            ],
        );
    }
}
