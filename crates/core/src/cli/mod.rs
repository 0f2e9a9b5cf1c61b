//! The command-line grammar that every binary of the workspace shares: flags, configuration, output, exit codes.

pub mod args;
pub mod config;
pub mod events;
pub mod suggest;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use self::events::Output;
use crate::device::{self, BACKENDS, Found};
use crate::run::RunDirectory;
use crate::train::interrupt;

/// Lists the devices of this build, and how to get others.
pub fn devices(output: &Output) -> Ended {
    let found = device::list();
    for Found { name, description, usable } in &found {
        let state = usable.as_ref().err().map_or("usable".into(), |reason| format!("not usable: {reason}"));
        output.answer(&format!("{name:<12} {state:<10} {description}"));
        output.event("device", json!({ "name": name, "description": description, "usable": usable.is_ok() }));
    }
    output.answer("\nNot in this build (add with `cargo run --release --features NAME`):");
    for backend in BACKENDS.iter().filter(|backend| !backend.compiled) {
        output.answer(&format!("{:<12} {}", backend.feature, backend.about));
    }
    let usable = found.iter().filter(|found| found.usable.is_ok()).count();
    output.result("devices", json!({ "found": found.len(), "usable": usable }), None);
    Ended::Done
}

/// The run directory asked for with `--run`, else the newest of the task, whose binary has its name.
///
/// # Errors
/// When there is none.
pub fn chosen_run(run: &Option<PathBuf>, task: &str) -> anyhow::Result<PathBuf> {
    let none = || anyhow::anyhow!("no run yet: `{task} train` makes one, --run names one");
    run.clone().or_else(|| RunDirectory::newest(task)).ok_or_else(none)
}

/// How a command ended, for [`exit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It did what was asked.
    Done,
    /// Ctrl-C stopped it, with everything saved.
    Interrupted,
    /// It found fault with what it was given, and has said so.
    Failed,
}

/// A task crate's error as core's, whose kind tells [`exit`] of wrong usage; any other as it is.
pub fn as_core<E>(error: anyhow::Error) -> anyhow::Error
where
    E: std::error::Error + Into<crate::Error> + Send + Sync + 'static,
{
    error.downcast::<E>().map_or_else(|other| other, |error| error.into().into())
}

/// The exit code of a program: 0, 1 for a failure (said with its causes), 2 for bad usage, 130 after Ctrl-C.
pub fn exit(outcome: anyhow::Result<Ended>, command: &str, output: &Output) -> ExitCode {
    match outcome {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Failed) => ExitCode::FAILURE,
        Ok(Ended::Interrupted) => ExitCode::from(interrupt::EXIT_CODE as u8),
        Err(error) => {
            output.failure(command, &error);
            let usage =
                error.downcast_ref::<crate::Error>().is_some_and(|error| matches!(error, crate::Error::Config(_)));
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}
