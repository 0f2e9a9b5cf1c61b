//! The operations as the CPU backend runs and differentiates them.

use std::sync::Arc;

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind, unary},
        },
        backend_extension,
        flex::FlexTensor,
        tensor::FloatTensor,
    },
    tensor::{Shape, Tensor},
};

use super::{
    average,
    maximum::{self, Places},
    window::{Side, Window},
};
use crate::flex::{Values, tensor};

pub(super) fn max_pool2d(
    x: Tensor<4>,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    ceil_mode: bool,
    rectify: bool,
) -> Tensor<4> {
    let x = x.into_dispatch();
    Tensor::from_dispatch(Dispatch::kernel_max_pool2d(x, kernel, stride, padding, ceil_mode, rectify))
}

pub(super) fn avg_pool2d(
    x: Tensor<4>,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    count_padding: bool,
    ceil_mode: bool,
) -> Tensor<4> {
    let x = x.into_dispatch();
    Tensor::from_dispatch(Dispatch::kernel_avg_pool2d(x, kernel, stride, padding, count_padding, ceil_mode))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait PoolKernel: Backend {
    fn kernel_max_pool2d(
        x: FloatTensor<Self>,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        ceil_mode: bool,
        rectify: bool,
    ) -> FloatTensor<Self>;

    fn kernel_avg_pool2d(
        x: FloatTensor<Self>,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        count_padding: bool,
        ceil_mode: bool,
    ) -> FloatTensor<Self>;
}

/// A window over the planes of a tensor `[batch, channels, height, width]`.
#[derive(Clone, Debug)]
struct Pooling {
    window: Window,
    batch: usize,
    channels: usize,
}

impl Pooling {
    fn new(shape: &Shape, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], ceil_mode: bool) -> Self {
        let [batch, channels, height, width] = shape.dims();
        let rows = Side::new(height, kernel[0], stride[0], padding[0], ceil_mode);
        let columns = Side::new(width, kernel[1], stride[1], padding[1], ceil_mode);
        Self { window: Window { planes: batch * channels, rows, columns }, batch, channels }
    }

    fn output(&self, values: Vec<f32>) -> FlexTensor {
        let Window { rows, columns, .. } = self.window;
        tensor(values, [self.batch, self.channels, rows.output, columns.output])
    }

    fn input(&self, values: Vec<f32>) -> FlexTensor {
        let Window { rows, columns, .. } = self.window;
        tensor(values, [self.batch, self.channels, rows.input, columns.input])
    }

    fn max_pool(&self, x: FlexTensor, rectify: bool) -> (FlexTensor, Places) {
        let (y, places) = maximum::forward(Values::new(x).as_slice(), &self.window, rectify);
        (self.output(y), places)
    }
}

impl PoolKernel for Flex {
    fn kernel_max_pool2d(
        x: FlexTensor,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        ceil_mode: bool,
        rectify: bool,
    ) -> FlexTensor {
        Pooling::new(x.layout().shape(), kernel, stride, padding, ceil_mode).max_pool(x, rectify).0
    }

    fn kernel_avg_pool2d(
        x: FlexTensor,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        count_padding: bool,
        ceil_mode: bool,
    ) -> FlexTensor {
        let pooling = Pooling::new(x.layout().shape(), kernel, stride, padding, ceil_mode);
        pooling.output(average::forward(Values::new(x).as_slice(), &pooling.window, count_padding))
    }
}

impl<C: CheckpointStrategy> PoolKernel for Autodiff<Flex, C> {
    fn kernel_max_pool2d(
        x: FloatTensor<Self>,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        ceil_mode: bool,
        rectify: bool,
    ) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let pooling = Pooling::new(x.layout().shape(), kernel, stride, padding, ceil_mode);
        let (y, places) = pooling.max_pool(x, rectify);
        match MaxPool.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((pooling, Arc::new(places)), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn kernel_avg_pool2d(
        x: FloatTensor<Self>,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        count_padding: bool,
        ceil_mode: bool,
    ) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let pooling = Pooling::new(x.layout().shape(), kernel, stride, padding, ceil_mode);
        let y = Flex::kernel_avg_pool2d(x, kernel, stride, padding, count_padding, ceil_mode);
        match AveragePool.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((pooling, count_padding), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct MaxPool;

impl Backward<Flex, 1> for MaxPool {
    type State = (Pooling, Arc<Places>);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (pooling, places) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| {
            pooling.input(maximum::backward(Values::new(gradient).as_slice(), &places, &pooling.window))
        });
    }
}

#[derive(Debug)]
struct AveragePool;

impl Backward<Flex, 1> for AveragePool {
    type State = (Pooling, bool);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (pooling, count_padding) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| {
            pooling.input(average::backward(Values::new(gradient).as_slice(), &pooling.window, count_padding))
        });
    }
}
