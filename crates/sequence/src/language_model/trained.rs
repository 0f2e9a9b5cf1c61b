//! A trained language model, opened from its run directory alone.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use ognivo_core::metrics::CrossEntropy;
use ognivo_core::run::{CONFIG, MODEL, RunDirectory};
use ognivo_core::weights::{self, NamedTensors};

use super::baseline::Baselines;
use super::evaluate::{Scores, evaluate};
use super::generate::{Next, Request, generate};
use super::model::LanguageModel;
use super::next;
use super::sample::{SampleConfig, Sampler};
use super::session::Tokens;
use super::split::Split;
use super::train::LanguageModelConfig;
use super::vocabulary::{Unit, Vocabulary};
use crate::Result;
use crate::cell::pytorch;

/// A network with all that is needed to use it.
#[derive(Debug)]
pub struct Trained {
    /// Where it comes from.
    pub run: RunDirectory,
    /// How it was trained.
    pub config: LanguageModelConfig,
    /// What it was trained on.
    pub split: Split,
    /// Its tokens.
    pub vocabulary: Vocabulary,
    /// The network, in evaluation mode.
    pub model: LanguageModel,
    /// Where its tensors live.
    pub device: Device,
}

impl Trained {
    /// Opens a run directory.
    ///
    /// # Errors
    /// When it is not a run, training has not saved weights yet, or a file in it is damaged or of another network or vocabulary.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let run = RunDirectory::open(path)?;
        let config: LanguageModelConfig = run.read_json(CONFIG)?;
        let vocabulary = Vocabulary::open(&run)?;
        let split = Split::open(&run, &vocabulary)?;
        let file = run.file(MODEL);
        if !file.exists() {
            let message =
                format!("{} has no {MODEL} yet: its first epoch was not finished; go on with --resume", path.display());
            return Err(ognivo_core::Error::Config(message).into());
        }
        let model = config.network.init(vocabulary.len(), device)?;
        let model = weights::load_into(model, weights::read(&file)?.0, &file)?.valid();
        Ok(Self { run, config, split, vocabulary, model, device: device.clone() })
    }

    /// How well it predicts a text.
    ///
    /// # Errors
    /// A text of less than two tokens, or with characters that the vocabulary does not have.
    pub fn evaluate(&self, text: &[u8]) -> Result<Scores> {
        let Tokens { tokens, sizes } = Tokens::new(&self.vocabulary, text)?;
        evaluate(&self.model, &tokens, sizes, &self.device)
    }

    /// What counting in `train` predicts `text` with, in nats per character.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn baselines(&self, train: &[u8], text: &[u8]) -> Result<Baselines> {
        let train = self.vocabulary.encode(train)?;
        let Tokens { tokens, sizes: [characters, _] } = Tokens::new(&self.vocabulary, text)?;
        let Baselines { unigram, bigram } = Baselines::new(&train, &tokens, self.vocabulary.len());
        let per_character = |nats: f64| nats / characters as f64;
        Ok(Baselines { unigram: per_character(unigram), bigram: per_character(bigram) })
    }

    /// The network before any text, to be fed token by token.
    pub fn next(&self) -> Box<dyn Next> {
        next::reader(&self.model, &self.device)
    }

    /// Text of its own, of so many tokens, or as many words and sub-words as have about so many characters.
    ///
    /// # Errors
    /// Settings out of range; weights that give no numbers.
    pub fn write(&self, config: SampleConfig, characters: usize, seed: u64) -> Result<String> {
        let length = match self.vocabulary.unit() {
            Unit::Characters | Unit::Bytes => characters,
            Unit::Words(_) | Unit::Subwords(_) => characters / 5,
        };
        let request = Request { prompt: b"", echo: false, length, stop: b"", interrupted: || false };
        let (mut sampler, mut text) = (Sampler::new(config, seed)?, Vec::new());
        let mut network = self.next();
        generate(&self.vocabulary, &mut *network, &mut sampler, &request, &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// `-ln p(token | all before it)` of each of the tokens but the first, in nats.
    ///
    /// # Errors
    /// A token that is not in the vocabulary.
    pub fn surprise(&self, tokens: &[u32]) -> Result<Vec<f64>> {
        let mut network = self.next();
        let mut surprise = Vec::new();
        for pair in tokens.windows(2) {
            let mut loss = CrossEntropy::new();
            loss.add_logits(network.feed(pair[0])?, pair[1] as usize)?;
            surprise.push(loss.mean());
        }
        Ok(surprise)
    }

    /// Its weights in PyTorch's convention, with the names of PyTorch's example `word_language_model`; as they are, with the
    /// reason, if PyTorch has no such network.
    pub fn pytorch(&self) -> (NamedTensors, Option<String>) {
        let (mut tensors, rnn) = (weights::tensors_of(&self.model), &self.config.network.rnn);
        if let (true, Some(vectors)) = (self.config.network.tied, tensors.get("encoder.weight")) {
            tensors.insert("decoder.weight".into(), vectors.clone());
        }
        match pytorch::module_of(tensors.clone(), rnn) {
            Ok(converted) => (converted, None),
            Err(reason) => (tensors, Some(reason.to_string())),
        }
    }
}
