//! Training a language model: configuration, loss, carried state, validation.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use ognivo_core::train::fit::{FitConfig, Learner, Step, Validation};
use ognivo_core::weights::NamedTensors;
use serde::{Deserialize, Serialize};

use super::batch::{Streams, TextBatch};
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
    /// States of the right number and shapes.
    shape: Vec<State>,
    /// The states after the last batch, without gradient.
    carried: Option<Vec<State>>,
}

impl Prediction {
    /// Trains `model` on `streams` streams on a device with autodiff, and validates it on the tokens of `valid`, whose characters
    /// and bytes from the second on are `sizes`; fewer than two tokens mean that there is no validation.
    pub fn new(model: &LanguageModel, streams: usize, valid: Arc<[u32]>, sizes: [u64; 2], device: &Device) -> Self {
        let shape = model.start(streams).into_iter().map(State::detach).collect();
        Self { valid, sizes, device: device.clone(), shape, carried: None }
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

    fn validate(&mut self, model: &LanguageModel) -> ognivo_core::Result<Option<Validation>> {
        if self.valid.len() < 2 {
            return Ok(None);
        }
        let scores = evaluate(model, &self.valid, self.sizes, &self.device.clone().inner())?;
        let (loss, nats) = (scores.loss.mean(), scores.nats_per_character());
        Ok(Some(Validation { score: -loss, figures: vec![("loss", loss), ("nats_per_char", nats)] }))
    }

    fn carried(&self) -> ognivo_core::Result<NamedTensors> {
        let mut tensors = NamedTensors::new();
        for (number, state) in self.carried.iter().flatten().enumerate() {
            for (part, tensor) in state.tensors().enumerate() {
                tensors.insert(format!("{number}.{part}"), tensor.clone().into_data());
            }
        }
        Ok(tensors)
    }

    fn restore(&mut self, mut carried: NamedTensors, path: &Path) -> ognivo_core::Result<()> {
        if carried.is_empty() {
            return Ok(());
        }
        let mut wrong = None;
        let states = self.shape.iter().enumerate().map(|(number, state)| {
            let mut parts = 0..;
            state.clone().map(|tensor| {
                let name = format!("{number}.{}", parts.next().unwrap_or_default());
                match carried.remove(&name) {
                    Some(data) if data.shape.as_slice() == tensor.dims() => Tensor::from_data(data, &self.device),
                    found => {
                        let found = found.map_or("no such tensor".into(), |data| format!("{:?}", data.shape));
                        let expected = format!("{:?}", tensor.dims());
                        let place = format!("tensor carried/{name}");
                        wrong.get_or_insert(ognivo_core::Error::format(path, place, found, expected));
                        tensor
                    }
                }
            })
        });
        let states = states.collect();
        match (wrong, carried.into_keys().next()) {
            (Some(error), _) => Err(error),
            (None, Some(name)) => {
                let place = format!("tensor carried/{name}");
                Err(ognivo_core::Error::format(path, place, "a state that the network has no place for", "none"))
            }
            (None, None) => {
                self.carried = Some(states);
                Ok(())
            }
        }
    }
}

/// Mean of `-ln softmax(scores)[target]`, `[1]`, for `scores` `[n, tokens]` and `targets` of `n` values in the same order.
pub fn cross_entropy(scores: Tensor<2>, targets: Tensor<2, Int>) -> Tensor<1> {
    let [rows, _] = scores.dims();
    log_softmax(scores, 1).gather(1, targets.reshape([rows, 1])).mean().neg()
}
