//! What learns, what stays bit for bit, and that features computed once are those of the whole network.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData, Tolerance};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_core::data::{ImageSet, Subset, digits};
use ognivo_core::train::loader::{Batcher, Position};
use ognivo_core::train::optimizer::{Optimizer, OptimizerConfig, Sgd};
use ognivo_core::weights::{NamedTensors, load_into, tensors_of};
use ognivo_transfer::fine_tune::features::{FeatureBatcher, Features, can_be_kept, rest};
use ognivo_transfer::fine_tune::freeze::Freezing;
use ognivo_transfer::fine_tune::{Settings, Train};

const INPUT: InputShape = InputShape { channels: 3, height: 12, width: 12 };

fn network(name: &str, device: &Device) -> Network {
    NetworkConfig::named(name).unwrap().init(INPUT, 4, device).unwrap()
}

fn freezing(network: &Network, settings: &Settings) -> Freezing {
    let Network::Backbone(backbone) = network else { unreachable!() };
    Freezing::new(backbone, settings).unwrap()
}

/// The network with these weights; a clone would share its running statistics.
fn copy(tensors: &NamedTensors, device: &Device) -> Network {
    load_into(network("resnet20", device), tensors.clone(), "copy".as_ref()).unwrap()
}

/// Three steps of SGD on irregular pictures, as epoch `epoch` trains.
fn trained(network: Network, freezing: &Freezing, epoch: u64, device: &Device) -> Network {
    let mut network = freezing.apply(network, epoch);
    let mut optimizer = Optimizer::new(OptimizerConfig::Sgd(Sgd::default())).unwrap();
    optimizer.set_factors(freezing.rate_factors(&network));
    for step in 0..3 {
        let values: Vec<f32> =
            (0..4 * 3 * 144).map(|i| (((i * 37 + step * 11) % 101) as f32 / 50.0 - 1.0) * 1.7).collect();
        let x = Tensor::<4>::from_data(TensorData::new(values, [4, 3, 12, 12]), device);
        let loss = network.forward(x).powi_scalar(2).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(0.05, network, gradients);
    }
    network
}

/// The names of the tensors that are not the same bits any more.
fn changed(before: &NamedTensors, after: &NamedTensors) -> Vec<String> {
    before.iter().filter(|(name, data)| after[*name] != **data).map(|(name, _)| name.clone()).collect()
}

#[test]
fn frozen_parts_stay_bit_for_bit_and_the_rest_learns() {
    let device = Device::default().autodiff();
    let start = network("resnet20", &device);
    let before = tensors_of(&start);
    let run = |settings: &Settings, epoch| {
        let freezing = freezing(&start, settings);
        changed(&before, &tensors_of(&trained(copy(&before, &device), &freezing, epoch, &device)))
    };
    let all = Settings::default();
    let everything = run(&all, 0);
    assert_eq!(everything.len(), before.len(), "without settings every tensor moves");

    let statistics = run(&Settings { frozen_statistics: true, ..all.clone() }, 0);
    let expected: Vec<_> = before.keys().filter(|name| !name.contains("running_")).cloned().collect();
    assert_eq!(statistics, expected, "running statistics stay, all parameters move");

    let head = run(&Settings { train: Train::Head, ..all.clone() }, 0);
    assert_eq!(head, ["fc.bias", "fc.weight"], "neither parameters nor running statistics of the features move");

    let freeze = Settings { freeze: vec!["stem".into(), "layer1".into(), "layer2.0.*".into()], ..all.clone() };
    let part = run(&freeze, 0);
    assert!(
        part.iter().all(|name| !["conv1.", "bn1.", "layer1.", "layer2.0."].iter().any(|begin| name.starts_with(begin)))
    );
    assert!(
        part.iter().any(|name| name.starts_with("layer2.1."))
            && part.contains(&"layer3.2.bn2.running_mean".to_string())
    );

    let gradual = Settings { unfreeze_every: Some(2), ..all };
    assert_eq!(run(&gradual, 1), ["fc.bias", "fc.weight"]);
    let second = run(&gradual, 2);
    assert!(second.iter().all(|name| name.starts_with("fc.") || name.starts_with("layer3.")) && second.len() > 20);
    assert_eq!(run(&gradual, 100).len(), before.len());
}

#[test]
fn stages_that_never_learn_are_counted_and_patterns_checked() {
    let network = network("resnet20", &Device::default());
    let count = |settings: Settings| freezing(&network, &settings).never_learning();
    let all = Settings::default();
    assert_eq!(count(all.clone()), 0);
    assert_eq!(count(Settings { train: Train::Head, ..all.clone() }), 4);
    assert_eq!(count(Settings { freeze: vec!["stem".into(), "layer1".into()], ..all.clone() }), 2);
    assert_eq!(count(Settings { freeze: vec!["layer1".into()], ..all.clone() }), 0, "the stem before it learns");
    assert_eq!(count(Settings { unfreeze_every: Some(1), ..all.clone() }), 0);
    let Network::Backbone(backbone) = &network else { unreachable!() };
    for (settings, expected) in [
        (Settings { freeze: vec!["layer9".into()], ..all.clone() }, "stages are stem, layer1, layer2, layer3, fc"),
        (
            Settings { freeze: vec!["layer1".into(), "layer1.*".into()], ..all.clone() },
            "no new layer is called \"layer1.*\"",
        ),
        (Settings { stage_rate: 0.0, ..all.clone() }, "stage_rate"),
        (Settings { stage_rate: f64::NAN, ..all.clone() }, "stage_rate"),
        (Settings { unfreeze_every: Some(0), ..all.clone() }, "unfreeze_every"),
        (Settings { unfreeze_every: Some(1), train: Train::Head, ..all.clone() }, "unfreeze_every"),
    ] {
        let said = Freezing::new(backbone, &settings).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}

/// The change of a parameter in a step of plain SGD is proportional to its rate.
#[test]
fn a_stage_learns_at_its_own_rate() {
    let device = Device::default().autodiff();
    let start = network("resnet20", &device);
    let before = tensors_of(&start);
    let step = |stage_rate| {
        let freezing = freezing(&start, &Settings { stage_rate, frozen_statistics: true, ..Settings::default() });
        let network = freezing.apply(copy(&before, &device), 0);
        let mut optimizer = Optimizer::new(OptimizerConfig::Sgd(Sgd::default())).unwrap();
        optimizer.set_factors(freezing.rate_factors(&network));
        let x = Tensor::<4>::ones([2, 3, 12, 12], &device);
        let loss = network.forward(x).powi_scalar(2).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let after = tensors_of(&optimizer.step(1.0, network, gradients));
        let change = |name: &str| {
            let values = |tensors: &NamedTensors| tensors[name].clone().try_into_vec_as::<f32>().unwrap();
            values(&after).iter().zip(values(&before)).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
        };
        ["conv1.weight", "layer2.1.conv1.weight", "fc.weight"].map(change)
    };
    let ([stem, middle, head], [slow_stem, slow_middle, slow_head]) = (step(1.0), step(0.5));
    for (fast, slow, factor) in [(stem, slow_stem, 0.0625), (middle, slow_middle, 0.25), (head, slow_head, 1.0)] {
        assert!(fast > 0.0 && (slow / fast - factor).abs() < 0.01 * factor, "{fast} {slow} {factor}");
    }
}

fn few_digits(count: usize) -> Arc<dyn ImageSet> {
    let train = digits().unwrap().train;
    Arc::new(Subset::new(train, (0..count).collect()).unwrap())
}

#[test]
fn features_are_computed_once_and_are_those_of_the_network() {
    let device = Device::default();
    let set = few_digits(70);
    let preprocessing = Preprocessing::measure(&*set, None).unwrap();
    let config = NetworkConfig::named("resnet20").unwrap();
    let network = config.init(preprocessing.input(), 10, &device).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("features");
    let compute = |network: &Network, set: &Arc<dyn ImageSet>, stages| {
        let made = Features::compute(network, stages, set, &preprocessing, &device, Some(&cache), &mut |_| true);
        made.unwrap().unwrap()
    };
    let files = || std::fs::read_dir(&cache).unwrap().count();
    let stopped = Features::compute(&network, 4, &set, &preprocessing, &device, Some(&cache), &mut |_| false);
    assert!(stopped.unwrap().is_none() && files() == 1, "what was done is kept");
    let first = compute(&network, &set, 4);
    assert!(!first.cached && files() == 1);
    let again = compute(&network, &set, 4);
    assert!(again.cached && files() == 1 && again.len() == 70);
    // Another classifier asks for the same features; other weights, stages or pictures do not.
    let mut other = tensors_of(&network);
    let zeros = TensorData::zeros::<f32, _>(other["fc.weight"].shape().clone());
    other.insert("fc.weight".into(), zeros);
    // New networks, not clones: those share running statistics.
    let with = |tensors: NamedTensors| {
        load_into(config.init(preprocessing.input(), 10, &device).unwrap(), tensors, "w".as_ref()).unwrap()
    };
    let same = with(other.clone());
    assert!(compute(&same, &set, 4).cached);
    let zeros = TensorData::zeros::<f32, _>(other["layer1.0.bn1.running_mean"].shape().clone());
    let ones = other["layer1.0.bn1.running_var"].clone();
    assert_ne!(zeros, ones);
    other.insert("layer1.0.bn1.running_mean".into(), ones);
    let others = with(other);
    assert!(!compute(&others, &set, 4).cached && !compute(&network, &set, 2).cached);
    assert!(!compute(&network, &few_digits(69), 4).cached);
    // A damaged file is made anew.
    for file in std::fs::read_dir(&cache).unwrap() {
        std::fs::write(file.unwrap().path(), "damaged").unwrap();
    }
    assert!(!compute(&network, &set, 4).cached && compute(&network, &set, 4).cached);

    let batch = FeatureBatcher(again.clone()).batch(&[3, 68], Position { epoch: 0, batch: 0 }).unwrap();
    assert_eq!(batch.labels, [set.label(3), set.label(68)]);
    let logits = rest(&network, 4, batch.upload(&device).0);
    let mut pixels = Vec::new();
    for index in [3, 68] {
        let image = preprocessing.fit(&set.image(index).unwrap()).unwrap();
        let mut planes = vec![0.0; preprocessing.values()];
        preprocessing.normalise(&image.pixels.iter().map(|&v| f32::from(v) / 255.0).collect::<Vec<_>>(), &mut planes);
        pixels.extend(planes);
    }
    let whole = network.forward(Tensor::<4>::from_data(TensorData::new(pixels, [2, 1, 8, 8]), &device));
    logits.to_data().assert_approx_eq::<f32>(&whole.to_data(), Tolerance::rel_abs(1e-4, 1e-5));
    // Every picture is its own nearest neighbour.
    assert_eq!(again.nearest_neighbour_accuracy(&first), 1.0);
    assert!(can_be_kept(&network, 4, &preprocessing, 1000) && !can_be_kept(&network, 1, &preprocessing, 1 << 24));
}

/// Names of settings are those of `transfer.json`.
#[test]
fn settings_are_read_as_written() {
    let settings = Settings { freeze: vec!["stem".into()], unfreeze_every: Some(2), ..Settings::default() };
    let value = serde_json::to_value(&settings).unwrap();
    let keys: BTreeMap<String, serde_json::Value> = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(keys.len(), 6);
    assert_eq!(serde_json::from_value::<Settings>(value).unwrap(), settings);
}
