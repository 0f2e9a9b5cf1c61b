//! `recurrent-memory`: how far back recurrent cells remember.
//!
//! ```text
//! cargo run --release -p recurrent-memory -- gradient-flow                  # norm of dh_t/dh_k against t - k
//! cargo run --release -p recurrent-memory -- solve --task adding            # which cell solves which length
//! ```

mod gradient_flow;
mod solve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use ognivo_core::cli::args::OutputArgs;
use ognivo_core::cli::{as_core, devices, exit};
use ognivo_core::report::Report;
use ognivo_core::run::RunDirectory;

/// Keeps the memory of tensors for the next step instead of giving it back to the system.
#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

/// The task's folder under `runs/`.
const TASK: &str = "recurrent-memory";

/// How far back recurrent cells remember: gradient flow, and tasks with known answers.
#[derive(Parser)]
#[command(
    version,
    args_override_self = true,
    after_help = "Examples:
  recurrent-memory gradient-flow
  recurrent-memory gradient-flow --cells rnn,lstm:forget_bias=5 --steps 200
  recurrent-memory solve --task adding --lengths 10,20,50
  recurrent-memory solve --task timing --cells lstm,peephole-lstm --repeats 3"
)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure how the derivative of the last state by earlier ones shrinks or grows with distance
    GradientFlow(gradient_flow::Args),
    /// Train cells on a memory task at several lengths: which solves which
    Solve(Box<solve::Args>),
    /// List the devices this build can compute on, and how to get others
    Devices,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output.output();
    let (name, outcome) = match cli.command {
        Command::GradientFlow(args) => ("gradient-flow", gradient_flow::run(&args, &output)),
        Command::Solve(args) => ("solve", solve::run(&args, &output)),
        Command::Devices => ("devices", Ok(devices(&output))),
    };
    exit(outcome.map_err(as_core::<ognivo_sequence::Error>), name, &output)
}

/// Cells as they were asked for, with what they mean.
fn cells(list: &[String]) -> anyhow::Result<Vec<(String, ognivo_sequence::cell::CellConfig)>> {
    let cell = |text: &String| {
        let cell = text.parse::<ognivo_sequence::cell::CellConfig>()?;
        cell.validate()?;
        Ok((text.clone(), cell))
    };
    list.iter().map(cell).collect()
}

/// Writes the report to the file asked for, else to the next free `runs/recurrent-memory/NAME-NUMBER/report.html`.
fn write_report(report: &mut Report, asked: Option<&Path>, name: &str) -> anyhow::Result<PathBuf> {
    report.command(std::env::args().collect::<Vec<_>>().join(" "));
    let path = asked.map_or_else(|| RunDirectory::next_path(TASK, name).join("report.html"), Path::to_path_buf);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot create", folder.display()))?;
    }
    report.write(&path)?;
    Ok(path)
}
