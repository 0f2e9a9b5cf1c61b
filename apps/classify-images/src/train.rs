//! `train`: from files to a trained network and its report.

use std::path::Path;

use anyhow::Context;
use ognivo_cnn::image::augment::AugmentConfig;
use ognivo_cnn::image::report::Summary;
use ognivo_cnn::image::session::Session;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_cnn::image::trained::Trained;
use ognivo_cnn::image::{data, recipe};
use ognivo_core::cli::args::TrainArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::data::ImageSplits;
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::fit::Stopped;
use ognivo_core::train::interrupt;
use serde_json::{Value, json};

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  classify-images train
  classify-images train --data mnist --network pytorch-mnist --epochs 2
  classify-images train --data cifar10 --network resnet20 --augment flip,crop=4 --seed 3
  classify-images train --data mnist --run runs/mine --resume
  classify-images train --data fashion-mnist --set fit.optimizer=sgd --set fit.optimizer.momentum=0.9")]
pub(crate) struct Args {
    /// Data set: a name (`data list` shows them) or a path: IDX files, CIFAR batches, a folder per class, a table
    /// [default: what --config says, else digits]
    #[arg(long)]
    data: Option<String>,
    /// Network: standard, lenet5, pytorch-mnist, resnet20, resnet32, resnet44, resnet56 [default: by data set]
    #[arg(long)]
    network: Option<String>,
    /// Augmentation, e.g. shift=2,flip,rotate=10 or none [default: by data set]
    #[arg(long)]
    augment: Option<AugmentConfig>,
    /// Use at most so many training pictures
    #[arg(long)]
    limit: Option<usize>,
    #[command(flatten)]
    common: TrainArgs,
}

pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.common.device.open()?.autodiff();
    let overlay = overlay(&args)?;
    let asked = args.common.run.as_ref();
    let (run, config, splits) =
        if let Some(path) = asked.filter(|path| args.common.resume && path.join(CONFIG).exists()) {
            let run = RunDirectory::open(path)?;
            let config = config::resumed(&run.read_json(CONFIG)?, &overlay)?;
            let splits = data::open(&config, output)?;
            (run, config, splits)
        } else {
            let (config, opened) = fresh_config(&args, &overlay, output)?;
            let splits = data::split(opened, &config)?;
            let path = asked.cloned().unwrap_or_else(|| RunDirectory::next_path(TASK, &data_name(&config.data)));
            (RunDirectory::create(path)?, config, splits)
        };
    splits.notes.iter().for_each(|note| output.warn(note));
    let session = Session::new(&run, &config, &splits, &device)?;
    output.line(&format!(
        "{}: {} training, {} validation, {} test pictures of {} classes\n{}: {} parameters on {:?}\n",
        config.data,
        splits.train.len(),
        splits.valid.as_ref().map_or(0, |valid| valid.len()),
        splits.test.len(),
        splits.train.classes().len(),
        config.network.name(),
        session.parameters(),
        device.clone().inner(),
    ));
    let outcome = session.fit(&splits, output)?;
    if outcome.stopped == Stopped::Interrupted {
        output.warn(&format!(
            "stopped and saved; go on with: classify-images train --run {} --resume",
            run.path().display()
        ));
        return Ok(Ended::Interrupted);
    }
    let summary = Summary::measure(Trained::open(run.path(), &device.inner())?, &splits, outcome)?;
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    summary.write_report(&splits, &command).context("the weights are saved, the report is not")?;
    show(&summary, &run, output);
    output.result("train", summary.figures(), Some(run.path()));
    Ok(Ended::Done)
}

fn show(summary: &Summary, run: &RunDirectory, output: &Output) {
    let accuracy = summary.scores.confusion.accuracy();
    output.answer(&format!(
        "\ntest accuracy  {:.2} %   (95 % interval {:.2} to {:.2})\nbaseline       {:.2} %   (always the commonest class)",
        100.0 * accuracy.value,
        100.0 * accuracy.low,
        100.0 * accuracy.high,
        100.0 * summary.baseline,
    ));
    output.line(&format!(
        "test loss      {:.4}\ntrained in     {:.1} s, {:.0} pictures/s\nreport         {}\nnow try        classify-images predict PICTURE --run {}",
        summary.scores.loss.mean(),
        summary.outcome.seconds,
        summary.outcome.items_per_second,
        run.file(REPORT).display(),
        run.path().display(),
    ));
}

/// What the command line sets, for [`config::resolve`].
fn overlay(args: &Args) -> anyhow::Result<Value> {
    let mut overlay = json!({});
    if let Some(data) = &args.data {
        config::set(&mut overlay, "data", json!(data))?;
    }
    if let Some(network) = &args.network {
        config::set(&mut overlay, "network", json!(network))?;
    }
    if let Some(augment) = &args.augment {
        config::set(&mut overlay, "augment", json!(augment))?;
    }
    if let Some(limit) = args.limit {
        config::set(&mut overlay, "limit", json!(limit))?;
    }
    // `--set` comes after the task's own flags, so that it beats them.
    Ok(config::merged(overlay, &args.common.overlay("fit")?))
}

/// The recipe of the data set, then the configuration file, then the command line; with the opened data it was made for.
fn fresh_config(args: &Args, overlay: &Value, output: &Output) -> anyhow::Result<(ClassifierConfig, ImageSplits)> {
    let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
    let overlays = [file, overlay.clone()];
    let opening: ClassifierConfig = config::resolve(&recipe::base_config("digits"), &overlays)?;
    let opened = data::open_source(&opening.data, &opening.image_options(), output)?;
    let recipe = recipe::recipe(&opening.data, &*opened.train, opening.image_size)?;
    let config: ClassifierConfig = config::resolve(&recipe, &overlays)?;
    config.validate(&*opened.train)?;
    Ok((config, opened))
}

/// A name for the run directory: the set's name, or the last part of its path.
fn data_name(data: &str) -> String {
    let last = Path::new(data).file_name().map_or(data.into(), |name| name.to_string_lossy());
    let name: String = last.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    if name.is_empty() { "pictures".into() } else { name }
}
