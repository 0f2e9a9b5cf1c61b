//! What the experiments of many trainings share: flags, the folder that an interrupted one goes on in, the way to say how it goes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ognivo_cnn::image::data::{self, Splits};
use ognivo_cnn::image::fitted::Fitted;
use ognivo_cnn::image::recipe;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, args::DeviceArgs, config};
use ognivo_core::data::ImageSplits;
use ognivo_core::metrics::Interval;
use ognivo_core::report::percent;
use ognivo_core::run::{CONFIG, RunDirectory};
use ognivo_transfer::experiment::Share;
use ognivo_transfer::fine_tune::origin::Origin;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The file of an experiment's folder that holds its figures.
pub(crate) const TRIALS: &str = "trials.jsonl";

/// Where an experiment takes place, and how its networks are trained.
#[derive(clap::Args)]
pub(crate) struct ExperimentArgs {
    /// Each training is repeated so many times, with other pictures and other random weights
    #[arg(long, default_value_t = 3)]
    pub(crate) seeds: u64,
    /// Measure on at most so many test pictures
    #[arg(long, default_value_t = 2000, value_name = "PICTURES")]
    pub(crate) test: usize,
    /// Pictures in a step
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    /// Peak learning rate of whole networks
    #[arg(long, default_value_t = 0.001)]
    learning_rate: f64,
    /// Set any setting of training by its path, e.g. --set network.dropout=0 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// The folder of the experiment [default: the next free one]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on with the experiment in --run where it was stopped
    #[arg(long, requires = "run")]
    resume: bool,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
}

impl ExperimentArgs {
    /// How networks are trained: the flags, then `--set`, over what suits small sets of pictures.
    pub(crate) fn classifier(&self, base: ClassifierConfig) -> anyhow::Result<ClassifierConfig> {
        let mut base = base;
        base.valid_fraction = 0.0;
        base.fit.batch_size = self.batch_size;
        base.fit.learning_rate = self.learning_rate;
        let mut overlay = json!({});
        for setting in &self.settings {
            let (path, value) = config::parse_setting(setting)?;
            config::set(&mut overlay, &path, value)?;
        }
        Ok(config::resolve(&base, &[overlay])?)
    }

    /// The folder, with what was asked for when it was begun, or with what `fresh` makes.
    pub(crate) fn begin<T: Serialize + DeserializeOwned>(
        &self,
        task: &str,
        name: &str,
        fresh: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<(RunDirectory, T)> {
        if let Some(path) = self.run.as_ref().filter(|path| self.resume && path.join(CONFIG).exists()) {
            let run = RunDirectory::open(path)?;
            let setup = run.read_json(CONFIG)?;
            return Ok((run, setup));
        }
        let setup = fresh()?;
        let path = self.run.clone().unwrap_or_else(|| RunDirectory::next_path(task, &run_name(name)));
        let run = RunDirectory::create(path)?;
        run.write_json(CONFIG, &setup)?;
        Ok((run, setup))
    }
}

/// The settings that experiments start from.
pub(crate) fn base_config(data: &str, classes: Option<Vec<String>>) -> ClassifierConfig {
    ClassifierConfig { classes, ..recipe::base_config(data) }
}

/// A data set; its validation part measures where it has no test part, as no choice is made by either.
pub(crate) fn open(config: &ClassifierConfig, output: &Output) -> anyhow::Result<ImageSplits> {
    let mut opened = data::open_source(&config.data, &config.image_options(), output)?;
    if opened.test.is_none() {
        opened.test = opened.valid.take();
    }
    opened.warnings.drain(..).for_each(|warning| output.warn(&warning));
    Ok(opened)
}

/// The parts of a data set as networks that begin as `origin` take them, at most `test` pictures to measure on.
pub(crate) fn splits(
    config: &ClassifierConfig,
    origin: &Origin,
    test: usize,
    output: &Output,
) -> anyhow::Result<Splits> {
    let mut splits = data::split(open(config, output)?, config)?;
    splits.notes.iter().for_each(|note| output.warn(note));
    splits.test = Arc::new(data::sample(&splits.test, test, 0)?);
    if let Some(preprocessing) = &origin.preprocessing {
        let fitted = |set| Fitted::wrap(set, preprocessing);
        splits = Splits {
            train: fitted(splits.train),
            valid: splits.valid.map(fitted),
            test: fitted(splits.test),
            ..splits
        };
    }
    Ok(splits)
}

/// The settings of networks that begin as `origin`.
pub(crate) fn base_config_of(origin: &Origin, data: &str, classes: Option<Vec<String>>) -> ClassifierConfig {
    let image_size = origin.preprocessing.as_ref().map(|shape| [shape.height, shape.width]);
    ClassifierConfig { network: origin.network.clone(), image_size, ..base_config(data, classes) }
}

/// Tells of a training that is done.
pub(crate) fn told(output: &Output, name: &str, share: Share, done: usize, all: usize) {
    output.line(&format!("{done:>4}/{all}  {name:<36} {:>7}", percent(share.value())));
    output.event("trial", json!({ "trial": name, "right": share.right, "of": share.of, "done": done, "all": all }));
}

/// After Ctrl-C.
pub(crate) fn interrupted(run: &RunDirectory, command: &str, output: &Output) -> Ended {
    let path = run.path().display();
    output.warn(&format!("stopped; what is done is kept; go on with: transfer {command} --run {path} --resume"));
    Ended::Interrupted
}

/// `81.2 % ± 1.4`, the half width of the interval after the mean; without the latter where one measurement stands alone.
pub(crate) fn mean(interval: &Interval) -> String {
    match interval.high.is_finite() {
        true => format!("{} ± {:.1}", percent(interval.value), 100.0 * (interval.high - interval.value)),
        false => percent(interval.value),
    }
}

/// The same as numbers.
pub(crate) fn figures(interval: &Interval) -> Value {
    let finite = |value: f64| value.is_finite().then_some(value);
    json!({ "mean": interval.value, "low": finite(interval.low), "high": finite(interval.high) })
}

/// A name for a folder: the set's name, or the last part of its path.
pub(crate) fn run_name(data: &str) -> String {
    let last = Path::new(data).file_name().map_or(data.into(), |name| name.to_string_lossy());
    let name: String = last.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    if name.is_empty() { "pictures".into() } else { name }
}
