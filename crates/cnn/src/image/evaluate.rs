//! How well a network classifies: loss, accuracy with its interval, top-k, the confusion matrix, the worst mistakes.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, activation::log_softmax};
use ognivo_core::data::ImageSet;
use ognivo_core::metrics::{ConfusionMatrix, CrossEntropy, TopK};
use ognivo_core::train::loader::Loader;

use super::batch::{ImageBatcher, WORKERS};
use super::model::Network;
use super::preprocess::Preprocessing;
use crate::Result;

/// Pictures in a forward pass of evaluation.
pub const BATCH: usize = 256;
/// Mistakes remembered, the most confident ones.
const MISTAKES: usize = 24;

/// The outcome of an evaluation.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Mean cross-entropy, in nats.
    pub loss: CrossEntropy,
    /// Targets against predictions.
    pub confusion: ConfusionMatrix,
    /// How often the target is among the five most probable classes.
    pub top5: TopK,
    /// The mistakes made with the highest probability, the worst first.
    pub mistakes: Vec<Mistake>,
}

/// A picture taken for another class.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// Its index in the set.
    pub index: usize,
    /// Its class.
    pub target: usize,
    /// The class it was taken for.
    pub predicted: usize,
    /// The probability the network gave to that.
    pub probability: f32,
}

impl Scores {
    /// The share of pictures classified rightly.
    pub fn accuracy(&self) -> f64 {
        self.confusion.accuracy().value
    }
}

/// Classifies every picture of a set. `network` is in evaluation mode ([`burn::module::Module::valid`]).
pub fn evaluate(
    network: &Network,
    set: &Arc<dyn ImageSet>,
    preprocessing: &Preprocessing,
    device: &Device,
) -> Result<Scores> {
    let classes = set.classes().len();
    let mut scores = Scores {
        loss: CrossEntropy::new(),
        confusion: ConfusionMatrix::new(classes),
        top5: TopK::new(5),
        mistakes: Vec::new(),
    };
    let loader = Loader::new(ImageBatcher::evaluation(set.clone(), preprocessing.clone()), BATCH, WORKERS);
    let mut first = 0;
    for batch in loader.epoch(0, 0) {
        let batch = batch?;
        let labels = batch.labels.clone();
        let log_probabilities = log_probabilities(network, batch.upload(device).0);
        for (offset, (row, &target)) in log_probabilities.chunks_exact(classes).zip(&labels).enumerate() {
            let predicted = argmax(row);
            scores.loss.add_logits(row, target)?;
            scores.confusion.add(target, predicted)?;
            scores.top5.add(row, target)?;
            if predicted != target {
                scores.mistakes.push(Mistake {
                    index: first + offset,
                    target,
                    predicted,
                    probability: row[predicted].exp(),
                });
            }
        }
        scores.mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
        scores.mistakes.truncate(MISTAKES);
        first += labels.len();
    }
    Ok(scores)
}

/// `ln p(class | picture)` for pictures `[batch, channels, height, width]`, row after row.
pub fn log_probabilities(network: &Network, images: Tensor<4>) -> Vec<f32> {
    // A backend that cannot give its own floats back has no use here; an empty answer then reads as no prediction.
    log_softmax(network.forward(images), 1).into_data().convert::<f32>().try_to_vec().unwrap_or_default()
}

/// The first of the largest values.
pub fn argmax(values: &[f32]) -> usize {
    (0..values.len()).fold(0, |best, index| if values[index] > values[best] { index } else { best })
}
