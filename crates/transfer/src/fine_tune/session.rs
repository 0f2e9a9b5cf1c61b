//! One fine-tuning run from its settings: what is written before the first step, and how it is taken up again.

use std::time::Instant;

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
use ognivo_core::train::fit::{Fit, Outcome, Stopped};
use ognivo_core::train::interrupt;
use ognivo_core::train::loader::{Batcher, Loader};
use ognivo_core::train::progress::Progress;
use ognivo_core::weights;

use super::features::{FeatureBatcher, Features, cache_folder, can_be_kept};
use super::freeze::Freezing;
use super::learner::FineTuning;
use super::origin::Origin;
use super::settings::{SETTINGS, Settings};
use crate::Result;

/// The network as it was at the start of a run, until there is a checkpoint.
const START: &str = "checkpoint/start.safetensors";

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
    /// Where features are kept for other runs; none keeps them for this one alone.
    pub cache: Option<std::path::PathBuf>,
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
        weights::save(&run.file(START), &weights::tensors_of(&network), serde_json::Value::Null)?;
        run.write_json(SETTINGS, settings)?;
        run.write_json(PREPROCESSING, &preprocessing)?;
        run.write_json(CLASSES, &splits.train.classes())?;
        // The configuration is written last: its presence makes the folder a run.
        run.write_json(CONFIG, config)?;
        Ok(Self { run, config, preprocessing, network, freezing, device, cache: cache_folder() })
    }

    /// A run that was stopped, from its checkpoint or, if it was stopped before there was one, from its start; the origin is not needed any more.
    pub fn resume(
        run: &'a RunDirectory,
        settings: &Settings,
        config: &'a ClassifierConfig,
        splits: &Splits,
        device: &'a Device,
    ) -> Result<Self> {
        let preprocessing = Preprocessing::open(run)?;
        let network = config.network.init(preprocessing.input(), splits.train.classes().len(), device)?;
        let (start, path) = (run.file(START), run.file(CHECKPOINT));
        let network = match path.exists() || !start.exists() {
            true => weights::load_into(network, Checkpoint::read(&path)?.model, &path)?,
            false => weights::load_into(network, weights::read(&start)?.0, &start)?,
        };
        let freezing = freezing(&network, settings)?;
        Ok(Self { run, config, preprocessing, network, freezing, device, cache: cache_folder() })
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

    /// Whether nothing has been learnt yet.
    pub fn is_new(&self) -> bool {
        !self.run.file(CHECKPOINT).exists()
    }

    /// How well the features, as they are before fine-tuning, tell the classes apart: the accuracy on the test part of the nearest
    /// neighbour in the training part. None if Ctrl-C ended the computation, which goes on where it was when it is asked for again.
    pub fn nearest_neighbours(&self, splits: &Splits, output: &Output) -> Result<Option<f64>> {
        let network = self.network.valid();
        let stages = stages_before_head(&network);
        let Some(train) = self.features(&network, stages, &splits.train, output)? else { return Ok(None) };
        if train.cached {
            output.line(&format!("features of {} pictures: from the cache", train.len()));
        }
        let Some(test) = self.features(&network, stages, &splits.test, output)? else { return Ok(None) };
        Ok(Some(train.nearest_neighbour_accuracy(&test)))
    }

    /// What the first stages put out for the pictures of `set`; none after Ctrl-C. Says how fast where they had to be computed.
    fn features(
        &self,
        network: &Network,
        stages: usize,
        set: &std::sync::Arc<dyn ognivo_core::data::ImageSet>,
        output: &Output,
    ) -> Result<Option<Features>> {
        let bar = Progress::new(set.len() as u64, 0, "pictures", output.is_silent());
        let device = self.device.clone().inner();
        let mut go_on = |pictures: usize| {
            bar.step(pictures as u64, "features");
            !interrupt::requested()
        };
        let (cache, start) = (self.cache.as_deref(), Instant::now());
        let made = Features::compute(network, stages, set, &self.preprocessing, &device, cache, &mut go_on);
        bar.finish();
        if let Ok(Some(made)) = &made
            && !made.cached
        {
            let rate = made.len() as f64 / start.elapsed().as_secs_f64();
            output.line(&format!("features of {} pictures: computed, {rate:.0} pictures/s", made.len()));
        }
        made
    }

    /// Trains, from the run's checkpoint when it has one. What stages that never learn put out is computed once, if pictures are not changed
    /// from epoch to epoch.
    pub fn fit(self, splits: &Splits, output: &Output) -> Result<Outcome> {
        let (done, config) = (self.freezing.never_learning(), self.config);
        let pictures = splits.train.len() + splits.valid.as_ref().map_or(0, |valid| valid.len());
        let unchanged = config.augment == Default::default() && config.label_smoothing == 0.0;
        if done > 0 && unchanged && can_be_kept(&self.network, done, &self.preprocessing, pictures) {
            let still = self.network.valid();
            let stopped =
                Outcome { stopped: Stopped::Interrupted, steps: 0, best: None, seconds: 0.0, items_per_second: 0.0 };
            let Some(train) = self.features(&still, done, &splits.train, output)? else { return Ok(stopped) };
            let valid = match &splits.valid {
                Some(valid) => match self.features(&still, done, valid, output)? {
                    Some(valid) => Some(valid),
                    None => return Ok(stopped),
                },
                None => None,
            };
            let Self { run, network, freezing, device, .. } = self;
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
        let Self { run, preprocessing, network, freezing, device, .. } = self;
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
    let outcome = fit.run(&mut task, network, &loader.shuffled(config.seed))?;
    // There is a checkpoint now.
    let _ = std::fs::remove_file(run.file(START));
    Ok(outcome)
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
