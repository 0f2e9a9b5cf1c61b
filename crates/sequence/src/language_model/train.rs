//! Training a language model: configuration, loss, carried state, validation.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use ognivo_core::train::fit::{FitConfig, Learner, Step, Validation};
use ognivo_core::weights::NamedTensors;
use serde::{Deserialize, Serialize};

use super::batch::{Streams, TextBatch};
use super::corpus::CorpusOptions;
use super::evaluate::evaluate;
use super::model::{LanguageModel, NetworkConfig};
use super::vocabulary::Unit;
use crate::cell::State;
use crate::{Error, Result};

/// Everything that decides a training run; a run directory's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelConfig {
    /// The text: a name of the index, `grammar`, or paths.
    pub data: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// What a token is.
    pub unit: Unit,
    /// The last part of the text held out for validation, where the data has no such part of its own.
    pub valid_fraction: f64,
    /// Steps that gradients go back (truncated backpropagation through time); the state is carried on.
    pub sequence_length: usize,
    /// The network.
    pub network: NetworkConfig,
    /// Epochs, batch size (streams read side by side), optimiser, schedule.
    pub fit: FitConfig,
}

impl LanguageModelConfig {
    /// How the text is read and divided.
    pub fn corpus_options(&self) -> CorpusOptions {
        CorpusOptions {
            bytes: self.unit == Unit::Bytes,
            valid_fraction: self.valid_fraction,
            ..CorpusOptions::default()
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting out of its range, by its key.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..0.9).contains(&self.valid_fraction) {
            return Err(Error::setting("valid_fraction", self.valid_fraction, "at least 0 and below 0.9"));
        }
        if self.sequence_length == 0 {
            return Err(Error::setting("sequence_length", 0, "at least 1"));
        }
        self.network.validate().map_err(|error| error.below("network"))?;
        Ok(self.fit.validate()?)
    }
}

/// A language model as [`ognivo_core::train::fit`] sees it.
pub struct Prediction {
    valid: Arc<[u32]>,
    sizes: [u64; 2],
    device: Device,
    streams: usize,
    tokens: usize,
    /// The states after the last batch, without gradient.
    carried: Option<Vec<State>>,
}

impl Prediction {
    /// Training on `streams` streams with a vocabulary of `tokens`, on a device with autodiff, validated on the tokens of `valid`,
    /// whose characters and bytes from the second on are `sizes`; fewer than two tokens mean that there is no validation.
    pub fn new(streams: usize, tokens: usize, valid: Arc<[u32]>, sizes: [u64; 2], device: &Device) -> Self {
        Self { valid, sizes, device: device.clone(), streams, tokens, carried: None }
    }
}

impl Learner for Prediction {
    type Model = LanguageModel;
    type Batcher = Streams;

    fn step(&mut self, model: &LanguageModel, batch: TextBatch) -> ognivo_core::Result<Step> {
        let (items, first) = (batch.streams, batch.first);
        let states = self.carried.take().filter(|_| !first);
        let (inputs, targets) = batch.upload(&self.device);
        let (scores, states) = model.forward(inputs, states);
        self.carried = Some(states.into_iter().map(State::detach).collect());
        Ok(Step { loss: cross_entropy(scores, targets), figures: vec![], items })
    }

    fn validate(&self, model: &LanguageModel) -> ognivo_core::Result<Option<Validation>> {
        if self.valid.len() < 2 {
            return Ok(None);
        }
        let scores = evaluate(model, &self.valid, self.sizes, &self.device.clone().inner())?;
        let (loss, nats) = (scores.loss.mean(), scores.nats_per_character());
        Ok(Some(Validation { score: -loss, figures: vec![("loss", loss), ("nats_per_char", nats)] }))
    }

    /// Three times what guessing costs, as in char-rnn (Karpathy 2015), and a little for vocabularies of next to nothing.
    fn diverged_above(&self) -> f64 {
        3.0 * (self.tokens as f64).ln() + 10.0
    }

    fn carried(&self) -> NamedTensors {
        let named = |(number, state): (usize, &State)| {
            let parts = state.tensors().enumerate();
            parts.map(|(part, tensor)| (format!("{number}.{part}"), tensor.clone().into_data())).collect::<Vec<_>>()
        };
        self.carried.iter().flatten().enumerate().flat_map(named).collect()
    }

    fn carry(&mut self, model: &LanguageModel, mut carried: NamedTensors, source: &Path) -> ognivo_core::Result<()> {
        let wrong = |name: &str, found: String, expected: String| {
            ognivo_core::Error::format(source, format!("carried tensor {name}"), found, expected)
        };
        if carried.is_empty() {
            return Ok(());
        }
        let mut states = model.start(self.streams);
        for (number, state) in states.iter_mut().enumerate() {
            for (part, tensor) in state.tensors_mut().enumerate() {
                let name = format!("{number}.{part}");
                let expected = tensor.dims();
                *tensor = match carried.remove(&name) {
                    Some(data) if data.shape().as_slice() == expected => Tensor::from_data(data, &self.device),
                    Some(data) => return Err(wrong(&name, format!("{:?}", data.shape()), format!("{expected:?}"))),
                    None => return Err(wrong(&name, "none".into(), format!("{expected:?}"))),
                };
            }
        }
        if let Some(name) = carried.keys().next() {
            return Err(wrong(name, "a value".into(), "no such tensor".into()));
        }
        self.carried = Some(states);
        Ok(())
    }
}

/// Mean of `-ln softmax(scores)[target]`, `[1]`, for `scores` `[n, tokens]` and `targets` of `n` values in the same order.
pub fn cross_entropy(scores: Tensor<2>, targets: Tensor<2, Int>) -> Tensor<1> {
    let [rows, _] = scores.dims();
    log_softmax(scores, 1).gather(1, targets.reshape([rows, 1])).mean().neg()
}
