//! Fully connected layers of the networks we train: `cargo bench -p ognivo-kernels --bench linear`. `RAYON_NUM_THREADS`
//! sets the threads; pytorch_conv2d.py times the same shapes in PyTorch.

use burn::prelude::*;
use burn::tensor::{Distribution, Gradients};
use divan::Bencher;
use divan::counter::ItemsCount;
use ognivo_kernels::linear;

fn main() {
    divan::main();
}

/// Batch, inputs, outputs.
const SHAPES: [[usize; 3]; 3] = [[64, 9216, 128], [64, 128, 10], [128, 64, 10]];

fn arguments([batch, inputs, outputs]: [usize; 3], device: &Device) -> (Tensor<2>, Tensor<2>, Tensor<1>, ItemsCount) {
    let x = Tensor::random([batch, inputs], Distribution::Default, device);
    let weight = Tensor::random([inputs, outputs], Distribution::Default, device);
    (x, weight, Tensor::random([outputs], Distribution::Default, device), ItemsCount::new(batch * inputs * outputs))
}

#[divan::bench(args = SHAPES)]
fn forward(bencher: Bencher, shape: [usize; 3]) {
    let (x, w, b, work) = arguments(shape, &Device::flex());
    bencher.counter(work).bench_local(|| linear(x.clone(), w.clone(), Some(b.clone())));
}

#[divan::bench(args = SHAPES)]
fn to_input(bencher: Bencher, shape: [usize; 3]) {
    let (x, w, b, work) = arguments(shape, &Device::flex().autodiff());
    let x = x.require_grad();
    bencher
        .counter(work)
        .with_inputs(|| linear(x.clone(), w.clone(), Some(b.clone())))
        .bench_local_values(|y| -> Gradients { y.backward() });
}

#[divan::bench(args = SHAPES)]
fn to_weight_and_bias(bencher: Bencher, shape: [usize; 3]) {
    let (x, w, b, work) = arguments(shape, &Device::flex().autodiff());
    let (w, b) = (w.require_grad(), b.require_grad());
    bencher
        .counter(work)
        .with_inputs(|| linear(x.clone(), w.clone(), Some(b.clone())))
        .bench_local_values(|y| -> Gradients { y.backward() });
}
