//! `transfer`: a network that was trained elsewhere, turned to pictures of one's own.
//!
//! ```text
//! cargo run --release -p transfer -- train --from resnet18 --data photos/            # a new classifier on its features
//! cargo run --release -p transfer -- train --from resnet18 --data photos/ --train all
//! cargo run --release -p transfer -- vectorise photos/ --from resnet18                # then: search cat.jpg, map, recall
//! cargo run --release -p transfer -- models                                          # what is published, and where
//! cargo run --release -p transfer -- verify --model resnet18 --weights resnet18.pth  # every difference, and logits to compare
//! cargo run --release -p transfer -- export --model resnet18 --to r18.safetensors    # fetched, checked, as safetensors
//! ```

mod curve;
// A run of this program is one of classify-images too: the same two commands use it.
#[path = "../../classify-images/src/evaluate.rs"]
mod evaluate;
mod experiment;
mod export;
mod extractor;
mod map;
mod models;
mod patch_position;
#[path = "../../classify-images/src/predict.rs"]
mod predict;
mod probe;
mod recall;
mod search;
mod source;
mod train;
mod transferability;
mod vectorise;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ognivo_core::cli::args::OutputArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, as_core, devices, exit};

/// Keeps the memory of tensors for the next step instead of giving it back to the system.
#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

/// The task's folder under `runs/`.
const TASK: &str = "transfer";

/// Turn a network that was trained elsewhere to pictures of your own.
#[derive(Parser)]
#[command(
    version,
    args_override_self = true,
    after_help = "Examples:
  transfer train --from resnet18 --data photos/
  transfer predict cat.jpg
  transfer vectorise photos/ --from resnet18
  transfer search cat.jpg
  transfer models
  transfer verify --model resnet18 --weights resnet18-f37072fd.pth
  transfer export --model squeezenet1-1 --to squeezenet.safetensors"
)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fine-tune a network and write a report
    Train(Box<train::Args>),
    /// Measure a fine-tuned network on a data set's test part
    Evaluate(evaluate::Args),
    /// Classify picture files
    Predict(predict::Args),
    /// Write the pictures of a folder as vectors
    Vectorise(vectorise::Args),
    /// Find the pictures nearest to a picture
    Search(search::Args),
    /// Measure whether near pictures are of one class
    Recall(recall::Args),
    /// Draw a map of pictures: t-SNE or principal components
    Map(map::Args),
    /// Accuracy against the number of examples: frozen, fine-tuned, from scratch
    Curve(curve::Args),
    /// Which layers of a network are general (Yosinski et al. 2014)
    Transferability(transferability::Args),
    /// Features learnt without labels, from where patches lie (Doersch et al. 2015)
    #[command(subcommand)]
    PatchPosition(patch_position::PatchCommand),
    /// Measure what features are worth: linear classifier, nearest neighbour, few labels
    Probe(probe::Args),
    /// List the published weights
    Models,
    /// Compare a file of weights with a network, tensor by tensor
    Verify(verify::Args),
    /// Write weights as safetensors that torchvision loads
    Export(export::Args),
    /// List the devices this build can compute on, and how to get others
    Devices,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output.output();
    let name = cli.command.name();
    let outcome =
        run(cli.command, &output).map_err(as_core::<ognivo_transfer::Error>).map_err(as_core::<ognivo_cnn::Error>);
    let outcome = outcome.map_err(as_core::<ognivo_embeddings::Error>);
    exit(outcome, name, &output)
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => "train",
            Self::Evaluate(_) => "evaluate",
            Self::Predict(_) => "predict",
            Self::Vectorise(_) => "vectorise",
            Self::Search(_) => "search",
            Self::Recall(_) => "recall",
            Self::Map(_) => "map",
            Self::Curve(_) => "curve",
            Self::Transferability(_) => "transferability",
            Self::PatchPosition(_) => "patch-position",
            Self::Probe(_) => "probe",
            Self::Models => "models",
            Self::Verify(_) => "verify",
            Self::Export(_) => "export",
            Self::Devices => "devices",
        }
    }
}

fn run(command: Command, output: &Output) -> anyhow::Result<Ended> {
    match command {
        Command::Train(args) => train::run(*args, output),
        Command::Evaluate(args) => evaluate::run(&args, output),
        Command::Predict(args) => predict::run(&args, output),
        Command::Vectorise(args) => vectorise::run(&args, output),
        Command::Search(args) => search::run(&args, output),
        Command::Recall(args) => recall::run(&args, output),
        Command::Map(args) => map::run(&args, output),
        Command::Curve(args) => curve::run(&args, output),
        Command::Transferability(args) => transferability::run(&args, output),
        Command::PatchPosition(command) => patch_position::run(command, output),
        Command::Probe(args) => probe::run(&args, output),
        Command::Models => models::run(output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::Devices => Ok(devices(output)),
    }
}
