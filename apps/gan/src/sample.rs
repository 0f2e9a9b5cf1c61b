//! `sample`: pictures from a trained generator.

use std::path::PathBuf;
use std::time::Instant;

use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_gan::images::game::sheet;
use ognivo_gan::images::sample::{Draw, Trained, save_png};
use serde_json::json;

use crate::TASK;

/// Most pictures in a grid.
const LARGEST_GRID: usize = 10_000;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan sample
  gan sample --run runs/gan/mnist-001 --count 100 --columns 10 --to hundred.png
  gan sample --count 5000 --to pictures/           5000 single files
  gan sample --class 7 --truncation 1.0 --seed 3")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// How many pictures
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// They follow from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The class, by its name or number, of a generator that is told one [default: each in turn]
    #[arg(long)]
    class: Option<String>,
    /// Draw numbers of the noise beyond this again: less variety, fewer failures; 2 is mild, 0.5 strong
    #[arg(long)]
    truncation: Option<f64>,
    /// A file ending in .png for one grid, else a folder for single files
    #[arg(long, default_value = "samples.png")]
    to: PathBuf,
    /// Pictures in a row of the grid
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    columns: u16,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    let class = args.class.as_deref().map(|name| trained.class(name)).transpose()?;
    let draw = Draw { count: args.count as usize, seed: args.seed, class, truncation: args.truncation };
    let is_grid = args.to.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if is_grid && draw.count > LARGEST_GRID {
        let message = format!(
            "--count {}: a grid holds at most {LARGEST_GRID} pictures; --to FOLDER writes single files",
            draw.count
        );
        return Err(ognivo_core::Error::Config(message).into());
    }
    let classes = &trained.networks.shape.classes;
    let told = trained.networks.classes();
    let digits = draw.count.saturating_sub(1).to_string().len();
    let file = |index: usize| match told {
        0 => format!("{index:0digits$}.png"),
        _ => {
            let class = classes[class.unwrap_or(index % told)].replace(|c: char| !c.is_alphanumeric(), "_");
            format!("{index:0digits$}-{class}.png")
        }
    };
    let (started, mut images) = (Instant::now(), Vec::new());
    trained.sample(&draw, |index, image| {
        if is_grid {
            images.push(image);
            return Ok(());
        }
        save_png(&args.to.join(file(index)), &image)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    if is_grid {
        save_png(&args.to, &sheet(&images, usize::from(args.columns))?)?;
    }
    let speed = draw.count as f64 / seconds.max(f64::MIN_POSITIVE);
    output.answer(&args.to.display().to_string());
    output.line(&format!("{} pictures, {speed:.0}/s", draw.count));
    let figures = json!({ "pictures": draw.count, "pictures_per_second": speed, "to": args.to });
    output.result("sample", figures, Some(trained.run.path()));
    Ok(Ended::Done)
}
