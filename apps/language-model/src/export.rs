//! `export`: weights for PyTorch.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_core::weights;
use ognivo_sequence::language_model::trained::Trained;
use serde_json::json;

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Example:
  language-model export --run runs/language-model/tiny-shakespeare-001 --to shakespeare.safetensors
  then in Python: model.load_state_dict(safetensors.torch.load_file(\"shakespeare.safetensors\"))

Names and layouts are those of PyTorch's example word_language_model: encoder (nn.Embedding), rnn (nn.LSTM, nn.GRU or nn.RNN),
decoder (nn.Linear). A cell that PyTorch does not have is written as it is, with a warning. The tokens, in their order, are in the
run's vocabulary.json.")]
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
    let (tensors, lacks) = trained.pytorch();
    if let Some(reason) = &lacks {
        output.warn(&format!("PyTorch has no such network, so the weights are written as they are: {reason}"));
    }
    let metadata = json!({
        "network": trained.config.network,
        "unit": trained.vocabulary.unit(),
        "tokens": trained.vocabulary.len(),
        "pytorch": lacks.is_none(),
    });
    weights::save(&args.to, &tensors, metadata)?;
    for (name, tensor) in &tensors {
        output.answer(&format!("{name:<32} {}", tensor.shape()));
    }
    output.answer(&format!("{} tensors written to {}", tensors.len(), args.to.display()));
    output.result("export", json!({ "tensors": tensors.len(), "file": args.to }), Some(trained.run.path()));
    Ok(Ended::Done)
}
