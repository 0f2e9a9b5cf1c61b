//! `texture apply`: a texture of any size.

use std::path::PathBuf;
use std::time::Instant;

use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_gan::images::sample::save_png;
use ognivo_gan::texture::texturer::Texturer;
use serde_json::json;

use super::{Size, TASK};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan texture apply
  gan texture apply --size 1920x1080 --seed 7 --to wall.png
  gan texture apply --size 256x256 --seamless --to tile.png    fits to itself at its edges")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Width and height of the texture; multiples of 8 where it is seamless
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "256x256")]
    size: Size,
    /// A texture that fits to itself at its edges
    #[arg(long)]
    seamless: bool,
    /// The texture follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write it
    #[arg(long, default_value = "texture.png", value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let run = chosen_run(&args.run, TASK)
        .map_err(|_| anyhow::anyhow!("no run yet: `gan texture train` makes one, --run names one"))?;
    let texturer = Texturer::open(&run, &args.device.open()?)?;
    let started = Instant::now();
    let texture = texturer.texture([args.size.0, args.size.1], args.seed, args.seamless)?;
    let seconds = started.elapsed().as_secs_f64();
    save_png(&args.to, &texture.image()?)?;
    output.answer(&args.to.display().to_string());
    output.line(&format!("{} x {} pixels in {seconds:.2} s", texture.width, texture.height));
    let figures = json!({
        "width": texture.width, "height": texture.height, "seconds": seconds, "to": args.to,
        "pixels_per_second": (texture.width * texture.height) as f64 / seconds.max(f64::MIN_POSITIVE),
    });
    output.result("texture apply", figures, Some(texturer.run.path()));
    Ok(Ended::Done)
}
