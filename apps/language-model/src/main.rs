//! `language-model`: train a recurrent language model on your text and let it write.
//!
//! ```text
//! cargo run --release -p language-model -- train                              # sentences of a grammar whose entropy is known
//! cargo run --release -p language-model -- train --data tiny-shakespeare      # Karpathy 2015
//! cargo run --release -p language-model -- train --data my-book.txt           # or several, or a folder, or gzip
//! cargo run --release -p language-model -- generate --prompt "Once upon"
//! ```
//!
//! What each reaches, in how much time, is in docs/results.md.

mod evaluate;
mod export;
mod generate;
mod inspect;
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
const TASK: &str = "language-model";

/// Train a recurrent language model on your text and let it write.
#[derive(Parser)]
#[command(
    version,
    args_override_self = true,
    after_help = "Examples:
  language-model train                                       sentences of a grammar that ships with the code
  language-model train --data tiny-shakespeare
  language-model train --data book.txt,letters/ --cell gru --hidden 512
  language-model generate --prompt 'Once upon a time' --temperature 0.8
  language-model evaluate --data another-book.txt
  language-model data list"
)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a model and write a report
    Train(Box<train::Args>),
    /// Measure how well a trained model predicts a text
    Evaluate(evaluate::Args),
    /// Let a trained model write
    Generate(generate::Args),
    /// Show the layers, which cells follow what, and a text coloured by them
    Inspect(inspect::Args),
    /// Write the weights as safetensors that PyTorch loads
    Export(export::Args),
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
    exit(run(cli.command, &output).map_err(as_core::<ognivo_sequence::Error>), name, &output)
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => "train",
            Self::Evaluate(_) => "evaluate",
            Self::Generate(_) => "generate",
            Self::Inspect(_) => "inspect",
            Self::Export(_) => "export",
            Self::Data(_) => "data",
            Self::Devices => "devices",
        }
    }
}

fn run(command: Command, output: &Output) -> anyhow::Result<Ended> {
    match command {
        Command::Train(args) => train::run(*args, output),
        Command::Evaluate(args) => evaluate::run(&args, output),
        Command::Generate(args) => generate::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::Data(command) => Ok(command.execute(output)?),
        Command::Devices => Ok(devices(output)),
    }
}
