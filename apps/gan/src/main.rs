//! `gan`: train generative adversarial networks and measure what they generate.
//!
//! ```text
//! cargo run --release -p gan -- train                               # DCGAN on the digits that ship
//! cargo run --release -p gan -- train --data mnist                  # DCGAN on MNIST
//! cargo run --release -p gan -- train --model conditional --data photos/
//! cargo run --release -p gan -- sample --count 64                   # pictures of the newest run
//! cargo run --release -p gan -- evaluate                            # how good they are
//! cargo run --release -p gan -- train --model mixture               # eight Gaussians on a ring, in a minute and a half
//! ```
//!
//! What each reaches, in how much time, is in docs/results.md.

mod evaluate;
mod interpolate;
mod sample;
mod texture;
mod train;
mod translate;

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
  gan train                                  DCGAN on the digits that ship
  gan train --data mnist                     on MNIST
  gan train --model conditional --data photos/
  gan sample --count 64 --to samples.png     pictures of the newest run
  gan evaluate                               how good they are
  gan train --model mixture                  eight Gaussians on a ring, where the answer is known
  gan translate train --data fashion-mnist   edges into pictures
  gan texture train --style grass.jpg        textures like a picture"
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
    /// Generate pictures
    Sample(sample::Args),
    /// Measure what is generated against real pictures
    Evaluate(evaluate::Args),
    /// Show what lies between generated pictures
    Interpolate(interpolate::Args),
    /// Turn pictures into other pictures, learnt from pairs
    #[command(subcommand)]
    Translate(translate::TranslateCommand),
    /// Make textures like one picture
    #[command(subcommand)]
    Texture(texture::TextureCommand),
    /// List the devices this build can compute on, and how to get others
    Devices,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output.output();
    let (name, outcome) = match cli.command {
        Command::Train(args) => ("train", train::run(&args, &output)),
        Command::Sample(args) => ("sample", sample::run(&args, &output)),
        Command::Evaluate(args) => ("evaluate", evaluate::run(&args, &output)),
        Command::Interpolate(args) => ("interpolate", interpolate::run(&args, &output)),
        Command::Translate(command) => (command.name(), translate::run(command, &output)),
        Command::Texture(command) => (command.name(), texture::run(command, &output)),
        Command::Devices => ("devices", Ok(devices(&output))),
    };
    let outcome = outcome.map_err(as_core::<ognivo_gan::Error>);
    exit(outcome.map_err(as_core::<ognivo_cnn::Error>), name, &output)
}
