//! `train`: a network that was trained elsewhere learns the classes of a folder of pictures.

use std::path::{Path, PathBuf};

use anyhow::Context;
use ognivo_cnn::image::augment::AugmentConfig;
use ognivo_cnn::image::data::Splits;
use ognivo_cnn::image::model::NetworkConfig;
use ognivo_cnn::image::report::Summary;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_cnn::image::trained::Trained;
use ognivo_cnn::image::{data, recipe};
use ognivo_core::Error;
use ognivo_core::cli::args::TrainArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::metrics::Interval;
use ognivo_core::report::{Table, percent};
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::fit::Stopped;
use ognivo_core::train::interrupt;
use ognivo_transfer::fine_tune::origin::Origin;
use ognivo_transfer::fine_tune::session::Session;
use ognivo_transfer::fine_tune::settings::{SETTINGS, Settings, Train};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::TASK;
use crate::experiment::run_name;
use crate::source;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer train --from resnet18 --data photos/                        the classifier alone, on features computed once
  transfer train --from resnet18 --data photos/ --train all --stage-rate 0.4 --frozen-statistics
  transfer train --from runs/classify-images/mnist-001 --data fashion-mnist --limit 500 --compare-scratch
  transfer train --from mobilenet-v2 --weights mine.pth --data photos/ --train all --unfreeze-every 2")]
pub(crate) struct Args {
    /// What to start from: published weights by name (`models` lists them), a run directory of this program or of classify-images,
    /// or scratch
    #[arg(long, required_unless_present = "resume")]
    from: Option<String>,
    /// A file of weights for the published network in --from [default: the published file, fetched and checked]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The network with --from scratch
    #[arg(long, default_value = "resnet20")]
    network: String,
    /// Data set: a name (`classify-images data list` shows them) or a folder with a folder of pictures per class
    #[arg(long)]
    data: Option<String>,
    /// What learns: the classifier on features that stay (head), or everything (all)
    #[arg(long, value_parser = ["head", "all"], default_value = "head")]
    train: String,
    /// Stages, such as stem,layer1, or patterns of layers, such as layer2.0.*, that do not learn
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    freeze: Vec<String>,
    /// With --train all: the classifier learns first, and after every so many epochs one stage more
    #[arg(long, value_name = "EPOCHS")]
    unfreeze_every: Option<u64>,
    /// A stage learns at so many times the rate of the next one
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    stage_rate: f64,
    /// Batch normalisation keeps the statistics it came with
    #[arg(long)]
    frozen_statistics: bool,
    /// Augmentation, e.g. flip,crop=4 [default: none]
    #[arg(long)]
    augment: Option<AugmentConfig>,
    /// Use at most so many training pictures
    #[arg(long)]
    limit: Option<usize>,
    /// Tell only these classes of the data set apart
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    classes: Vec<String>,
    /// Train the same network from random weights too, and report both
    #[arg(long)]
    compare_scratch: bool,
    #[command(flatten)]
    common: TrainArgs,
}

/// The file of a run directory that holds a [`Comparison`].
const COMPARISON: &str = "comparison.json";

/// What the run is compared with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Comparison {
    /// Accuracy on the test part of the nearest neighbour among the training pictures' features, before fine-tuning.
    nearest_neighbour: Option<f64>,
    /// Of the same network from random weights: test pictures classified rightly, and all of them.
    scratch: Option<(u64, u64)>,
}

pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.common.device.open()?.autodiff();
    let overlay = overlay(&args)?;
    let asked = args.common.run.as_ref();
    let resumed = asked.filter(|path| args.common.resume && path.join(CONFIG).exists());
    let (run, settings, config, splits, mut comparison);
    let session = if let Some(path) = resumed {
        run = RunDirectory::open(path)?;
        settings = run.read_json::<Settings>(SETTINGS)?;
        config = config::resumed::<ClassifierConfig>(&run.read_json(CONFIG)?, &overlay)?;
        splits = data::open(&config, output)?;
        comparison = run.read_json::<Comparison>(COMPARISON).unwrap_or_default();
        Session::resume(&run, &settings, &config, &splits, &device)?
    } else {
        let from = args.from.as_deref().unwrap_or("scratch");
        let mut origin = origin(from, args.weights.as_deref(), &args.network, output)?;
        settings = settings_of(&args, &origin);
        settings.validate()?;
        let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
        config = config::resolve::<ClassifierConfig>(&recipe_of(&settings, &origin), &[file, overlay])?;
        if settings.from == "scratch" {
            origin.network = config.network.clone();
        }
        let same = config.network == origin.network;
        anyhow::ensure!(
            same,
            Error::Config(format!("network: {} cannot be another network than it is", settings.from))
        );
        let opened = data::open_source(&config.data, &config.image_options(), output)?;
        config.validate(&*opened.train)?;
        splits = data::split(opened, &config)?;
        let path = asked.cloned().unwrap_or_else(|| RunDirectory::next_path(TASK, &run_name(&config.data)));
        run = RunDirectory::create(path)?;
        comparison = Comparison::default();
        Session::start(&run, &settings, &config, &origin, &splits, &device)?
    };
    splits.notes.iter().for_each(|note| output.warn(note));
    let (learning, all) = session.parameters();
    let preprocessing = session.preprocessing.clone();
    output.line(&format!(
        "{}: {} training, {} validation, {} test pictures of {} classes\n{} from {}: {learning} of {all} parameters learn at first, on {:?}\n",
        config.data,
        splits.train.len(),
        splits.valid.as_ref().map_or(0, |valid| valid.len()),
        splits.test.len(),
        splits.train.classes().len(),
        config.network.name(),
        settings.from,
        device.clone().inner(),
    ));
    if session.is_new() && settings.from != "scratch" {
        comparison.nearest_neighbour = session.nearest_neighbours(&splits, output)?;
        if comparison.nearest_neighbour.is_none() {
            return Ok(interrupted(&run, output));
        }
        run.write_json(COMPARISON, &comparison)?;
    }
    let outcome = session.fit(&splits, output)?;
    if outcome.stopped == Stopped::Interrupted {
        return Ok(interrupted(&run, output));
    }
    let summary = Summary::measure(Trained::open(run.path(), &device.clone().inner())?, &splits, outcome)?;
    if args.compare_scratch && comparison.scratch.is_none() {
        output.line("\nthe same network from random weights:");
        let path = run.file("scratch");
        let started = path.join(CONFIG).exists();
        let scratch = if started { RunDirectory::open(&path)? } else { RunDirectory::create(&path)? };
        let mut same = config.clone();
        if settings.train == Train::Head {
            same.fit.learning_rate = recipe::base_config("").fit.learning_rate;
        }
        let plain = Settings::default();
        let session = if started {
            Session::resume(&scratch, &plain, &same, &splits, &device)?
        } else {
            let origin = Origin::scratch(config.network.clone(), Some(preprocessing));
            Session::start(&scratch, &plain, &same, &origin, &splits, &device)?
        };
        let outcome = session.fit(&splits, output)?;
        if outcome.stopped == Stopped::Interrupted {
            return Ok(interrupted(&run, output));
        }
        let scores = Trained::open(&path, &device.inner())?.evaluate(&splits.test)?;
        let right = (scores.accuracy() * splits.test.len() as f64).round() as u64;
        comparison.scratch = Some((right, splits.test.len() as u64));
        run.write_json(COMPARISON, &comparison)?;
    }
    finish(&run, &summary, &comparison, &splits, output)
}

fn interrupted(run: &RunDirectory, output: &Output) -> Ended {
    let path = run.path().display();
    output.warn(&format!("stopped and saved; go on with: transfer train --run {path} --resume"));
    Ended::Interrupted
}

/// The report and the figures.
fn finish(
    run: &RunDirectory,
    summary: &Summary,
    comparison: &Comparison,
    splits: &Splits,
    output: &Output,
) -> anyhow::Result<Ended> {
    let accuracy = summary.scores.confusion.accuracy();
    let scratch = comparison.scratch.map(|(right, all)| Interval::wilson(right, all));
    let mut rows = vec![("this run", accuracy.value, Some((accuracy.low, accuracy.high)))];
    if let Some(value) = comparison.nearest_neighbour {
        rows.push(("nearest neighbour in the features it started with", value, None));
    }
    if let Some(scratch) = &scratch {
        rows.push(("the same network from random weights", scratch.value, Some((scratch.low, scratch.high))));
    }
    rows.push(("always the commonest class", summary.baseline, None));
    let mut table = Table::new("Accuracy on the test part").text("What").number("Accuracy").number("95 % interval");
    output.answer("");
    for (what, value, interval) in rows {
        let interval = interval.map_or(String::new(), |(low, high)| format!("{} to {}", percent(low), percent(high)));
        output.answer(&format!("{what:<50} {:>8}  {interval}", percent(value)));
        table.push([what.to_string(), percent(value), interval]);
    }
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let mut report = summary.report(splits, &command)?;
    report.section("What the origin is worth").table(table);
    report.write(run.file(REPORT)).context("the weights are saved, the report is not")?;
    output.line(&format!(
        "report         {}\nnow try        transfer predict PICTURE --run {}",
        run.file(REPORT).display(),
        run.path().display()
    ));
    let mut figures = summary.figures();
    figures["nearest_neighbour_accuracy"] = json!(comparison.nearest_neighbour);
    figures["scratch_accuracy"] = json!(scratch.map(|scratch| scratch.value));
    output.result("train", figures, Some(run.path()));
    Ok(Ended::Done)
}

/// What `--from` names; from `scratch`, `network`.
pub(crate) fn origin(from: &str, weights: Option<&Path>, network: &str, output: &Output) -> anyhow::Result<Origin> {
    if from == "scratch" {
        return Ok(Origin::scratch(NetworkConfig::named(network)?, None));
    }
    if Path::new(from).is_dir() {
        return Ok(Origin::run(Path::new(from))?);
    }
    let (model, file) = source::locate(from, weights, output)?;
    Ok(Origin::published(&model, &file))
}

fn settings_of(args: &Args, origin: &Origin) -> Settings {
    let scratch = origin.name == "scratch";
    Settings {
        from: origin.name.clone(),
        // Random features are not worth keeping.
        train: if args.train == "all" || scratch { Train::All } else { Train::Head },
        freeze: args.freeze.clone(),
        unfreeze_every: args.unfreeze_every,
        stage_rate: args.stage_rate,
        frozen_statistics: args.frozen_statistics,
    }
}

/// Settings of training that suit small sets of pictures.
fn recipe_of(settings: &Settings, origin: &Origin) -> ClassifierConfig {
    let mut config = recipe::base_config("digits");
    config.network = origin.network.clone();
    config.image_size = origin.preprocessing.as_ref().map(|shape| [shape.height, shape.width]);
    config.fit.batch_size = 32;
    if settings.train == Train::Head {
        config.fit.epochs = 20;
        config.fit.learning_rate = 0.01;
    }
    config
}

/// What the command line sets, for [`config::resolve`].
fn overlay(args: &Args) -> anyhow::Result<Value> {
    let mut overlay = json!({});
    if let Some(data) = &args.data {
        config::set(&mut overlay, "data", json!(data))?;
    }
    if let Some(augment) = &args.augment {
        config::set(&mut overlay, "augment", json!(augment))?;
    }
    if let Some(limit) = args.limit {
        config::set(&mut overlay, "limit", json!(limit))?;
    }
    if !args.classes.is_empty() {
        config::set(&mut overlay, "classes", json!(args.classes))?;
    }
    // `--set` comes after the task's own flags, so that it beats them.
    Ok(config::merged(overlay, &args.common.overlay("fit")?))
}
