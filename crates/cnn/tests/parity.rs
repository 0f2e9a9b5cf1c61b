//! Whole networks against PyTorch (`reference/networks.py`): logits, loss, every gradient, running statistics, evaluation.

mod common;

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};
use common::{CheckGradients, Digest, Fill, ramp, reference, tensors, training_device, values};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use serde::Deserialize;

/// Single precision against double, relative.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Case {
    shape: [usize; 4],
    loss: f64,
    logits: Digest,
    gradients: BTreeMap<String, Digest>,
    running: BTreeMap<String, Digest>,
    evaluated: Digest,
}

fn case(name: &str) -> Case {
    let mut all: BTreeMap<String, serde_json::Value> = reference("networks.json");
    serde_json::from_value(all.remove(name).unwrap()).unwrap()
}

fn network(config: serde_json::Value, [_, channels, height, width]: [usize; 4], device: &Device) -> Network {
    let config: NetworkConfig = serde_json::from_value(config).unwrap();
    Fill::apply(config.init(InputShape { channels, height, width }, 10, device).unwrap())
}

/// Mean cross-entropy with the labels (7 i + 3 s) mod 10 of batch `s`.
fn loss(logits: Tensor<2>, s: usize) -> Tensor<1> {
    let batch = logits.dims()[0];
    let labels: Vec<i32> = (0..batch).map(|i| ((7 * i + 3 * s) % 10) as i32).collect();
    let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [batch, 1]), &logits.device());
    -log_softmax(logits, 1).gather(1, labels).mean()
}

fn check(name: &str, config: serde_json::Value) {
    let device = training_device();
    let case = case(name);
    let network = network(config, case.shape, &device);
    let x = ramp(case.shape, 1000, &device);
    let logits = network.forward(x);
    case.logits.check("logits", logits.clone(), TOLERANCE);
    let loss = loss(logits, 0);
    let found = f64::from(values(&loss)[0]);
    assert!((found - case.loss).abs() <= TOLERANCE * case.loss, "loss {found}, expected {}", case.loss);
    CheckGradients::run(&network, &loss.backward(), &case.gradients, TOLERANCE);
    common::CheckBuffers::run(&network, &case.running, TOLERANCE);
    let x = ramp(case.shape, 1001, &Device::flex());
    case.evaluated.check("evaluated", network.valid().forward(x), TOLERANCE);
    // No parameter on our side that PyTorch's lacks, and their order is the same.
    let names = tensors(&network).into_iter().map(|(name, _)| name).filter(|name| !name.contains("running_"));
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, case.gradients.keys().cloned().collect::<Vec<_>>());
}

#[test]
fn lenet5_is_pytorchs() {
    check("lenet5", serde_json::json!({"network": "lenet5"}));
}

#[test]
fn pytorch_mnist_is_pytorchs() {
    check("pytorch-mnist", serde_json::json!({"network": "pytorch-mnist", "dropout1": 0.0, "dropout2": 0.0}));
}

#[test]
fn resnet20_is_pytorchs() {
    check("resnet20", serde_json::json!({"network": "resnet20"}));
}

#[test]
fn resnet20_with_projections_is_pytorchs() {
    check("resnet20-b", serde_json::json!({"network": "resnet20", "shortcut": "b"}));
}
