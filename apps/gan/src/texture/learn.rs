//! `texture train` and `texture optimise`: from a picture to a network, or to another picture.

use std::path::Path;
use std::time::Instant;

use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::device::Device;
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_gan::images::sample::save_png;
use ognivo_gan::texture::discriminator::PATCH;
use ognivo_gan::texture::encoder::Encoder;
use ognivo_gan::texture::game::{SHOWN, TextureGame, generator};
use ognivo_gan::texture::measure::Reference;
use ognivo_gan::texture::model::{NetworkConfig, PictureConfig, SMALLEST, TextureConfig, TextureModel, recipe};
use ognivo_gan::texture::report;
use ognivo_gan::texture::style::Plane;
use ognivo_gan::texture::texturer::Texturer;
use ognivo_gan::train::{Outcome, Stopped, Training, files};
use serde_json::{Value, json};

use super::{OptimiseArgs, StyleArgs, TASK, TEXTURE, TrainArgs, encoder};
use crate::train::{Place, interrupted, write_report};

/// The style that needs no file.
const STYLE: &str = "bricks";

pub(super) fn train(args: &TrainArgs, output: &Output) -> anyhow::Result<Ended> {
    let model = TextureModel::Network(NetworkConfig::default());
    learn("texture train", &args.style, json!({}), model, None, output)
}

pub(super) fn optimise(args: &OptimiseArgs, output: &Output) -> anyhow::Result<Ended> {
    let mut overlay = json!({});
    if let Some(size) = args.size {
        overlay["model"] = json!({ "width": size.0, "height": size.1 });
    }
    if args.seamless {
        config::set(&mut overlay, "model.seamless", json!(true))?;
    }
    let model = TextureModel::Picture(PictureConfig::default());
    learn("texture optimise", &args.style, overlay, model, args.to.as_deref(), output)
}

/// A run with all that it learns from.
struct Session {
    config: TextureConfig,
    style: Plane,
    foreign: Option<Encoder>,
    run: RunDirectory,
}

fn learn(
    command: &str,
    args: &StyleArgs,
    mut overlay: Value,
    model: TextureModel,
    to: Option<&Path>,
    output: &Output,
) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.common.device.open()?;
    for (key, value) in [("style", &args.style), ("encoder.from", &args.encoder), ("encoder.stage", &args.stage)] {
        if let Some(value) = value {
            config::set(&mut overlay, key, json!(value))?;
        }
    }
    // `--set` comes after the task's own flags, so that it beats them.
    let overlay = config::merged(overlay, &args.common.overlay("fit")?);
    let asked = args.common.run.as_deref();
    let session = match asked.filter(|path| args.common.resume && path.join(CONFIG).exists()) {
        Some(path) => {
            let run = RunDirectory::open(path)?;
            let saved: TextureConfig = files::configuration(&run, &format!("gan {command}"))?;
            if std::mem::discriminant(&saved.model) != std::mem::discriminant(&model) {
                let message = format!("{}: a run of the other command, of texture train and optimise", path.display());
                return Err(ognivo_core::Error::Config(message).into());
            }
            let config = config::resumed(&saved, &overlay)?;
            config.validate()?;
            let style = Plane::open(&config.style)?;
            let foreign = encoder::foreign(&config.encoder, &device)?;
            run.write_json(CONFIG, &config)?;
            Session { config, style, foreign, run }
        }
        None => {
            let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
            start(&[file, overlay], &model, asked, &device)?
        }
    };
    go_on(command, session, to, &device, output)
}

/// A new run: the recipe of the style, then the configuration file, then the command line.
fn start(overlays: &[Value], model: &TextureModel, asked: Option<&Path>, device: &Device) -> anyhow::Result<Session> {
    let opening: TextureConfig = config::resolve(&recipe(STYLE, SHOWN, model.clone()), overlays)?;
    let style = Plane::open(&opening.style)?;
    let side = style.width.min(style.height);
    let config: TextureConfig = config::resolve(&recipe(&opening.style, side, model.clone()), overlays)?;
    config.validate()?;
    let foreign = encoder::foreign(&config.encoder, device)?;
    config.fits(&style)?;
    let run = Place::New(asked).take(TASK, &config.style)?;
    run.write_json(CONFIG, &config)?;
    Ok(Session { config, style, foreign, run })
}

fn go_on(
    command: &str,
    session: Session,
    to: Option<&Path>,
    device: &Device,
    output: &Output,
) -> anyhow::Result<Ended> {
    let Session { config, style, foreign, run } = session;
    let stopped = format!("gan {command}");
    let Some((encoder, record)) = encoder::of_run(&run, foreign, config.encoder.steps, device, output)? else {
        return Ok(interrupted(&run, &stopped, output));
    };
    output.line(&format!(
        "{}: {} x {} pixels, judged in patches of {} and {PATCH} with features of {}{}; on {device:?}\n",
        config.style,
        style.width,
        style.height,
        PATCH / 2,
        config.encoder.from,
        record
            .accuracy
            .map_or(String::new(), |accuracy| format!(" (right with {:.1} % of new textures)", 100.0 * accuracy)),
    ));
    let reference = Reference::new(style, &encoder, device);
    let mut game = TextureGame::new(config.clone(), &reference, device.clone())?;
    let autodiff = device.clone().autodiff();
    let training = Training { config: &config.fit, seed: config.seed, device: &autodiff, run: &run, output };
    let outcome = training.run(&mut game)?;
    if outcome.stopped == Stopped::Interrupted {
        return Ok(interrupted(&run, &stopped, output));
    }
    let fresh = generator(&config, &reference.style, device)?;
    let texture = game.texture(&files::finished(fresh, &run)?)?;
    save_png(&run.file(TEXTURE), &texture.image()?)?;
    if let Some(to) = to {
        save_png(to, &texture.image()?)?;
    }
    let mut figures = finish(command, &config, &run, &reference, &texture, (&outcome, device), output)?;
    figures["encoder"] = json!(config.encoder.from);
    figures["encoder_sha256"] = json!(record.sha256);
    figures["encoder_accuracy"] = json!(record.accuracy);
    output.result(command, figures, Some(run.path()));
    Ok(Ended::Done)
}

/// Measures, writes the report and says what came out.
fn finish(
    command: &str,
    config: &TextureConfig,
    run: &RunDirectory,
    reference: &Reference<'_>,
    texture: &Plane,
    (outcome, device): (&Outcome, &Device),
    output: &Output,
) -> anyhow::Result<Value> {
    // Too small a texture to be measured is no reason to lose the run's report.
    let measured = texture.width.min(texture.height) >= SMALLEST;
    let mut figures = json!({});
    if measured {
        let evaluation = reference.evaluate(texture, config.seed, device);
        figures = report::figures(&evaluation);
        let pictures = [&reference.style, texture];
        let page = report::page(config, run, pictures, &evaluation, &config.encoder.from, (outcome, device))?;
        write_report(page, config, run)?;
        output.answer(&format!("\n{}", report::lines(&evaluation)));
    } else {
        output.warn("the texture is smaller than a patch: it is not measured, and there is no report");
    }
    ognivo_gan::report::add_outcome(&mut figures, outcome);
    let mut next = format!("texture                {}", run.file(TEXTURE).display());
    if let TextureModel::Network(_) = config.model {
        let texturer = Texturer::open(run.path(), device)?;
        let started = Instant::now();
        texturer.texture([SHOWN; 2], config.seed, false)?;
        let seconds = started.elapsed().as_secs_f64();
        figures["seconds_per_texture"] = json!(seconds);
        next = format!(
            "{SHOWN} x {SHOWN} pixels in     {seconds:.3} s\nnow try                gan {} --run {}",
            command.replace("train", "apply"),
            run.path().display()
        );
    }
    output.line(&format!(
        "trained in             {:.1} s\nreport                 {}\n{next}",
        outcome.seconds,
        run.file(REPORT).display()
    ));
    Ok(figures)
}
