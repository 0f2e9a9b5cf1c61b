//! What a network's features are worth for a task: to a linear classifier, to the nearest neighbour, and with few labels to fine-tune on;
//! against the same network with random weights, and trained on all the labels.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use ognivo_cnn::image::data::Splits;
use ognivo_cnn::image::model::Network;
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::Error;
use ognivo_core::data::{ImageSet, Subset};
use ognivo_core::metrics::Interval;
use ognivo_embeddings::query::{Index, Query};
use ognivo_embeddings::{Table, WordVectors};
use serde::{Deserialize, Serialize};

use super::curve::order;
use super::ledger::{Ledger, Share};
use super::trial::{Trial, clear};
use crate::Result;
use crate::fine_tune::Settings;
use crate::fine_tune::origin::Origin;
use crate::outputs;
use crate::probe::{LinearProbe, Rows};
use crate::vectors::Extractor;

/// What was measured of one network.
#[derive(Clone, Debug)]
pub struct Worth {
    /// `random`, the origin's own, or `supervised`.
    pub name: &'static str,
    /// Of each stage, the accuracy on the validation part of a linear classifier of its channels' means.
    pub stages: Vec<(String, f64)>,
    /// The stage that is best by this.
    pub stage: String,
    /// The accuracy on the test part of the linear classifier of that stage.
    pub linear: Interval,
    /// Of the nearest neighbour by the cosine, there.
    pub nearest: Interval,
    /// Of the whole network fine-tuned with so many labels, with each seed.
    pub few: Vec<(usize, Vec<f64>)>,
}

/// How fine-tuning with few labels is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FewLabels {
    /// Numbers of labels.
    pub sizes: Vec<usize>,
    /// Steps of a training.
    pub steps: u64,
    /// Trainings with each number, with other pictures.
    pub seeds: u64,
}

/// Measures the network of `origin` in its two companies; none after Ctrl-C. `config` is how fine-tuning goes and how the
/// supervised network is trained. The parts of `splits` are all of
/// them needed. Trainings take place in `folder`; `told` hears of each.
///
/// # Errors
/// As of a training run.
#[allow(clippy::too_many_arguments, reason = "each is something of its own")]
pub fn run(
    config: &ClassifierConfig,
    origin: &Origin,
    preprocessing: &Preprocessing,
    splits: &Splits,
    few: &FewLabels,
    folder: &Path,
    ledger: &mut Ledger,
    device: &Device,
    told: &mut dyn FnMut(&str, Share, usize, usize),
) -> Result<Option<Vec<Worth>>> {
    let plain = device.clone().inner();
    let FewLabels { sizes, steps, seeds } = few;
    let scratch = Origin::scratch(origin.network.clone(), Some(preprocessing.clone()));
    let (supervised, all) = (folder.join("supervised"), 1 + 3 * sizes.len() * *seeds as usize);
    let mut done = 1;
    let share = match ledger.get("supervised").filter(|_| supervised.exists()) {
        Some(share) => share,
        None => {
            let trial = Trial { origin: &scratch, settings: Settings::default(), config: config.clone(), device };
            let Some(share) = trial.run(splits, &supervised)? else { return Ok(None) };
            ledger.add("supervised", share)?;
            share
        }
    };
    told("supervised", share, done, all);
    let supervised = Origin::run(&supervised)?;
    let mut found = Vec::new();
    for (name, origin) in [("random", &scratch), ("own", origin), ("supervised", &supervised)] {
        let network = origin.open(preprocessing.input(), splits.train.classes().len(), config.seed, &plain)?.valid();
        let Some(mut worth) = probed(name, &network, preprocessing, splits, &plain)? else { return Ok(None) };
        for &size in sizes {
            let mut accuracies = Vec::new();
            for seed in 1..=*seeds {
                let trial_name = format!("{name} with {size}, seed {seed}");
                let share = match ledger.get(&trial_name) {
                    Some(share) => share,
                    None => {
                        let examples = order(&*splits.train, seed).into_iter().take(size).collect();
                        let train: Arc<dyn ImageSet> = Arc::new(Subset::new(splits.train.clone(), examples)?);
                        let few = Splits { train, valid: None, ..splits.clone() };
                        let mut config = ClassifierConfig { seed, ..config.clone() };
                        let batches = (size as u64).div_ceil(config.fit.batch_size.max(1) as u64).max(1);
                        config.fit.epochs = steps.div_ceil(batches).max(1);
                        let trial = Trial { origin, settings: Settings::default(), config, device };
                        let Some(share) = trial.run(&few, &folder.join("trial"))? else { return Ok(None) };
                        ledger.add(&trial_name, share)?;
                        share
                    }
                };
                done += 1;
                told(&trial_name, share, done, all);
                accuracies.push(share.value());
            }
            worth.few.push((size, accuracies));
        }
        found.push(worth);
    }
    clear(&folder.join("trial"))?;
    Ok(Some(found))
}

/// The linear classifier and the nearest neighbour.
fn probed(
    name: &'static str,
    network: &Network,
    preprocessing: &Preprocessing,
    splits: &Splits,
    device: &Device,
) -> Result<Option<Worth>> {
    let (Network::Backbone(backbone), Some(valid)) = (network, &splits.valid) else {
        return Err(Error::Config("features are compared stage by stage, by a validation part".into()).into());
    };
    let mut best: Option<(f64, String, Rows, LinearProbe)> = None;
    let mut stages = Vec::new();
    let features = |stage: &str, set| rows(network, stage, set, preprocessing, device);
    for stage in backbone.stages().iter().rev().skip(1).rev() {
        let Some(train) = features(&stage.name, &splits.train)? else { return Ok(None) };
        let Some(held_out) = features(&stage.name, valid)? else { return Ok(None) };
        let probe = LinearProbe::fit(&train);
        let accuracy = probe.right(&held_out) as f64 / held_out.labels.len().max(1) as f64;
        stages.push((stage.name.clone(), accuracy));
        if best.as_ref().is_none_or(|best| accuracy > best.0) {
            best = Some((accuracy, stage.name.clone(), train, probe));
        }
    }
    let Some((_, stage, train, probe)) = best else {
        return Err(Error::Config(format!("{} has no stage before its classifier", network.config().name())).into());
    };
    let Some(test) = features(&stage, &splits.test)? else { return Ok(None) };
    let of = test.labels.len() as u64;
    let linear = Interval::wilson(probe.right(&test) as u64, of);
    let nearest = Interval::wilson(nearest_right(&train, &test)?, of);
    Ok(Some(Worth { name, stages, stage, linear, nearest, few: Vec::new() }))
}

/// The means of a stage's channels for the pictures of a set.
fn rows(
    network: &Network,
    stage: &str,
    set: &Arc<dyn ImageSet>,
    preprocessing: &Preprocessing,
    device: &Device,
) -> Result<Option<Rows>> {
    let extractor = Extractor::new(network.clone(), Some(stage), true, preprocessing.clone(), device)?;
    let mut go_on = |_| !ognivo_core::train::interrupt::requested();
    let made = outputs::compute(set, preprocessing, device, None, &|x| extractor.forward(x), &mut go_on)?;
    Ok(made.map(|made| Rows {
        width: made.shape.iter().product(),
        values: made.values,
        labels: (0..set.len()).map(|index| set.label(index)).collect(),
        classes: set.classes().len(),
    }))
}

/// How many of `test` have their nearest row of `train` in their own class.
fn nearest_right(train: &Rows, test: &Rows) -> Result<u64> {
    let names = (0..train.labels.len()).map(|row| row.to_string()).collect();
    let vectors = WordVectors::new(names, Table::from_values(train.width, &train.values)?)?;
    let index = Index::new(&vectors)?;
    let query = |row: &[f32]| Query { vector: row.to_vec(), exclude: Vec::new() };
    let queries: Vec<_> = test.values.chunks_exact(test.width.max(1)).map(query).collect();
    let found = index.nearest(&queries, 1);
    let right = found
        .iter()
        .zip(&test.labels)
        .filter(|(near, label)| near.first().is_some_and(|near| train.labels[near.id as usize] == **label));
    Ok(right.count() as u64)
}
