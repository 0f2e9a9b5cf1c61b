//! Times the training step of the net of PyTorch's MNIST example (batch 64) and of CIFAR's ResNet-20 (batch 128), whole
//! and part by part.
//!
//! ```text
//! RAYON_NUM_THREADS=1 taskset -c 0 cargo bench -p ognivo-kernels --bench training_step -- [mnist|resnet20] [kernels|burn] [steps]
//! ```
//!
//! `burn` runs the same nets on Burn's own operations; `pytorch_step.py` beside this file is the same in PyTorch.
//! Prints milliseconds: wall and processor time, least and median over the steps, then the median processor time of
//! each part.

#[path = "training_step/nets.rs"]
mod nets;
#[path = "training_step/probe.rs"]
mod probe;

use std::{env, time::Instant};

use burn::{
    optim::{Adam, AdamConfig, AdamState, Optimizer},
    tensor::{Device, Gradients, Int, Tensor, activation::log_softmax},
};
use nets::{Mnist, Net, ResNet20};
use probe::probe;

#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

/// The operations that a net is built on.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Operations {
    Kernels,
    Burn,
}

/// A parameter with its state in the optimiser.
pub(crate) struct Parameter<const D: usize> {
    pub(crate) value: Tensor<D>,
    state: Option<AdamState<D>>,
}

impl<const D: usize> Parameter<D> {
    /// Values between plus and minus `scale`.
    pub(crate) fn new(shape: [usize; D], scale: f64, device: &Device) -> Self {
        Self { value: (formula(shape, device) * scale).require_grad(), state: None }
    }

    /// Equal values.
    pub(crate) fn full(shape: [usize; D], value: f64, device: &Device) -> Self {
        Self { value: Tensor::full(shape, value, device).require_grad(), state: None }
    }

    pub(crate) fn step(&mut self, adam: &Adam, gradients: &Gradients) {
        let gradient = self.value.grad(gradients).expect("the parameter's gradient");
        let device = self.value.device();
        let value = std::mem::replace(&mut self.value, Tensor::empty([0; D], &device)).inner();
        let (value, state) = adam.step(1e-3, value, gradient, self.state.take());
        (self.value, self.state) = (value.autodiff().require_grad(), state);
    }
}

/// Values in -1..1 without a pattern that a layer would notice.
pub(crate) fn formula<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f32).collect();
    Tensor::<1>::from_floats(values.as_slice(), device).reshape(shape) / 2f64.powi(23) - 1.0
}

fn step(net: &mut impl Net, adam: &Adam, x: &Tensor<4>, labels: &Tensor<2, Int>) -> Tensor<1> {
    probe::start();
    let logits = net.forward(x.clone());
    let loss = probe(-log_softmax(logits, 1).gather(1, labels.clone()).mean(), "loss");
    let gradients = loss.clone().backward();
    probe::note("Adam", "adam");
    net.update(adam, &gradients);
    loss
}

fn time(mut net: impl Net, name: &str, steps: usize) {
    let device = Device::flex().autodiff();
    let shape = net.batch();
    let x = formula(shape, &device);
    let labels = Tensor::<1, Int>::arange(0..shape[0] as i64, &device).remainder_scalar(10).reshape([shape[0], 1]);
    let adam = AdamConfig::new().with_epsilon(1e-8).build();
    for _ in 0..3 {
        step(&mut net, &adam, &x, &labels);
    }
    let (mut wall, mut processor, mut loss) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..steps {
        let start = (Instant::now(), probe::processor_ms());
        loss = step(&mut net, &adam, &x, &labels).into_scalar::<f32>();
        wall.push(start.0.elapsed().as_secs_f64() * 1e3);
        processor.push(probe::processor_ms() - start.1);
    }
    let show = |times: &mut Vec<f64>| {
        let median = probe::median(times);
        format!("least {:7.1}  median {median:7.1}", times[0])
    };
    println!("{name}: wall {}   processor {}   loss {loss}", show(&mut wall), show(&mut processor));
    probe::profile(steps, || {
        step(&mut net, &adam, &x, &labels);
    });
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let given = |name: &str| arguments.iter().any(|argument| argument == name);
    let steps = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(20);
    let device = Device::flex().autodiff();
    for (operations, name) in [(Operations::Kernels, "kernels"), (Operations::Burn, "burn")] {
        if given(name) || !(given("kernels") || given("burn")) {
            if given("mnist") || !given("resnet20") {
                time(Mnist::new(operations, &device), &format!("{name} mnist"), steps);
            }
            if given("resnet20") || !given("mnist") {
                time(ResNet20::new(operations, &device), &format!("{name} resnet20"), steps);
            }
        }
    }
}
