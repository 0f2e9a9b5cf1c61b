//! What the store tells its caller while it works, and how that looks on a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::events::Output;

/// A step of [`Store::locate`](super::Store::locate) or [`Store::verify`](super::Store::verify).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process works on the same set.
    Waiting {
        /// The set.
        set: &'a str,
    },
    /// A file is being downloaded.
    Download {
        /// The file.
        file: &'a str,
        /// Where from.
        url: &'a str,
        /// Bytes there so far, those of an earlier attempt included.
        received: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A download failed and is tried again, here or at the next address.
    Retry {
        /// The address that failed.
        url: &'a str,
        /// Why.
        reason: &'a str,
        /// How long until the next attempt.
        wait: Duration,
    },
    /// A file's checksum is being taken.
    Check {
        /// The file.
        file: &'a str,
        /// Bytes read so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// An archive is being unpacked.
    Unpack {
        /// The archive.
        file: &'a str,
        /// Entries written so far.
        entries: u64,
    },
}

/// A bar on standard error where that is a terminal; lines and JSON events as [`Output`] says.
pub struct TerminalProgress<'a> {
    output: &'a Output,
    bar: ProgressBar,
    /// What the bar shows, so that it is set up once per file and step.
    shown: String,
}

impl<'a> TerminalProgress<'a> {
    /// Shows nothing until the first step.
    pub fn new(output: &'a Output) -> Self {
        let visible = !output.json && !output.quiet && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { output, bar: ProgressBar::with_draw_target(Some(0), target), shown: String::new() }
    }

    /// Shows one step; for use as `&mut |step| bar.show(step)`.
    pub fn show(&mut self, step: Progress<'_>) {
        match step {
            Progress::Waiting { set } => {
                self.output.warn(&format!("{set}: waiting for another process that is working on it"));
            }
            Progress::Download { file, url, received, total } => {
                if self.starts(
                    format!("download {file}"),
                    total,
                    "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
                ) {
                    self.output.line(&format!("downloading {file} from {url}"));
                    let details = serde_json::json!({"file": file, "url": url, "received": received, "total": total});
                    self.output.event("download", details);
                }
                self.bar.set_position(received);
            }
            Progress::Retry { url, reason, wait } => {
                let wait = wait.as_secs_f64();
                self.bar.suspend(|| self.output.warn(&format!("{url}: {reason}; trying again in {wait:.1} s")));
                self.output.event("retry", serde_json::json!({"url": url, "reason": reason, "wait_seconds": wait}));
            }
            Progress::Check { file, done, total } => {
                self.starts(format!("check {file}"), total, "{msg} {wide_bar} {bytes}/{total_bytes}");
                self.bar.set_position(done);
            }
            Progress::Unpack { file, entries } => {
                if self.starts(format!("unpack {file}"), 0, "{msg}: {pos} files") {
                    self.output.line(&format!("unpacking {file}"));
                    self.output.event("unpack", serde_json::json!({"file": file}));
                }
                self.bar.set_position(entries);
            }
        }
    }

    /// Sets the bar up for another step; false if it shows that step already.
    fn starts(&mut self, message: String, length: u64, template: &str) -> bool {
        if self.shown == message {
            return false;
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style);
        self.bar.reset();
        self.bar.set_length(length);
        self.bar.set_message(message.clone());
        self.shown = message;
        true
    }
}

impl Drop for TerminalProgress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
