//! One training run from its configuration: what is written before the first step, and how it is taken up again.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use ognivo_core::cli::events::Output;
use ognivo_core::random::{self, Rng};
use ognivo_core::run::{CONFIG, RunDirectory};
use ognivo_core::train::fit::{Fit, Outcome};
use ognivo_core::train::loader::Loader;

use super::batch::Streams;
use super::corpus::Corpus;
use super::model::LanguageModel;
use super::split::{SPLIT, Split};
use super::train::{LanguageModelConfig, Prediction};
use super::vocabulary::{Unit, Vocabulary};
use crate::Result;

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

/// A run that is ready to train; nothing of it is written yet.
pub struct Session<'a> {
    config: &'a LanguageModelConfig,
    split: Split,
    vocabulary: Vocabulary,
    batches: Streams,
    valid: Tokens,
    model: LanguageModel,
    device: &'a Device,
}

impl<'a> Session<'a> {
    /// A new run: makes the vocabulary from the text and the network from the seed. `device` has autodiff.
    ///
    /// # Errors
    /// A text that is too short for the batches, or of which the vocabulary can say nothing.
    pub fn new(config: &'a LanguageModelConfig, corpus: &Corpus, device: &'a Device) -> Result<Self> {
        let vocabulary = match config.unit {
            // Which characters there are tells nothing of what the other parts say, and then none is unknown (Karpathy 2015).
            Unit::Characters => {
                let parts = [Some(&corpus.train), Some(&corpus.valid), corpus.test.as_ref()];
                let text: Vec<_> = parts.into_iter().flatten().map(|part| &part.text[..]).collect();
                Vocabulary::build(&config.unit, &text.concat())?
            }
            _ => Vocabulary::build(&config.unit, &corpus.train.text)?,
        };
        Self::with(Split::new(corpus, &vocabulary), vocabulary, config, corpus, device)
    }

    /// A run that goes on, with its vocabulary and on its text.
    ///
    /// # Errors
    /// When the text is another one than that of the run.
    pub fn resumed(
        run: &RunDirectory,
        config: &'a LanguageModelConfig,
        corpus: &Corpus,
        device: &'a Device,
    ) -> Result<Self> {
        let vocabulary = Vocabulary::open(run)?;
        let split = Split::open(run, &vocabulary)?;
        split.require(corpus)?;
        Self::with(split, vocabulary, config, corpus, device)
    }

    fn with(
        split: Split,
        vocabulary: Vocabulary,
        config: &'a LanguageModelConfig,
        corpus: &Corpus,
        device: &'a Device,
    ) -> Result<Self> {
        let train = Tokens::new(&vocabulary, &corpus.train.text)?;
        let valid = Tokens::new(&vocabulary, &corpus.valid.text)?;
        let batches = Streams::new(train.tokens, config.fit.batch_size, config.sequence_length, config.seed)?;
        device.seed(random::stream(config.seed, &[random::INIT]).next_u64());
        let model = config.network.init(vocabulary.len(), device)?;
        Ok(Self { config, split, vocabulary, batches, valid, model, device })
    }

    /// Trainable values in the network.
    pub fn parameters(&self) -> usize {
        self.model.num_params()
    }

    /// What a token is.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// What it trains on.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Trains in a run directory, from its checkpoint when it has one; a new one first gets all that it must hold to be used.
    pub fn fit(self, run: &RunDirectory, output: &Output) -> Result<Outcome> {
        let Self { config, split, vocabulary, batches, valid, model, device } = self;
        if !run.file(CONFIG).exists() {
            vocabulary.save(run)?;
            run.write_json(SPLIT, &split)?;
        }
        // The configuration is written last: its presence makes the folder a run.
        run.write_json(CONFIG, config)?;
        let streams = config.fit.batch_size;
        let loader = Loader::new(batches, streams, 1);
        let mut task = Prediction::new(streams, vocabulary.len(), valid.tokens, valid.sizes, device);
        let fit = Fit { config: &config.fit, seed: config.seed, device, run, output };
        Ok(fit.run(&mut task, model, &loader)?)
    }
}
