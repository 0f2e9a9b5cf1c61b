//! `verify`: every difference between a file and a network, and logits to compare with PyTorch's.

use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, args::DeviceArgs};
use ognivo_core::weights::{TensorSource, differences};
use ognivo_transfer::weights::verify;
use serde_json::json;

use crate::source::SourceArgs;

#[derive(clap::Args)]
#[command(after_help = "Example:
  transfer verify --model resnet18 --weights resnet18-f37072fd.pth
Exit code 1 if a tensor is missing, left over or of another shape. Else the logits of a picture made by a formula are printed, of which
docs/transfer.md shows how PyTorch computes them.")]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// How many logits to show
    #[arg(long, default_value_t = 5)]
    show: usize,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let device = args.device.open()?;
    let (model, path) = args.source.locate(output)?;
    let file = model.open(&path)?;
    let shapes = model.network.backbone_shapes(model.input(), model.classes)?;
    let differences = differences(&shapes, file.tensors());
    output.answer(&format!(
        "{}: {}, {} tensors; {} has {}",
        path.display(),
        file.format_name(),
        file.tensors().len(),
        model.name,
        shapes.len()
    ));
    for difference in &differences {
        output.answer(&verify::Line(difference).to_string());
        output.event("difference", json!({ "difference": verify::Line(difference).to_string() }));
    }
    if !differences.is_empty() {
        output.error(&format!("{} differences", differences.len()));
        output.result("verify", json!({ "differences": differences.len() }), None);
        return Ok(Ended::Failed);
    }
    let logits = verify::logits(&model.load(&path, &device)?, model.input(), &device);
    let norm = logits.iter().map(|&logit| f64::from(logit).powi(2)).sum::<f64>().sqrt();
    output.answer("no tensor is missing, left over or of another shape\nlogits of the formula's picture:");
    for (class, logit) in logits.iter().enumerate().take(args.show) {
        output.answer(&format!("{class:>6} {logit:>12.6}"));
    }
    output.answer(&format!("  norm {norm:>12.6}"));
    output.result("verify", json!({ "differences": 0, "norm": norm, "logits": logits }), None);
    Ok(Ended::Done)
}
