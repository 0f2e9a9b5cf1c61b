//! The operation as the CPU backend runs and differentiates it.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex, TensorMetadata,
        autodiff::{
            NodeId,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        flex::FlexTensor,
        tensor::FloatTensor,
    },
    tensor::{Tensor, ops::ConvOptions},
};

use super::{
    correlate::{self, Finish},
    geometry::Geometry,
    weight_gradient::weight_gradient,
};
use crate::{
    flex::{Values, register, tensor},
    simd::Level,
};

/// The convolution of tensors whose sizes fit.
pub(super) fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, options: ConvOptions<2>) -> Tensor<4> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(match bias {
        Some(bias) => Dispatch::kernel_conv2d_with_bias(x, weight, bias.into_dispatch(), options),
        None => Dispatch::kernel_conv2d(x, weight, options),
    })
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait ConvKernel: Backend {
    fn kernel_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>, options: ConvOptions<2>) -> FloatTensor<Self>;

    fn kernel_conv2d_with_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;
}

fn geometry(x: [usize; 4], weight: [usize; 4], options: &ConvOptions<2>) -> Geometry {
    Geometry::new(x, weight, options).expect("sizes checked by the public function")
}

fn forward(x: FlexTensor, weight: FlexTensor, bias: Option<FlexTensor>, options: &ConvOptions<2>) -> FlexTensor {
    let bias = bias.map(Values::new);
    finished(x, weight, Finish { bias: bias.as_ref().map(Values::as_slice), ..Finish::default() }, options)
}

fn finished(x: FlexTensor, weight: FlexTensor, finish: Finish, options: &ConvOptions<2>) -> FlexTensor {
    let g = geometry(x.shape().dims(), weight.shape().dims(), options);
    let (x, weight) = (Values::new(x), Values::new(weight));
    let y = correlate::forward(Level::detect(), &g, x.as_slice(), weight.as_slice(), finish);
    tensor(y, [g.batch, g.channels_out, g.output[0], g.output[1]])
}

/// Of tensors without autodiff.
pub(super) fn conv2d_affine(
    x: Tensor<4>,
    weight: Tensor<4>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    [low, high]: [f32; 2],
    options: ConvOptions<2>,
) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::kernel_conv2d_affine(
        x.into_dispatch(),
        weight.into_dispatch(),
        scale.into_dispatch(),
        shift.into_dispatch(),
        low,
        high,
        options,
    ))
}

#[backend_extension(Flex)]
pub(crate) trait AffineConvKernel: Backend {
    fn kernel_conv2d_affine(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        low: f32,
        high: f32,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;
}

impl AffineConvKernel for Flex {
    fn kernel_conv2d_affine(
        x: FlexTensor,
        weight: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        low: f32,
        high: f32,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let (scale, shift) = (Values::new(scale), Values::new(shift));
        let (scale, bias) = (Some(scale.as_slice()), Some(shift.as_slice()));
        finished(x, weight, Finish { scale, bias, limits: Some([low, high]) }, &options)
    }
}

impl ConvKernel for Flex {
    fn kernel_conv2d(x: FlexTensor, weight: FlexTensor, options: ConvOptions<2>) -> FlexTensor {
        forward(x, weight, None, &options)
    }

    fn kernel_conv2d_with_bias(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        forward(x, weight, Some(bias), &options)
    }
}

impl<C: CheckpointStrategy> ConvKernel for Autodiff<Flex, C> {
    fn kernel_conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>, options: ConvOptions<2>) -> FloatTensor<Self> {
        let shapes = (x.shape().dims(), weight.shape().dims());
        match Conv.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let nodes = (prep.checkpoint(&x), prep.checkpoint(&weight));
                let y = forward(x.into_primitive(), weight.into_primitive(), None, &options);
                prep.finish(State { nodes, shapes, options }, y)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(forward(x.into_primitive(), weight.into_primitive(), None, &options))
            }
        }
    }

    fn kernel_conv2d_with_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let shapes = (x.shape().dims(), weight.shape().dims());
        match ConvWithBias.prepare::<C>([x.node(), weight.node(), bias.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let nodes = (prep.checkpoint(&x), prep.checkpoint(&weight));
                let bias = bias.into_primitive();
                let y = forward(x.into_primitive(), weight.into_primitive(), Some(bias), &options);
                prep.finish(State { nodes, shapes, options }, y)
            }
            OpsKind::UnTracked(prep) => {
                let bias = bias.into_primitive();
                prep.finish(forward(x.into_primitive(), weight.into_primitive(), Some(bias), &options))
            }
        }
    }
}

#[derive(Clone, Debug)]
struct State {
    /// Input and weight.
    nodes: (NodeId, NodeId),
    shapes: ([usize; 4], [usize; 4]),
    options: ConvOptions<2>,
}

impl State {
    /// The gradients to input, weight and bias for the gradient `dy` of the output: of those that are tracked.
    fn gradients(self, tracked: [bool; 3], dy: FlexTensor, checkpointer: &mut Checkpointer) -> [Option<FlexTensor>; 3] {
        let x: FlexTensor = checkpointer.retrieve_node_output(self.nodes.0);
        let weight: FlexTensor = checkpointer.retrieve_node_output(self.nodes.1);
        let g = geometry(self.shapes.0, self.shapes.1, &self.options);
        let dy = Values::new(dy);
        let [to_x, to_weight, to_bias] = tracked;
        let dx = to_x.then(|| {
            let weight = Values::new(weight);
            let dx = correlate::input_gradient(Level::detect(), &g, weight.as_slice(), dy.as_slice(), None);
            tensor(dx, self.shapes.0)
        });
        if !to_weight && !to_bias {
            return [dx, None, None];
        }
        let (dw, db) = weight_gradient(Level::detect(), &g, Values::new(x).as_slice(), dy.as_slice());
        [dx, Some(tensor(dw, self.shapes.1)), Some(tensor(db, [g.channels_out]))]
    }
}

#[derive(Debug)]
struct Conv;

impl Backward<Flex, 2> for Conv {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [x, weight] = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let dy = gradients.consume::<Flex>(&ops.node);
        let found = ops.state.gradients([x.is_some(), weight.is_some(), false], dy, checkpointer);
        register(gradients, [x, weight, None], found);
    }
}

#[derive(Debug)]
struct ConvWithBias;

impl Backward<Flex, 3> for ConvWithBias {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let dy = gradients.consume::<Flex>(&ops.node);
        let found = ops.state.gradients(parents.map(|parent| parent.is_some()), dy, checkpointer);
        register(gradients, parents, found);
    }
}
