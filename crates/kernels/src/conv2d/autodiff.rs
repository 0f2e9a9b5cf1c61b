//! The operation on Burn's CPU backend and its backward pass.

use super::geometry::Geometry;
use super::{forward, input_gradient, weight_gradient};
use crate::flex::{elements, tensor};
use crate::simd::Level;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::autodiff::{Autodiff, NodeId};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::ops::ConvOptions;

/// Convolution of `f32` tensors whose sizes fit.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Convolution: Backend {
    fn convolve(x: FloatTensor<Self>, weight: FloatTensor<Self>, options: ConvOptions<2>) -> FloatTensor<Self>;
    fn convolve_with_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;
}

/// The gradients of [`Convolution`] for the gradient `dy` of its result.
pub(super) trait ConvolutionGradient: Convolution {
    fn input_gradient(
        x: [usize; 4],
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: &ConvOptions<2>,
    ) -> FloatTensor<Self>;
    /// To the weight and to the bias.
    fn weight_gradient(
        x: FloatTensor<Self>,
        weight: [usize; 4],
        dy: FloatTensor<Self>,
        options: &ConvOptions<2>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

fn geometry(x: [usize; 4], weight: [usize; 4], options: &ConvOptions<2>) -> Geometry {
    Geometry::new(x, weight, options).expect("sizes checked by the public function")
}

fn convolve(x: FlexTensor, weight: FlexTensor, bias: Option<FlexTensor>, options: &ConvOptions<2>) -> FlexTensor {
    let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.map(|b| b.to_contiguous()));
    let g = geometry(x.shape().dims(), weight.shape().dims(), options);
    let y = forward(Level::detect(), &g, elements(&x), elements(&weight), bias.as_ref().map(elements));
    tensor(y, [g.batch, g.channels_out, g.output[0], g.output[1]])
}

impl Convolution for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, options: ConvOptions<2>) -> FlexTensor {
        convolve(x, weight, None, &options)
    }

    fn convolve_with_bias(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, options: ConvOptions<2>) -> FlexTensor {
        convolve(x, weight, Some(bias), &options)
    }
}

impl ConvolutionGradient for Flex {
    fn input_gradient(x: [usize; 4], weight: FlexTensor, dy: FlexTensor, options: &ConvOptions<2>) -> FlexTensor {
        let (weight, dy) = (weight.to_contiguous(), dy.to_contiguous());
        let g = geometry(x, weight.shape().dims(), options);
        tensor(input_gradient(Level::detect(), &g, elements(&weight), elements(&dy)), x)
    }

    fn weight_gradient(
        x: FlexTensor,
        weight: [usize; 4],
        dy: FlexTensor,
        options: &ConvOptions<2>,
    ) -> (FlexTensor, FlexTensor) {
        let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
        let g = geometry(x.shape().dims(), weight, options);
        let (dw, db) = weight_gradient(Level::detect(), &g, elements(&x), elements(&dy));
        (tensor(dw, weight), tensor(db, [g.channels_out]))
    }
}

impl<B: ConvolutionGradient, C: CheckpointStrategy> Convolution for Autodiff<B, C> {
    fn convolve(x: FloatTensor<Self>, weight: FloatTensor<Self>, options: ConvOptions<2>) -> FloatTensor<Self> {
        let shapes = (x.shape().dims(), weight.shape().dims());
        match WithoutBias.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let nodes = (prep.checkpoint(&x), prep.checkpoint(&weight));
                let state = State { nodes, shapes, options: options.clone() };
                prep.finish(state, B::convolve(x.into_primitive(), weight.into_primitive(), options))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve(x.into_primitive(), weight.into_primitive(), options)),
        }
    }

    fn convolve_with_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let shapes = (x.shape().dims(), weight.shape().dims());
        let run = |x: Self::FloatTensorPrimitive,
                   weight: Self::FloatTensorPrimitive,
                   bias: Self::FloatTensorPrimitive,
                   options| {
            B::convolve_with_bias(x.into_primitive(), weight.into_primitive(), bias.into_primitive(), options)
        };
        match WithBias.prepare::<C>([x.node(), weight.node(), bias.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let nodes = (prep.checkpoint(&x), prep.checkpoint(&weight));
                let state = State { nodes, shapes, options: options.clone() };
                prep.finish(state, run(x, weight, bias, options))
            }
            OpsKind::UnTracked(prep) => prep.finish(run(x, weight, bias, options)),
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
    /// Registers the gradients of the parents that are tracked.
    fn backward<B: ConvolutionGradient>(
        self,
        parents: [Option<NodeId>; 3],
        dy: FloatTensor<B>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let x: FloatTensor<B> = checkpointer.retrieve_node_output(self.nodes.0);
        let weight: FloatTensor<B> = checkpointer.retrieve_node_output(self.nodes.1);
        let [to_x, to_weight, to_bias] = parents;
        if let Some(node) = to_x {
            grads.register::<B>(node, B::input_gradient(self.shapes.0, weight, dy.clone(), &self.options));
        }
        if to_weight.is_some() || to_bias.is_some() {
            let (dw, db) = B::weight_gradient(x, self.shapes.1, dy, &self.options);
            if let Some(node) = to_weight {
                grads.register::<B>(node, dw);
            }
            if let Some(node) = to_bias {
                grads.register::<B>(node, db);
            }
        }
    }
}

#[derive(Debug)]
struct WithBias;

impl<B: ConvolutionGradient> Backward<B, 3> for WithBias {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        ops.state.backward::<B>(ops.parents.map(|p| p.map(|p| p.id)), dy, grads, checkpointer);
    }
}

#[derive(Debug)]
struct WithoutBias;

impl<B: ConvolutionGradient> Backward<B, 2> for WithoutBias {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let [x, weight] = ops.parents.map(|p| p.map(|p| p.id));
        ops.state.backward::<B>([x, weight, None], dy, grads, checkpointer);
    }
}
