//! One training run from its configuration: what is written before the first step, and how it is taken up again.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use ognivo_core::Error;
use ognivo_core::cli::{config, events::Output};
use ognivo_core::random::{self, Rng};
use ognivo_core::run::{CONFIG, RunDirectory};
use ognivo_core::train::fit::{Fit, Outcome};
use ognivo_core::train::loader::Loader;
use serde_json::Value;

use super::batch::Streams;
use super::corpus::Corpus;
use super::model::LanguageModel;
use super::train::{LanguageModelConfig, Prediction};
use super::vocabulary::Vocabulary;
use crate::Result;

/// The file of a run directory that says what the model was trained on: names, sizes and hashes of the parts.
pub const CORPUS: &str = "corpus.json";

/// A text as tokens, with what its figures are divided by.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The tokens.
    pub tokens: Arc<[u32]>,
    /// Characters and bytes from the second token on.
    pub sizes: [u64; 2],
}

impl Tokens {
    /// Encodes a text.
    ///
    /// # Errors
    /// When it holds something that the vocabulary has no token for.
    pub fn new(vocabulary: &Vocabulary, text: &[u8]) -> Result<Self> {
        let tokens = vocabulary.encode(text)?;
        let first = tokens.first().map_or(&[][..], |&token| vocabulary.bytes_of(token));
        let characters = vocabulary.characters(text).saturating_sub(vocabulary.characters(first));
        let bytes = text.len().saturating_sub(first.len());
        Ok(Self { tokens: tokens.into(), sizes: [characters as u64, bytes as u64] })
    }
}

/// A run that is ready to train.
pub struct Session<'a> {
    run: &'a RunDirectory,
    config: &'a LanguageModelConfig,
    vocabulary: Vocabulary,
    train: Tokens,
    valid: Tokens,
    model: LanguageModel,
    device: &'a Device,
}

impl<'a> Session<'a> {
    /// Writes what the run directory must hold to be used, and makes the network from the seed. `device` has autodiff.
    pub fn new(
        run: &'a RunDirectory,
        config: &'a LanguageModelConfig,
        corpus: &Corpus,
        device: &'a Device,
    ) -> Result<Self> {
        let resumed = run.file(CONFIG).exists();
        let vocabulary = match resumed {
            true => Vocabulary::open(run)?,
            false => Vocabulary::build(&config.unit, corpus)?,
        };
        let (train, valid) =
            (Tokens::new(&vocabulary, &corpus.train.text)?, Tokens::new(&vocabulary, &corpus.valid.text)?);
        device.seed(random::stream(config.seed, &[random::INIT]).next_u64());
        let model = config.network.init(vocabulary.len(), device)?;
        if !resumed {
            vocabulary.save(run)?;
            run.write_json(CORPUS, &corpus.summary())?;
            // The configuration is written last: its presence makes the folder a run.
            run.write_json(CONFIG, config)?;
        }
        Ok(Self { run, config, vocabulary, train, valid, model, device })
    }

    /// Trainable values in the network.
    pub fn parameters(&self) -> usize {
        self.model.num_params()
    }

    /// What a token is.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Tokens of the training and the validation part.
    pub fn tokens(&self) -> [usize; 2] {
        [self.train.tokens.len(), self.valid.tokens.len()]
    }

    /// Trains, from the run's checkpoint when it has one.
    pub fn fit(self, output: &Output) -> Result<Outcome> {
        let Self { run, config, train, valid, model, device, .. } = self;
        let streams = config.fit.batch_size;
        let batches = Streams::new(train.tokens, streams, config.sequence_length, config.seed)?;
        let loader = Loader::new(batches, streams, 1);
        let mut task = Prediction::new(streams, valid.tokens, valid.sizes, device);
        let fit = Fit { config: &config.fit, seed: config.seed, device, run, output };
        Ok(fit.run(&mut task, model, &loader)?)
    }
}

/// The saved configuration of a run with what a resumed run may change: the number of epochs, and how often it saves.
///
/// # Errors
/// [`Error::Config`] when the command line asks for anything else to differ.
pub fn resumed_config(saved: &LanguageModelConfig, overlay: &Value) -> Result<LanguageModelConfig> {
    let asked: LanguageModelConfig = config::resolve(saved, std::slice::from_ref(overlay))?;
    let mut allowed = saved.clone();
    allowed.fit.epochs = asked.fit.epochs;
    allowed.fit.checkpoint_seconds = asked.fit.checkpoint_seconds;
    if asked != allowed {
        let message = "a resumed run keeps its settings; only --epochs and fit.checkpoint_seconds may change. Start a new run for others";
        return Err(Error::Config(message.into()).into());
    }
    Ok(allowed)
}
