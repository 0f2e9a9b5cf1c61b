//! A language model.

pub mod generate;
pub mod sample;
pub mod vocabulary;
