//! One fine-tuning run from its settings: what is written before the first step, and how it is taken up again.

use burn::module::Module;
use burn::tensor::Device;
use ognivo_cnn::image::augment::Augment;
use ognivo_cnn::image::batch::{ImageBatcher, TrainingOptions, WORKERS};
use ognivo_cnn::image::data::Splits;
use ognivo_cnn::image::evaluate::BATCH;
use ognivo_cnn::image::model::Network;
use ognivo_cnn::image::preprocess::{PREPROCESSING, Preprocessing};
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_cnn::image::trained::CLASSES;
use ognivo_core::Error;
use ognivo_core::cli::events::Output;
use ognivo_core::run::{CHECKPOINT, CONFIG, RunDirectory};
use ognivo_core::train::checkpoint::Checkpoint;
use ognivo_core::train::fit::{Fit, Outcome};
use ognivo_core::train::loader::{Batcher, Loader};
use ognivo_core::weights;

use super::features::{FeatureBatcher, Features, cache_folder, can_be_kept};
use super::freeze::Freezing;
use super::learner::FineTuning;
use super::origin::Origin;
use super::settings::{SETTINGS, Settings};
use crate::Result;

/// A run that is ready to train.
pub struct Session<'a> {
    run: &'a RunDirectory,
    config: &'a ClassifierConfig,
    /// How pictures are prepared.
    pub preprocessing: Preprocessing,
    /// The network at the start, or where the run's checkpoint left it.
    pub network: Network,
    freezing: Freezing,
    device: &'a Device,
}

impl<'a> Session<'a> {
    /// A new run: the origin's network with a new classifier. Writes what the run directory must hold to be used. `device` has autodiff.
    pub fn start(
        run: &'a RunDirectory,
        settings: &Settings,
        config: &'a ClassifierConfig,
        origin: &Origin,
        splits: &Splits,
        device: &'a Device,
    ) -> Result<Self> {
        let preprocessing = match &origin.preprocessing {
            Some(preprocessing) => preprocessing.clone(),
            None => Preprocessing::measure(&*splits.train, config.image_size)?,
        };
        let network = origin.open(preprocessing.input(), splits.train.classes().len(), config.seed, device)?;
        let freezing = freezing(&network, settings)?;
        run.write_json(SETTINGS, settings)?;
        run.write_json(PREPROCESSING, &preprocessing)?;
        run.write_json(CLASSES, &splits.train.classes())?;
        // The configuration is written last: its presence makes the folder a run.
        run.write_json(CONFIG, config)?;
        Ok(Self { run, config, preprocessing, network, freezing, device })
    }

    /// A run that was stopped, from its checkpoint; the origin is not needed any more.
    pub fn resume(
        run: &'a RunDirectory,
        settings: &Settings,
        config: &'a ClassifierConfig,
        splits: &Splits,
        device: &'a Device,
    ) -> Result<Self> {
        let preprocessing = Preprocessing::open(run)?;
        let network = config.network.init(preprocessing.input(), splits.train.classes().len(), device)?;
        let path = run.file(CHECKPOINT);
        let network = weights::load_into(network, Checkpoint::read(&path)?.model, &path)?;
        let freezing = freezing(&network, settings)?;
        Ok(Self { run, config, preprocessing, network, freezing, device })
    }

    /// How many of the network's parameters learn at first, and how many there are.
    pub fn parameters(&self) -> (usize, usize) {
        let frozen = self.freezing.frozen_in(0);
        let tensors = weights::shapes_of(&self.network);
        let counted = tensors.iter().filter(|(name, _)| !name.contains("running_"));
        let (mut learning, mut all) = (0, 0);
        for (name, shape) in counted {
            let count = shape.iter().product::<usize>();
            all += count;
            let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
            learning += if frozen.contains(layer) { 0 } else { count };
        }
        (learning, all)
    }

    /// How well the features, as they are before fine-tuning, tell the classes apart: the accuracy on the test part of the nearest
    /// neighbour in the training part.
    pub fn nearest_neighbours(&self, splits: &Splits) -> Result<f64> {
        let network = self.network.valid();
        let stages = stages_before_head(&network);
        let plain = self.device.clone().inner();
        let features =
            |set| Features::compute(&network, stages, set, &self.preprocessing, &plain, cache_folder().as_deref());
        Ok(features(&splits.train)?.nearest_neighbour_accuracy(&features(&splits.test)?))
    }

    /// Trains, from the run's checkpoint when it has one. What stages that never learn put out is computed once, if pictures are not changed
    /// from epoch to epoch.
    pub fn fit(self, splits: &Splits, output: &Output) -> Result<Outcome> {
        let Self { run, config, preprocessing, network, freezing, device } = self;
        let done = freezing.never_learning();
        let pictures = splits.train.len() + splits.valid.as_ref().map_or(0, |valid| valid.len());
        let unchanged = config.augment == Default::default() && config.label_smoothing == 0.0;
        if done > 0 && unchanged && can_be_kept(&network, done, &preprocessing, pictures) {
            let (still, plain) = (network.valid(), device.clone().inner());
            let features =
                |set| Features::compute(&still, done, set, &preprocessing, &plain, cache_folder().as_deref());
            let (train, valid) = (features(&splits.train)?, splits.valid.as_ref().map(features).transpose()?);
            let from = if train.cached { "from the cache" } else { "computed once" };
            output.line(&format!("features of {done} frozen stages for {pictures} pictures: {from}"));
            let loader = Loader::new(FeatureBatcher(train), config.fit.batch_size, WORKERS);
            let valid = valid.map(|valid| Loader::new(FeatureBatcher(valid), BATCH, WORKERS));
            return fit(
                run,
                config,
                FineTuning { freezing, done, valid, device: device.clone() },
                network,
                loader,
                output,
            );
        }
        let options = TrainingOptions {
            augment: Augment::new(config.augment.clone())?,
            label_smoothing: config.label_smoothing,
            seed: config.seed,
        };
        let batcher = ImageBatcher::training(splits.train.clone(), preprocessing.clone(), options);
        let loader = Loader::new(batcher, config.fit.batch_size, WORKERS);
        let evaluation = |valid: &_| ImageBatcher::evaluation(std::sync::Arc::clone(valid), preprocessing.clone());
        let valid = splits.valid.as_ref().map(|valid| Loader::new(evaluation(valid), BATCH, WORKERS));
        fit(run, config, FineTuning { freezing, done: 0, valid, device: device.clone() }, network, loader, output)
    }
}

fn fit<B: Batcher<Batch = ognivo_cnn::image::batch::ImageBatch>>(
    run: &RunDirectory,
    config: &ClassifierConfig,
    mut task: FineTuning<B>,
    network: Network,
    loader: Loader<B>,
    output: &Output,
) -> Result<Outcome> {
    let device = task.device.clone();
    let fit = Fit { config: &config.fit, seed: config.seed, device: &device, run, output };
    Ok(fit.run(&mut task, network, &loader.shuffled(config.seed))?)
}

fn freezing(network: &Network, settings: &Settings) -> Result<Freezing> {
    match network {
        Network::Backbone(backbone) => Ok(Freezing::new(backbone, settings)?),
        other => Err(Error::Config(format!("{} cannot be fine-tuned: it has no stages", other.config().name())).into()),
    }
}

fn stages_before_head(network: &Network) -> usize {
    match network {
        Network::Backbone(backbone) => backbone.stages().len().saturating_sub(1),
        _ => 0,
    }
}
