//! `classify-images`: train a convolutional network on pictures and classify your own.
//!
//! ```text
//! cargo run --release -p classify-images -- train                       # 8x8 digits that ship with the code
//! cargo run --release -p classify-images -- train --data mnist          # LeCun et al. 1998
//! cargo run --release -p classify-images -- train --data cifar10        # ResNet-20 (He et al. 2016)
//! cargo run --release -p classify-images -- train --data my-pictures/   # a folder per class
//! ```
//!
//! What each reaches, in how much time, is in docs/results.md.

mod evaluate;
mod export;
mod inspect;
mod predict;
mod preview;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ognivo_core::cli::args::OutputArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, as_core, devices, exit};
use ognivo_core::dataset::commands::DatasetCommand;

/// Keeps the memory of tensors for the next step instead of giving it back to the system.
#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

/// The task's folder under `runs/`.
const TASK: &str = "classify-images";

/// Train a convolutional network on pictures and classify your own.
#[derive(Parser)]
#[command(
    version,
    args_override_self = true,
    after_help = "Examples:
  classify-images train                                  the digits that ship with the code
  classify-images train --data mnist --epochs 2
  classify-images train --data photos/ --network resnet20 --augment flip,crop=4
  classify-images predict cat.jpg dog.png --run runs/classify-images/photos-001
  classify-images data list"
)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a network and write a report
    Train(Box<train::Args>),
    /// Measure a trained network on a data set's test part
    Evaluate(evaluate::Args),
    /// Classify picture files
    Predict(predict::Args),
    /// Show the layers, the first filters, and what excites a unit
    Inspect(inspect::Args),
    /// Write the weights as safetensors that PyTorch loads
    Export(export::Args),
    /// Show what augmentation does to pictures
    AugmentPreview(preview::Args),
    /// List, fetch and verify data sets
    #[command(subcommand)]
    Data(DatasetCommand),
    /// List the devices this build can compute on, and how to get others
    Devices,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output.output();
    let name = cli.command.name();
    exit(run(cli.command, &output).map_err(as_core::<ognivo_cnn::Error>), name, &output)
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => "train",
            Self::Evaluate(_) => "evaluate",
            Self::Predict(_) => "predict",
            Self::Inspect(_) => "inspect",
            Self::Export(_) => "export",
            Self::AugmentPreview(_) => "augment-preview",
            Self::Data(_) => "data",
            Self::Devices => "devices",
        }
    }
}

fn run(command: Command, output: &Output) -> anyhow::Result<Ended> {
    match command {
        Command::Train(args) => train::run(*args, output),
        Command::Evaluate(args) => evaluate::run(&args, output),
        Command::Predict(args) => predict::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::AugmentPreview(args) => preview::run(&args, output),
        Command::Data(command) => Ok(command.execute(output)?),
        Command::Devices => Ok(devices(output)),
    }
}
