//! `interpolate`: what lies between generated pictures.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_gan::images::game::sheet;
use ognivo_gan::images::sample::{Draw, Trained, save_animation, save_png};
use serde_json::json;

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan interpolate
  gan interpolate --points 6 --steps 12 --to way.png
  gan interpolate --class 3 --steps 30 --animation way.png")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Noises to walk between; the last one is followed by the first
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..=1000))]
    points: u16,
    /// Pictures from each to the next
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    steps: u16,
    /// The noises follow from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The class, by its name or number, of a generator that is told one [default: the first]
    #[arg(long)]
    class: Option<String>,
    /// Draw numbers of the noise beyond this again
    #[arg(long)]
    truncation: Option<f64>,
    /// The grid, a row for each point
    #[arg(long, default_value = "interpolation.png", value_name = "FILE")]
    to: PathBuf,
    /// Write an animated PNG instead of the grid
    #[arg(long, value_name = "FILE")]
    animation: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    let class = args.class.as_deref().map(|name| trained.class(name)).transpose()?;
    let draw = Draw { count: args.points.into(), seed: args.seed, class, truncation: args.truncation };
    let images = trained.interpolate(&draw, args.steps.into())?;
    let file = match &args.animation {
        Some(file) => {
            save_animation(file, &images)?;
            file
        }
        None => {
            save_png(&args.to, &sheet(&images, args.steps.into())?)?;
            &args.to
        }
    };
    output.answer(&file.display().to_string());
    output.result("interpolate", json!({ "pictures": images.len(), "to": file }), Some(trained.run.path()));
    Ok(Ended::Done)
}
