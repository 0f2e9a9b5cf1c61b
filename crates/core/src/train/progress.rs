//! The progress bar of a training run: rate, time left, loss.

use std::borrow::Cow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::events::Output;

/// A bar on standard error; silent when asked, or when standard error is not a terminal.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar over `total` units called `unit` ("images"), from `done` on.
    pub fn new(total: u64, done: u64, unit: &str, silent: bool) -> Self {
        let target = if silent { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
        let template = format!("{{msg}} {{wide_bar:.cyan/dim}} {{percent:>3}} %  {{per_sec}} {unit}/s  {{eta}} left");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("per_sec", |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            // A failed write to the terminal line is not worth stopping a run for.
            let _ = write!(out, "{:.0}", state.per_sec());
        });
        let bar = ProgressBar::with_draw_target(Some(total), target).with_style(style).with_position(done);
        bar.reset_eta();
        Self { bar }
    }

    /// Moves on by `units` and shows the epoch and the running loss.
    pub fn advance(&self, units: u64, epoch: u64, epochs: u64, loss: f64) {
        self.step(units, format!("epoch {}/{epochs}  loss {loss:.4}", epoch + 1));
    }

    /// Moves on by `units` and shows a text.
    pub fn step(&self, units: u64, text: impl Into<Cow<'static, str>>) {
        self.bar.set_message(text);
        self.bar.inc(units);
    }

    /// Prints a line above the bar, or on standard output where there is none.
    pub fn line(&self, text: &str) {
        if self.bar.is_hidden() { Output::default().line(text) } else { self.bar.println(text) }
    }

    /// Time since the bar was made.
    pub fn elapsed(&self) -> Duration {
        self.bar.elapsed()
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
