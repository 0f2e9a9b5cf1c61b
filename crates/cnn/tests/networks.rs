//! Configurations, summaries and inspection of the networks.

mod common;

use burn::tensor::{Device, Tensor};
use common::{ramp, tensor, tensors, training_device, values};
use ognivo_cnn::image::inspect::{ReceptiveField, Rectangle, first_layer_filters, unit_activations};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use proptest::prelude::*;
use serde_json::json;

const MNIST: InputShape = InputShape { channels: 1, height: 28, width: 28 };
const CIFAR: InputShape = InputShape { channels: 3, height: 32, width: 32 };
const PHOTOGRAPH: InputShape = InputShape { channels: 3, height: 64, width: 67 };
const DIGITS: InputShape = InputShape { channels: 1, height: 8, width: 8 };

fn config(value: serde_json::Value) -> NetworkConfig {
    serde_json::from_value(value).unwrap()
}

/// Every network with settings that between them use every layer.
fn zoo() -> Vec<(serde_json::Value, InputShape)> {
    let odd = InputShape { channels: 2, height: 19, width: 23 };
    vec![
        (json!({"network": "standard"}), MNIST),
        (json!({"network": "standard"}), DIGITS),
        (
            json!({"network": "standard", "channels": [4, 5, 6], "kernel": 5, "boundary": "wrap", "norm": "lrn", "activation": "elu",
                "dropout": 0.1, "pooling": "l2", "pool_size": 3, "pool_every": 2, "edge": "keep", "dense": [7, 8],
                "dense_dropout": 0.5, "initialisation": "he"}),
            odd,
        ),
        (
            json!({"network": "standard", "channels": [3], "norm": "none", "pooling": "none", "dense": [], "boundary": "valid"}),
            DIGITS,
        ),
        (json!({"network": "standard", "channels": [], "dense": [5], "dense_dropout": 0.0}), DIGITS),
        (json!({"network": "lenet5"}), MNIST),
        (json!({"network": "lenet5", "activation": "lecun-tanh", "pooling": "average", "boundary": "valid"}), CIFAR),
        (json!({"network": "pytorch-mnist"}), MNIST),
        (json!({"network": "resnet20"}), CIFAR),
        (json!({"network": "resnet20", "shortcut": "b"}), odd),
        (json!({"network": "resnet32"}), DIGITS),
        (json!({"network": "resnet44", "shortcut": "b"}), DIGITS),
        (json!({"network": "resnet56"}), DIGITS),
        (json!({"network": "alexnet", "stem": "cifar", "hidden": 9}), MNIST),
        (json!({"network": "alexnet-2012", "hidden": 9}), PHOTOGRAPH),
        (json!({"network": "zfnet", "hidden": 9}), PHOTOGRAPH),
        (json!({"network": "zfnet", "stem": "cifar", "hidden": 9}), odd),
        (json!({"network": "vgg11", "stem": "cifar", "hidden": 9}), MNIST),
        (json!({"network": "vgg13", "batch_norm": true, "hidden": 9}), CIFAR),
        (json!({"network": "googlenet", "stem": "cifar"}), odd),
        (json!({"network": "googlenet", "form": "paper"}), CIFAR),
        (json!({"network": "resnet18"}), CIFAR),
        (json!({"network": "resnet50", "stem": "cifar"}), DIGITS),
        (json!({"network": "se-resnet18", "stem": "cifar"}), odd),
        (json!({"network": "squeezenet"}), CIFAR),
        (json!({"network": "squeezenet", "stem": "cifar"}), odd),
        (json!({"network": "mobilenet-v2"}), CIFAR),
        (json!({"network": "mobilenet-v2", "stem": "cifar"}), DIGITS),
    ]
}

#[test]
fn summaries_tell_what_a_forward_pass_shows() {
    let device = Device::default();
    for (value, input) in zoo() {
        let config = config(value);
        let network = config.init(input, 4, &device).unwrap();
        assert_eq!(network.config(), config);
        assert_eq!(network.classes(), 4);
        let summary = network.summary(input).unwrap();
        assert_eq!(summary, config.summary(input, 4).unwrap());
        let expected: Vec<_> = summary.layers.iter().map(|layer| (layer.name.clone(), layer.output)).collect();
        let mut found = Vec::new();
        let x = ramp([2, input.channels, input.height, input.width], 1, &device);
        let logits = network.forward_watched(x.clone(), |name, output| {
            let [_, channels, height, width] = output.dims();
            found.push((name.to_string(), [channels, height, width]));
        });
        assert_eq!(found, expected, "{config:?}");
        assert_eq!(logits.dims(), [2, 4]);
        // Unwatched, several layers are one pass, which rounds otherwise.
        let (whole, watched) = (values(&network.forward(x)), values(&logits));
        let scale = watched.iter().fold(1f32, |most, value| most.max(value.abs()));
        assert!(whole.iter().zip(&watched).all(|(a, b)| (a - b).abs() < 1e-5 * scale), "{whole:?} {watched:?}");

        // Layer by layer the parameters are those of the tensors whose names begin with the layer's.
        for layer in &summary.layers {
            let begin = format!("{}.", layer.name);
            let own = tensors(&network)
                .into_iter()
                .filter(|(name, _)| name.strip_prefix(&begin).is_some_and(|rest| rest == "weight" || rest == "bias"));
            let count: usize = own.map(|(_, shape)| shape.iter().product::<usize>()).sum();
            assert_eq!(layer.parameters, count as u64, "{}", layer.name);
        }
    }
}

#[test]
fn totals_are_the_published_ones() {
    let total = |value, input| {
        let summary = config(value).summary(input, 10).unwrap();
        (summary.parameters(), summary.multiply_adds())
    };
    // LeNet-5 by hand: 5*5*6*28*28 + 5*5*6*16*10*10 + 400*120 + 120*84 + 84*10.
    assert_eq!(total(json!({"network": "lenet5"}), MNIST), (61_706, 117_600 + 240_000 + 48_000 + 10_080 + 840));
    assert_eq!(total(json!({"network": "pytorch-mnist"}), MNIST).0, 1_199_882);
    assert_eq!(total(json!({"network": "resnet20"}), CIFAR), (269_722, 40_551_040));
    assert_eq!(total(json!({"network": "resnet20", "shortcut": "b"}), CIFAR), (272_474, 40_813_184));
    // He et al. 2016, table 6: 0.46 M, 0.66 M, 0.85 M.
    for (name, published) in [("resnet32", 0.46), ("resnet44", 0.66), ("resnet56", 0.85)] {
        let parameters = total(json!({ "network": name }), CIFAR).0 as f64 / 1e6;
        assert!((parameters - published).abs() < 0.01, "{name}: {parameters}");
    }
}

#[test]
fn a_summary_prints_as_a_table() {
    let text = config(json!({"network": "lenet5"})).summary(MNIST, 10).unwrap().to_string();
    let expected = "\
layer  kind                   output  parameters  multiply-adds     sees
------------------------------------------------------------------------
input                    1 x 28 x 28           -              -    1 x 1
conv1  convolution 5x5   6 x 28 x 28         156        117 600    5 x 5
act1   relu              6 x 28 x 28           -              -    5 x 5
pool1  max pooling 2x2   6 x 14 x 14           -              -    6 x 6
conv2  convolution 5x5  16 x 10 x 10       2 416        240 000  14 x 14
act2   relu             16 x 10 x 10           -              -  14 x 14
pool2  max pooling 2x2    16 x 5 x 5           -              -  16 x 16
fc1    linear                    120      48 120         48 000  28 x 28
act3   relu                      120           -              -  28 x 28
fc2    linear                     84      10 164         10 080  28 x 28
act4   relu                       84           -              -  28 x 28
fc3    linear                     10         850            840  28 x 28
------------------------------------------------------------------------
total                                     61 706        416 520
";
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn receptive_fields_by_hand() {
    let summary = config(json!({"network": "lenet5"})).summary(MNIST, 10).unwrap();
    let field = |name: &str| summary.layer(name).unwrap().receptive_field;
    assert_eq!(field("conv1"), ReceptiveField { size: [5, 5], step: [1, 1], start: [-2, -2] });
    assert_eq!(field("pool1"), ReceptiveField { size: [6, 6], step: [2, 2], start: [-2, -2] });
    assert_eq!(field("conv2"), ReceptiveField { size: [14, 14], step: [2, 2], start: [-2, -2] });
    assert_eq!(field("pool2"), ReceptiveField { size: [16, 16], step: [4, 4], start: [-2, -2] });
    assert_eq!(field("pool2").rectangle([0, 4], MNIST), Rectangle { top: 0, left: 14, height: 14, width: 14 });
    assert_eq!(field("fc3").rectangle([0, 0], MNIST), Rectangle { top: 0, left: 0, height: 28, width: 28 });
    let error = summary.layer("conv3").unwrap_err().to_string();
    assert!(error.starts_with("no layer `conv3`; the layers are conv1, act1, pool1"), "{error}");
}

/// Inside the rectangle a change of the picture reaches the output, outside it none does.
#[test]
fn receptive_fields_are_where_changes_come_from() {
    let device = training_device();
    let input = InputShape { channels: 1, height: 19, width: 23 };
    // Without ReLU and maximum, where a change may be cut off; a softplus passes everything.
    let value = json!({"network": "standard", "channels": [2, 3], "norm": "none", "activation": "softplus", "pooling": "average",
        "kernel": 3, "edge": "keep", "dense": []});
    let network = config(value).init(input, 3, &device).unwrap();
    let field = network.summary(input).unwrap().layer("blocks.1.pool").unwrap().receptive_field;
    for position in [[0, 0], [1, 2], [4, 5]] {
        let x = ramp([1, 1, 19, 23], 1, &device).require_grad();
        let output = unit_activations(&network, "blocks.1.pool", x.clone()).unwrap();
        let unit = output.narrow(2, position[0], 1).narrow(3, position[1], 1).sum();
        let gradient = values(&x.grad(&unit.backward()).unwrap());
        let Rectangle { top, left, height, width } = field.rectangle(position, input);
        for row in 0..19 {
            for column in 0..23 {
                let inside = (top..top + height).contains(&row) && (left..left + width).contains(&column);
                assert_eq!(gradient[row * 23 + column] != 0.0, inside, "{position:?}: {row}, {column}");
            }
        }
    }
}

#[test]
fn pictures_too_small_name_the_layer() {
    let too_small = |value, input| config(value).init(input, 10, &Device::default()).unwrap_err().to_string();
    assert_eq!(
        too_small(json!({"network": "lenet5"}), DIGITS),
        "layer conv2: found a picture of 4x4; expected at least 5x5 for its window"
    );
    assert_eq!(
        too_small(json!({"network": "standard", "channels": [8, 8, 8, 8]}), DIGITS),
        "layer blocks.3.pool: found a picture of 1x1; expected at least 2x2 for its window"
    );
    assert_eq!(
        too_small(json!({"network": "resnet20"}), InputShape { height: 0, ..CIFAR }),
        "layer input: found pictures of 3 x 0 x 32; expected 1 to 268435456 values"
    );
}

#[test]
fn settings_out_of_range_are_errors_and_nothing_is_allocated_for_them() {
    for (value, message) in [
        (json!({"network": "standard", "dropout": 1.0}), "network setting `dropout`: found 1"),
        (json!({"network": "standard", "dense_dropout": -0.5}), "network setting `dense_dropout`"),
        (json!({"network": "standard", "kernel": 0}), "network setting `kernel`: found 0; expected 1 to 255"),
        (json!({"network": "standard", "pool_size": 1000}), "network setting `pool_size`"),
        (json!({"network": "standard", "pool_every": 0}), "network setting `pool_every`"),
        (json!({"network": "standard", "channels": [0]}), "network setting `channels`"),
        (json!({"network": "standard", "channels": [10_000_000_000_u64]}), "layer blocks.0.conv: found channels"),
        (json!({"network": "standard", "channels": [60_000, 60_000]}), "layer blocks.1.conv: found"),
        (json!({"network": "standard", "dense": [u64::MAX]}), "layer dense.0.linear: found"),
        (
            json!({"network": "se-resnet50", "reduction": 0}),
            "network setting `reduction`: found 0; expected at least 1",
        ),
        (json!({"network": "vgg16", "stem": "cifar", "dropout": 1.0}), "layer classifier.2: found probability 1"),
        (json!({"network": "alexnet", "stem": "cifar", "hidden": 1_000_000}), "layer classifier.1: found"),
        (
            json!({"network": "lenet5", "pooling": "none"}),
            "network setting `pooling`: found none; expected max, average, l2",
        ),
        (json!({"network": "pytorch-mnist", "dropout2": 2.0}), "layer dropout2: found probability 2"),
    ] {
        let error = config(value.clone()).init(MNIST, 10, &Device::default()).unwrap_err().to_string();
        assert!(error.starts_with(message), "{value}: {error}");
    }
    let lenet = NetworkConfig::named("lenet5").unwrap();
    assert!(lenet.init(MNIST, 0, &Device::default()).is_err());
    assert!(lenet.init(MNIST, usize::MAX, &Device::default()).is_err());
    assert!(lenet.summary(InputShape { channels: usize::MAX, height: usize::MAX, width: 3 }, 10).is_err());
    assert!(NetworkConfig::named("lenet").is_err());
}

#[test]
fn configurations_read_as_json_with_defaults_and_without_unknown_keys() {
    for name in NetworkConfig::NAMES {
        let config = NetworkConfig::named(name).unwrap();
        assert_eq!(config.name(), name);
        let short: NetworkConfig = serde_json::from_value(json!({ "network": name })).unwrap();
        assert_eq!(short, config);
        let again: NetworkConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        let error = serde_json::from_value::<NetworkConfig>(json!({"network": name, "colour": 1})).unwrap_err();
        assert!(error.to_string().contains("unknown field `colour`"), "{error}");
    }
}

/// The list that errors and completions show is the list that files are read by.
#[test]
fn every_network_is_named() {
    let error = serde_json::from_value::<NetworkConfig>(json!({"network": "?"})).unwrap_err().to_string();
    let known = error.split('`').skip(3).step_by(2).collect::<Vec<_>>();
    assert_eq!(known, NetworkConfig::NAMES, "{error}");
}

#[test]
fn first_filters_are_pictures_with_zero_in_the_middle() {
    let mut network = NetworkConfig::named("lenet5").unwrap().init(MNIST, 10, &Device::default()).unwrap();
    let Network::LeNet5(lenet) = &mut network else { unreachable!() };
    let weight = lenet.conv1.weight.val() * 0.0;
    let first = Tensor::<4>::from_floats([[[[2.0, -2.0, 1.0, 0.0, f32::NAN]]]], &Device::default());
    lenet.conv1.weight = lenet.conv1.weight.clone().map(|_| weight.slice_assign([0..1, 0..1, 0..1, 0..5], first));
    let filters = first_layer_filters(&network).unwrap();
    assert_eq!(filters.len(), 6);
    assert_eq!((filters[0].width, filters[0].height, filters[0].channels), (5, 5, 1));
    assert_eq!(filters[0].pixels[..6], [255, 1, 192, 128, 128, 128]);
    assert_eq!(filters[1].pixels, [128; 25]);

    let colour = NetworkConfig::named("resnet20").unwrap().init(CIFAR, 10, &Device::default()).unwrap();
    let filters = first_layer_filters(&colour).unwrap();
    assert_eq!((filters.len(), filters[0].channels, filters[0].pixels.len()), (16, 3, 27));
    // Pixels are interleaved: the first three are the three channels at the window's top left.
    let weights = tensor(&colour, "conv1.weight");
    let largest = weights[..27].iter().fold(0.0_f32, |m, w| m.max(w.abs()));
    let expected = [0, 9, 18].map(|i| (128.0 + 127.0 * weights[i] / largest).round() as u8);
    assert_eq!(filters[0].pixels[..3], expected);

    let dense = config(json!({"network": "standard", "channels": []})).init(DIGITS, 3, &Device::default()).unwrap();
    assert!(first_layer_filters(&dense).unwrap().is_empty());
}

#[test]
fn unit_activations_are_the_layers_outputs() {
    let network = NetworkConfig::named("lenet5").unwrap().init(MNIST, 10, &Device::default()).unwrap();
    let x = ramp([3, 1, 28, 28], 1, &Device::default());
    let Network::LeNet5(lenet) = &network else { unreachable!() };
    let expected = lenet.conv1.forward(x.clone());
    assert_eq!(values(&unit_activations(&network, "conv1", x.clone()).unwrap()), values(&expected));
    assert_eq!(unit_activations(&network, "fc2", x.clone()).unwrap().dims(), [3, 84, 1, 1]);
    assert!(unit_activations(&network, "fc9", x).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any settings either build a network whose forward pass gives the promised shapes, or are an error.
    #[test]
    fn any_settings_build_or_are_refused(
        channels in prop::collection::vec(1_usize..5, 0..4),
        kernel in 1_usize..7,
        boundary in prop::sample::select(vec!["valid", "zero", "reflect", "wrap"]),
        norm in prop::sample::select(vec!["none", "batch", "lrn"]),
        pooling in prop::sample::select(vec!["none", "max", "average", "l2"]),
        edge in prop::sample::select(vec!["drop", "keep"]),
        pool_size in 1_usize..5,
        pool_every in 1_usize..3,
        height in 1_usize..14,
        width in 1_usize..14,
    ) {
        let input = InputShape { channels: 2, height, width };
        let config = config(json!({"network": "standard", "channels": channels, "kernel": kernel, "boundary": boundary, "norm": norm,
            "pooling": pooling, "edge": edge, "pool_size": pool_size, "pool_every": pool_every, "dense": [3]}));
        if let Ok(network) = config.init(input, 2, &Device::default()) {
            let summary = network.summary(input).unwrap();
            let mut shapes = Vec::new();
            let x = ramp([1, 2, height, width], 1, &Device::default());
            let y = network.forward_watched(x, |_, output| shapes.push(output.dims()));
            prop_assert!(values(&y).iter().all(|v| v.is_finite()));
            let expected: Vec<_> = summary.layers.iter().map(|l| [1, l.output[0], l.output[1], l.output[2]]).collect();
            prop_assert_eq!(shapes, expected);
        }
    }
}
