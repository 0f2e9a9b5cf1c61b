//! Ctrl-C: the first ends the step and saves, the second stops at once.

use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// The exit code of a program stopped by Ctrl-C, as shells give it (128 + SIGINT).
pub const EXIT_CODE: i32 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Listens for Ctrl-C (and SIGTERM) from now on.
///
/// # Errors
/// When the system refuses to install the handler.
pub fn listen() -> Result<()> {
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        ctrlc::set_handler(|| {
            if REQUESTED.swap(true, Ordering::SeqCst) {
                process::exit(EXIT_CODE);
            }
            eprintln!("\nstopping after this step (Ctrl-C again to stop at once)");
        })
        .map_err(|e| e.to_string())
    });
    installed.clone().map_err(|e| Error::Config(format!("cannot listen for Ctrl-C: {e}")))
}

/// Whether a stop has been asked for.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
