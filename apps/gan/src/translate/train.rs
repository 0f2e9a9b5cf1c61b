//! `translate train`: from pairs to a trained generator and its report.

use std::path::PathBuf;

use ognivo_core::cli::args::TrainArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::device::Device;
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_gan::images::sample::save_animation;
use ognivo_gan::images::shape::SHAPE;
use ognivo_gan::measure::classifier::Classifier;
use ognivo_gan::train::{Stopped, Training, files};
use ognivo_gan::translation::evaluate::Evaluation;
use ognivo_gan::translation::game::{TranslationGame, compared};
use ognivo_gan::translation::model::{PairShape, TranslationConfig, recipe};
use ognivo_gan::translation::pairs::{PairSplits, Pairs};
use ognivo_gan::translation::report;
use ognivo_gan::translation::translator::Translator;
use serde_json::{Value, json};

use super::TASK;
use crate::train::{Place, interrupted, write_report};

/// What is said to go on with.
const COMMAND: &str = "gan translate train";
/// Pairs that are measured.
const MEASURED: usize = 5000;
/// Frames of a film's animation, and its file in the run.
const FILM: (usize, &str) = (60, "film.png");

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan translate train                                    edges to pictures, on the digits that ship
  gan translate train --data fashion-mnist               the same on a set by name, or on a folder of pictures
  gan translate train --data pairs/                      your own: pairs/input/a.png becomes pairs/target/a.png
  gan translate train --data sprites                     a figure of sticks becomes a picture, frame by frame
  gan translate train --data sprites --set model.size=64 --set model.patch=34
  gan translate train --data mnist --set fit.adversarial=false    from the difference alone
  gan translate train --run runs/mine --resume")]
pub(crate) struct Args {
    /// Pairs: a folder with input/ and target/ in it, `sprites`, or pictures by name or path that are to be made from their
    /// edges [default: what --config says, else digits]
    #[arg(long)]
    data: Option<String>,
    /// Learn from at most so many pairs
    #[arg(long)]
    limit: Option<usize>,
    /// A run of classify-images to measure with [default: a classifier is trained on the pictures first, where they have classes]
    #[arg(long, value_name = "DIR")]
    classifier: Option<PathBuf>,
    #[command(flatten)]
    common: TrainArgs,
}

/// A run with all that it learns from.
struct Session {
    config: TranslationConfig,
    shape: PairShape,
    opened: PairSplits,
    pairs: [Pairs; 2],
    run: RunDirectory,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.common.device.open()?;
    let mut overlay = json!({});
    for (key, value) in
        [("data", args.data.as_ref().map(|data| json!(data))), ("limit", args.limit.map(|limit| json!(limit)))]
    {
        value.map_or(Ok(()), |value| config::set(&mut overlay, key, value))?;
    }
    // `--set` comes after the task's own flags, so that it beats them.
    let overlay = config::merged(overlay, &args.common.overlay("fit")?);
    let asked = args.common.run.as_deref();
    let session = match asked.filter(|path| args.common.resume && path.join(CONFIG).exists()) {
        Some(path) => resume(RunDirectory::open(path)?, args, &overlay, output)?,
        None => {
            let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
            start(&[file, overlay], args, &device, output)?
        }
    };
    train(session, &device, output)
}

/// A new run: the recipe of the pairs, then the configuration file, then the command line.
fn start(overlays: &[Value], args: &Args, device: &Device, output: &Output) -> anyhow::Result<Session> {
    let opening: TranslationConfig = config::resolve(&recipe("digits", None), overlays)?;
    opening.validate()?;
    let opened = PairSplits::open(&opening.data, opening.model.size, output)?;
    let training = opened.train.limited(opening.limit)?;
    let config: TranslationConfig = config::resolve(&recipe(&opening.data, Some(training.len())), overlays)?;
    config.validate()?;
    config.model.validate(&opened.shape)?;
    if let Some(path) = &args.classifier {
        Classifier::open(path, device)?;
    }
    // Reads every picture, so that one that cannot be read leaves no run behind.
    let pairs = read(&config, &opened)?;
    let run = Place::New(args.common.run.as_deref()).take(TASK, &config.data)?;
    run.write_json(SHAPE, &opened.shape)?;
    if let Some(path) = &args.classifier {
        Classifier::adopt(&run, path)?;
    }
    // The configuration is written last: its presence makes the folder a run.
    run.write_json(CONFIG, &config)?;
    Ok(Session { config, shape: opened.shape.clone(), opened, pairs, run })
}

/// A run that was stopped.
fn resume(run: RunDirectory, args: &Args, overlay: &Value, output: &Output) -> anyhow::Result<Session> {
    let config: TranslationConfig = config::resumed(&files::configuration(&run, COMMAND)?, overlay)?;
    config.validate()?;
    if args.classifier.is_some() {
        let message = "a resumed run keeps its classifier; --classifier is for new runs";
        return Err(ognivo_core::Error::Config(message.into()).into());
    }
    let shape = PairShape::open(&run)?;
    let opened = PairSplits::open(&config.data, config.model.size, output)?;
    anyhow::ensure!(
        opened.shape == shape,
        "{}: its pictures are of another form than those the run was started on",
        config.data
    );
    run.write_json(CONFIG, &config)?;
    let pairs = read(&config, &opened)?;
    Ok(Session { config, shape, opened, pairs, run })
}

fn read(config: &TranslationConfig, opened: &PairSplits) -> anyhow::Result<[Pairs; 2]> {
    let training = opened.train.limited(config.limit)?;
    Ok([Pairs::read(&training, usize::MAX, &opened.shape)?, Pairs::read(&opened.test, MEASURED, &opened.shape)?])
}

fn train(session: Session, device: &Device, output: &Output) -> anyhow::Result<Ended> {
    let Session { config, shape, opened, pairs: [pairs, unseen], run } = session;
    opened.warnings.iter().for_each(|warning| output.warn(warning));
    let form = |channels: usize| if channels == 1 { "grey" } else { "colour" };
    output.line(&format!(
        "{}: {} pairs, and {} others to measure with; {} x {} pixels, {} to {}; on {device:?}\n",
        config.data,
        pairs.len(),
        unseen.len(),
        shape.target.side,
        shape.target.side,
        form(shape.input_channels),
        form(shape.target.channels),
    ));
    let classifier = match &opened.labelled {
        Some(labelled) => {
            let epochs = config.classifier_epochs;
            if epochs != Some(0) {
                output.line("The classifier to measure with:");
            }
            Classifier::of_run(&run, &config.data, labelled, epochs, device, output)?
        }
        None => None,
    };
    if interrupt::requested() {
        return Ok(interrupted(&run, COMMAND, output));
    }
    let all = [pairs, unseen.clone()];
    let mut game =
        TranslationGame::new(config.model.clone(), shape, all, config.fit.clone(), config.seed, device.clone())?;
    if game.batch_size() < config.fit.batch_size {
        let (count, batch) = (game.pairs().len(), config.fit.batch_size);
        output.warn(&format!("{count} pairs are fewer than a batch of {batch}: a batch is all of them"));
    }
    output.line("\nThe generator against the discriminator:");
    let autodiff = device.clone().autodiff();
    let training = Training { config: &config.fit, seed: config.seed, device: &autodiff, run: &run, output };
    let outcome = training.run(&mut game)?;
    if outcome.stopped == Stopped::Interrupted {
        return Ok(interrupted(&run, COMMAND, output));
    }
    let translator = Translator::open(run.path(), device)?;
    let evaluation = Evaluation::of(&translator, game.pairs(), &unseen, classifier.as_ref())?;
    if opened.is_film {
        film(&translator, &unseen, &run)?;
    }
    let mut figures = report::figures(&evaluation);
    ognivo_gan::report::add_outcome(&mut figures, &outcome);
    write_report(report::page(&translator, &evaluation, &unseen, &outcome)?, &config, &run)?;
    output.answer(&format!("\n{}", report::lines(&evaluation)));
    output.line(&format!(
        "trained in             {:.1} s, {:.1} steps/s\nreport                 {}\nnow try                gan translate apply PICTURE --run {}",
        outcome.seconds,
        outcome.steps_per_second,
        run.file(REPORT).display(),
        run.path().display(),
    ));
    output.result("translate train", figures, Some(run.path()));
    Ok(Ended::Done)
}

/// The frames that follow those learnt from, one after another: what is given, what is made, what it was to be.
fn film(translator: &Translator, unseen: &Pairs, run: &RunDirectory) -> anyhow::Result<()> {
    let frame = |index: usize| -> anyhow::Result<_> {
        let pairs = Pairs { input: unseen.input.select(&[index]), target: unseen.target.select(&[index]) };
        let made = translator.translate(&pairs.images(0)?[0])?;
        Ok(compared(&pairs, &[made])?)
    };
    let frames = (0..FILM.0.min(unseen.len())).map(frame).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(save_animation(&run.file(FILM.1), &frames)?)
}
