//! `augment-preview`: what augmentation does to pictures, before training on it.

use std::path::PathBuf;

use ognivo_cnn::image::augment::{Augment, AugmentConfig};
use ognivo_cnn::image::{data, preview::augmented_sheet, recipe::recipe};
use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::data::picture;
use serde_json::json;

#[derive(clap::Args)]
#[command(after_help = "Example:
  classify-images augment-preview --data cifar10 --augment flip,crop=4 --to preview.png")]
pub(crate) struct Args {
    /// Data set: a name or a path
    #[arg(long, default_value = "digits")]
    data: String,
    /// Augmentation, e.g. shift=2,flip,rotate=10 [default: the data set's recipe]
    #[arg(long)]
    augment: Option<AugmentConfig>,
    /// Decides the pictures and the changes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Pictures, a row each
    #[arg(long, default_value_t = 8)]
    pictures: usize,
    /// Changed versions of each, beside the original in the first column
    #[arg(long, default_value_t = 9)]
    versions: u64,
    /// The PNG file to write
    #[arg(long, value_name = "FILE", default_value = "augment-preview.png")]
    to: PathBuf,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let opened = data::open_source(&args.data, &Default::default(), output)?;
    let augment = match &args.augment {
        Some(augment) => augment.clone(),
        None => recipe(&args.data, &*opened.train, None)?.augment,
    };
    let sample = data::sample(&opened.train, args.pictures.clamp(1, 100), args.seed)?;
    let sheet = augmented_sheet(&sample, &Augment::new(augment.clone())?, args.versions.clamp(1, 100), args.seed)?;
    picture::write_png(&args.to, &sheet)?;
    output.answer(&format!("{}: {}", args.to.display(), serde_json::to_string(&augment)?));
    output.result("augment-preview", json!({ "file": args.to }), None);
    Ok(Ended::Done)
}
