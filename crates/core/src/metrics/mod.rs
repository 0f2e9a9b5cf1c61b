//! What a model scored, as plain numbers: no tensors, no files.
//!
//! [`ConfusionMatrix`] counts targets against predictions and derives accuracy, precision, recall and F1 from the
//! counts; [`TopK`] counts targets among the k best scores; [`CrossEntropy`] averages a loss; [`Interval`] says how far
//! a measured share may be from the true one.

mod confusion;
mod cross_entropy;
mod interval;
mod top_k;

pub use confusion::{ClassScores, Confusion, ConfusionMatrix};
pub use cross_entropy::CrossEntropy;
pub use interval::{Interval, Z_95};
pub use top_k::{TopK, rank};
