//! Training, and what comes of it.

use std::path::Path;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::evaluate::argmax;
use ognivo_cnn::image::model::{InputShape, NetworkConfig};
use ognivo_cnn::image::preprocess::{PREPROCESSING, Preprocessing};
use ognivo_cnn::image::recipe;
use ognivo_cnn::image::train::{ClassifierConfig, cross_entropy, hits};
use ognivo_cnn::image::trained::CLASSES;
use ognivo_core::metrics::{ConfusionMatrix, CrossEntropy};
use ognivo_core::run::{CONFIG, MODEL, RunDirectory};
use ognivo_core::train::fit::{FitConfig, Learner, Step, Validation};
use ognivo_core::train::loader::Loader;
use ognivo_core::weights;
use serde::{Deserialize, Serialize};

use super::data::{PairBatch, PairBatcher, PairConfig};
use super::model::PatchPosition;
use crate::Result;

/// The folder of a run that holds the trunk, as a run of image classification.
pub const TRUNK: &str = "trunk";
/// Pairs in a forward pass of evaluation.
pub const BATCH: usize = 256;

/// Everything that decides a run; its `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchConfig {
    /// The data set: a name of the index, or a path. Its labels are not looked at.
    pub data: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// Height and width pictures are brought to before patches are cut.
    pub image_size: Option<[usize; 2]>,
    /// At most so many training pictures.
    pub limit: Option<usize>,
    /// The part of the training pictures held out to choose the best epoch.
    pub valid_fraction: f64,
    /// The trunk.
    pub network: NetworkConfig,
    /// Units of the layer on each patch's features, and of that in which both meet.
    pub hidden: usize,
    /// How patches are cut.
    pub pairs: PairConfig,
    /// Pairs of a picture in an epoch.
    pub per_picture: usize,
    /// Epochs, batch size, optimiser, schedule.
    pub fit: FitConfig,
}

impl PatchConfig {
    /// The settings that training starts from.
    pub fn base(data: &str) -> Self {
        let mut fit = recipe::base_config(data).fit;
        (fit.epochs, fit.batch_size, fit.learning_rate) = (40, 64, 0.002);
        Self {
            data: data.into(),
            seed: 1,
            image_size: None,
            limit: None,
            valid_fraction: 0.1,
            network: NetworkConfig::Resnet20(Default::default()),
            hidden: 256,
            pairs: PairConfig::default(),
            per_picture: 1,
            fit,
        }
    }

    /// How the pictures are opened and divided: as for classification.
    pub fn classifier(&self) -> ClassifierConfig {
        ClassifierConfig {
            seed: self.seed,
            image_size: self.image_size,
            limit: self.limit,
            valid_fraction: self.valid_fraction,
            network: self.network.clone(),
            ..recipe::base_config(&self.data)
        }
    }

    /// The network at the start; the device is seeded by the caller.
    ///
    /// # Errors
    /// As [`PatchPosition::init`].
    pub fn init(&self, preprocessing: &Preprocessing, classes: usize, device: &Device) -> Result<PatchPosition> {
        let side = self.pairs.patch;
        let patch = InputShape { channels: preprocessing.channels, height: side, width: side };
        PatchPosition::init(&self.network, patch, classes, self.hidden, device)
    }
}

/// Patch position as [`ognivo_core::train::fit`] sees it.
pub struct PatchLearner {
    /// Held-out pairs; none means the last epoch's weights are kept.
    pub valid: Option<Loader<PairBatcher>>,
    /// With autodiff.
    pub device: Device,
}

impl Learner for PatchLearner {
    type Model = PatchPosition;
    type Batcher = PairBatcher;

    fn step(&mut self, network: &PatchPosition, batch: PairBatch) -> ognivo_core::Result<Step> {
        let items = batch.directions.len();
        let (patches, targets) = batch.upload(&self.device);
        let logits = network.forward_both_ways(patches);
        // Seen from the second patch the first one lies in the direction that is as far from the list's end.
        let targets = Tensor::cat(vec![targets.clone(), targets.flip([1])], 0);
        let hits = hits(logits.clone().inner(), targets.clone().inner());
        let figures = vec![("accuracy", hits / (2 * items) as f64)];
        Ok(Step { loss: cross_entropy(logits, targets), figures, items })
    }

    fn validate(&self, network: &PatchPosition) -> ognivo_core::Result<Option<Validation>> {
        let Some(valid) = &self.valid else { return Ok(None) };
        let (loss, confusion) = evaluate(network, valid, &self.device.clone().inner())?;
        let (loss, accuracy) = (loss.mean(), confusion.accuracy().value);
        Ok(Some(Validation { score: accuracy, figures: vec![("loss", loss), ("accuracy", accuracy)] }))
    }
}

/// How well `network`, in evaluation mode on `device`, tells directions: the loss, and which it takes for which.
///
/// # Errors
/// A picture cannot be read.
pub fn evaluate(
    network: &PatchPosition,
    pairs: &Loader<PairBatcher>,
    device: &Device,
) -> ognivo_core::Result<(CrossEntropy, ConfusionMatrix)> {
    let (mut loss, mut confusion) = (CrossEntropy::new(), ConfusionMatrix::new(8));
    for batch in pairs.epoch(0, 0) {
        let batch = batch?;
        let directions = batch.directions.clone();
        let logs = log_softmax(network.forward(batch.upload(device).0), 1);
        let rows = logs.into_data().convert::<f32>().try_to_vec::<f32>().unwrap_or_default();
        for (row, &direction) in rows.chunks_exact(8).zip(&directions) {
            loss.add_logits(row, direction)?;
            confusion.add(direction, argmax(row))?;
        }
    }
    Ok((loss, confusion))
}

/// Writes the trunk of `network` into `folder` as a run of image classification, for all commands that take one. Its classifier is as it was
/// drawn.
///
/// # Errors
/// What the disk refuses.
pub fn write_trunk(
    network: &PatchPosition,
    config: &PatchConfig,
    preprocessing: &Preprocessing,
    classes: &[String],
    folder: &Path,
) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(ognivo_core::Error::io(folder, "create"))?;
    weights::save(&folder.join(MODEL), &weights::tensors_of(&network.trunk), serde_json::Value::Null)?;
    let write = |run: &RunDirectory| -> Result<()> {
        run.write_json(PREPROCESSING, preprocessing)?;
        run.write_json(CLASSES, &classes)?;
        Ok(run.write_json(CONFIG, &config.classifier())?)
    };
    match folder.join(CONFIG).exists() {
        true => write(&RunDirectory::open(folder)?),
        false => write(&RunDirectory::create(folder)?),
    }
}
