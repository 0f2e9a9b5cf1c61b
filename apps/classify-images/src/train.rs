//! `train`: from files to a trained network and its report.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use ognivo_cnn::image::augment::AugmentConfig;
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_cnn::image::recipe::{Facts, recipe};
use ognivo_cnn::image::report::{Summary, write_report};
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_cnn::image::{data, session};
use ognivo_core::cli::args::TrainArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::data::ImageSplits;
use ognivo_core::dataset::commands::progress_bar;
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::fit::Stopped;
use serde_json::{Value, json};

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  classify-images train
  classify-images train --data mnist --network pytorch-mnist --epochs 2
  classify-images train --data cifar10 --network resnet20 --augment flip,crop=4 --seed 3
  classify-images train --data mnist --run runs/mine --resume
  classify-images train --data fashion-mnist --set fit.optimizer=sgd --set fit.optimizer.momentum=0.9")]
pub struct Args {
    /// Data set: a name (`data list` shows them) or a path: IDX files, CIFAR batches, a folder per class, a table
    #[arg(long, default_value = "digits")]
    data: String,
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

pub fn run(args: Args, output: &Output) -> anyhow::Result<Ended> {
    let started = Instant::now();
    let device = args.common.device.open()?.autodiff();
    let path = args.common.run.clone().unwrap_or_else(|| RunDirectory::next_path(TASK, &data_name(&args.data)));
    let resumed = args.common.resume && path.join(CONFIG).exists();
    let overlay = overlay(&args)?;

    let (run, config, opened) = if resumed {
        let run = RunDirectory::open(&path)?;
        let saved: ClassifierConfig = run.read_json(CONFIG)?;
        let config = session::resumed_config(&saved, &overlay)?;
        let opened = data::open(&config.data, &mut progress_bar(output))?;
        (run, config, opened)
    } else {
        let opened = data::open(&args.data, &mut progress_bar(output))?;
        let config = fresh_config(&args, &overlay, &opened)?;
        (RunDirectory::create(&path)?, config, opened)
    };
    let splits = data::split(opened, &config)?;
    splits.notes.iter().for_each(|note| output.warn(note));

    let session = session::prepare(&run, &config, &splits, &device, resumed)?;
    output.line(&format!(
        "{}: {} training, {} validation, {} test pictures of {} classes\n{}: {} parameters on {}\n",
        config.data,
        splits.train.len(),
        splits.valid.as_ref().map_or(0, |valid| valid.len()),
        splits.test.len(),
        splits.train.classes().len(),
        config.network.name(),
        session.parameters(),
        args.common.device.device,
    ));
    let outcome = session.fit(&splits, output)?;
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    if outcome.stopped == Stopped::Interrupted {
        output.warn(&format!("interrupted and saved; go on with: {} --run {} --resume", resume_command(&command), path.display()));
        return Ok(Ended::Interrupted);
    }

    let summary = Summary::measure(&run, &splits, &device.inner(), outcome)?;
    write_report(&run, &summary, &splits, &command).context("the weights are saved, the report is not")?;
    let accuracy = summary.scores.confusion.accuracy();
    output.line(&format!(
        "\ntest accuracy {:.2} %  (95 % interval {:.2} to {:.2}; always guessing the commonest class: {:.2} %)\ntest loss     {:.4}",
        100.0 * accuracy.value,
        100.0 * accuracy.low,
        100.0 * accuracy.high,
        100.0 * summary.baseline,
        summary.scores.loss.mean(),
    ));
    output.line(&format!(
        "{:.0} pictures/s, {:.1} s in all\nreport        {}\ntry           classify-images predict PICTURE --run {}",
        summary.outcome.items_per_second,
        started.elapsed().as_secs_f64(),
        run.file(REPORT).display(),
        path.display(),
    ));
    output.result("train", summary.figures(), Some(run.path()));
    Ok(Ended::Done)
}

/// The command line without what only concerned its first run.
fn resume_command(command: &str) -> &str {
    command.split(" --run ").next().unwrap_or(command).trim_end_matches(" --resume")
}

/// What the command line sets, for [`config::resolve`].
fn overlay(args: &Args) -> anyhow::Result<Value> {
    let mut overlay = json!({});
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

fn fresh_config(args: &Args, overlay: &Value, opened: &ImageSplits) -> anyhow::Result<ClassifierConfig> {
    let Preprocessing { channels, height, width, .. } = Preprocessing::measure(&*opened.train, None)?;
    let facts = Facts { data: &args.data, shape: [channels, height, width], pictures: opened.train.len() };
    let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
    let named = json!({ "data": args.data });
    Ok(config::resolve(&recipe(facts), &[file, named, overlay.clone()])?)
}

/// A name for the run directory: the set's name, or the last part of its path.
fn data_name(data: &str) -> String {
    let last = Path::new(data).file_name().map(PathBuf::from).unwrap_or_else(|| data.into());
    let name: String = last.to_string_lossy().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    if name.is_empty() { "pictures".into() } else { name }
}
