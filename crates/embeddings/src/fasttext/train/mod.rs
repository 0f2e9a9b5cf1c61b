//! Training of classifiers and of vectors of words.
//!
//! In reading order: [`Examples`], a labelled text as rows and labels; `outputs`, one step of each loss; `lines`, which
//! shares the steps among threads so that the result does not depend on their number; `unsupervised`, which hands its text to
//! the trainer that all embeddings share; [`train`], which does either and can be gone on with.

mod columns;
mod examples;
mod initial;
mod lines;
mod outputs;
mod team;
mod unsupervised;

use std::borrow::Cow;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

pub use examples::Examples;
pub use initial::read_vectors;
pub use lines::Position;
use serde::{Deserialize, Serialize};

use super::config::{Config, ModelKind};
use super::dictionary::Dictionary;
use super::matrix::Matrix;
use super::model::Model;
use super::tokens::Tokens;
use super::write::write_unfinished;
use crate::format::input::Input;
use crate::train::{Engine, Places, Trainer};
use crate::{Error, Result, Table};

/// How far training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// From 0 to 1.
    pub done: f64,
    /// Tokens read so far, in all epochs.
    pub tokens: u64,
    /// Tokens to be read in all epochs.
    pub of: u64,
    /// Since training began.
    pub seconds: f64,
    /// Mean loss of the examples since the last report.
    pub loss: f64,
    /// At this moment.
    pub learning_rate: f64,
}

/// Where training stands: what going on needs besides the model so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Of a classifier.
    Lines(Position),
    /// Of vectors of words.
    Words(Places),
}

/// Training under way, for whoever wants to save it.
pub struct Standing<'a> {
    config: &'a Config,
    dictionary: &'a Dictionary,
    training: Training<'a>,
}

enum Training<'a> {
    /// Input and output, and where it stands, unless nothing can go on from there.
    Lines {
        tables: [&'a Table; 2],
        at: Option<Position>,
    },
    Words(&'a Trainer<'a>),
}

impl Standing<'_> {
    /// Whether all epochs are done.
    pub fn is_finished(&self) -> bool {
        match &self.training {
            Training::Lines { at, .. } => at.as_ref().is_some_and(|at| at.is_after(self.config.epoch as u64)),
            Training::Words(trainer) => trainer.is_finished(),
        }
    }

    /// Where it stands, for [`train`]; none of a classifier with `hogwild`, whose threads stand anywhere.
    pub fn place(&self) -> Option<Place> {
        match &self.training {
            Training::Lines { at, .. } => at.clone().map(Place::Lines),
            Training::Words(trainer) => Some(Place::Words(trainer.places())),
        }
    }

    /// Writes the model so far, as [`Model::write`] does.
    ///
    /// # Errors
    /// As that.
    pub fn write(&self, path: &Path) -> Result<()> {
        let tables = match &self.training {
            Training::Lines { tables, .. } => tables.map(Cow::Borrowed),
            Training::Words(trainer) => trainer.tables()?,
        };
        write_unfinished(path, self.config, self.dictionary, tables.each_ref().map(AsRef::as_ref))
    }
}

/// A model, and whether it is done.
#[derive(Clone, Debug)]
pub struct Trained {
    /// As it is now.
    pub model: Model,
    /// Whether all epochs are done.
    pub finished: bool,
    /// Where it stands, if it is not done and can be gone on with.
    pub place: Option<Place>,
}

/// Trains what `config` names, a classifier or vectors of words, on a file, plain or gzip. `earlier` is a model that was written under way
/// and where it stood: training then ends with the same bytes as if it had not been stopped.
///
/// `watch` is told now and then how far it is; when it returns false, training stops with what is learnt so far. `engine` computes
/// vectors of words; a classifier knows [`Engine::Cpu`] alone.
///
/// # Errors
/// For settings without meaning, a file that cannot be read or has no frequent words or no labels, a loss that is not finite, and when
/// `earlier` is of another text.
pub fn train(
    engine: &Engine,
    config: Config,
    input: &Path,
    earlier: Option<(Model, Place)>,
    watch: impl FnMut(&Progress, &Standing<'_>) -> bool,
) -> Result<Trained> {
    let (dictionary, vectors) = count(&config, input)?;
    let taken = |(model, place)| -> Result<_> { Ok((taken(model, &dictionary)?, place)) };
    let earlier = earlier.map(taken).transpose()?;
    if config.model != ModelKind::Supervised {
        return unsupervised::run(engine, config, dictionary, vectors.as_ref(), input, earlier, watch);
    }
    if !matches!(engine, Engine::Cpu) {
        return Err(Error::setting("engine", "burn", "cpu for a classifier"));
    }
    let examples = Examples::read(&mut open(input)?, &dictionary)?;
    let (classifier, at) = match earlier {
        None => (Classifier::new(config, dictionary, vectors.as_ref())?, None),
        Some(([input, output], Place::Lines(at))) => {
            (Classifier { config: config.checked()?, dictionary, input, output }, Some(at))
        }
        Some(_) => return Err(Error::data("training to be gone on with", "vectors of words", "a classifier")),
    };
    classifier.train(&examples, at, watch)
}

/// The tables of a model that was written under way, if it is one of this text.
fn taken(model: Model, dictionary: &Dictionary) -> Result<[Table; 2]> {
    let size = |dictionary: &Dictionary| {
        let (words, labels, tokens) = (dictionary.words(), dictionary.labels(), dictionary.tokens());
        format!("{words} words and {labels} labels in a text of {tokens}, {} rows", dictionary.rows())
    };
    let (found, expected) = (size(&model.dictionary), size(dictionary));
    match (model.input, model.output) {
        (Matrix::Dense(input), Matrix::Dense(output)) if found == expected => Ok([input, output]),
        _ => Err(Error::data("training to be gone on with", found, format!("a model of this text: {expected}"))),
    }
}

/// [`train`] of vectors of words and character n-grams, from the beginning.
///
/// # Errors
/// As [`train`].
pub fn unsupervised(config: Config, input: &Path, mut watch: impl FnMut(&Progress) -> bool) -> Result<Model> {
    if config.model == ModelKind::Supervised {
        return Err(Error::setting("model", "supervised", "skipgram or cbow"));
    }
    Ok(train(&Engine::Cpu, config, input, None, |progress, _| watch(progress))?.model)
}

/// [`train`] of a classifier on a file of lines with labels, from the beginning.
///
/// # Errors
/// As [`train`].
pub fn supervised(config: Config, input: &Path, mut watch: impl FnMut(&Progress) -> bool) -> Result<Model> {
    if config.model != ModelKind::Supervised {
        return Err(Error::setting("model", format!("{:?}", config.model), "supervised"));
    }
    Ok(train(&Engine::Cpu, config, input, None, |progress, _| watch(progress))?.model)
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
        let mut input = initial::uniform(dictionary.rows(), config.dim, config.seed)?;
        if let Some(vectors) = vectors {
            initial::copy(vectors, &dictionary, &mut input);
        }
        let output = Table::zeros(dictionary.labels(), config.dim)?;
        Ok(Self { config, dictionary, input, output })
    }

    /// Learns from the examples, from the beginning or from where an earlier training stood.
    pub(super) fn train(
        mut self,
        examples: &Examples,
        from: Option<Position>,
        watch: impl FnMut(&Progress, &Standing<'_>) -> bool,
    ) -> Result<Trained> {
        let ended = lines::run(&mut self, examples, from, Instant::now(), watch)?;
        let (finished, place) = match ended {
            lines::Ended::Finished => (true, None),
            lines::Ended::Stopped(at) => (false, at.map(Place::Lines)),
        };
        let (input, output) = (Matrix::Dense(self.input), Matrix::Dense(self.output));
        Ok(Trained { model: Model::new(self.config, self.dictionary, input, output)?, finished, place })
    }
}
