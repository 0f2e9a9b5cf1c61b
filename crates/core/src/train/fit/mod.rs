//! The loop of supervised training: every supervised task runs this one.
//!
//! On one device its result depends on the configuration and the seed alone: a run that was killed and resumed ends with the same
//! weights and metrics, byte for byte, as one that was not.

mod training;

use std::collections::HashMap;
use std::path::Path;

use burn::module::{Module, ParamId};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use self::training::Training;
use super::loader::{Batcher, Loader};
use super::optimizer::OptimizerConfig;
use super::schedule::ScheduleConfig;
use crate::cli::events::Output;
use crate::run::RunDirectory;
use crate::weights::NamedTensors;
use crate::{Error, Result};

/// How training goes, whatever is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// Passes over the training items.
    pub epochs: u64,
    /// Items in a step.
    pub batch_size: usize,
    /// The learning rate that the schedule scales.
    pub learning_rate: f64,
    /// The rule that turns gradients into steps.
    pub optimizer: OptimizerConfig,
    /// The learning rate's course.
    pub schedule: ScheduleConfig,
    /// Largest global norm of the gradient; larger ones are scaled down to it.
    pub clip_norm: Option<f64>,
    /// Largest size of a single number of the gradient; larger ones are cut off, before `clip_norm` is applied.
    pub clip_value: Option<f64>,
    /// Epochs in a row without a better validation score after which training stops; at least 1. Without validation items, and
    /// without this, all epochs are run.
    pub patience: Option<u64>,
    /// Seconds between checkpoints; there is always one at the end.
    pub checkpoint_seconds: f64,
}

impl FitConfig {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Config`] names the setting, what was found and what was expected.
    pub fn validate(&self) -> Result<()> {
        let require = |setting: &str, found: f64, sound: bool, expected: &str| match sound {
            true => Ok(()),
            false => Err(Error::Config(format!("fit.{setting}: found {found}; expected {expected}"))),
        };
        require("epochs", self.epochs as f64, self.epochs > 0, "at least 1")?;
        require("batch_size", self.batch_size as f64, self.batch_size > 0, "at least 1")?;
        let rate = self.learning_rate;
        require("learning_rate", rate, rate.is_finite() && rate > 0.0, "a number above 0")?;
        for (setting, limit) in [("clip_norm", self.clip_norm), ("clip_value", self.clip_value)] {
            let limit = limit.unwrap_or(1.0);
            require(setting, limit, limit.is_finite() && limit > 0.0, "a number above 0")?;
        }
        let patience = self.patience.unwrap_or(1);
        require("patience", patience as f64, patience > 0, "at least 1")?;
        require("checkpoint_seconds", self.checkpoint_seconds, self.checkpoint_seconds >= 0.0, "at least 0")?;
        self.optimizer.validate()?;
        self.schedule.validate()
    }
}

/// What [`Fit`] needs to know of a task.
pub trait Learner {
    /// The network.
    type Model: Module;
    /// Makes the batches.
    type Batcher: Batcher;

    /// The loss of a batch and other figures of it, each a mean over the batch's items.
    ///
    /// # Errors
    /// Whatever makes the batch unusable; ends the run, which can be resumed from its last checkpoint.
    fn step(&mut self, model: &Self::Model, batch: <Self::Batcher as Batcher>::Batch) -> Result<Step>;

    /// Scores on held-out items, with the network in evaluation mode on a plain device; `None` when there are none.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    fn validate(&self, model: &Self::Model) -> Result<Option<Validation>>;

    /// The loss above which training has diverged, though the loss is still a number: by default there is none.
    fn diverged_above(&self) -> f64 {
        f64::INFINITY
    }

    /// The network as epoch `epoch` (from 0) is to train it, such as with more of it unfrozen; by default as it is. Called before the first
    /// step of an epoch and when a run goes on in the middle of one, so what it does must follow from `epoch` alone.
    fn begin_epoch(&mut self, model: Self::Model, epoch: u64) -> Self::Model {
        let _ = epoch;
        model
    }

    /// What the learning rate of single parameters is multiplied by; by default nothing is.
    fn rate_factors(&self, model: &Self::Model) -> HashMap<ParamId, f64> {
        let _ = model;
        HashMap::new()
    }

    /// What the next step needs of the last one, besides the network, as the state of a recurrent network: by default nothing. It is
    /// saved in every checkpoint.
    fn carried(&self) -> NamedTensors {
        NamedTensors::new()
    }

    /// Takes back what [`carried`](Self::carried) gave when the checkpoint `source` was written, from which a run goes on.
    ///
    /// # Errors
    /// Tensors that are not those of this task, by name.
    fn carry(&mut self, model: &Self::Model, carried: NamedTensors, source: &Path) -> Result<()> {
        let _ = model;
        match carried.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::format(source, format!("carried tensor {name}"), "a value", "no such tensor")),
        }
    }
}

/// The outcome of one forward pass in training.
pub struct Step {
    /// Mean loss, `[1]`, with gradient.
    pub loss: Tensor<1>,
    /// Other means, finite and without gradient, such as `("accuracy", [1])`; the same names at every step.
    pub figures: Vec<(&'static str, Tensor<1>)>,
    /// Items in the batch.
    pub items: usize,
}

/// Scores on held-out items.
pub struct Validation {
    /// What is maximised, a finite number: the weights of the epoch with the highest score are kept.
    pub score: f64,
    /// Everything worth recording, by name: `("loss", 0.3)`.
    pub figures: Vec<(&'static str, f64)>,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs are done.
    Finished,
    /// The validation score had not risen for `patience` epochs.
    Early,
    /// Ctrl-C.
    Interrupted,
}

/// A finished or interrupted run; the weights to use are in the run directory.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it ended.
    pub stopped: Stopped,
    /// Optimiser steps made in all.
    pub steps: u64,
    /// The epoch whose weights were kept; `None` without validation items: then those of the last epoch were.
    pub best: Option<Best>,
    /// Seconds of training, over all resumed parts.
    pub seconds: f64,
    /// Training items a second in this part, with the time for validation and checkpoints; 0 when there were none.
    pub items_per_second: f64,
}

/// The best epoch so far: of equally good ones the last, whose learning rate is usually the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Epoch, from 0.
    pub epoch: u64,
    /// Its validation score.
    pub score: f64,
    /// The first epoch that reached this score.
    pub reached: u64,
}

/// Where a run takes place and what it was asked for.
pub struct Fit<'a> {
    /// How training goes.
    pub config: &'a FitConfig,
    /// Decides the order of the data, dropout and augmentation.
    pub seed: u64,
    /// Where the network's tensors live (with or without autodiff).
    pub device: &'a Device,
    /// Where weights, metrics and checkpoints go.
    pub run: &'a RunDirectory,
    /// Where progress is shown.
    pub output: &'a Output,
}

impl Fit<'_> {
    /// Trains `model`, from the run's checkpoint when there is one, and leaves weights, metrics and a checkpoint in the run directory.
    ///
    /// # Errors
    /// [`Error::NotFinite`] names the step of a loss that is infinite, not a number, or above [`Learner::diverged_above`]. It, and the errors of settings, data and disk,
    /// end the run at once: the last checkpoint stays, and the run can be resumed from it.
    pub fn run<L: Learner>(&self, learner: &mut L, model: L::Model, loader: &Loader<L::Batcher>) -> Result<Outcome> {
        self.config.validate()?;
        if loader.items() == 0 {
            return Err(Error::Data("there is no item to train on".into()));
        }
        let _lock = self.run.lock()?;
        let (mut training, mut model) = Training::start(self, learner, model, loader)?;
        let stopped = loop {
            if let Some(stopped) = training.ended() {
                break stopped;
            }
            let complete;
            (model, complete) = training.epoch(learner, model, loader)?;
            if !complete {
                break Stopped::Interrupted;
            }
            training.end_epoch(learner, &model)?;
        };
        Ok(training.outcome(stopped))
    }
}
