//! `export`: weights as safetensors under torchvision's names.

use std::path::PathBuf;

use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, args::DeviceArgs};
use ognivo_core::weights;
use serde_json::json;

use crate::source::SourceArgs;

#[derive(clap::Args)]
#[command(after_help = "Example:
  transfer export --model resnet18 --weights resnet18-f37072fd.pth --to resnet18.safetensors
  then in Python: model.load_state_dict(safetensors.torch.load_file(\"resnet18.safetensors\"), strict=False)
  (not strict, because batch normalisation's num_batches_tracked, which nothing depends on, is not stored)")]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "model.safetensors")]
    to: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let device = args.device.open()?;
    let (model, path) = args.source.locate(output)?;
    let tensors = weights::tensors_of(&model.load(&path, &device)?);
    let metadata = json!({ "network": model.network, "published": model.name, "licence": model.licence });
    weights::save(&args.to, &tensors, metadata)?;
    output.answer(&format!("{} tensors written to {}", tensors.len(), args.to.display()));
    output.result("export", json!({ "tensors": tensors.len(), "file": args.to }), None);
    Ok(Ended::Done)
}
