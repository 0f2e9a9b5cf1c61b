//! fastText: words as sums of their character n-grams, and fast classification of sentences.
//!
//! After Bojanowski, Grave, Joulin, Mikolov, "Enriching word vectors with subword information" (2017), Joulin, Grave,
//! Bojanowski, Mikolov, "Bag of tricks for efficient text classification" (2017) and Joulin et al., "FastText.zip:
//! compressing text classification models" (2016). Files, hashes and predictions are those of the reference program,
//! whose models are read and which reads the models written here.
//!
//! In reading order: [`Config`]; [`Tokens`] and [`Dictionary`], text as rows of a table; [`Model`], which is read,
//! written, asked for vectors and labels; [`Meter`], what its labels are worth; [`Model::quantize`]; [`train`]; [`Autotune`].

mod autotune;
mod best;
mod config;
mod dictionary;
mod matrix;
mod meter;
mod model;
mod ngrams;
mod predict;
mod quantize;
mod quantizer;
mod read;
mod tokens;
pub mod train;
mod write;

pub use autotune::{Autotune, Metric, Trial, Tuned};
pub use config::{Config, LossKind, ModelKind};
pub use dictionary::{Dictionary, Line};
pub use matrix::Matrix;
pub use meter::{Counts, Meter};
pub use model::Model;
pub use ngrams::hash;
pub use predict::Prediction;
pub use quantize::Quantization;
pub use quantizer::QuantizedMatrix;
pub use tokens::{END_OF_LINE, Tokens};
pub use write::{digits, print_vector};

/// What a model file begins with.
const MAGIC: i32 = 793_712_314;
/// The version that is written.
const VERSION: i32 = 12;
