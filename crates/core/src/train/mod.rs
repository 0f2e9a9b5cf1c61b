//! To be written.

pub mod metrics_log;
pub mod recorder;
pub mod tensorboard;
