//! `patch-position`: features learnt without labels (Doersch et al. 2015).

use std::sync::Arc;

use anyhow::Context;
use clap::Subcommand;
use ognivo_cnn::image::batch::WORKERS;
use ognivo_cnn::image::data::{self, Splits};
use ognivo_cnn::image::model::NetworkConfig;
use ognivo_cnn::image::preprocess::{PREPROCESSING, Preprocessing};
use ognivo_core::cli::args::{DeviceArgs, TrainArgs};
use ognivo_core::cli::{Ended, config, events::Output};
use ognivo_core::data::ImageSet;
use ognivo_core::random::{self, Rng};
use ognivo_core::report::{ConfusionChart, LineChart, Picture, PictureGrid, Report, Series, Tile, percent};
use ognivo_core::run::{self, CONFIG, MODEL, REPORT, RunDirectory};
use ognivo_core::train::fit::{Fit, Stopped};
use ognivo_core::train::interrupt;
use ognivo_core::train::loader::Loader;
use ognivo_core::train::metrics_log::{Record, read_metrics};
use ognivo_core::train::recorder::Recorder;
use ognivo_core::weights;
use ognivo_transfer::patch_position::data::{NAMES, PairBatcher, PairConfig};
use ognivo_transfer::patch_position::shortcuts::{Cue, audit};
use ognivo_transfer::patch_position::train::{BATCH, TRUNK, evaluate, write_trunk};
use ognivo_transfer::patch_position::{Colour, PatchConfig, PatchLearner};
use serde_json::{Value, json};

use crate::experiment::run_name;

/// The task's folder under `runs/`.
const TASK: &str = "patch-position";
/// Seeds of the pairs that figures are of; others than training's.
const VALID_SEED: u64 = 1_000_001;
const TEST_SEED: u64 = 1_000_002;
/// Pairs of each held-out picture.
const HELD_OUT_PAIRS: usize = 4;

#[derive(Subcommand)]
pub(crate) enum PatchCommand {
    /// Learn features from where patches lie, without labels
    Train(Box<Args>),
    /// Measure how far ways around the task would lead
    Shortcuts(ShortcutArgs),
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer patch-position train --data tiny-imagenet-10
  transfer patch-position train --data photos/ --set image_size=[96,96] --set pairs.patch=24 --set pairs.gap=8 --set pairs.jitter=4
  transfer probe --from runs/patch-position/tiny-imagenet-10-001/trunk --data tiny-imagenet-10

The run's folder trunk/ is a network like any other: train --from, vectorise --from, curve --from and probe --from take it.")]
pub(crate) struct Args {
    /// Pictures: a data set's name, or a folder with folders of pictures; which folder a picture lies in is not looked at
    #[arg(long, required_unless_present = "resume")]
    data: Option<String>,
    /// The trunk, any network that can be fine-tuned [default: resnet20]
    #[arg(long)]
    network: Option<String>,
    /// Use at most so many training pictures
    #[arg(long)]
    limit: Option<usize>,
    #[command(flatten)]
    common: TrainArgs,
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer patch-position shortcuts --data tiny-imagenet-10
  transfer patch-position shortcuts --data cifar10-jpeg --patch 14 --gap 5 --jitter 1 --zoom 0.6,0.85 --anywhere

A linear classifier sees a few numbers of both patches and nothing else: their colours, the shift of colours that lenses make, or how well their edges
go on in each other. What it is right with, learnt and measured on different pictures, is what a network could have without knowing what is in
the patches; guessing is right with 12.5 %.")]
pub(crate) struct ShortcutArgs {
    /// Pictures: a data set's name, or a folder with folders of pictures
    #[arg(long)]
    data: String,
    /// Use at most so many training pictures
    #[arg(long, default_value_t = 2000)]
    limit: usize,
    /// Pixels of a side of a patch
    #[arg(long, default_value_t = 16)]
    patch: usize,
    /// Pixels between patches, where there is a gap
    #[arg(long, default_value_t = 4)]
    gap: usize,
    /// Pixels by which the second patch is moved at most, where there is jitter
    #[arg(long, default_value_t = 2)]
    jitter: usize,
    /// How many of a picture's pixels one of a patch is wide, from a range, as in pairs.zoom
    #[arg(long, value_name = "LEAST,MOST", value_parser = range, default_value = "1,1")]
    zoom: [f64; 2],
    /// How much each patch alone is made larger and turned, as in pairs.wobble
    #[arg(long, default_value_t = 0.0)]
    wobble: f64,
    /// The first patch may lie where only its partner fits
    #[arg(long)]
    anywhere: bool,
    /// The side that pictures are brought to [default: their own]
    #[arg(long)]
    side: Option<usize>,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Two numbers with a comma between.
fn range(text: &str) -> Result<[f64; 2], String> {
    let numbers: Vec<f64> = text.split(',').map_while(|number| number.trim().parse().ok()).collect();
    numbers[..].try_into().map_err(|_| "expected two numbers with a comma between, such as 0.6,0.85".into())
}

pub(crate) fn run(command: PatchCommand, output: &Output) -> anyhow::Result<Ended> {
    match command {
        PatchCommand::Train(args) => train(&args, output),
        PatchCommand::Shortcuts(args) => shortcuts(&args, output),
    }
}

fn train(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.common.device.open()?.autodiff();
    let overlay = overlay(args)?;
    let asked = args.common.run.as_ref();
    let resumed = asked.filter(|path| args.common.resume && path.join(CONFIG).exists());
    let (run, config, splits, preprocessing);
    if let Some(path) = resumed {
        run = RunDirectory::open(path)?;
        config = config::resumed::<PatchConfig>(&run.read_json(CONFIG)?, &overlay)?;
        splits = open(&config, output)?;
        preprocessing = Preprocessing::open(&run)?;
    } else {
        let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
        config = config::resolve::<PatchConfig>(&PatchConfig::base("digits"), &[file, overlay])?;
        config.fit.validate()?;
        splits = open(&config, output)?;
        preprocessing = Preprocessing::measure(&*splits.train, config.image_size)?;
        config.pairs.validate([preprocessing.height, preprocessing.width])?;
        let path = asked.cloned().unwrap_or_else(|| RunDirectory::next_path(TASK, &run_name(&config.data)));
        run = RunDirectory::create(path)?;
        run.write_json(PREPROCESSING, &preprocessing)?;
        run.write_json(CONFIG, &config)?;
    }
    let pairs = |set: &Arc<dyn ImageSet>, seed| {
        let batcher =
            PairBatcher::evaluation(set.clone(), preprocessing.clone(), config.pairs.clone(), HELD_OUT_PAIRS, seed);
        batcher.map(|batcher| Loader::new(batcher, BATCH, WORKERS))
    };
    device.seed(random::stream(config.seed, &[random::INIT]).next_u64());
    let classes = splits.train.classes();
    let network = config.init(&preprocessing, classes.len(), &device)?;
    output.line(&format!(
        "{}: {} training, {} validation, {} test pictures\npatches of {} pixels, {} apart, moved by up to {}; {} on {:?}\n",
        config.data,
        splits.train.len(),
        splits.valid.as_ref().map_or(0, |valid| valid.len()),
        splits.test.len(),
        config.pairs.patch,
        config.pairs.gap,
        config.pairs.jitter,
        config.network.name(),
        device.clone().inner(),
    ));
    let batcher = PairBatcher::training(
        splits.train.clone(),
        preprocessing.clone(),
        config.pairs.clone(),
        config.per_picture,
        config.seed,
    )?;
    let loader = Loader::new(batcher, config.fit.batch_size, WORKERS).shuffled(config.seed);
    let valid = splits.valid.as_ref().map(|valid| pairs(valid, VALID_SEED)).transpose()?;
    let mut learner = PatchLearner { valid, device: device.clone() };
    let fit = Fit { config: &config.fit, seed: config.seed, device: &device, run: &run, output };
    let outcome = fit.run(&mut learner, network, &loader)?;
    if outcome.stopped == Stopped::Interrupted {
        let path = run.path().display();
        output.warn(&format!("stopped and saved; go on with: transfer patch-position train --run {path} --resume"));
        return Ok(Ended::Interrupted);
    }
    let plain = device.inner();
    let file = run.file(MODEL);
    let network =
        weights::load_into(config.init(&preprocessing, classes.len(), &plain)?, weights::read(&file)?.0, &file)?;
    write_trunk(&network, &config, &preprocessing, classes, &run.file(TRUNK))?;
    let test = pairs(&splits.test, TEST_SEED)?;
    let (loss, confusion) = evaluate(&network, &test, &plain)?;
    let accuracy = confusion.accuracy();
    output.answer(&format!(
        "\nheld-out pairs {:.2} %   (95 % interval {:.2} to {:.2}, {} pairs)\nbaseline       12.50 %   (guessing)",
        100.0 * accuracy.value,
        100.0 * accuracy.low,
        100.0 * accuracy.high,
        test.items()
    ));
    let mut report = Report::new(format!("{}: where patches lie", config.data));
    report.subtitle("which of eight directions a patch lies in from another, learnt without labels");
    report.tile(Tile::proportion("Accuracy on held-out pictures", accuracy).baseline("guessing", 0.125));
    report.tile(Tile::new("Loss", format!("{:.4}", loss.mean())).detail("mean cross-entropy, nats; guessing 2.0794"));
    let records = read_metrics(run.file(Recorder::FILE))?;
    let curve = |tag: &str| -> Vec<(f64, f64)> {
        let point = |record: &Record| Some((record.epoch as f64 + 1.0, record.value(tag)?));
        records.iter().filter_map(point).collect()
    };
    let accuracy_curve = LineChart::new("Accuracy").x_label("epoch").y_percent();
    let accuracy_curve = [("training", "train/accuracy"), ("validation", "valid/accuracy")]
        .into_iter()
        .fold(accuracy_curve, |chart, (name, tag)| chart.series(Series::new(name, curve(tag))));
    let names = NAMES.map(str::to_owned);
    report.section("Training").chart(&accuracy_curve);
    report.section("Directions").chart(&ConfusionChart::new("Directions taken for others", &confusion, &names));
    report.section("What the network sees").pictures(examples(&splits, &preprocessing, &config.pairs)?);
    report.command(std::env::args().collect::<Vec<_>>().join(" "));
    report.configuration(serde_json::to_string_pretty(&config).unwrap_or_default());
    report.surroundings(&plain, std::time::Duration::from_secs_f64(outcome.seconds));
    report.write(run.file(REPORT)).context("the weights are saved, the report is not")?;
    let trunk = run.file(TRUNK);
    output.line(&format!(
        "trained in     {:.1} s, {:.0} pairs/s\nreport         {}\nnow try        transfer probe --from {} --data {}",
        outcome.seconds,
        outcome.items_per_second,
        run.file(REPORT).display(),
        trunk.display(),
        config.data
    ));
    let metrics = json!({
        "test_accuracy": accuracy.value, "test_accuracy_low": accuracy.low, "test_accuracy_high": accuracy.high,
        "test_loss": loss.mean(), "baseline_accuracy": 0.125, "valid_accuracy": outcome.best.map(|best| best.score),
        "epoch": outcome.best.map(|best| best.epoch + 1), "training_seconds": outcome.seconds,
        "pairs_per_second": outcome.items_per_second, "trunk": trunk,
    });
    output.result("patch-position train", metrics, Some(run.path()));
    Ok(Ended::Done)
}

/// Some pairs as the network sees them, before normalisation is undone.
fn examples(splits: &Splits, preprocessing: &Preprocessing, pairs: &PairConfig) -> anyhow::Result<PictureGrid> {
    let batcher = PairBatcher::evaluation(splits.test.clone(), preprocessing.clone(), pairs.clone(), 1, TEST_SEED)?;
    let mut grid = PictureGrid::new("Pairs: the first patch, then the second, and where it lies");
    for item in 0..splits.test.len().min(8) {
        let (patches, direction) = batcher.pair(item, 0)?;
        for (mut patch, caption) in patches.into_iter().zip(["first", NAMES[direction]]) {
            let area = pairs.patch * pairs.patch;
            for (channel, plane) in patch.pixels_mut().chunks_exact_mut(area).enumerate() {
                let (mean, deviation) = (preprocessing.mean[channel], preprocessing.deviation[channel]);
                plane.iter_mut().for_each(|value| *value = *value * deviation + mean);
            }
            grid.push(Picture::new(&patch.to_image()?, caption)?);
        }
    }
    Ok(grid)
}

fn open(config: &PatchConfig, output: &Output) -> anyhow::Result<Splits> {
    let splits = data::open(&config.classifier(), output)?;
    splits.notes.iter().for_each(|note| output.warn(note));
    Ok(splits)
}

/// What the command line sets, for [`config::resolve`].
fn overlay(args: &Args) -> anyhow::Result<Value> {
    let mut overlay = json!({});
    if let Some(data) = &args.data {
        config::set(&mut overlay, "data", json!(data))?;
    }
    if let Some(network) = &args.network {
        config::set(&mut overlay, "network", json!(NetworkConfig::named(network)?.name()))?;
    }
    if let Some(limit) = args.limit {
        config::set(&mut overlay, "limit", json!(limit))?;
    }
    Ok(config::merged(overlay, &args.common.overlay("fit")?))
}

fn shortcuts(args: &ShortcutArgs, output: &Output) -> anyhow::Result<Ended> {
    args.device.open()?;
    let mut config = PatchConfig::base(&args.data);
    (config.limit, config.image_size, config.valid_fraction) = (Some(args.limit), args.side.map(|side| [side; 2]), 0.0);
    let splits = open(&config, output)?;
    let preprocessing = Preprocessing::measure(&*splits.train, config.image_size)?;
    let ShortcutArgs { patch, gap, jitter, zoom, wobble, anywhere, .. } = *args;
    let base = PairConfig { patch, gap: 0, jitter: 0, colour: Colour::Keep, coarse: 0.0, zoom, wobble: 0.0, anywhere };
    let all = PairConfig { gap, jitter, wobble, ..base.clone() };
    let mut settings = vec![
        ("patches side by side", base.clone()),
        ("with a gap", PairConfig { gap, ..base.clone() }),
        ("with gap and jitter", PairConfig { gap, jitter, ..base }),
    ];
    if wobble > 0.0 {
        settings.push(("and wobble", all.clone()));
    }
    settings.extend([
        ("and colours dropped", PairConfig { colour: Colour::Drop, ..all.clone() }),
        ("or colours projected", PairConfig { colour: Colour::Project, ..all.clone() }),
        ("or colours changed", PairConfig { colour: Colour::Jitter, ..all }),
    ]);
    let mut header = format!("{:<22}", "");
    for cue in Cue::ALL {
        header += &format!(" {:>26}", cue.name());
    }
    output.answer(&header);
    let mut listed = Vec::new();
    for (name, pairs) in settings {
        let batcher = |set: &Arc<dyn ImageSet>, seed| {
            PairBatcher::evaluation(set.clone(), preprocessing.clone(), pairs.clone(), HELD_OUT_PAIRS, seed)
        };
        let (train, test) = (batcher(&splits.train, config.seed)?, batcher(&splits.test, TEST_SEED)?);
        let mut line = format!("{name:<22}");
        let mut row = json!({ "pairs": pairs });
        for cue in Cue::ALL {
            let accuracy = audit(cue, &train, &test)?;
            let cell = format!("{} ({} to {})", percent(accuracy.value), percent(accuracy.low), percent(accuracy.high));
            line += &format!(" {cell:>26}");
            row[cue.name()] = json!({ "accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high });
        }
        output.answer(&line);
        listed.push(row);
    }
    output.line("\nguessing is right with 12.5 %");
    output.result("patch-position shortcuts", json!({ "rows": listed, "baseline_accuracy": 0.125 }), None);
    Ok(Ended::Done)
}
