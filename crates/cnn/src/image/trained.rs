//! A trained classifier, opened from its run directory alone.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::data::{Image, ImageSet};
use ognivo_core::run::{CONFIG, MODEL, RunDirectory};
use ognivo_core::weights;

use super::augment::FloatImage;
use super::evaluate::{Scores, evaluate, log_probabilities};
use super::model::{InputShape, Network};
use super::preprocess::Preprocessing;
use super::train::ClassifierConfig;
use crate::{Error, Result};

/// The file of a run directory that holds the class names, in the order of the network's outputs.
pub const CLASSES: &str = "classes.json";

/// A network with all that is needed to use it.
#[derive(Debug)]
pub struct Trained {
    /// Where it comes from.
    pub run: RunDirectory,
    /// How it was trained.
    pub config: ClassifierConfig,
    /// What its input must be.
    pub preprocessing: Preprocessing,
    /// The names of its outputs.
    pub classes: Vec<String>,
    /// The network, in evaluation mode.
    pub network: Network,
    /// Where its tensors live.
    pub device: Device,
}

impl Trained {
    /// Opens a run directory.
    ///
    /// # Errors
    /// When it is not a run, training has not saved weights yet, or a file in it is damaged or of another network.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let run = RunDirectory::open(path)?;
        let config: ClassifierConfig = run.read_json(CONFIG)?;
        let preprocessing = Preprocessing::open(&run)?;
        let classes: Vec<String> = run.read_json(CLASSES)?;
        let file = run.file(MODEL);
        if !file.exists() {
            let message =
                format!("{} has no {MODEL} yet: its first epoch was not finished; go on with --resume", path.display());
            return Err(Error::Core(ognivo_core::Error::Config(message)));
        }
        let network = config.network.init_to_load(preprocessing.input(), classes.len(), device)?;
        let network = weights::load_into(network, weights::read(&file)?.0, &file)?.valid();
        Ok(Self { run, config, preprocessing, classes, network, device: device.clone() })
    }

    /// How well it classifies the pictures of a set.
    pub fn evaluate(&self, set: &Arc<dyn ImageSet>) -> Result<Scores> {
        evaluate(&self.network, set, &self.preprocessing, &self.device)
    }

    /// The probability of each class for each of some fitted pictures.
    pub fn classify(&self, images: &[Image]) -> Vec<Vec<f32>> {
        if images.is_empty() {
            return Vec::new();
        }
        let logs = log_probabilities(&self.network, self.input(images));
        logs.chunks_exact(self.classes.len()).map(|row| row.iter().map(|log| log.exp()).collect()).collect()
    }

    /// Fitted pictures as the network's input, `[pictures, channels, height, width]`.
    pub fn input(&self, images: &[Image]) -> Tensor<4> {
        let mut values = vec![0f32; images.len() * self.preprocessing.values()];
        for (planes, image) in values.chunks_exact_mut(self.preprocessing.values()).zip(images) {
            self.preprocessing.normalise(FloatImage::from(image).pixels(), planes);
        }
        let InputShape { channels, height, width } = self.preprocessing.input();
        Tensor::from_data(TensorData::new(values, [images.len(), channels, height, width]), &self.device)
    }
}
