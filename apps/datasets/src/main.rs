//! `datasets`: lists, fetches and verifies the data sets that Ognivo's programs know by name.

use std::process::ExitCode;

use clap::Parser;
use ognivo_core::cli::{args::OutputArgs, exit};
use ognivo_core::dataset::commands::DatasetCommand;

const EXAMPLES: &str = "\
Examples:
  datasets list
  datasets fetch mnist fashion-mnist
  datasets verify
  cd \"$(datasets path cifar10)\"
  datasets --json list | tail -n 1

A download that is interrupted goes on where it stopped when the command is run again.

Environment:
  OGNIVO_DATA    a folder with one sub-folder of files per data set; only read
  OGNIVO_CACHE   where downloads and unpacked archives are kept
  OGNIVO_INDEX   a file like datasets/index.toml with further sets, or mirrors of known ones
  ALL_PROXY, HTTPS_PROXY, HTTP_PROXY, NO_PROXY   as usual

Exit codes: 0 success, 1 failure, 2 bad usage";

/// Data sets by name: what there is, where it is, and that it is what it should be
#[derive(Parser)]
#[command(name = "datasets", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: DatasetCommand,
    #[command(flatten)]
    output: OutputArgs,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = arguments.output.output();
    let ended = arguments.command.execute(&output);
    exit(ended.map_err(Into::into), arguments.command.name(), &output)
}
