//! Experiments keep what they say they keep, go on where they were stopped, and find what is there.

use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use ognivo_cnn::image::data::{self, Splits};
use ognivo_cnn::image::model::NetworkConfig;
use ognivo_cnn::image::recipe::base_config;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::data::{ImageSet, ImageSplits, Subset, digits};
use ognivo_core::weights::{read, tensors_of};
use ognivo_transfer::experiment::curve::{self, CurveConfig, Method};
use ognivo_transfer::experiment::transferability::{self, Condition, halves};
use ognivo_transfer::experiment::{Ledger, Trial};
use ognivo_transfer::fine_tune::Settings;
use ognivo_transfer::fine_tune::origin::Origin;
use serde_json::json;

/// Trainings draw from the generator of their device, which the tests of this process share: one at a time.
static TRAINING: Mutex<()> = Mutex::new(());

fn some(set: Arc<dyn ImageSet>, count: usize) -> Arc<dyn ImageSet> {
    Arc::new(Subset::new(set, (0..count).collect()).unwrap())
}

fn opened() -> ImageSplits {
    let mut opened = digits().unwrap();
    opened.train = some(opened.train, 600);
    opened.test = opened.test.map(|test| some(test, 200));
    opened
}

/// A small AlexNet, quick to train.
fn config(epochs: u64) -> ClassifierConfig {
    let network = json!({ "network": "alexnet", "stem": "cifar", "width": 0.125, "hidden": 32, "dropout": 0.0 });
    let mut config = ClassifierConfig { valid_fraction: 0.0, ..base_config("digits") };
    config.network = serde_json::from_value(network).unwrap();
    config.image_size = Some([16, 16]);
    (config.fit.epochs, config.fit.batch_size, config.fit.learning_rate) = (epochs, 32, 0.003);
    config
}

fn splits(config: &ClassifierConfig) -> Splits {
    data::split(opened(), config).unwrap()
}

/// Trains an origin in `folder`.
fn origin(folder: &Path, config: &ClassifierConfig, device: &Device) -> Origin {
    let scratch = Origin::scratch(config.network.clone(), None);
    let trial = Trial { origin: &scratch, settings: Settings::default(), config: config.clone(), device };
    let share = trial.run(&splits(config), folder).unwrap().unwrap();
    assert!(share.value() > 0.5, "{share:?}");
    Origin::run(folder).unwrap()
}

#[test]
fn the_first_stages_are_the_origins_and_the_others_new() {
    let _alone = TRAINING.lock();
    let folder = tempfile::tempdir().unwrap();
    let device = Device::default().autodiff();
    let config = config(2);
    let scratch = Origin::scratch(config.network.clone(), None);
    let trial = Trial { origin: &scratch, settings: Settings::default(), config: config.clone(), device: &device };
    let path = folder.path().join("origin");
    trial.run(&splits(&config), &path).unwrap().unwrap();
    let before = read(&path.join("model.safetensors")).unwrap().0;
    let input = Origin::run(&path).unwrap().preprocessing.unwrap().input();
    let opened = |kept: usize, seed| {
        let origin = Origin::run(&path).unwrap().first_stages(kept);
        tensors_of(&origin.open(input, 10, seed, &Device::default()).unwrap())
    };
    for (kept, same) in
        [(0, &[][..]), (2, &["features.0", "features.3"]), (7, &["features.", "classifier.1", "classifier.4"])]
    {
        let (one, two) = (opened(kept, 5), opened(kept, 6));
        for name in before.keys().filter(|name| name.ends_with("weight")) {
            let own = same.iter().any(|begin| name.starts_with(begin));
            assert_eq!(one[name] == before[name], own, "{kept}: {name}");
            assert_eq!(one[name] == two[name], own, "{kept}: {name}");
        }
    }
}

#[test]
fn a_curve_goes_on_and_finds_transfer_within_one_task() {
    let _alone = TRAINING.lock();
    let folder = tempfile::tempdir().unwrap();
    let device = Device::default().autodiff();
    // With batch normalisation, which learns from few examples without accidents.
    let mut config = config(6);
    (config.network, config.image_size) = (NetworkConfig::named("resnet20").unwrap(), None);
    let origin = origin(&folder.path().join("origin"), &config, &device);
    let splits = splits(&config);
    let curve = CurveConfig { sizes: vec![10, 40, 4000], seeds: 2, steps: 20, epochs: 1, head_learning_rate: 0.01 };
    let path = folder.path().join("trials.jsonl");
    let working = folder.path().join("working");
    let measure = |ledger: &mut Ledger| {
        let mut names = Vec::new();
        let mut told = |name: &str, _, done, all| names.push(format!("{name} {done}/{all}"));
        let rows = curve::run(&curve, &config, &origin, &splits, &working, ledger, &device, &mut told);
        (rows.unwrap().unwrap(), names)
    };
    let (rows, names) = measure(&mut Ledger::open(&path).unwrap());
    assert_eq!((rows.len(), names.len()), (2, 12), "there are no 4000 pictures");
    assert!(names[0] == "frozen with 10, seed 1 1/12" && names[11] == "scratch with 40, seed 2 12/12", "{names:?}");
    assert!(!working.exists());
    // Features that were learnt on these very classes beat random weights, by far.
    assert!(rows[0].gain(Method::Frozen).value > 0.15 && rows[0].gain(Method::FineTuned).value > 0.1, "{rows:?}");
    // Half of the figures are there; the others come out as they were.
    let text = std::fs::read_to_string(&path).unwrap();
    let half: String = text.lines().take(6).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, half).unwrap();
    let (again, _) = measure(&mut Ledger::open(&path).unwrap());
    assert_eq!(
        again.iter().map(|row| &row.accuracies).collect::<Vec<_>>(),
        rows.iter().map(|row| &row.accuracies).collect::<Vec<_>>()
    );
    let empty = CurveConfig { sizes: vec![4000], ..curve };
    let mut ledger = Ledger::open(&path).unwrap();
    let said = curve::run(&empty, &config, &origin, &splits, &working, &mut ledger, &device, &mut |_, _, _, _| ());
    assert!(said.unwrap_err().to_string().contains("expected sizes from 1 to 600"));
}

#[test]
fn halves_of_the_classes_are_measured_stage_by_stage() {
    let _alone = TRAINING.lock();
    let classes: Vec<String> = (0..10).map(|class| class.to_string()).collect();
    let [a, b] = halves(&classes, 1);
    let mut all = [a.clone(), b.clone()].concat();
    all.sort();
    assert!(a.len() == 5 && all == classes && halves(&classes, 2)[0] != a);

    let folder = tempfile::tempdir().unwrap();
    let device = Device::default().autodiff();
    let mut config = config(2);
    config.limit = Some(100);
    let mut ledger = Ledger::open(&folder.path().join("trials.jsonl")).unwrap();
    let working = folder.path().join("working");
    let mut count = 0;
    let mut told = |_: &str, _, done, all| {
        count += 1;
        assert_eq!((count, all), (done, 30));
    };
    let found = transferability::run(&config, &opened(), 1, 50, &working, &mut ledger, &device, &mut told);
    let found = found.unwrap().unwrap();
    assert_eq!(found.stages, ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]);
    assert!(
        found.base.len() == 1
            && found.accuracies.iter().all(|rows| rows.len() == 7 && rows.iter().all(|row| row.len() == 1))
    );
    assert!(!working.exists());
    // All that is kept of the network trained on B stays, so its last stages tell B apart with a new classifier.
    assert!(found.accuracies[Condition::SelfFrozen as usize][6][0] >= found.base[0] - 0.3, "{found:?}");
    config.network = NetworkConfig::named("lenet5").unwrap();
    let said = transferability::run(&config, &opened(), 1, 50, &working, &mut ledger, &device, &mut |_, _, _, _| ());
    assert!(said.unwrap_err().to_string().contains("lenet5 has no stages"));
}
