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
    tensor::{Tensor, ops::ConvTransposeOptions},
};

use super::super::{
    correlate::{self, Finish},
    weight_gradient::weight_gradient,
};
use super::{Geometry, geometry};
use crate::{
    flex::{Values, register, tensor},
    simd::Level,
};

/// The transposed convolution of tensors whose sizes fit. Without a bias one of zeros stands for it, of which no gradient is asked.
pub(super) fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvTransposeOptions<2>,
) -> Tensor<4> {
    let channels = weight.dims()[1] * options.groups;
    let bias = bias.unwrap_or_else(|| Tensor::zeros([channels], &x.device()));
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::kernel_conv_transpose2d(x, weight, bias, options))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait ConvTransposeKernel: Backend {
    fn kernel_conv_transpose2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvTransposeOptions<2>,
    ) -> FloatTensor<Self>;
}

fn sizes(x: &FlexTensor, weight: &FlexTensor, options: &ConvTransposeOptions<2>) -> Geometry {
    geometry(x.shape().dims(), weight.shape().dims(), options).expect("sizes checked by the public function")
}

fn forward(x: &FlexTensor, weight: &FlexTensor, bias: FlexTensor, options: &ConvTransposeOptions<2>) -> FlexTensor {
    let g = sizes(x, weight, options);
    let [x, weight, bias] = [x.clone(), weight.clone(), bias].map(Values::new);
    let y = correlate::input_gradient(Level::detect(), &g, weight.as_slice(), x.as_slice(), Some(bias.as_slice()));
    tensor(y, [g.batch, g.channels_in, g.input[0], g.input[1]])
}

impl ConvTransposeKernel for Flex {
    fn kernel_conv_transpose2d(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        options: ConvTransposeOptions<2>,
    ) -> FlexTensor {
        forward(&x, &weight, bias, &options)
    }
}

impl<C: CheckpointStrategy> ConvTransposeKernel for Autodiff<Flex, C> {
    fn kernel_conv_transpose2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvTransposeOptions<2>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let y = forward(&x, &weight, bias.into_primitive(), &options);
        match ConvTranspose.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, weight, options), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct ConvTranspose;

impl Backward<Flex, 3> for ConvTranspose {
    type State = (FlexTensor, FlexTensor, ConvTransposeOptions<2>);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let (x, weight, options) = ops.state;
        let g = sizes(&x, &weight, &options);
        let (x_shape, weight_shape) = (x.shape(), weight.shape());
        let level = Level::detect();
        let dy = Values::new(gradients.consume::<Flex>(&ops.node));
        let to_x = parents[0].map(|_| {
            let weight = Values::new(weight);
            tensor(correlate::forward(level, &g, dy.as_slice(), weight.as_slice(), Finish::default()), x_shape)
        });
        let to_weight = parents[1].map(|_| {
            let (dw, _) = weight_gradient(level, &g, dy.as_slice(), Values::new(x).as_slice());
            tensor(dw, weight_shape)
        });
        let to_bias = parents[2].map(|_| tensor(of_channels(&g, dy.as_slice()), [g.channels_in]));
        register(gradients, parents, [to_x, to_weight, to_bias]);
    }
}

/// The sum of each channel over batch and pixels.
fn of_channels(g: &Geometry, dy: &[f32]) -> Vec<f32> {
    let plane = g.input[0] * g.input[1];
    let mut totals = vec![0.0f64; g.channels_in];
    for (index, plane) in dy.chunks_exact(plane).enumerate() {
        let mut lanes = [0.0; crate::sums::LANES];
        crate::sums::add(&mut lanes, plane);
        totals[index % g.channels_in] += crate::sums::fold(lanes);
    }
    totals.into_iter().map(|total| total as f32).collect()
}
