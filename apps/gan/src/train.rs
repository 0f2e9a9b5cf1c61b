//! `train`: from a mixture to a trained generator and its report.

use anyhow::Context;
use ognivo_core::cli::args::TrainArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config, suggest};
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_gan::mixture::game::{MixtureGame, open};
use ognivo_gan::mixture::report;
use ognivo_gan::mixture::target::Mixture;
use ognivo_gan::recipe::{self, GanConfig, ModelConfig};
use ognivo_gan::train::{Stopped, Training};
use serde_json::{Value, json};

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan train --model mixture
  gan train --model mixture --data grid --seed 3
  gan train --model mixture --data line --set fit.objective=least-squares
  gan train --model mixture --set fit.discriminator_steps=5 --set fit.objective=wasserstein-clipped
  gan train --run runs/mine --resume")]
pub(crate) struct Args {
    /// Networks: mixture [default: what --config says, else mixture]
    #[arg(long)]
    model: Option<String>,
    /// What to generate: ring, grid, line [default: what --config says, else ring]
    #[arg(long)]
    data: Option<String>,
    #[command(flatten)]
    common: TrainArgs,
}

pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.common.device.open()?;
    let overlay = overlay(&args)?;
    let asked = args.common.run.as_ref();
    let resumed = asked.filter(|path| args.common.resume && path.join(CONFIG).exists());
    let config: GanConfig = match resumed {
        Some(path) => config::resumed(&RunDirectory::open(path)?.read_json(CONFIG)?, &overlay)?,
        None => fresh_config(&args, &overlay)?,
    };
    config.validate()?;
    let ModelConfig::Mixture(networks) = &config.model;
    let mixture = Mixture::named(&config.data, networks.deviation)?;
    let run = match resumed {
        Some(path) => RunDirectory::open(path)?,
        None => RunDirectory::create(asked.cloned().unwrap_or_else(|| RunDirectory::next_path(TASK, &config.data)))?,
    };
    run.write_json(CONFIG, &config)?;
    let mut game = MixtureGame {
        mixture,
        config: networks.clone(),
        fit: config.fit.clone(),
        seed: config.seed,
        device: device.clone(),
    };
    output.line(&format!(
        "{}: {} modes of deviation {}; {} on {device:?}\n",
        config.data,
        game.mixture.centres.len(),
        game.mixture.deviation,
        config.model.name(),
    ));
    let autodiff = device.autodiff();
    let training = Training { config: &config.fit, seed: config.seed, device: &autodiff, run: &run, output };
    let outcome = training.run(&mut game)?;
    if outcome.stopped == Stopped::Interrupted {
        output.warn(&format!("stopped and saved; go on with: gan train --run {} --resume", run.path().display()));
        return Ok(Ended::Interrupted);
    }
    let (generator, discriminator) = open(&game, &run)?;
    let summary = game.summarise(&generator, &discriminator)?;
    let figures = report::figures(&game, &summary, &outcome);
    let mut page = report::page(&game, &config.data, &run, &summary, &outcome)?;
    page.command(std::env::args().collect::<Vec<_>>().join(" "));
    page.configuration(serde_json::to_string_pretty(&config)?);
    page.write(run.file(REPORT)).context("the weights are saved, the report is not")?;
    show(&figures, &run, output);
    output.result("train", figures, Some(run.path()));
    Ok(Ended::Done)
}

fn show(figures: &Value, run: &RunDirectory, output: &Output) {
    let number = |name: &str| figures[name].as_f64().unwrap_or(f64::NAN);
    output.answer(&format!(
        "\nmodes covered   {} of {}\nwithin 3 sigma  {:.1} %   ({:.1} % of the data itself)",
        figures["modes_covered"],
        figures["modes_total"],
        100.0 * number("within_3_sigma"),
        100.0 * number("within_3_sigma_of_data"),
    ));
    if !figures["discriminator_error"].is_null() {
        output.answer(&format!(
            "|D - p/(p+q)|   {:.3} settled against the fixed generator, {:.3} as training left it",
            number("settled_discriminator_error"),
            number("discriminator_error"),
        ));
    }
    if !figures["value"].is_null() {
        output.answer(&format!(
            "value           {:.4}   ({:.4} where q = p)",
            number("value"),
            number("value_at_equilibrium")
        ));
    }
    output.line(&format!(
        "trained in      {:.1} s, {:.0} steps/s\nreport          {}",
        number("training_seconds"),
        number("steps_per_second"),
        run.file(REPORT).display(),
    ));
}

/// What the command line sets, for [`config::resolve`].
fn overlay(args: &Args) -> anyhow::Result<Value> {
    let mut overlay = json!({});
    for (key, value) in [("model", &args.model), ("data", &args.data)] {
        if let Some(value) = value {
            config::set(&mut overlay, key, json!(value))?;
        }
    }
    // `--set` comes after the task's own flags, so that it beats them.
    Ok(config::merged(overlay, &args.common.overlay("fit")?))
}

/// The recipe of the data, then the configuration file, then the command line.
fn fresh_config(args: &Args, overlay: &Value) -> anyhow::Result<GanConfig> {
    if let Some(name) = args.model.as_deref().filter(|name| !ModelConfig::NAMES.contains(name)) {
        return Err(ognivo_core::Error::Config(suggest::unknown("model", name, &ModelConfig::NAMES)).into());
    }
    let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
    let overlays = [file, overlay.clone()];
    let opening: GanConfig = config::resolve(&recipe::mixture("ring"), &overlays)?;
    Ok(config::resolve(&recipe::mixture(&opening.data), &overlays)?)
}
