//! The parts every training loop uses, and [`fit`], the loop of supervised tasks.

pub mod checkpoint;
pub mod clip;
pub mod fit;
#[cfg(feature = "flex")]
mod host;
pub mod interrupt;
pub mod loader;
pub mod metrics_log;
pub mod optimizer;
pub mod plateau;
pub mod progress;
pub mod recorder;
pub mod schedule;
pub mod tensorboard;
