//! What follows from the device's seed: weights and dropout's masks. One test in this file: the random state belongs to the process.

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{tensor, tensors, values};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_cnn::layer::Dropout;

#[test]
fn weights_and_masks_follow_the_seed_and_the_stated_distributions() {
    let device = Device::default().autodiff();
    let input = InputShape { channels: 3, height: 32, width: 32 };
    let build = |name: &str, seed: u64| {
        device.seed(seed);
        NetworkConfig::named(name).unwrap().init(input, 10, &device).unwrap()
    };
    // Of the large networks one of each kind, and none with wide dense layers.
    let names = NetworkConfig::NAMES
        .into_iter()
        .filter(|name| !["vgg", "alexnet", "zfnet", "resnet1"].iter().any(|large| name.starts_with(large)));
    for name in names.filter(|name| !name.starts_with("se-") && !["resnet34", "resnet50"].contains(name)) {
        let first = build(name, 7);
        let second = build(name, 7);
        // The last layer is used first: the order of use must not matter.
        match &second {
            Network::Standard(network) => values(&network.output.weight.val()),
            Network::LeNet5(network) => values(&network.fc3.weight.val()),
            Network::PytorchMnist(network) => values(&network.fc2.weight.val()),
            Network::Backbone(network) => {
                let mut names =
                    tensors(network).into_iter().map(|(name, _)| name).filter(|name| name.ends_with("weight"));
                tensor(network, &names.next_back().unwrap())
            }
        };
        assert_eq!(all(&first), all(&second), "{name}");
        assert_ne!(all(&first), all(&build(name, 8)), "{name}");
    }

    // PyTorch's default: uniform on (-1, 1) / sqrt(fan_in), standard deviation a third's root of the bound.
    let Network::PytorchMnist(network) = build("pytorch-mnist", 1) else { unreachable!() };
    for (weights, fan_in) in
        [(values(&network.conv2.weight.val()), 32.0 * 9.0), (values(&network.fc1.weight.val()), 64.0 * 14.0 * 14.0)]
    {
        let bound = 1.0 / f64::sqrt(fan_in);
        assert!(weights.iter().all(|&w| f64::from(w).abs() <= bound * 1.000_001));
        let deviation = moments(&weights).1;
        assert!((deviation / (bound / 3.0_f64.sqrt()) - 1.0).abs() < 0.02, "{deviation}");
    }
    // Dropout: the same seed gives the same masks, each use another.
    let dropout = Dropout::new(0.5).unwrap();
    let masks = |seed| {
        device.seed(seed);
        [(); 2].map(|()| values(&dropout.forward(Tensor::<2>::ones([8, 64], &device))))
    };
    let [first, second] = masks(3);
    assert_eq!([first.clone(), second.clone()], masks(3));
    assert_ne!(first, second);
    assert_ne!(first, masks(4)[0]);

    // He: normal, variance 2 / fan_in; 36 864 draws.
    let (mean, deviation) = moments(&tensor(&build("resnet20", 1), "layer3.1.conv1.weight"));
    let expected = f64::sqrt(2.0 / (64.0 * 9.0));
    assert!(mean.abs() < 0.03 * expected, "{mean}");
    assert!((deviation / expected - 1.0).abs() < 0.02, "{deviation}");
}

fn moments(weights: &[f32]) -> (f64, f64) {
    let n = weights.len() as f64;
    let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
    let variance = weights.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// Every number of the module.
fn all(network: &Network) -> Vec<f32> {
    let mut collect = common::Collect::default();
    network.visit(&mut collect);
    collect.0
}
