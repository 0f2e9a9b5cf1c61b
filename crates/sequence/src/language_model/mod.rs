//! A language model.

pub mod vocabulary;
