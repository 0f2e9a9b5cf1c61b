//! Fine-tuning as [`ognivo_core::train::fit`] sees it.

use std::collections::HashMap;

use burn::module::ParamId;
use burn::tensor::Device;
use burn::tensor::activation::log_softmax;
use ognivo_cnn::image::batch::ImageBatch;
use ognivo_cnn::image::evaluate::argmax;
use ognivo_cnn::image::model::Network;
use ognivo_cnn::image::train::{cross_entropy, hits};
use ognivo_core::metrics::CrossEntropy;
use ognivo_core::train::fit::{Learner, Step, Validation};
use ognivo_core::train::loader::{Batcher, Loader};

use super::features::rest;
use super::freeze::Freezing;

/// Learns from batches that `B` makes: of pictures, or of what the first stages put out for them.
pub struct FineTuning<B: Batcher> {
    /// Which layers learn when.
    pub freezing: Freezing,
    /// The stages that the batches have been through.
    pub done: usize,
    /// Held-out batches in order; none means the last epoch's weights are kept.
    pub valid: Option<Loader<B>>,
    /// With autodiff.
    pub device: Device,
}

impl<B: Batcher<Batch = ImageBatch>> Learner for FineTuning<B> {
    type Model = Network;
    type Batcher = B;

    fn step(&mut self, network: &Network, batch: ImageBatch) -> ognivo_core::Result<Step> {
        let items = batch.len();
        let (images, targets) = batch.upload(&self.device);
        let logits = rest(network, self.done, images);
        let hits = hits(logits.clone().inner(), targets.clone().inner());
        Ok(Step { loss: cross_entropy(logits, targets), figures: vec![("accuracy", hits / items as f64)], items })
    }

    fn validate(&self, network: &Network) -> ognivo_core::Result<Option<Validation>> {
        let Some(valid) = &self.valid else { return Ok(None) };
        let device = self.device.clone().inner();
        let (mut loss, mut right, mut items) = (CrossEntropy::new(), 0_usize, 0_usize);
        for batch in valid.epoch(0, 0) {
            let batch = batch?;
            let labels = batch.labels.clone();
            let logs = log_softmax(rest(network, self.done, batch.upload(&device).0), 1);
            let [_, classes] = logs.dims();
            let rows = logs.into_data().convert::<f32>().try_to_vec::<f32>().unwrap_or_default();
            for (row, &target) in rows.chunks_exact(classes).zip(&labels) {
                loss.add_logits(row, target)?;
                right += usize::from(argmax(row) == target);
                items += 1;
            }
        }
        let accuracy = right as f64 / items.max(1) as f64;
        Ok(Some(Validation { score: accuracy, figures: vec![("loss", loss.mean()), ("accuracy", accuracy)] }))
    }

    fn begin_epoch(&mut self, network: Network, epoch: u64) -> Network {
        self.freezing.apply(network, epoch)
    }

    fn rate_factors(&self, network: &Network) -> HashMap<ParamId, f64> {
        self.freezing.rate_factors(network)
    }
}
