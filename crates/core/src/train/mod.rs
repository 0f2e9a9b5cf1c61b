//! To be written.

pub mod clip;
#[cfg(feature = "flex")]
mod host;
pub mod optimizer;
pub mod schedule;
