//! `translate`: pictures from pictures.

mod apply;
mod train;

use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;

/// The folder of its runs under `runs/`.
const TASK: &str = "gan-translate";

#[derive(clap::Subcommand)]
pub(crate) enum TranslateCommand {
    /// Learn from pairs of pictures what one becomes, and write a report
    Train(Box<train::Args>),
    /// Translate pictures
    Apply(apply::Args),
}

impl TranslateCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => "translate train",
            Self::Apply(_) => "translate apply",
        }
    }
}

pub(crate) fn run(command: TranslateCommand, output: &Output) -> anyhow::Result<Ended> {
    match command {
        TranslateCommand::Train(args) => train::run(&args, output),
        TranslateCommand::Apply(args) => apply::run(&args, output),
    }
}
