//! Training on pictures.

use std::path::Path;

use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::data::ImageSplits;
use ognivo_core::device::Device;
use ognivo_core::run::{CONFIG, REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_gan::images::data::{Pictures, limited, open};
use ognivo_gan::images::evaluate::Evaluation;
use ognivo_gan::images::game::{ANIMATION, ImageGame};
use ognivo_gan::images::model::Networks;
use ognivo_gan::images::report;
use ognivo_gan::images::sample::Trained;
use ognivo_gan::images::shape::{PictureShape, SHAPE};
use ognivo_gan::measure::classifier::Classifier;
use ognivo_gan::recipe::{self, GanConfig};
use ognivo_gan::train::{Stopped, Training};
use serde_json::{Value, json};

use super::{COMMAND, Place};
use crate::TASK;

/// Pictures that are generated to be measured.
const MEASURED: usize = 5000;

/// A run with all that it learns from.
struct Session {
    config: GanConfig,
    networks: Networks,
    opened: ImageSplits,
    pictures: Pictures,
    run: RunDirectory,
}

/// A new run: the recipe of the pictures, then the configuration file, then the command line.
pub(super) fn start(
    overlays: &[Value],
    place: Place,
    classifier: Option<&Path>,
    device: &Device,
    output: &Output,
) -> anyhow::Result<Ended> {
    let opening: GanConfig = config::resolve(&recipe::pictures("digits"), overlays)?;
    opening.validate()?;
    let opened = open(&opening.data, output)?;
    let training = limited(&opened.train, opening.limit)?;
    let shape = PictureShape::of(&*training, opening.model.size())?;
    let recipe = recipe::for_pictures(&opening.data, opening.model.name(), training.len(), shape.side)?;
    let config: GanConfig = config::resolve(&recipe, overlays)?;
    config.validate()?;
    let networks = networks(&config, shape)?;
    networks.validate()?;
    if let Some(path) = classifier {
        Classifier::open(path, device)?;
    }
    // Reads every picture, so that one that cannot be read leaves no run behind.
    let pictures = Pictures::read(&*training, &networks.shape)?;
    let run = place.take(TASK, &config.data)?;
    run.write_json(SHAPE, &networks.shape)?;
    if let Some(path) = classifier {
        Classifier::adopt(&run, path)?;
    }
    // The configuration is written last: its presence makes the folder a run.
    run.write_json(CONFIG, &config)?;
    train(Session { config, networks, opened, pictures, run }, device, output)
}

/// A run that was stopped.
pub(super) fn resume(
    config: GanConfig,
    run: RunDirectory,
    classifier: Option<&Path>,
    device: &Device,
    output: &Output,
) -> anyhow::Result<Ended> {
    config.validate()?;
    let networks = networks(&config, PictureShape::open(&run)?)?;
    let opened = open(&config.data, output)?;
    anyhow::ensure!(
        opened.train.classes() == networks.shape.classes,
        "{}: its classes are {}; the run was started on {}",
        config.data,
        opened.train.classes().join(", "),
        networks.shape.classes.join(", ")
    );
    if classifier.is_some() {
        let message = "a resumed run keeps its classifier; --classifier is for new runs and for `gan evaluate`";
        return Err(ognivo_core::Error::Config(message.into()).into());
    }
    run.write_json(CONFIG, &config)?;
    let pictures = Pictures::read(&*limited(&opened.train, config.limit)?, &networks.shape)?;
    train(Session { config, networks, opened, pictures, run }, device, output)
}

fn networks(config: &GanConfig, shape: PictureShape) -> anyhow::Result<Networks> {
    let kind = config.model.pictures().ok_or_else(|| anyhow::anyhow!("no networks for pictures"))?;
    Ok(Networks { kind, shape })
}

fn train(session: Session, device: &Device, output: &Output) -> anyhow::Result<Ended> {
    let Session { config, networks, opened, pictures, run } = session;
    opened.warnings.iter().for_each(|warning| output.warn(warning));
    let (shape, count) = (networks.shape.clone(), pictures.len());
    output.line(&format!(
        "{}: {count} pictures of {} class{} as {} x {} pixels, {}; {} on {device:?}\n",
        config.data,
        shape.classes.len(),
        if shape.classes.len() == 1 { "" } else { "es" },
        shape.side,
        shape.side,
        if shape.channels == 1 { "grey" } else { "colour" },
        config.model.name(),
    ));
    let epochs = config.classifier_epochs;
    if shape.classes.len() > 1 && epochs != Some(0) {
        output.line("The classifier to measure with:");
    }
    let classifier = Classifier::of_run(&run, &config.data, &opened, epochs, device, output)?;
    if interrupt::requested() {
        return Ok(super::interrupted(&run, COMMAND, output));
    }
    if classifier.is_none() && epochs != Some(0) {
        output.warn(
            "pictures of one class train no classifier: there will be measures on pixels alone. With --classifier, a run of classify-images \
             on other pictures, there are all",
        );
    }
    let game = ImageGame::new(networks, pictures, config.fit.clone(), config.seed, device.clone())?;
    let mut game = game.watched(classifier)?;
    if game.batch_size() < config.fit.batch_size {
        let batch = config.fit.batch_size;
        output.warn(&format!("{count} pictures are fewer than a batch of {batch}: a batch is all of them"));
    }
    output.line("\nThe generator against the discriminator:");
    let autodiff = device.clone().autodiff();
    let training = Training { config: &config.fit, seed: config.seed, device: &autodiff, run: &run, output };
    let outcome = training.run(&mut game)?;
    if outcome.stopped == Stopped::Interrupted {
        return Ok(super::interrupted(&run, COMMAND, output));
    }
    let (pictures, classifier) = game.into_parts();
    let trained = Trained::open(run.path(), device)?;
    // Too few pictures to measure with are no reason to lose the run's report.
    let evaluation = Evaluation::of(&trained, &pictures, &opened, classifier.as_ref(), MEASURED)
        .map_err(|error| output.warn(&format!("not measured: {error}")))
        .ok();
    let mut figures = evaluation.as_ref().map_or(json!({}), report::figures);
    ognivo_gan::report::add_outcome(&mut figures, &outcome);
    super::write_report(report::page(&trained, evaluation.as_ref(), &outcome)?, &config, &run)?;
    if let Some(evaluation) = &evaluation {
        output.answer(&format!("\n{}", report::lines(evaluation)));
    }
    output.line(&format!(
        "trained in             {:.1} s, {:.1} steps/s\nanimation              {}\nreport                 {}\nnow try                gan sample \
         --run {}",
        outcome.seconds,
        outcome.steps_per_second,
        run.file(ANIMATION).display(),
        run.file(REPORT).display(),
        run.path().display(),
    ));
    output.result("train", figures, Some(run.path()));
    Ok(Ended::Done)
}
