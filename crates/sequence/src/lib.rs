//! Recurrent networks: the lecture's cells, and what is made of them.

pub mod cell;
mod error;
pub mod language_model;
pub mod memory;

pub use error::{Error, Result};
