//! `export`: weights for PyTorch.

use std::path::PathBuf;

use ognivo_cnn::image::trained::Trained;
use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_core::weights;
use serde_json::json;

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Example:
  classify-images export --run runs/classify-images/mnist-001 --to mnist.safetensors
  then in Python: model.load_state_dict(safetensors.torch.load_file(\"mnist.safetensors\"), strict=False)
  (not strict, because batch normalisation's num_batches_tracked, which nothing depends on, is not stored)

Names and layouts are PyTorch's; docs/images.md lists them with the module that takes them.")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "model.safetensors")]
    to: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    let tensors = weights::tensors_of(&trained.network);
    let metadata = json!({
        "network": trained.config.network,
        "classes": trained.classes,
        "preprocessing": trained.preprocessing,
    });
    weights::save(&args.to, &tensors, metadata)?;
    for (name, tensor) in &tensors {
        output.answer(&format!("{name:<32} {}", tensor.shape()));
    }
    output.answer(&format!("{} tensors written to {}", tensors.len(), args.to.display()));
    output.result("export", json!({ "tensors": tensors.len(), "file": args.to }), Some(trained.run.path()));
    Ok(Ended::Done)
}
