//! The parts every Ognivo task stands on.
//!
//! Reading order: [`device`], [`run`], [`data`], [`dataset`], [`train`], [`metrics`], [`report`], [`cli`].

pub mod cli;
pub mod data;
pub mod dataset;
pub mod device;
mod error;
pub mod metrics;
pub mod random;
pub mod report;
pub mod run;
pub mod train;
pub mod weights;

pub use error::{Error, Result};
