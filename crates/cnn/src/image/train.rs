//! Training a classifier: configuration, loss, validation.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, activation::log_softmax};
use ognivo_core::data::table::TableOptions;
use ognivo_core::data::{ImageOptions, ImageSet};
use ognivo_core::train::fit::{FitConfig, Learner, Step, Validation};
use serde::{Deserialize, Serialize};

use super::augment::AugmentConfig;
use super::batch::{ImageBatch, ImageBatcher};
use super::evaluate::evaluate;
use super::model::{InputShape, Network, NetworkConfig};
use super::preprocess::{Preprocessing, common_shape};
use crate::{Error, Result};

/// Everything that decides a training run; a run directory's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// The data set: a name of the index, or a path.
    pub data: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// Height and width pictures are brought to; their own when absent and equal.
    pub image_size: Option<[usize; 2]>,
    /// The classes to tell apart; all of the data set's when absent.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
    /// At most so many training pictures, chosen at random, evenly over the classes.
    pub limit: Option<usize>,
    /// The part of the training pictures held out to choose the best epoch, where the data has no validation part.
    pub valid_fraction: f64,
    /// The label column of a table: its name or its index.
    pub label_column: Option<String>,
    /// CIFAR-100's 20 coarse classes instead of the 100 fine ones.
    pub coarse_labels: bool,
    /// The network.
    pub network: NetworkConfig,
    /// Class-preserving changes of training pictures.
    pub augment: AugmentConfig,
    /// Probability spread evenly over all classes.
    pub label_smoothing: f64,
    /// Epochs, batch size, optimiser, schedule.
    pub fit: FitConfig,
}

impl ClassifierConfig {
    /// What opening the data set needs to know.
    pub fn image_options(&self) -> ImageOptions {
        let table = TableOptions { label_column: self.label_column.clone(), ..Default::default() };
        ImageOptions { coarse: self.coarse_labels, table, ..Default::default() }
    }
}

impl ClassifierConfig {
    /// Whether every setting is in its range and the network can be built for the pictures of `set`.
    ///
    /// # Errors
    /// Names the setting, or the layer that the pictures become too small for.
    pub fn validate(&self, set: &dyn ImageSet) -> Result<()> {
        let share = |setting: &str, found: f64| match (0.0..1.0).contains(&found) {
            true => Ok(()),
            false => Err(Error::setting(setting, found.to_string(), "at least 0 and below 1")),
        };
        share("label_smoothing", self.label_smoothing)?;
        share("valid_fraction", self.valid_fraction)?;
        self.augment.validate()?;
        self.fit.validate()?;
        let [channels, height, width] = common_shape(set)?;
        let [height, width] = self.image_size.unwrap_or([height, width]);
        self.network.summary(InputShape { channels, height, width }, set.classes().len())?;
        Ok(())
    }
}

/// Classification as [`ognivo_core::train::fit`] sees it.
pub struct Classification {
    /// Held-out pictures; none means the last epoch's weights are kept.
    pub valid: Option<Arc<dyn ImageSet>>,
    /// The network's input.
    pub preprocessing: Preprocessing,
    /// With autodiff.
    pub device: Device,
}

impl Learner for Classification {
    type Model = Network;
    type Batcher = ImageBatcher;

    fn step(&mut self, network: &Network, batch: ImageBatch) -> ognivo_core::Result<Step> {
        let items = batch.len();
        let (images, targets) = batch.upload(&self.device);
        let logits = network.forward(images);
        let hits = hits(logits.clone().inner(), targets.clone().inner());
        Ok(Step { loss: cross_entropy(logits, targets), figures: vec![("accuracy", hits / items as f64)], items })
    }

    fn validate(&self, network: &Network) -> ognivo_core::Result<Option<Validation>> {
        let Some(valid) = &self.valid else { return Ok(None) };
        let scores = evaluate(network, valid, &self.preprocessing, &self.device.clone().inner())?;
        let (loss, accuracy) = (scores.loss.mean(), scores.accuracy());
        Ok(Some(Validation { score: accuracy, figures: vec![("loss", loss), ("accuracy", accuracy)] }))
    }
}

/// $-\frac1n \sum_i \sum_k t_{ik} \ln p_{ik}$ for logits and target distributions `[batch, classes]`.
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let items = logits.dims()[0] as f64;
    (log_softmax(logits, 1) * targets).sum().div_scalar(-items)
}

/// How many rows have their largest logit at their largest target, `[1]`.
pub fn hits(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    logits.argmax(1).equal(targets.argmax(1)).float().sum()
}
