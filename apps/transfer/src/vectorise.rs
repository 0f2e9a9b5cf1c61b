//! `vectorise`: the pictures of a folder as vectors.

use std::path::{Path, PathBuf};

use anyhow::bail;
use ognivo_core::cli::{Ended, args::DeviceArgs, events::Output};
use ognivo_core::train::interrupt;
use ognivo_core::train::progress::Progress;
use ognivo_transfer::vectors::{PictureFiles, VectorIndex};
use serde_json::json;

use crate::extractor::ExtractorArgs;
use crate::recall;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer vectorise photos/ --from resnet18
  transfer vectorise photos/ --from runs/transfer/photos-001 --layer layer2
  transfer vectorise cifar10-jpeg --from runs/transfer/patches-001/trunk --to cifar.vectors

Writes vectors.safetensors, vectors.npy (names in vectors.words.txt) and index.json, which records the network's hash, the layer and how pictures
were prepared; vectors made otherwise are never mixed with these. The same command again computes what is new in the folder, and goes on where
it was stopped. Pictures in folders have their folder's name as class, of which the recall is printed.")]
pub(crate) struct Args {
    /// A folder of pictures (png, jpg, jpeg), with others below it or without; or the name of a data set that is one
    #[arg(value_name = "DIR")]
    pictures: String,
    #[command(flatten)]
    extractor: ExtractorArgs,
    /// The folder to write [default: runs/vectors/NAME after the pictures' folder]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.device.open()?;
    let root = folder(&args.pictures, output)?;
    let mut skipped = Vec::new();
    let files = PictureFiles::list(&root, &mut skipped)?;
    skipped.iter().for_each(|skipped| output.warn(&skipped.to_string()));
    let to = args.to.clone().unwrap_or_else(|| Path::new("runs").join("vectors").join(name(&args.pictures)));
    let (extractor, source) = args.extractor.open(&files, &to, &device, output)?;
    output.line(&format!("{} pictures, {} of {}", files.names.len(), extractor.maker().layer, source.from));
    let total = files.names.len() as u64;
    let looked = Progress::new(total, 0, "pictures", output.is_silent());
    let bar = Progress::new(total, 0, "pictures", output.is_silent());
    let update =
        VectorIndex::update(&to, &extractor, &source, &files, &mut || looked.step(1, "looking at"), &mut |pictures| {
            bar.step(pictures as u64, "vectors");
            !interrupt::requested()
        });
    looked.finish();
    bar.finish();
    let update = update?;
    update.unreadable.iter().for_each(|reason| output.warn(reason));
    let Some(index) = update.index else {
        output.warn("stopped and saved; the same command goes on");
        return Ok(Ended::Interrupted);
    };
    let (count, dim) = (index.vectors.words().len(), index.vectors.table().dim());
    output.answer(&format!(
        "{count} vectors of {dim} numbers in {}, {} of them from before",
        to.display(),
        update.kept
    ));
    let mut metrics = json!({ "vectors": count, "numbers": dim, "kept": update.kept, "unreadable": update.unreadable.len(), "to": to });
    metrics["recall"] = recall::show(&index, &recall::FEW, output)?;
    output.line(&format!("now try  transfer search PICTURE --index {0}   or   transfer map --index {0}", to.display()));
    output.result("vectorise", metrics, None);
    if !update.unreadable.is_empty() {
        bail!(
            "{} of {} pictures could not be read; the others are in {}",
            update.unreadable.len(),
            total,
            to.display()
        );
    }
    Ok(Ended::Done)
}

/// The folder given, or that of a data set by its name.
fn folder(pictures: &str, output: &Output) -> anyhow::Result<PathBuf> {
    let path = Path::new(pictures);
    if path.exists() || pictures.contains(['/', '\\', '.']) {
        return Ok(path.to_path_buf());
    }
    let store = ognivo_core::dataset::Store::from_environment()?;
    let mut progress = ognivo_core::dataset::TerminalProgress::new(output);
    Ok(store.locate(pictures, &mut |step| progress.show(step))?)
}

/// A name for the folder of vectors: the last part of the pictures' path.
fn name(pictures: &str) -> String {
    let full = Path::new(pictures).canonicalize().unwrap_or_else(|_| pictures.into());
    full.file_name().map_or("pictures".into(), |name| name.to_string_lossy().into_owned())
}
