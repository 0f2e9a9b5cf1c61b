//! Vectors of words, sub-words and nodes: word2vec, fastText and node2vec on one trainer.

pub mod corpus;
mod error;
pub mod evaluate;
pub mod fasttext;
pub mod format;
mod names;
pub mod node2vec;
pub mod plot;
pub mod query;
mod table;
pub mod train;
mod vectors;
pub mod word2vec;

pub use error::{Error, Result};
pub use names::Names;
pub use table::Table;
pub use vectors::{Lookup, WordVectors};
