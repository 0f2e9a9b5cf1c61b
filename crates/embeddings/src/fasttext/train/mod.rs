//! Training of classifiers and of vectors of words.
//!
//! In reading order: [`Examples`], a labelled text as rows and labels; `outputs`, one step of each loss; `rounds`, which
//! shares the steps among threads so that the result does not depend on their number. [`unsupervised`] hands its text to
//! the trainer that all embeddings share.

mod examples;
mod initial;
mod outputs;
mod rounds;
mod unsupervised;

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

pub use examples::Examples;
pub use initial::read_vectors;
pub use unsupervised::unsupervised;

use super::config::{Config, ModelKind};
use super::dictionary::Dictionary;
use super::matrix::Matrix;
use super::model::Model;
use super::tokens::Tokens;
use crate::format::input::Input;
use crate::{Error, Result, Table};

/// How far training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// From 0 to 1.
    pub done: f64,
    /// Tokens read so far, in all epochs.
    pub tokens: u64,
    /// Since training began.
    pub seconds: f64,
    /// Mean loss of the examples since the last report.
    pub loss: f64,
    /// At this moment.
    pub learning_rate: f64,
}

/// Trains a classifier on a file of lines with labels, plain or gzip.
///
/// `watch` is told now and then how far it is; when it returns false, training stops with what is learnt so far.
///
/// # Errors
/// For settings without meaning, a file that cannot be read or has no labels, and a loss that is not finite.
pub fn supervised(config: Config, input: &Path, watch: impl FnMut(&Progress) -> bool) -> Result<Model> {
    let (dictionary, vectors) = count(&config, input)?;
    let examples = Examples::read(&mut open(input)?, &dictionary)?;
    Classifier::new(config, dictionary, vectors.as_ref())?.train(&examples, watch)
}

/// The dictionary of a training text, with the words of the pre-trained vectors, and those.
///
/// # Errors
/// As [`supervised`].
pub fn count(config: &Config, input: &Path) -> Result<(Dictionary, Option<crate::WordVectors>)> {
    let config = config.clone().checked()?;
    let mut dictionary = Dictionary::count(&mut open(input)?, &config)?;
    let vectors = config.pretrained_vectors.as_deref().map(|path| read_vectors(path, config.dim)).transpose()?;
    if let Some(vectors) = &vectors {
        dictionary.add_words(vectors.words());
    }
    Ok((dictionary, vectors))
}

/// Opens a text, plain or gzip.
///
/// # Errors
/// When it cannot be read.
pub fn open(path: &Path) -> Result<Tokens<Box<dyn BufRead>>> {
    Ok(Tokens::new(Box::new(Input::open(path)?), path.display().to_string()))
}

/// A classifier in training.
pub(super) struct Classifier {
    pub(super) config: Config,
    pub(super) dictionary: Dictionary,
    pub(super) input: Table,
    pub(super) output: Table,
}

impl Classifier {
    /// With random rows for words and buckets, or those of `vectors`, and zeros for labels.
    pub(super) fn new(config: Config, dictionary: Dictionary, vectors: Option<&crate::WordVectors>) -> Result<Self> {
        let config = config.checked()?;
        if config.model != ModelKind::Supervised {
            return Err(Error::setting("model", format!("{:?}", config.model), "supervised"));
        }
        let mut input = initial::uniform(dictionary.rows(), config.dim, config.seed)?;
        if let Some(vectors) = vectors {
            initial::copy(vectors, &dictionary, &mut input);
        }
        let output = Table::zeros(dictionary.labels(), config.dim)?;
        Ok(Self { config, dictionary, input, output })
    }

    /// Learns from the examples.
    pub(super) fn train(mut self, examples: &Examples, watch: impl FnMut(&Progress) -> bool) -> Result<Model> {
        let started = Instant::now();
        rounds::run(&mut self, examples, started, watch)?;
        Model::new(self.config, self.dictionary, Matrix::Dense(self.input), Matrix::Dense(self.output))
    }
}
