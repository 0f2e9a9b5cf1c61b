//! How transferable a network's layers are (Yosinski, Clune, Bengio and Lipson 2014, "How transferable are features in deep neural
//! networks?", arXiv 1411.1792).
//!
//! The classes are divided at random into halves A and B, and a network is trained on each. Then, for n = 1, 2, ..., the first n stages of one
//! of them are kept, the stages above are drawn anew, and the whole is trained on B:
//!
//! | name | first n stages | they |
//! |---|---|---|
//! | BnB | of the network trained on B | stay |
//! | BnB+ | of the network trained on B | learn |
//! | AnB | of the network trained on A | stay |
//! | AnB+ | of the network trained on A | learn |
//!
//! Where BnB falls below the network trained on B, stages that were learnt together had grown together; where AnB falls below BnB, the stages were
//! specific to A.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use ognivo_cnn::image::data::{self, Splits};
use ognivo_cnn::image::model::{InputShape, Network};
use ognivo_cnn::image::preprocess::common_shape;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::Error;
use ognivo_core::data::ImageSplits;
use ognivo_core::random;

use super::ledger::{Ledger, Share};
use super::trial::{Trial, clear};
use crate::Result;
use crate::fine_tune::origin::Origin;
use crate::fine_tune::{Settings, Train};

/// First part of the stream that divides the classes.
const HALVES: u64 = 102;

/// Which stages are kept, and whether they learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// BnB.
    SelfFrozen,
    /// BnB+.
    SelfTuned,
    /// AnB.
    OtherFrozen,
    /// AnB+.
    OtherTuned,
}

impl Condition {
    /// All conditions, in the paper's order.
    pub const ALL: [Self; 4] = [Self::SelfFrozen, Self::SelfTuned, Self::OtherFrozen, Self::OtherTuned];

    /// The paper's name, with the letter n.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelfFrozen => "BnB",
            Self::SelfTuned => "BnB+",
            Self::OtherFrozen => "AnB",
            Self::OtherTuned => "AnB+",
        }
    }
}

/// What was measured, for each seed.
#[derive(Clone, Debug, Default)]
pub struct Transferability {
    /// The names of the stages before the classifier.
    pub stages: Vec<String>,
    /// Accuracy on B of the networks trained on B from random weights.
    pub base: Vec<f64>,
    /// Of each condition and each n - 1, the accuracy on B with each seed.
    pub accuracies: [Vec<Vec<f64>>; 4],
}

/// The classes of a seed's halves.
pub fn halves(classes: &[String], seed: u64) -> [Vec<String>; 2] {
    let order = random::shuffled(&mut random::stream(seed, &[HALVES]), classes.len());
    let (a, b) = order.split_at(classes.len() / 2);
    [a, b].map(|half| {
        let mut half = half.to_vec();
        half.sort_unstable();
        half.into_iter().map(|class| classes[class].clone()).collect()
    })
}

/// Measures with seeds 1 to `seeds`; none after Ctrl-C. `limit` and the rest of `config` hold for each half. Trainings take place in folders of
/// `folder`; `told` hears of each that is done, with its place among all.
///
/// # Errors
/// A network without stages; fewer than four classes; as of a training run.
#[allow(clippy::too_many_arguments, reason = "each is something of its own")]
pub fn run(
    config: &ClassifierConfig,
    opened: &ImageSplits,
    seeds: u64,
    test: usize,
    folder: &Path,
    ledger: &mut Ledger,
    device: &Device,
    told: &mut dyn FnMut(&str, Share, usize, usize),
) -> Result<Option<Transferability>> {
    let classes = opened.train.classes();
    if classes.len() < 4 {
        let message = format!("{}: found {} classes; expected at least 4, two a half", config.data, classes.len());
        return Err(Error::Data(message).into());
    }
    let stages = stages(config, opened, device)?;
    let mut found =
        Transferability { accuracies: std::array::from_fn(|_| vec![Vec::new(); stages.len()]), ..Default::default() };
    let (all, mut done) = (seeds as usize * (2 + 4 * stages.len()), 0);
    for seed in 1..=seeds {
        let half = |classes: &Vec<String>| -> Result<(ClassifierConfig, Splits)> {
            let config =
                ClassifierConfig { seed, classes: Some(classes.clone()), valid_fraction: 0.0, ..config.clone() };
            let mut splits = Splits { valid: None, ..data::split(opened.clone(), &config)? };
            splits.test = Arc::new(data::sample(&splits.test, test, seed)?);
            Ok((config, splits))
        };
        let [a, b] = halves(classes, seed);
        let ((a_config, a_splits), (b_config, b_splits)) = (half(&a)?, half(&b)?);
        let mut measure = |name: String, run: &dyn Fn() -> Result<Option<Share>>| -> Result<Option<Share>> {
            let share = match ledger.get(&name) {
                Some(share) => share,
                None => {
                    let Some(share) = run()? else { return Ok(None) };
                    ledger.add(&name, share)?;
                    share
                }
            };
            done += 1;
            told(&name, share, done, all);
            Ok(Some(share))
        };
        let bases = [folder.join("base-a"), folder.join("base-b")];
        for (number, (config, splits)) in [(&a_config, &a_splits), (&b_config, &b_splits)].into_iter().enumerate() {
            let name = format!("base{}, seed {seed}", ["A", "B"][number]);
            // The half's own first weights.
            let seed = seed + 1_000_000 * number as u64;
            let run = || {
                let origin = &Origin::scratch(config.network.clone(), None);
                let config = ClassifierConfig { seed, ..config.clone() };
                Trial { origin, settings: Settings::default(), config, device }.run(splits, &bases[number])
            };
            let Some(share) = measure(name, &run)? else { return Ok(None) };
            if number == 1 {
                found.base.push(share.value());
            }
        }
        for n in 1..=stages.len() {
            for condition in Condition::ALL {
                let other = matches!(condition, Condition::OtherFrozen | Condition::OtherTuned);
                let frozen = matches!(condition, Condition::SelfFrozen | Condition::OtherFrozen);
                let name = format!("{}, n = {n}, seed {seed}", condition.name());
                let run = || {
                    let origin = &Origin::run(&bases[usize::from(!other)])?.first_stages(n);
                    let freeze = if frozen { stages[..n].to_vec() } else { Vec::new() };
                    let settings =
                        Settings { from: origin.name.clone(), train: Train::All, freeze, ..Settings::default() };
                    // What is drawn anew is not what the base began with.
                    let config = ClassifierConfig { seed: seed + 2_000_000, ..b_config.clone() };
                    Trial { origin, settings, config, device }.run(&b_splits, &folder.join("trial"))
                };
                let Some(share) = measure(name, &run)? else { return Ok(None) };
                found.accuracies[condition as usize][n - 1].push(share.value());
            }
        }
    }
    clear(folder)?;
    Ok(Some(Transferability { stages, ..found }))
}

/// The names of the network's stages before the classifier.
fn stages(config: &ClassifierConfig, opened: &ImageSplits, device: &Device) -> Result<Vec<String>> {
    let [channels, height, width] = common_shape(&*opened.train)?;
    let [height, width] = config.image_size.unwrap_or([height, width]);
    let input = InputShape { channels, height, width };
    match config.network.init(input, opened.train.classes().len(), &device.clone().inner())? {
        Network::Backbone(backbone) => {
            let names = backbone.stages().iter().map(|stage| stage.name.clone());
            Ok(names.take(backbone.stages().len().saturating_sub(1)).collect())
        }
        other => {
            let message = format!("{} has no stages to keep; try alexnet or resnet20", other.config().name());
            Err(Error::Config(message).into())
        }
    }
}
