//! The ImageNet networks against torchvision's (`reference/backbones.py`): parameter counts, logits, outputs of stages, a training step,
//! names.

mod common;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};
use common::{Digest, Fill, reference, scatter, training_device, values};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_core::weights::{shapes_of, tensors_of};
use serde::Deserialize;
use serde_json::{Value, json};

/// Single precision against double, relative.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Reference {
    parameters: BTreeMap<String, u64>,
    evaluated: BTreeMap<String, Evaluated>,
    cifar: BTreeMap<String, Evaluated>,
    trained: BTreeMap<String, Trained>,
}

#[derive(Deserialize)]
struct Evaluated {
    /// Logits by the side of the pictures.
    sizes: BTreeMap<String, Digest>,
    layers: BTreeMap<String, Digest>,
    parameters: u64,
}

#[derive(Deserialize)]
struct Trained {
    loss: f64,
    logits: Digest,
    /// Norms.
    gradients: BTreeMap<String, f64>,
    /// How far these move, relative, when pixels move by a millionth.
    sensitivity: f64,
    running: BTreeMap<String, f64>,
}

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| reference("backbones.json"));

/// The configuration of a network under the scripts' name, with `more` settings.
fn config(name: &str, more: Value) -> NetworkConfig {
    let (network, setting) = match name {
        "googlenet-paper" => ("googlenet", json!({"form": "paper"})),
        name => match name.strip_suffix("-bn") {
            Some(network) => (network, json!({"batch_norm": true})),
            None => (name, json!({})),
        },
    };
    let mut value = json!({ "network": network });
    for more in [setting, more] {
        for (key, setting) in more.as_object().unwrap() {
            value[key] = setting.clone();
        }
    }
    serde_json::from_value(value).unwrap()
}

fn square(side: usize) -> InputShape {
    InputShape { channels: 3, height: side, width: side }
}

#[test]
fn parameters_are_as_many_as_published() {
    for (name, &expected) in &REFERENCE.parameters {
        let summary = config(name, json!({})).summary(square(224), 1000).unwrap();
        assert_eq!(summary.parameters(), expected, "{name}");
    }
    // Each network of this workspace that is meant for ImageNet is among them.
    let counted: Vec<_> = REFERENCE.parameters.keys().map(|name| config(name, json!({})).name()).collect();
    for name in NetworkConfig::NAMES.iter().skip(7) {
        assert!(counted.contains(name), "{name}");
    }
}

fn evaluate(name: &str, case: &Evaluated, more: Value, classes: usize) {
    let device = Device::default();
    let config = config(name, more);
    // A network in which dense layers do not fix the size of the pictures is the same at every size.
    let (first, _) = case.sizes.iter().max_by_key(|(size, _)| *size == "64").unwrap();
    let network = Fill::apply_to_all(config.init(square(first.parse().unwrap()), classes, &device).unwrap());
    let parameters: usize = tensors_of(&network)
        .iter()
        .filter(|(name, _)| !name.contains("running_"))
        .map(|(_, data)| data.shape().num_elements())
        .sum();
    assert_eq!(parameters as u64, case.parameters, "{name}");
    for (size, logits) in &case.sizes {
        let side = size.parse().unwrap();
        let x = scatter([if side < 224 { 2 } else { 1 }, 3, side, side], 1000, &device);
        logits.check(&format!("{name}, logits at {side}"), network.forward(x.clone()), TOLERANCE);
        if size != first {
            continue;
        }
        let mut unseen = case.layers.clone();
        let watched = network.forward_watched(x, |layer, output| {
            if let Some(expected) = unseen.remove(layer) {
                expected.check(&format!("{name}, {layer}"), output, TOLERANCE);
            }
        });
        logits.check(&format!("{name}, watched"), watched, TOLERANCE);
        assert!(unseen.is_empty(), "{name} has no {:?}", unseen.keys());
    }
}

/// Dense layers of 64 where nearly all the parameters would be in them.
fn hidden(name: &str) -> Value {
    if ["alexnet", "zfnet", "vgg"].iter().any(|wide| name.starts_with(wide)) {
        json!({"hidden": 64})
    } else {
        json!({})
    }
}

fn evaluate_all(group: &[&str]) {
    for name in group {
        evaluate(name, &REFERENCE.evaluated[*name], hidden(name), 1000);
    }
}

const ALEXNETS: [&str; 3] = ["alexnet", "alexnet-2012", "zfnet"];
const VGGS: [&str; 4] = ["vgg11", "vgg13-bn", "vgg16", "vgg19-bn"];
const RESNETS: [&str; 5] = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"];
const OTHERS: [&str; 6] = ["googlenet", "googlenet-paper", "se-resnet18", "se-resnet50", "squeezenet", "mobilenet-v2"];

#[test]
fn alexnets_are_torchvisions() {
    evaluate_all(&ALEXNETS);
}

#[test]
fn vggs_are_torchvisions() {
    evaluate_all(&VGGS);
}

#[test]
fn resnets_are_torchvisions() {
    evaluate_all(&RESNETS);
}

#[test]
fn the_others_are_torchvisions() {
    evaluate_all(&OTHERS);
    let tested = ALEXNETS.len() + VGGS.len() + RESNETS.len() + OTHERS.len();
    assert_eq!(tested, REFERENCE.evaluated.len(), "every network of the reference is compared");
}

#[test]
fn variants_for_small_pictures_are_torchvisions_with_another_stem() {
    for (name, case) in &REFERENCE.cifar {
        evaluate(name, case, json!({"stem": "cifar"}), 10);
    }
}

/// One step: loss, every gradient, every running statistic.
#[test]
fn a_training_step_is_torchvisions() {
    let device = training_device();
    for (name, case) in &REFERENCE.trained {
        let more = if name.starts_with("resnet") {
            json!({"stem": "cifar"})
        } else {
            json!({"stem": "cifar", "dropout": 0.0})
        };
        let network = Fill::apply_to_all(config(name, more).init(square(32), 10, &device).unwrap());
        let logits = network.forward(scatter([4, 3, 32, 32], 1000, &device));
        case.logits.check(&format!("{name}, logits"), logits.clone(), TOLERANCE);
        let labels = Tensor::<2, Int>::from_data(TensorData::new(vec![0_i32, 7, 4, 1], [4, 1]), &device);
        let loss = -log_softmax(logits, 1).gather(1, labels).mean();
        let found = f64::from(values(&loss)[0]);
        assert!((found - case.loss).abs() <= TOLERANCE * case.loss, "{name}: loss {found}, expected {}", case.loss);
        check_gradients(name, &network, &loss.backward(), case);
        let tensors = tensors_of(&network);
        assert_eq!(tensors.len(), case.gradients.len() + case.running.len(), "{name}");
        for (tensor, &expected) in &case.running {
            let data = tensors[tensor].clone().try_into_vec_as::<f32>().unwrap();
            let norm = data.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            assert!((norm - expected).abs() <= TOLERANCE * expected, "{name}, {tensor}: {norm}, expected {expected}");
        }
    }
}

/// Gradients are as near as rounding allows: a network of many maxima and corners may be sensitive to the last digit of its input.
fn check_gradients(name: &str, network: &Network, gradients: &burn::tensor::Gradients, case: &Trained) {
    let largest = case.gradients.values().fold(0.0, |largest: f64, &norm| largest.max(norm));
    for (parameter, norm) in common::gradient_norms(network, gradients) {
        let expected = case.gradients[&parameter];
        // What stands before a normalisation has next to no gradient of its own: there rounding is all.
        let allowed = TOLERANCE.max(2.0 * case.sensitivity) * expected.max(1e-3 * largest);
        assert!((norm - expected).abs() <= allowed, "{name}, {parameter}: {norm}, expected {expected}");
    }
}

/// Channels are a part of the published ones, and what is absurd is refused.
#[test]
fn alexnets_can_be_narrow() {
    for (name, first) in [("alexnet", "features.0.weight"), ("alexnet-2012", "conv1.weight"), ("zfnet", "conv1.weight")]
    {
        let narrow = |width: f64| config(name, json!({ "stem": "cifar", "width": width, "hidden": 32 }));
        let full = narrow(1.0).backbone_shapes(square(32), 5).unwrap();
        let quarter = narrow(0.25).backbone_shapes(square(32), 5).unwrap();
        for (tensor, shape) in full.iter().filter(|(_, shape)| shape.len() == 4) {
            assert_eq!(quarter[tensor][0] * 4, shape[0], "{name}: {tensor}");
        }
        assert_eq!(narrow(1e-9).backbone_shapes(square(32), 5).unwrap()[first][0], 4);
        for width in [1e300, f64::NAN] {
            let mut absurd = narrow(1.0);
            if let NetworkConfig::Alexnet(c) | NetworkConfig::Alexnet2012(c) | NetworkConfig::Zfnet(c) = &mut absurd {
                c.width = width;
            }
            assert!(absurd.backbone_shapes(square(32), 5).is_err(), "{name} {width}");
        }
    }
}

/// Stages follow each other without a gap, and their layers' names are those of the parameters.
#[test]
fn stages_make_up_the_network() {
    let device = Device::default();
    for name in ["resnet18", "squeezenet", "mobilenet-v2", "googlenet", "resnet20"] {
        let network = config(name, json!({})).init(square(64), 7, &device).unwrap();
        let Network::Backbone(backbone) = &network else { unreachable!() };
        let x = scatter([2, 3, 64, 64], 1, &device);
        let count = backbone.stages().len();
        let middle = backbone.forward_stages(0..count / 2, x.clone());
        let whole = backbone.forward_stages(count / 2..count, middle);
        assert_eq!(values(&whole), values(&network.forward(x.clone())), "{name}");
        assert_eq!(backbone.features(x).dims()[0], 2);
        assert_eq!(config(name, json!({})).backbone_shapes(square(64), 7).unwrap(), shapes_of(&network), "{name}");
        let begins: Vec<_> = backbone.stages().iter().flat_map(|stage| &stage.layers).collect();
        for tensor in tensors_of(&network).keys() {
            let owners =
                begins.iter().filter(|layer| tensor.strip_prefix(**layer).is_some_and(|rest| rest.starts_with('.')));
            assert!(owners.count() >= 1, "{name}: {tensor}");
        }
        assert_eq!(network.classes(), 7);
        assert!(backbone.stage("stem").is_ok_and(|stage| stage == 0) == (name != "googlenet"), "{name}");
        assert!(backbone.stage("layer9").unwrap_err().to_string().contains("no layer `layer9`"));
        assert_eq!(network.valid().classes(), 7);
    }
}
