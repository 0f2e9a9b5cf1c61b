//! Convolutions of the networks we train, this crate's kernel beside Burn's operation: `cargo bench -p ognivo-kernels
//! --bench conv2d`. `RAYON_NUM_THREADS` sets the threads; pytorch_conv2d.py times the same shapes in PyTorch.

use burn::prelude::*;
use burn::tensor::{Distribution, Gradients, ops::ConvOptions};
use divan::Bencher;
use divan::counter::ItemsCount;
use ognivo_kernels::{conv2d, conv2d_reference};

fn main() {
    divan::main();
}

/// Name, batch, channels in, height = width, channels out, kernel, stride, padding, groups.
#[derive(Clone, Copy, Debug)]
struct Shape(&'static str, usize, usize, usize, usize, usize, usize, usize, usize);

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

const SHAPES: [Shape; 14] = [
    Shape("mnist 1-32", 64, 1, 28, 32, 3, 1, 0, 1),
    Shape("mnist 32-64", 64, 32, 26, 64, 3, 1, 0, 1),
    Shape("resnet 3-16", 128, 3, 32, 16, 3, 1, 1, 1),
    Shape("resnet 16-16", 128, 16, 32, 16, 3, 1, 1, 1),
    Shape("resnet 16-32 /2", 128, 16, 32, 32, 3, 2, 1, 1),
    Shape("resnet 32-32", 128, 32, 16, 32, 3, 1, 1, 1),
    Shape("resnet 32-64 /2", 128, 32, 16, 64, 3, 2, 1, 1),
    Shape("resnet 64-64", 128, 64, 8, 64, 3, 1, 1, 1),
    Shape("shortcut 16-32 /2", 128, 16, 32, 32, 1, 2, 0, 1),
    Shape("pointwise 64-64", 64, 64, 16, 64, 1, 1, 0, 1),
    Shape("lenet 6-16 5x5", 128, 6, 14, 16, 5, 1, 0, 1),
    Shape("depthwise 64", 64, 64, 16, 64, 3, 1, 1, 64),
    // Transposed convolutions are these with forward and gradient to the input exchanged.
    Shape("dcgan 1-64 /2", 64, 1, 28, 64, 4, 2, 1, 1),
    Shape("dcgan 64-128 /2", 64, 64, 14, 128, 4, 2, 1, 1),
];

trait Operation {
    fn run(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, options: ConvOptions<2>) -> Tensor<4>;
}

struct Kernel;

impl Operation for Kernel {
    fn run(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, options: ConvOptions<2>) -> Tensor<4> {
        conv2d(x, weight, Some(bias), options)
    }
}

struct Burn;

impl Operation for Burn {
    fn run(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, options: ConvOptions<2>) -> Tensor<4> {
        conv2d_reference(x, weight, Some(bias), options)
    }
}

/// Input, weight, bias and options; and the multiply-adds of one pass.
fn arguments(shape: &Shape, device: &Device) -> (Tensor<4>, Tensor<4>, Tensor<1>, ConvOptions<2>, usize) {
    let Shape(_, batch, channels_in, size, channels_out, kernel, stride, padding, groups) = *shape;
    let x = Tensor::random([batch, channels_in, size, size], Distribution::Default, device);
    let weight = Tensor::random([channels_out, channels_in / groups, kernel, kernel], Distribution::Default, device);
    let bias = Tensor::random([channels_out], Distribution::Default, device);
    let out = (size + 2 * padding - kernel) / stride + 1;
    let work = batch * channels_out * out * out * channels_in / groups * kernel * kernel;
    (x, weight, bias, ConvOptions::new([stride; 2], [padding; 2], [1, 1], groups), work)
}

#[divan::bench(types = [Kernel, Burn], args = SHAPES, sample_count = 20)]
fn forward<O: Operation>(bencher: Bencher, shape: &Shape) {
    let (x, w, b, options, work) = arguments(shape, &Device::flex());
    bencher.counter(ItemsCount::new(work)).bench_local(|| O::run(x.clone(), w.clone(), b.clone(), options.clone()));
}

#[divan::bench(types = [Kernel, Burn], args = SHAPES, sample_count = 20)]
fn to_input<O: Operation>(bencher: Bencher, shape: &Shape) {
    let (x, w, b, options, work) = arguments(shape, &Device::flex().autodiff());
    let x = x.require_grad();
    bencher
        .counter(ItemsCount::new(work))
        .with_inputs(|| O::run(x.clone(), w.clone(), b.clone(), options.clone()))
        .bench_local_values(|y| -> Gradients { y.backward() });
}

#[divan::bench(types = [Kernel, Burn], args = SHAPES, sample_count = 20)]
fn to_weight_and_bias<O: Operation>(bencher: Bencher, shape: &Shape) {
    let (x, w, b, options, work) = arguments(shape, &Device::flex().autodiff());
    let (w, b) = (w.require_grad(), b.require_grad());
    bencher
        .counter(ItemsCount::new(work))
        .with_inputs(|| O::run(x.clone(), w.clone(), b.clone(), options.clone()))
        .bench_local_values(|y| -> Gradients { y.backward() });
}
