//! Batches of pictures for training and for evaluation.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::data::ImageSet;
use ognivo_core::train::loader::{Batcher, Position};

use super::augment::{Augment, FloatImage, MixupPlan, mixup_plan};
use super::preprocess::Preprocessing;

/// Threads that read, decode and augment.
pub const WORKERS: usize = 2;

/// Pictures and what the network should say of each.
pub struct ImageBatch {
    /// `[batch, channels, height, width]`, normalised.
    pub images: TensorData,
    /// The class of each picture, before any mixing.
    pub labels: Vec<usize>,
    /// `[batch, classes]`: the distribution over classes to learn.
    pub targets: TensorData,
}

impl ImageBatch {
    /// Pictures in the batch.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pictures and targets on `device`.
    pub fn upload(self, device: &Device) -> (Tensor<4>, Tensor<2>) {
        (Tensor::from_data(self.images, device), Tensor::from_data(self.targets, device))
    }
}

/// Reads, augments and stacks pictures of a set.
pub struct ImageBatcher {
    set: Arc<dyn ImageSet>,
    preprocessing: Preprocessing,
    training: Option<TrainingOptions>,
}

/// What training does to its batches and evaluation does not.
#[derive(Clone)]
pub struct TrainingOptions {
    /// Class-preserving changes.
    pub augment: Augment,
    /// Probability spread evenly over all classes (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
    /// With the epoch and the index it decides every random change.
    pub seed: u64,
}

impl ImageBatcher {
    /// Batches as evaluation needs them.
    pub fn evaluation(set: Arc<dyn ImageSet>, preprocessing: Preprocessing) -> Self {
        Self { set, preprocessing, training: None }
    }

    /// Batches as training needs them.
    pub fn training(set: Arc<dyn ImageSet>, preprocessing: Preprocessing, options: TrainingOptions) -> Self {
        Self { set, preprocessing, training: Some(options) }
    }
}

impl Batcher for ImageBatcher {
    type Batch = ImageBatch;

    fn items(&self) -> usize {
        self.set.len()
    }

    fn batch(&self, indices: &[usize], position: Position) -> ognivo_core::Result<ImageBatch> {
        let Preprocessing { channels, height, width, .. } = self.preprocessing;
        let (count, values, classes) = (indices.len(), self.preprocessing.values(), self.set.classes().len());
        let mut images = vec![0f32; count * values];
        let mut labels = Vec::with_capacity(count);
        let mut targets = vec![0f32; count * classes];
        let smoothing = self.training.as_ref().map_or(0.0, |options| options.label_smoothing) as f32;
        let rows = images.chunks_exact_mut(values).zip(targets.chunks_exact_mut(classes));
        for (&index, (planes, target)) in indices.iter().zip(rows) {
            let mut image = FloatImage::from(&self.preprocessing.fit(&self.set.image(index)?)?);
            if let Some(options) = &self.training {
                options.augment.replay(&mut image, options.seed, position.epoch, index);
            }
            self.preprocessing.normalise(image.pixels(), planes);
            let label = self.set.label(index);
            target.fill(smoothing / classes as f32);
            target[label] += 1.0 - smoothing;
            labels.push(label);
        }
        if let Some(TrainingOptions { augment, seed, .. }) = &self.training
            && augment.config().mixup > 0.0
        {
            let plan = mixup_plan(augment.config().mixup, *seed, position.epoch, position.batch, count);
            mix(&mut images, values, &plan);
            mix(&mut targets, classes, &plan);
        }
        Ok(ImageBatch {
            images: TensorData::new(images, [count, channels, height, width]),
            labels,
            targets: TensorData::new(targets, [count, classes]),
        })
    }
}

/// Replaces row `i` by `lambda row_i + (1 - lambda) row_partner` (mixup, Zhang et al. 2018).
fn mix(rows: &mut [f32], width: usize, plan: &MixupPlan) {
    let before = rows.to_vec();
    for (row, (partner, lambda)) in rows.chunks_exact_mut(width).zip(plan.partners.iter().zip(&plan.lambdas)) {
        for (value, other) in row.iter_mut().zip(&before[partner * width..]) {
            *value = lambda * *value + (1.0 - lambda) * other;
        }
    }
}
