//! `transfer`: weights that others trained, checked against a network and turned to a form of one's own.
//!
//! ```text
//! cargo run --release -p transfer -- models                                          # what is published, and where
//! cargo run --release -p transfer -- verify --model resnet18 --weights resnet18.pth  # every difference, and logits to compare
//! cargo run --release -p transfer -- export --model resnet18 --to r18.safetensors    # fetched, checked, as safetensors
//! ```

mod export;
mod models;
mod source;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ognivo_core::cli::args::OutputArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, devices, exit};

/// Keeps the memory of tensors for the next step instead of giving it back to the system.
#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

/// Networks that were trained elsewhere: their weights, checked and converted.
#[derive(Parser)]
#[command(
    version,
    args_override_self = true,
    after_help = "Examples:
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
    // Wrong usage has an exit code of its own, which core's error tells.
    let outcome = run(cli.command, &output).map_err(|error| match error.downcast::<ognivo_transfer::Error>() {
        Ok(error) => ognivo_core::Error::from(error).into(),
        Err(other) => match other.downcast::<ognivo_cnn::Error>() {
            Ok(error) => ognivo_core::Error::from(error).into(),
            Err(other) => other,
        },
    });
    exit(outcome, name, &output)
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Verify(_) => "verify",
            Self::Export(_) => "export",
            Self::Devices => "devices",
        }
    }
}

fn run(command: Command, output: &Output) -> anyhow::Result<Ended> {
    match command {
        Command::Models => models::run(output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::Devices => {
            devices(output);
            Ok(Ended::Done)
        }
    }
}
