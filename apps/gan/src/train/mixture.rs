//! Training on a mixture, where the answer is known.

use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::device::Device;
use ognivo_core::run::{CONFIG, REPORT, RunDirectory};
use ognivo_gan::mixture::game::{MixtureGame, open};
use ognivo_gan::mixture::report;
use ognivo_gan::mixture::target::Mixture;
use ognivo_gan::recipe::{self, GanConfig, ModelConfig};
use ognivo_gan::train::{Stopped, Training};
use serde_json::Value;

use super::{COMMAND, Place};
use crate::TASK;

/// The recipe of the mixture, then the configuration file, then the command line.
pub(super) fn fresh(overlays: &[Value]) -> anyhow::Result<GanConfig> {
    let opening: GanConfig = config::resolve(&recipe::mixture("ring"), overlays)?;
    Ok(config::resolve(&recipe::mixture(&opening.data), overlays)?)
}

pub(super) fn train(config: &GanConfig, place: Place, device: &Device, output: &Output) -> anyhow::Result<Ended> {
    config.validate()?;
    let ModelConfig::Mixture(networks) = &config.model else { anyhow::bail!("no networks for a mixture") };
    let mixture = Mixture::named(&config.data, networks.deviation)?;
    let run = place.take(TASK, &config.data)?;
    run.write_json(CONFIG, config)?;
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
    let autodiff = device.clone().autodiff();
    let training = Training { config: &config.fit, seed: config.seed, device: &autodiff, run: &run, output };
    let outcome = training.run(&mut game)?;
    if outcome.stopped == Stopped::Interrupted {
        return Ok(super::interrupted(&run, COMMAND, output));
    }
    let (generator, discriminator) = open(&game, &run)?;
    let summary = game.summarise(&generator, &discriminator)?;
    let figures = report::figures(&game, &summary, &outcome);
    super::write_report(report::page(&game, &config.data, &run, &summary, &outcome)?, config, &run)?;
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
