//! One training run from its configuration: what is written before the first step, and how it is taken up again.

use burn::module::Module;
use burn::tensor::Device;
use ognivo_core::cli::events::Output;
use ognivo_core::random::{self, Rng};
use ognivo_core::run::{CONFIG, RunDirectory};
use ognivo_core::train::fit::{Fit, Outcome};
use ognivo_core::train::loader::Loader;

use super::augment::Augment;
use super::batch::{ImageBatcher, TrainingOptions, WORKERS};
use super::data::Splits;
use super::model::Network;
use super::preprocess::{PREPROCESSING, Preprocessing};
use super::train::{Classification, ClassifierConfig};
use super::trained::CLASSES;
use crate::Result;

/// A run that is ready to train.
pub struct Session<'a> {
    run: &'a RunDirectory,
    config: &'a ClassifierConfig,
    preprocessing: Preprocessing,
    network: Network,
    device: &'a Device,
}

impl<'a> Session<'a> {
    /// Writes what the run directory must hold to be used, and makes the network from the seed. `device` has autodiff.
    pub fn new(
        run: &'a RunDirectory,
        config: &'a ClassifierConfig,
        splits: &Splits,
        device: &'a Device,
    ) -> Result<Self> {
        let preprocessing = match run.file(PREPROCESSING).exists() {
            true => Preprocessing::open(run)?,
            false => Preprocessing::measure(&*splits.train, config.image_size)?,
        };
        device.seed(random::stream(config.seed, &[random::INIT]).next_u64());
        let network = config.network.init(preprocessing.input(), splits.train.classes().len(), device)?;
        // The configuration is written last: its presence makes the folder a run.
        run.write_json(PREPROCESSING, &preprocessing)?;
        run.write_json(CLASSES, &splits.train.classes())?;
        run.write_json(CONFIG, config)?;
        Ok(Self { run, config, preprocessing, network, device })
    }

    /// Trainable values in the network.
    pub fn parameters(&self) -> usize {
        self.network.num_params()
    }

    /// Trains, from the run's checkpoint when it has one.
    pub fn fit(self, splits: &Splits, output: &Output) -> Result<Outcome> {
        let Self { run, config, preprocessing, network, device } = self;
        let options = TrainingOptions {
            augment: Augment::new(config.augment.clone())?,
            label_smoothing: config.label_smoothing,
            seed: config.seed,
        };
        let batcher = ImageBatcher::training(splits.train.clone(), preprocessing.clone(), options);
        let loader = Loader::new(batcher, config.fit.batch_size, WORKERS).shuffled(config.seed);
        let mut task = Classification { valid: splits.valid.clone(), preprocessing, device: device.clone() };
        let fit = Fit { config: &config.fit, seed: config.seed, device, run, output };
        Ok(fit.run(&mut task, network, &loader)?)
    }
}
