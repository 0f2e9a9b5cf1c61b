//! One Adam step over the parameters of PyTorch's MNIST example network (1 199 882 numbers in 8 tensors): the fused
//! pass, the same rule in tensor operations, and Burn's own Adam. `optimizer_torch.py` times torch.optim.Adam.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p ognivo-core --bench optimizer`

use std::cell::RefCell;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use divan::Bencher;
use ognivo_core::train::optimizer::{Optimizer, OptimizerConfig};

#[derive(Module, Debug)]
struct MnistNet {
    convolutions: Vec<Param<Tensor<4>>>,
    dense: Vec<Param<Tensor<2>>>,
    biases: Vec<Param<Tensor<1>>>,
}

fn net(device: &Device) -> MnistNet {
    fn parameters<const D: usize>(shapes: &[[usize; D]], device: &Device) -> Vec<Param<Tensor<D>>> {
        let random = |shape: &[usize; D]| Tensor::random(*shape, Distribution::Normal(0.0, 0.1), device);
        shapes.iter().map(|shape| Param::from_tensor(random(shape))).collect()
    }
    MnistNet {
        convolutions: parameters(&[[32, 1, 3, 3], [64, 32, 3, 3]], device),
        dense: parameters(&[[9216, 128], [128, 10]], device),
        biases: parameters(&[[32], [64], [128], [10]], device),
    }
}

/// Gradients that no step changes: the same tensors every time.
fn gradients(net: &MnistNet) -> GradientsParams {
    let mut gradients = GradientsParams::new();
    net.convolutions.iter().for_each(|p| gradients.register(p.id, p.val().inner() * 0.5));
    net.dense.iter().for_each(|p| gradients.register(p.id, p.val().inner() * 0.5));
    net.biases.iter().for_each(|p| gradients.register(p.id, p.val().inner() * 0.5));
    gradients
}

/// Times `step` on a network with fresh gradients, made outside the measured time.
fn bench(bencher: Bencher, mut step: impl FnMut(MnistNet, GradientsParams) -> MnistNet) {
    let model = RefCell::new(Some(net(&Device::flex().autodiff())));
    bencher.with_inputs(|| gradients(model.borrow().as_ref().unwrap())).bench_local_values(|gradients| {
        let trained = step(model.take().unwrap(), gradients);
        model.replace(Some(trained));
    });
}

#[divan::bench]
fn fused(bencher: Bencher) {
    let mut optimizer = Optimizer::new(OptimizerConfig::default()).unwrap();
    bench(bencher, move |model, gradients| optimizer.step(1e-3, model, gradients));
}

#[divan::bench]
fn tensor_operations(bencher: Bencher) {
    let mut optimizer = Optimizer::new(OptimizerConfig::default()).unwrap().with_tensor_operations();
    bench(bencher, move |model, gradients| optimizer.step(1e-3, model, gradients));
}

#[divan::bench]
fn burns_adam(bencher: Bencher) {
    let mut optimizer = burn::optim::AdamConfig::new().with_epsilon(1e-8).init();
    bench(bencher, move |model, gradients| optimizer.step(1e-3, model, gradients));
}

fn main() {
    divan::main();
}
