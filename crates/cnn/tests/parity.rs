//! Whole networks against PyTorch (`reference/networks.py`): logits, loss, every gradient, running statistics, evaluation.

mod common;

use std::collections::BTreeMap;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData, Tolerance, activation::log_softmax};
use common::{CheckGradients, Digest, Fill, ramp, reference, tensors, training_device, values};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_core::train::optimizer::Optimizer;
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
    let x = ramp(case.shape, 1001, &Device::default());
    case.evaluated.check("evaluated", network.valid().forward(x), TOLERANCE);
    // No parameter on our side that PyTorch's lacks, and their order is the same.
    let names = tensors(&network).into_iter().map(|(name, _)| name).filter(|name| !name.contains("running_"));
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, case.gradients.keys().cloned().collect::<Vec<_>>());
}

#[derive(Deserialize)]
struct Losses {
    optimisers: BTreeMap<String, Vec<f64>>,
}

/// 20 steps of LeNet-5 under every optimiser: an error in a rule grows from step to step.
#[test]
fn twenty_steps_of_every_optimiser_are_pytorchs() {
    let device = training_device();
    let shape = [16, 1, 28, 28];
    let rules = [
        ("sgd", 0.05, serde_json::json!({"optimizer": "sgd"})),
        ("sgd-weight-decay", 0.02, serde_json::json!({"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.01})),
        ("momentum", 0.02, serde_json::json!({"optimizer": "sgd", "momentum": 0.9})),
        ("nesterov", 0.02, serde_json::json!({"optimizer": "sgd", "momentum": 0.9, "nesterov": true})),
        ("adagrad", 0.01, serde_json::json!({"optimizer": "adagrad"})),
        ("adadelta", 1.0, serde_json::json!({"optimizer": "adadelta"})),
        ("rmsprop", 0.001, serde_json::json!({"optimizer": "rmsprop"})),
        ("adam", 0.001, serde_json::json!({"optimizer": "adam"})),
        ("adamw", 0.001, serde_json::json!({"optimizer": "adamw"})),
    ];
    let expected = reference::<Losses>("networks.json").optimisers;
    assert_eq!(expected.len(), rules.len());
    for (name, learning_rate, rule) in rules {
        let mut network = network(serde_json::json!({"network": "lenet5"}), shape, &device);
        let mut optimizer = Optimizer::new(serde_json::from_value(rule).unwrap()).unwrap();
        // RMSprop's first step moves every weight by ten learning rates in the direction of its gradient, be it as small as rounding: on
        // other vector instructions the losses part after a dozen steps.
        let steps = if name == "rmsprop" { 10 } else { 20 };
        for (step, expected) in expected[name].iter().take(steps).enumerate() {
            let batch = step % 4;
            let loss = loss(network.forward(ramp(shape, 1000 + batch, &device)), batch);
            let found = f64::from(values(&loss)[0]);
            assert!(
                (found - expected).abs() <= TOLERANCE * expected,
                "{name}, step {step}: {found}, expected {expected}"
            );
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(learning_rate, network, gradients);
        }
    }
}

/// The passes that compute several layers at once, and those that show each, are the same function.
#[test]
fn watching_a_network_train_changes_nothing() {
    let device = training_device();
    for config in [
        serde_json::json!({"network": "resnet20"}),
        serde_json::json!({"network": "standard", "channels": [3, 4], "dense_dropout": 0.0}),
        serde_json::json!({"network": "standard", "channels": [3, 4], "norm": "none", "dense_dropout": 0.0}),
    ] {
        let shape = [4, 3, 8, 8];
        let [blind, watched] = [(); 2].map(|()| network(config.clone(), shape, &device));
        let x = ramp(shape, 1, &device);
        let expected = blind.forward(x.clone());
        let mut layers = 0;
        let found = watched.forward_watched(x, |_, _| layers += 1);
        found.to_data().assert_approx_eq::<f32>(&expected.to_data(), Tolerance::rel_abs(1e-5, 1e-5));
        assert_eq!(layers, blind.summary(InputShape { channels: 3, height: 8, width: 8 }).unwrap().layers.len());
        let [mut ours, mut theirs] = [common::Collect::default(), common::Collect::default()];
        blind.visit(&mut ours);
        watched.visit(&mut theirs);
        assert_eq!(ours.0.len(), theirs.0.len());
        assert!(
            ours.0.iter().zip(&theirs.0).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.0)),
            "running statistics"
        );
    }
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
