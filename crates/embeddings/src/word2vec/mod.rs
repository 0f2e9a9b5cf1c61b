//! word2vec: skip-gram and CBOW (Mikolov et al. 2013, arXiv 1301.3781 and 1310.4546).
//!
//! The vector of a word is what is good for telling the words around it (skip-gram), or for being told by them (CBOW). Frequent words
//! are thinned out, negative examples drawn by `count^0.75`, the window's width drawn anew for each word, the learning rate falls in a
//! straight line: all as in word2vec.c, but that the words around one word share its negative examples in skip-gram, and two words that
//! follow each other share theirs in CBOW.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::corpus::Vocabulary;
use crate::train::{
    Architecture, Engine, Loss, Objective, Places, Plan, Progress, Sentences, Trainer, Units, initial_inputs,
};
use crate::{Error, Result, Table};

/// Settings of word2vec; the defaults are those of word2vec.c for skip-gram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Word2VecConfig {
    /// Skip-gram or CBOW.
    pub architecture: Architecture,
    /// Numbers in a vector.
    pub dim: usize,
    /// Words to each side, at most.
    pub window: u32,
    /// The loss.
    pub loss: Loss,
    /// Negative examples for each word.
    pub negative: usize,
    /// The part of the text above which a word is thinned out; 0 for none.
    pub sample: f64,
    /// Words that occur less often are left out.
    pub min_count: u64,
    /// Passes over the text.
    pub epochs: u64,
    /// At the beginning.
    pub learning_rate: f32,
    /// Whether threads write to the same tables: faster, and another result each time.
    pub hogwild: bool,
    /// Everything random follows from it.
    pub seed: u64,
}

impl Default for Word2VecConfig {
    fn default() -> Self {
        Self {
            architecture: Architecture::SkipGram,
            dim: 100,
            window: 5,
            loss: Loss::Negative,
            negative: 5,
            sample: 1e-3,
            min_count: 5,
            epochs: 5,
            learning_rate: 0.025,
            hogwild: false,
            seed: 1,
        }
    }
}

impl Word2VecConfig {
    /// What can be said before any text is read.
    ///
    /// # Errors
    /// For a setting that has no meaning.
    pub fn validate(&self) -> Result<()> {
        let bad = |key: &str, found: String, expected: &str| Err(Error::setting(key, found, expected));
        if !(1..=65_536).contains(&self.dim) {
            return bad("dim", self.dim.to_string(), "1 to 65536");
        }
        if !(1..=10_000).contains(&self.window) {
            return bad("window", self.window.to_string(), "1 to 10000");
        }
        if self.epochs == 0 {
            return bad("epochs", "0".into(), "at least 1");
        }
        if self.loss == Loss::Negative && !(1..=1000).contains(&self.negative) {
            return bad("negative", self.negative.to_string(), "1 to 1000; or another loss");
        }
        if !(self.sample >= 0.0 && self.sample.is_finite()) {
            return bad("sample", self.sample.to_string(), "0 (nothing is left out) or a small number such as 0.001");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 10.0) {
            return bad("learning_rate", self.learning_rate.to_string(), "above 0, at most 10");
        }
        Ok(())
    }
}

/// Both tables of a model, and where training stands.
#[derive(Debug)]
pub struct Trained {
    /// The vectors of the words.
    pub inputs: Table,
    /// The vectors that words are predicted with (of the inner nodes for hierarchical softmax).
    pub outputs: Table,
    /// For going on; none when all passes are done.
    pub places: Option<Places>,
    /// Tokens read.
    pub tokens: u64,
}

/// Trains vectors of the words of `corpus`. `watch` sees how far it is, about every 100 000 words, with the trainer for whoever wants
/// to save; after `Break` what there is so far is returned. `earlier` is what such a call returned.
///
/// ```
/// use std::ops::ControlFlow;
/// use ognivo_embeddings::corpus::Corpus;
/// use ognivo_embeddings::train::Engine;
/// use ognivo_embeddings::word2vec::{Word2VecConfig, train};
///
/// let text = "the cat sat on the mat\nthe dog sat on the rug\n".repeat(50);
/// let (corpus, vocabulary) = Corpus::from_text(&text, 1)?;
/// let config = Word2VecConfig { dim: 16, ..Word2VecConfig::default() };
/// let trained = train(&Engine::Cpu, &config, &corpus, &vocabulary, None, &mut |_, _| ControlFlow::Continue(()))?;
/// assert_eq!((trained.inputs.rows(), trained.inputs.dim()), (7, 16));
/// # Ok::<(), ognivo_embeddings::Error>(())
/// ```
///
/// # Errors
/// For settings without meaning or that the engine does not know, and when the loss is no longer finite.
pub fn train(
    engine: &Engine,
    config: &Word2VecConfig,
    corpus: &dyn Sentences,
    vocabulary: &Vocabulary,
    earlier: Option<Trained>,
    watch: &mut dyn FnMut(&Progress, &Trainer) -> ControlFlow<()>,
) -> Result<Trained> {
    config.validate()?;
    let objective = Objective::new(config.loss, vocabulary.counts(), config.negative);
    let keep = vocabulary.keep(config.sample);
    let plan = Plan {
        sentences: corpus,
        units: &Units::Tokens,
        objective: &objective,
        keep: keep.as_deref(),
        architecture: config.architecture,
        window: config.window,
        epochs: config.epochs,
        learning_rate: config.learning_rate,
        seed: config.seed,
        hogwild: config.hogwild,
    };
    let (inputs, outputs, places) = match earlier {
        Some(Trained { inputs, outputs, places: Some(places), .. }) => (inputs, outputs, Some(places)),
        Some(finished) => return Ok(finished),
        None => {
            let inputs = initial_inputs(vocabulary.len(), config.dim, config.seed)?;
            (inputs, Table::zeros(objective.rows(), config.dim)?, None)
        }
    };
    run(Trainer::new(engine, plan, inputs, outputs, places)?, watch)
}

/// Words from one call of `watch` to the next.
const WATCH_EVERY: usize = 100_000;

/// Lets a trainer run until it is done or `watch` breaks off.
pub(crate) fn run(
    mut trainer: Trainer,
    watch: &mut dyn FnMut(&Progress, &Trainer) -> ControlFlow<()>,
) -> Result<Trained> {
    while !trainer.is_finished() {
        let progress = trainer.advance(WATCH_EVERY)?;
        if watch(&progress, &trainer).is_break() {
            break;
        }
    }
    let places = (!trainer.is_finished()).then(|| trainer.places());
    let tokens = trainer.tokens();
    let [inputs, outputs] = trainer.into_tables()?;
    Ok(Trained { inputs, outputs, places, tokens })
}
