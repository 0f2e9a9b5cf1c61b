//! The command-line grammar that every binary of the workspace shares: flags, configuration, output, exit codes.

pub mod args;
pub mod config;
pub mod events;
pub mod suggest;

use std::process::ExitCode;

use crate::train::interrupt;

/// How a command ended, for [`exit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It did what was asked.
    Done,
    /// Ctrl-C stopped it, with everything saved.
    Interrupted,
}

/// The exit code of a program: 0, 1 for a failure (printed with its causes), 2 for bad usage, 130 after Ctrl-C.
pub fn exit(outcome: anyhow::Result<Ended>) -> ExitCode {
    match outcome {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => ExitCode::from(interrupt::EXIT_CODE as u8),
        Err(error) => {
            eprintln!("error: {error:#}");
            let usage = error.downcast_ref::<crate::Error>().is_some_and(|error| matches!(error, crate::Error::Config(_)));
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}
