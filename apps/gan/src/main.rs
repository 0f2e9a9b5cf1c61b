//! `gan`: train generative adversarial networks and measure what they generate.
//!
//! ```text
//! cargo run --release -p gan -- train --model mixture               # eight Gaussians on a ring, in a minute and a half
//! cargo run --release -p gan -- train --model mixture --data grid   # 25 on a grid
//! ```
//!
//! What each reaches, in how much time, is in docs/results.md.

mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ognivo_core::cli::args::OutputArgs;
use ognivo_core::cli::{as_core, devices, exit};

/// Keeps the memory of tensors for the next step instead of giving it back to the system.
#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

/// The task's folder under `runs/`.
const TASK: &str = "gan";

/// Train generative adversarial networks and measure what they generate.
#[derive(Parser)]
#[command(
    version,
    args_override_self = true,
    after_help = "Examples:
  gan train --model mixture                  eight Gaussians on a ring
  gan train --model mixture --data grid      25 on a grid; line: three in one dimension
  gan train --model mixture --set fit.objective=wasserstein-lipschitz"
)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a generator against a discriminator and write a report
    Train(Box<train::Args>),
    /// List the devices this build can compute on, and how to get others
    Devices,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output.output();
    let (name, outcome) = match cli.command {
        Command::Train(args) => ("train", train::run(*args, &output)),
        Command::Devices => ("devices", Ok(devices(&output))),
    };
    exit(outcome.map_err(as_core::<ognivo_gan::Error>), name, &output)
}
