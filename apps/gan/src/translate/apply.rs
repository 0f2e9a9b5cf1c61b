//! `translate apply`: what pictures become.

use std::path::{Path, PathBuf};
use std::time::Instant;

use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_core::data::{folder, picture};
use ognivo_gan::images::sample::save_png;
use ognivo_gan::translation::edges::edges;
use ognivo_gan::translation::translator::Translator;
use serde_json::json;

use super::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan translate apply drawing.png
  gan translate apply drawings/ --run runs/gan-translate/fashion-mnist-001 --to pictures/
  gan translate apply shoe.jpg --edges --to again.png    draw the edges first, then translate them")]
pub(crate) struct Args {
    /// A picture, or a folder of them
    #[arg(value_name = "PICTURE|FOLDER")]
    from: PathBuf,
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Where to write: a file for a picture, a folder for a folder [default: translated.png, or translated/]
    #[arg(long)]
    to: Option<PathBuf>,
    /// Translate the edges of the pictures instead of the pictures
    #[arg(long)]
    edges: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let run = chosen_run(&args.run, TASK)
        .map_err(|_| anyhow::anyhow!("no run yet: `gan translate train` makes one, --run names one"))?;
    let translator = Translator::open(&run, &args.device.open()?)?;
    let to = args.to.clone().unwrap_or_else(|| if args.from.is_dir() { "translated" } else { "translated.png" }.into());
    let files = files(&args.from, &to, output)?;
    let started = Instant::now();
    for (from, to) in &files {
        let mut image = picture::decode_file(from)?;
        if args.edges {
            let side = translator.shape.target.side;
            image = edges(&picture::resize(&image, side, side)?)?;
        }
        save_png(to, &translator.translate(&image)?)?;
    }
    let speed = files.len() as f64 / started.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
    output.answer(&to.display().to_string());
    output.line(&format!("{} pictures, {speed:.0}/s", files.len()));
    let figures = json!({ "pictures": files.len(), "pictures_per_second": speed, "to": to });
    output.result("translate apply", figures, Some(translator.run.path()));
    Ok(Ended::Done)
}

/// Each picture, and the file that it becomes.
fn files(from: &Path, to: &Path, output: &Output) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    if !from.is_dir() {
        return Ok(vec![(from.to_path_buf(), to.to_path_buf())]);
    }
    if to.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        let message = format!("--to {}: {} is a folder; expected a folder to write to", to.display(), from.display());
        return Err(ognivo_core::Error::Config(message).into());
    }
    let mut skipped = Vec::new();
    let found = folder::list_pictures(from, &mut skipped)?;
    skipped.iter().for_each(|file| output.warn(&file.to_string()));
    anyhow::ensure!(!found.is_empty(), "{}: found no picture; expected some to translate", from.display());
    let made = |file: &Path| to.join(file.strip_prefix(from).unwrap_or(file)).with_extension("png");
    Ok(found.into_iter().map(|file| (file.clone(), made(&file))).collect())
}
