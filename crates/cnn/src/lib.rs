//! Convolutional networks.
mod error;
pub mod image;
pub mod layer;

pub use error::{Error, Result};
