//! The loop of supervised training: every supervised task runs this one.
//!
//! On one device its result depends on the configuration and the seed alone: a run that was killed and resumed ends with the same
//! weights and metrics, byte for byte, as one that was not.

use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::checkpoint::Checkpoint;
use super::clip::clip_norm;
use super::interrupt;
use super::loader::{Batcher, Loader};
use super::optimizer::{Optimizer, OptimizerConfig};
use super::progress::Progress;
use super::recorder::Recorder;
use super::schedule::ScheduleConfig;
use crate::cli::events::Output;
use crate::random::{self, Rng};
use crate::run::{CHECKPOINT, MODEL, RunDirectory};
use crate::weights::NamedTensors;
use crate::{Error, Result, device, weights};

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
    /// Epochs without a better validation score after which training stops.
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
        let limit = self.clip_norm.unwrap_or(1.0);
        require("clip_norm", limit, limit.is_finite() && limit > 0.0, "a number above 0")?;
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
    fn step(&self, model: &Self::Model, batch: <Self::Batcher as Batcher>::Batch) -> Result<Step>;

    /// Scores on held-out items, with the network in evaluation mode on a plain device; `None` when there are none.
    fn validate(&self, model: &Self::Model) -> Result<Option<Validation>>;
}

/// The outcome of one forward pass in training.
pub struct Step {
    /// Mean loss, `[1]`, with gradient.
    pub loss: Tensor<1>,
    /// Other means, without gradient, such as `("accuracy", [1])`; the same names at every step.
    pub figures: Vec<(&'static str, Tensor<1>)>,
    /// Items in the batch.
    pub items: usize,
}

/// Scores on held-out items.
pub struct Validation {
    /// What is maximised: the weights of the epoch with the highest score are kept.
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
    /// The epoch (from 0) whose weights were kept, with its validation score.
    pub best: Option<Best>,
    /// Seconds of training, over all resumed parts.
    pub seconds: f64,
    /// Items a second through the training steps of this part; 0 when there were none.
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

/// What a checkpoint keeps besides tensors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    epoch: u64,
    /// The next batch of the epoch.
    batch: usize,
    step: u64,
    /// Of the epoch under way.
    sums: Sums,
    best: Option<Best>,
    stopped_early: bool,
    metrics_position: u64,
    seconds: f64,
}

/// Item-weighted sums of the epoch under way: the loss, then the other figures.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sums {
    items: u64,
    figures: Vec<(String, f64)>,
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
    /// [`Error::NotFinite`] names the step of a loss that is infinite or not a number; the last good checkpoint stays. Errors of the
    /// data and of the disk end the run the same way: nothing saved before is lost.
    pub fn run<L: Learner>(&self, learner: &L, model: L::Model, loader: &Loader<L::Batcher>) -> Result<Outcome> {
        let _lock = self.run.lock()?;
        let mut training = Training::start(self, model, loader)?;
        let mut stopped = Stopped::Finished;
        while training.state.epoch < self.config.epochs && !training.state.stopped_early {
            if !training.epoch(learner, loader)? {
                stopped = Stopped::Interrupted;
                break;
            }
            training.end_epoch(learner)?;
        }
        training.progress.finish();
        if stopped == Stopped::Finished && training.state.stopped_early {
            stopped = Stopped::Early;
        }
        Ok(training.outcome(stopped))
    }
}

/// The moving parts of a run.
struct Training<'a, M: Module> {
    fit: &'a Fit<'a>,
    model: Option<M>,
    optimizer: Optimizer,
    recorder: Recorder,
    state: State,
    /// The best weights, until the next checkpoint writes them.
    kept: Option<NamedTensors>,
    /// Losses not read back from the device yet: reading one makes a GPU wait, so there they are read in groups.
    unread: Vec<Unread>,
    read_every: usize,
    log_every: u64,
    total_steps: u64,
    progress: Progress,
    started: Instant,
    earlier_seconds: f64,
    last_checkpoint: Instant,
    items_seen: u64,
}

struct Unread {
    step: u64,
    items: usize,
    figures: Vec<(&'static str, Tensor<1>)>,
}

impl<'a, M: Module> Training<'a, M> {
    fn start<B: Batcher>(fit: &'a Fit, model: M, loader: &Loader<B>) -> Result<Self> {
        let path = fit.run.file(CHECKPOINT);
        let mut optimizer = Optimizer::new(fit.config.optimizer.clone())?;
        let (mut model, mut state, resumed) = (model, State::default(), path.exists());
        if resumed {
            let checkpoint = Checkpoint::read(&path)?;
            state = serde_json::from_value(checkpoint.state)
                .map_err(|e| Error::format(&path, "state", e.to_string(), "the position of a training run"))?;
            model = weights::load_into(model, checkpoint.model, &path)?;
            optimizer.load_state(&model, checkpoint.optimizer)?;
        }
        let (batches, items) = (loader.batches() as u64, loader.items() as u64);
        let total = fit.config.epochs * items;
        let done = (state.epoch * items + (state.batch * fit.config.batch_size) as u64).min(total);
        let training = Self {
            recorder: match resumed {
                true => Recorder::resume(fit.run.path(), state.step, state.metrics_position)?,
                false => Recorder::create(fit.run.path())?,
            },
            read_every: if device::is_host(fit.device) { 1 } else { 16 },
            log_every: (batches / 20).max(1),
            total_steps: fit.config.epochs * batches,
            progress: Progress::new(total, done, "items", fit.output.is_silent()),
            started: Instant::now(),
            earlier_seconds: state.seconds,
            last_checkpoint: Instant::now(),
            items_seen: 0,
            unread: Vec::new(),
            kept: None,
            model: Some(model),
            fit,
            optimizer,
            state,
        };
        if !resumed {
            training.save()?;
        }
        Ok(training)
    }

    /// The rest of the current epoch; `false` when Ctrl-C ended it, with everything saved.
    fn epoch<L: Learner<Model = M>>(&mut self, learner: &L, loader: &Loader<L::Batcher>) -> Result<bool> {
        for batch in loader.epoch(self.state.epoch, self.state.batch) {
            self.step(learner, batch?)?;
            if interrupt::requested() {
                self.checkpoint()?;
                return Ok(false);
            }
            if self.checkpoint_is_due() {
                self.checkpoint()?;
            }
        }
        Ok(true)
    }

    fn step<L: Learner<Model = M>>(&mut self, learner: &L, batch: <L::Batcher as Batcher>::Batch) -> Result<()> {
        let Some(model) = self.model.take() else { return Err(Error::Config("training has ended".into())) };
        // Dropout draws from the device's generator: seeded per step, it does not depend on what came before.
        self.fit.device.seed(random::stream(self.fit.seed, &[random::STEP, self.state.step]).next_u64());
        let Step { loss, mut figures, items } = learner.step(&model, batch)?;
        figures.insert(0, ("loss", loss.clone().detach().inner()));
        self.unread.push(Unread { step: self.state.step, items, figures });
        if self.unread.len() >= self.read_every {
            self.read()?;
        }
        let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
        if let Some(limit) = self.fit.config.clip_norm {
            gradients = clip_norm(&model, gradients, limit).0;
        }
        let rate = self.fit.config.learning_rate * self.fit.config.schedule.factor(self.state.step, self.total_steps);
        self.model = Some(self.optimizer.step(rate, model, gradients));
        self.state.step += 1;
        self.state.batch += 1;
        self.items_seen += items as u64;
        let loss = self.state.sums.mean(0);
        self.progress.advance(items as u64, self.state.epoch, self.fit.config.epochs, loss);
        if self.state.step.is_multiple_of(self.log_every) {
            self.read()?;
            let (step, epoch, loss) = (self.state.step, self.state.epoch, self.state.sums.mean(0));
            self.recorder.scalars(step, epoch, &[("step/loss", loss), ("step/learning_rate", rate)])?;
            self.fit
                .output
                .event("progress", json!({ "step": step, "epoch": epoch, "loss": loss, "learning_rate": rate }));
        }
        Ok(())
    }

    /// Reads outstanding losses into the running sums.
    fn read(&mut self) -> Result<()> {
        for Unread { step, items, figures } in self.unread.drain(..) {
            for (position, (name, value)) in figures.into_iter().enumerate() {
                let value = f64::from(value.into_scalar::<f32>());
                if position == 0 && !value.is_finite() {
                    return Err(Error::NotFinite(format!(
                        "the loss of step {step} (epoch {}) is {value}; the last good state is {}. Try a lower --learning-rate or \
                         --set clip_norm=1",
                        self.state.epoch + 1,
                        self.fit.run.file(CHECKPOINT).display()
                    )));
                }
                self.state.sums.add(position, name, value * items as f64);
            }
            self.state.sums.items += items as u64;
        }
        Ok(())
    }

    /// Validates, records, keeps the weights if they are the best, and moves to the next epoch.
    fn end_epoch<L: Learner<Model = M>>(&mut self, learner: &L) -> Result<()> {
        self.read()?;
        let Some(model) = &self.model else { return Ok(()) };
        let validation = learner.validate(&model.valid())?;
        let epoch = self.state.epoch;
        let mut scalars: Vec<(String, f64)> = Vec::new();
        for (position, (name, _)) in self.state.sums.figures.iter().enumerate() {
            scalars.push((format!("train/{name}"), self.state.sums.mean(position)));
        }
        // Without validation items the last epoch's weights are the ones to keep.
        let mut kept = true;
        if let Some(Validation { score, figures }) = validation {
            scalars.extend(figures.iter().map(|(name, value)| (format!("valid/{name}"), *value)));
            kept = self.state.best.is_none_or(|best| score >= best.score);
            if kept {
                let reached = self.state.best.filter(|best| best.score == score).map_or(epoch, |best| best.reached);
                self.state.best = Some(Best { epoch, score, reached });
            }
        }
        if kept {
            self.kept = Some(weights::tensors_of(model));
        }
        let named: Vec<_> = scalars.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        self.recorder.scalars(self.state.step, epoch, &named)?;
        self.announce(&named, kept);
        let stale = self.state.best.map_or(0, |best| epoch - best.reached);
        self.state.stopped_early = self.fit.config.patience.is_some_and(|patience| stale >= patience);
        self.state.epoch += 1;
        self.state.batch = 0;
        self.state.sums = Sums::default();
        let ended = self.state.stopped_early || self.state.epoch == self.fit.config.epochs;
        if ended || self.checkpoint_is_due() { self.checkpoint() } else { Ok(()) }
    }

    fn announce(&self, scalars: &[(&str, f64)], kept: bool) {
        let figures: Vec<_> =
            scalars.iter().map(|(name, value)| format!("{} {value:.4}", name.replace('/', " "))).collect();
        let mark = if kept { "  *" } else { "" };
        let epoch = self.state.epoch + 1;
        if !self.fit.output.is_silent() {
            self.progress.line(&format!("epoch {epoch}/{}  {}{mark}", self.fit.config.epochs, figures.join("  ")));
        }
        let metrics: serde_json::Map<_, _> =
            scalars.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        self.fit.output.event("epoch", json!({ "epoch": epoch, "kept": kept, "metrics": metrics }));
    }

    fn checkpoint_is_due(&self) -> bool {
        self.last_checkpoint.elapsed().as_secs_f64() >= self.fit.config.checkpoint_seconds
    }

    fn checkpoint(&mut self) -> Result<()> {
        self.read()?;
        // The weights first: a checkpoint never tells of a best epoch whose weights are not on the disk.
        if let Some(kept) = self.kept.take() {
            weights::save(&self.fit.run.file(MODEL), &kept, serde_json::Value::Null)?;
        }
        self.state.metrics_position = self.recorder.sync()?;
        self.state.seconds = self.earlier_seconds + self.started.elapsed().as_secs_f64();
        self.save()?;
        self.last_checkpoint = Instant::now();
        Ok(())
    }

    fn save(&self) -> Result<()> {
        let Some(model) = &self.model else { return Ok(()) };
        let checkpoint = Checkpoint {
            model: weights::tensors_of(model),
            optimizer: self.optimizer.state(model).into_iter().collect(),
            state: json!(self.state),
        };
        checkpoint.save(&self.fit.run.file(CHECKPOINT)).map_err(|error| match error {
            Error::NotFinite(what) => Error::NotFinite(format!(
                "after step {} {what}; the last good state is {}. Try a lower --learning-rate or --set clip_norm=1",
                self.state.step,
                self.fit.run.file(CHECKPOINT).display()
            )),
            other => other,
        })
    }

    fn outcome(&self, stopped: Stopped) -> Outcome {
        let seconds = self.started.elapsed().as_secs_f64();
        Outcome {
            stopped,
            steps: self.state.step,
            best: self.state.best,
            seconds: self.earlier_seconds + seconds,
            items_per_second: self.items_seen as f64 / seconds,
        }
    }
}

impl Sums {
    fn add(&mut self, position: usize, name: &str, value: f64) {
        match self.figures.get_mut(position) {
            Some((_, sum)) => *sum += value,
            None => self.figures.push((name.to_string(), value)),
        }
    }

    /// The mean of a figure over the items so far; NaN before the first.
    fn mean(&self, position: usize) -> f64 {
        self.figures.get(position).map_or(f64::NAN, |(_, sum)| sum / self.items as f64)
    }
}
