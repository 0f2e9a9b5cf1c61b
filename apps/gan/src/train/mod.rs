//! `train`: from data to a trained generator and its report.

mod mixture;
mod pictures;

use std::path::{Path, PathBuf};

use anyhow::Context;
use ognivo_core::cli::args::TrainArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config, suggest};
use ognivo_core::report::Report;
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_gan::mixture::target::Mixture;
use ognivo_gan::recipe::{GanConfig, ModelConfig};
use ognivo_gan::train::files;
use serde::Serialize;
use serde_json::{Value, json};

/// What is said to go on with.
const COMMAND: &str = "gan train";

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan train
  gan train --data mnist --epochs 10
  gan train --model conditional --data fashion-mnist
  gan train --data photos/ --set model.size=32
  gan train --model mlp --data mnist --set fit.objective=least-squares
  gan train --model mixture --data grid --seed 3
  gan train --model mixture --set fit.discriminator_steps=5 --set fit.objective=wasserstein-clipped
  gan train --run runs/mine --resume")]
pub(crate) struct Args {
    /// Networks: mlp, dcgan or conditional for pictures, mixture for points [default: what --config says, else by the data]
    #[arg(long)]
    model: Option<String>,
    /// What to generate: a set of pictures by name (`data list` shows them), a folder of pictures, or the mixture ring, grid or
    /// line [default: what --config says, else digits, and ring for --model mixture]
    #[arg(long)]
    data: Option<String>,
    /// Learn from at most so many pictures
    #[arg(long)]
    limit: Option<usize>,
    /// A run of classify-images in whose features to measure [default: a classifier is trained on the pictures first]
    #[arg(long, value_name = "DIR")]
    classifier: Option<PathBuf>,
    #[command(flatten)]
    common: TrainArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.common.device.open()?;
    let overlay = overlay(args)?;
    let asked = args.common.run.as_deref();
    if let Some(path) = asked.filter(|path| args.common.resume && path.join(CONFIG).exists()) {
        let run = RunDirectory::open(path)?;
        let config: GanConfig = config::resumed(&files::configuration(&run, COMMAND)?, &overlay)?;
        return match config.model {
            ModelConfig::Mixture(_) => mixture::train(&config, Place::Run(run), &device, output),
            _ => pictures::resume(config, run, args.classifier.as_deref(), &device, output),
        };
    }
    let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
    let overlays = [file, overlay];
    let place = Place::New(asked);
    if wants_mixture(&overlays)? {
        return mixture::train(&mixture::fresh(&overlays)?, place, &device, output);
    }
    pictures::start(&overlays, place, args.classifier.as_deref(), &device, output)
}

/// Where a run goes on, or where one is to begin.
pub(crate) enum Place<'a> {
    Run(RunDirectory),
    New(Option<&'a Path>),
}

impl Place<'_> {
    /// The run directory, a new one named after the `task` and the `data`.
    pub(crate) fn take(self, task: &str, data: &str) -> anyhow::Result<RunDirectory> {
        match self {
            Place::Run(run) => Ok(run),
            Place::New(asked) => {
                let path = asked.map_or_else(|| RunDirectory::next_path(task, &data_name(data)), Path::to_path_buf);
                Ok(RunDirectory::create(path)?)
            }
        }
    }
}

/// Whether networks for a mixture are asked for, by name or by the name of the mixture.
fn wants_mixture(overlays: &[Value]) -> anyhow::Result<bool> {
    // A choice among networks is the name of one, or an object that has the name beside settings.
    let asked = |key: &str| {
        let name = |overlay: &'_ Value| {
            let value = overlay.get(key)?;
            Some(value.as_str().or_else(|| value.get(key)?.as_str())?.to_string())
        };
        overlays.iter().rev().find_map(name)
    };
    match asked("model").as_deref() {
        Some("mixture") => Ok(true),
        Some(name) if ModelConfig::NAMES.contains(&name) => Ok(false),
        Some(name) => Err(ognivo_core::Error::Config(suggest::unknown("model", name, &ModelConfig::NAMES)).into()),
        None => Ok(asked("data").is_some_and(|data| Mixture::NAMES.contains(&data.as_str()))),
    }
}

pub(crate) fn interrupted(run: &RunDirectory, command: &str, output: &Output) -> Ended {
    output.warn(&format!("stopped and saved; go on with: {command} --run {} --resume", run.path().display()));
    Ended::Interrupted
}

pub(crate) fn write_report(mut page: Report, config: &impl Serialize, run: &RunDirectory) -> anyhow::Result<()> {
    page.command(std::env::args().collect::<Vec<_>>().join(" "));
    page.configuration(serde_json::to_string_pretty(config)?);
    page.write(run.file(REPORT)).context("the weights are saved, the report is not")
}

/// What the command line sets, for [`config::resolve`].
fn overlay(args: &Args) -> anyhow::Result<Value> {
    let mut overlay = json!({});
    for (key, value) in [("model", &args.model), ("data", &args.data)] {
        if let Some(value) = value {
            config::set(&mut overlay, key, json!(value))?;
        }
    }
    if let Some(limit) = args.limit {
        config::set(&mut overlay, "limit", json!(limit))?;
    }
    // `--set` comes after the task's own flags, so that it beats them.
    Ok(config::merged(overlay, &args.common.overlay("fit")?))
}

/// A name for the run directory: the set's name, or the last part of its path.
fn data_name(data: &str) -> String {
    let last = Path::new(data).file_name().map_or(data.into(), |name| name.to_string_lossy());
    let name: String = last.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    if name.is_empty() { "pictures".into() } else { name }
}
