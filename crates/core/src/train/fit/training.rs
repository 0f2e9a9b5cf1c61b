//! A run under way: where it stands, what it does in a step, and what it writes when.

use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Best, Fit, Learner, Outcome, Step, Stopped, Validation};
use crate::random::{self, Rng};
use crate::run::{CHECKPOINT, MODEL};
use crate::train::checkpoint::Checkpoint;
use crate::train::clip::{clip_norm, clip_value};
use crate::train::interrupt;
use crate::train::loader::{Batcher, Loader};
use crate::train::optimizer::Optimizer;
use crate::train::plateau::Plateau;
use crate::train::progress::Progress;
use crate::train::recorder::Recorder;
use crate::train::schedule::Curve;
use crate::weights::{self, NamedTensors};
use crate::{Error, Result, device};

/// All of a run but the network, which goes from step to step by value so that the optimiser can change it in place.
pub(super) struct Training<'a> {
    fit: &'a Fit<'a>,
    optimizer: Optimizer,
    recorder: Recorder,
    state: State,
    /// The best weights, until the next checkpoint writes them.
    kept: Option<NamedTensors>,
    /// Losses not read back from the device yet: reading one makes a GPU wait, so there they are read in groups.
    unread: Vec<Unread>,
    read_every: usize,
    diverged_above: f64,
    log_every: u64,
    total_steps: u64,
    progress: Progress,
    started: Instant,
    earlier_seconds: f64,
    last_checkpoint: Instant,
    items_seen: u64,
}

/// What a checkpoint keeps besides tensors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    epoch: u64,
    /// The next batch of the epoch.
    batch: usize,
    /// Steps made.
    step: u64,
    /// Of the epoch under way.
    sums: Sums,
    best: Option<Best>,
    /// Of a schedule that follows the validation score.
    #[serde(default)]
    plateau: Plateau,
    stopped_early: bool,
    /// Length of the metrics log in bytes.
    metrics_position: u64,
    seconds: f64,
}

/// Item-weighted sums of the epoch under way: the loss, then the other figures.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sums {
    items: u64,
    figures: Vec<(String, f64)>,
}

/// The figures of one step, still on the device.
struct Unread {
    /// The step's number, from 1.
    step: u64,
    items: usize,
    figures: Vec<(&'static str, Tensor<1>)>,
}

impl<'a> Training<'a> {
    /// At the run's checkpoint, or at the beginning, of which a checkpoint is written at once.
    pub(super) fn start<L: Learner>(
        fit: &'a Fit<'a>,
        learner: &mut L,
        mut model: L::Model,
        loader: &Loader<L::Batcher>,
    ) -> Result<(Self, L::Model)> {
        let path = fit.run.file(CHECKPOINT);
        let mut optimizer = Optimizer::new(fit.config.optimizer.clone())?;
        let mut state = State::default();
        let resumed = path.exists();
        if resumed {
            let checkpoint = Checkpoint::read(&path)?;
            state = serde_json::from_value(checkpoint.state)
                .map_err(|e| Error::format(&path, "state", e.to_string(), "the position of a training run"))?;
            if state.batch > loader.batches() {
                let found = format!("batch {} of an epoch", state.batch);
                let expected = format!("the data and batch size of the run: there are {} batches", loader.batches());
                return Err(Error::format(&path, "state", found, expected));
            }
            model = weights::load_into(model, checkpoint.model, &path)?;
            optimizer.load_state(&model, checkpoint.optimizer, &path)?;
            learner.carry(&model, checkpoint.carried, &path)?;
        }
        optimizer.set_factors(learner.rate_factors(&model));
        let recorder = match resumed {
            true => Recorder::resume(fit.run.path(), state.step, state.metrics_position)?,
            false => Recorder::create(fit.run.path())?,
        };
        let (batches, items) = (loader.batches() as u64, loader.items() as u64);
        let total = fit.config.epochs.saturating_mul(items);
        let of_epoch = (state.batch as u64).saturating_mul(fit.config.batch_size as u64).min(items);
        let done = state.epoch.saturating_mul(items).saturating_add(of_epoch).min(total);
        let training = Self {
            read_every: if device::is_host(fit.device) { 1 } else { 16 },
            diverged_above: learner.diverged_above(),
            log_every: (batches / 20).max(1),
            total_steps: fit.config.epochs.saturating_mul(batches),
            progress: Progress::new(total, done, "items", fit.output.is_silent()),
            started: Instant::now(),
            earlier_seconds: state.seconds,
            last_checkpoint: Instant::now(),
            items_seen: 0,
            unread: Vec::new(),
            kept: None,
            fit,
            optimizer,
            recorder,
            state,
        };
        if !resumed {
            training.save(learner, &model)?;
        }
        Ok((training, model))
    }

    /// Why there is nothing left to do, if there is not.
    pub(super) fn ended(&self) -> Option<Stopped> {
        match self.state.stopped_early {
            true => Some(Stopped::Early),
            false => (self.state.epoch >= self.fit.config.epochs).then_some(Stopped::Finished),
        }
    }

    /// The rest of the current epoch; `false` when Ctrl-C ended it, with everything saved.
    pub(super) fn epoch<L: Learner>(
        &mut self,
        learner: &mut L,
        mut model: L::Model,
        loader: &Loader<L::Batcher>,
    ) -> Result<(L::Model, bool)> {
        model = learner.begin_epoch(model, self.state.epoch);
        for batch in loader.epoch(self.state.epoch, self.state.batch) {
            model = self.step(learner, model, batch?)?;
            let interrupted = interrupt::requested();
            if interrupted || self.checkpoint_is_due() {
                self.checkpoint(learner, &model)?;
            }
            if interrupted {
                return Ok((model, false));
            }
        }
        Ok((model, true))
    }

    fn step<L: Learner>(
        &mut self,
        learner: &mut L,
        model: L::Model,
        batch: <L::Batcher as Batcher>::Batch,
    ) -> Result<L::Model> {
        // Dropout draws from the device's generator: seeded per step, it does not depend on what came before.
        self.fit.device.seed(random::stream(self.fit.seed, &[random::STEP, self.state.step]).next_u64());
        let scheduled = self.fit.config.schedule.factor(self.state.step, self.total_steps);
        let rate = self.fit.config.learning_rate * scheduled * self.state.plateau.factor();
        let Step { loss, mut figures, items } = learner.step(&model, batch)?;
        self.state.step = self.state.step.saturating_add(1);
        self.state.batch += 1;
        self.items_seen += items as u64;
        figures.insert(0, ("loss", loss.clone().detach().inner()));
        self.unread.push(Unread { step: self.state.step, items, figures });
        if self.unread.len() >= self.read_every {
            self.read()?;
        }
        let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
        if let Some(limit) = self.fit.config.clip_value {
            gradients = clip_value(&model, gradients, limit);
        }
        if let Some(limit) = self.fit.config.clip_norm {
            gradients = clip_norm(&model, gradients, limit).0;
        }
        let model = self.optimizer.step(rate, model, gradients);
        self.log(rate, items)?;
        Ok(model)
    }

    /// Shows how far the run is and, every so many steps, records it.
    fn log(&mut self, rate: f64, items: usize) -> Result<()> {
        let (step, epoch) = (self.state.step, self.state.epoch);
        self.progress.advance(items as u64, epoch, self.fit.config.epochs, self.state.sums.mean(0));
        if step.is_multiple_of(self.log_every) {
            self.read()?;
            let loss = self.state.sums.mean(0);
            self.recorder.scalars(step, epoch, &[("step/loss", loss), ("step/learning_rate", rate)])?;
            let details = json!({ "step": step, "epoch": epoch + 1, "loss": loss, "learning_rate": rate });
            self.fit.output.event("progress", details);
        }
        Ok(())
    }

    /// Reads outstanding losses into the running sums.
    fn read(&mut self) -> Result<()> {
        for Unread { step, items, figures } in std::mem::take(&mut self.unread) {
            for (position, (name, value)) in figures.into_iter().enumerate() {
                let value = f64::from(value.into_scalar::<f32>());
                if !value.is_finite() {
                    return Err(self.not_finite(&format!("the {name} of step {step} is {value}")));
                }
                if position == 0 && value > self.diverged_above {
                    let limit = self.diverged_above;
                    return Err(
                        self.not_finite(&format!("the loss of step {step} explodes: {value:.3} is above {limit:.3}"))
                    );
                }
                self.state.sums.add(position, name, value * items as f64);
            }
            self.state.sums.items += items as u64;
        }
        Ok(())
    }

    /// Validates, records, keeps the weights if they are the best, and moves to the next epoch.
    pub(super) fn end_epoch<L: Learner>(&mut self, learner: &L, model: &L::Model) -> Result<()> {
        self.read()?;
        let validation = learner.validate(&model.valid())?;
        // Without validation items the last epoch's weights are the ones to keep.
        let keep = match &validation {
            Some(validation) => {
                let is_best = self.is_best(validation.score)?;
                self.state.plateau.observe(&self.fit.config.schedule.curve, validation.score);
                is_best
            }
            None if matches!(self.fit.config.schedule.curve, Curve::Plateau { .. }) => {
                let message = "schedule plateau follows the validation score, and there are no validation items";
                return Err(Error::Config(message.into()));
            }
            None => true,
        };
        if keep {
            let tensors = weights::tensors_of(model);
            if let Some(name) = weights::not_finite(&tensors) {
                return Err(self.not_finite(&format!("tensor {name} after step {} is not finite", self.state.step)));
            }
            self.kept = Some(tensors);
        }
        self.record(validation, keep)?;
        let stale = self.state.best.map_or(0, |best| self.state.epoch.saturating_sub(best.reached));
        self.state.stopped_early = self.fit.config.patience.is_some_and(|patience| stale >= patience);
        self.state.epoch += 1;
        self.state.batch = 0;
        self.state.sums = Sums::default();
        if self.ended().is_some() || self.checkpoint_is_due() { self.checkpoint(learner, model) } else { Ok(()) }
    }

    /// Whether this epoch's score is the best so far; then it is noted as such.
    fn is_best(&mut self, score: f64) -> Result<bool> {
        if !score.is_finite() {
            return Err(self.not_finite(&format!("the validation score after step {} is {score}", self.state.step)));
        }
        let (epoch, before) = (self.state.epoch, self.state.best);
        let is_best = before.is_none_or(|best| score >= best.score);
        if is_best {
            let reached = before.filter(|best| best.score == score).map_or(epoch, |best| best.reached);
            self.state.best = Some(Best { epoch, score, reached });
        }
        Ok(is_best)
    }

    /// Writes the epoch's figures to the log and tells them.
    fn record(&mut self, validation: Option<Validation>, kept: bool) -> Result<()> {
        let sums = &self.state.sums;
        let mut scalars: Vec<(String, f64)> = Vec::new();
        for (position, (name, _)) in sums.figures.iter().enumerate() {
            scalars.push((format!("train/{name}"), sums.mean(position)));
        }
        for (name, value) in validation.into_iter().flat_map(|validation| validation.figures) {
            scalars.push((format!("valid/{name}"), value));
        }
        let scalars: Vec<_> = scalars.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        self.recorder.scalars(self.state.step, self.state.epoch, &scalars)?;

        let (epoch, epochs) = (self.state.epoch + 1, self.fit.config.epochs);
        let figures = scalars.iter().map(|(name, value)| format!("{} {value:.4}", name.replace('/', " ")));
        let mark = if kept { "  *" } else { "" };
        if !self.fit.output.is_silent() {
            self.progress.line(&format!("epoch {epoch}/{epochs}  {}{mark}", figures.collect::<Vec<_>>().join("  ")));
        }
        let metrics: serde_json::Map<_, _> =
            scalars.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        self.fit.output.event("epoch", json!({ "epoch": epoch, "kept": kept, "metrics": metrics }));
        Ok(())
    }

    fn checkpoint_is_due(&self) -> bool {
        self.last_checkpoint.elapsed().as_secs_f64() >= self.fit.config.checkpoint_seconds
    }

    /// Brings the run's files up to the present.
    fn checkpoint<L: Learner>(&mut self, learner: &L, model: &L::Model) -> Result<()> {
        self.read()?;
        // The weights first: a checkpoint never tells of a best epoch whose weights are not on the disk.
        if let Some(kept) = self.kept.take() {
            weights::save(&self.fit.run.file(MODEL), &kept, serde_json::Value::Null)?;
        }
        self.state.metrics_position = self.recorder.sync()?;
        self.state.seconds = self.seconds();
        self.save(learner, model)?;
        self.last_checkpoint = Instant::now();
        Ok(())
    }

    fn save<L: Learner>(&self, learner: &L, model: &L::Model) -> Result<()> {
        let checkpoint = Checkpoint {
            model: weights::tensors_of(model),
            optimizer: self.optimizer.state(model).into_iter().collect(),
            carried: learner.carried(),
            state: json!(self.state),
        };
        checkpoint.save(&self.fit.run.file(CHECKPOINT)).map_err(|error| match error {
            Error::NotFinite(what) => self.not_finite(&format!("after step {} {what}", self.state.step)),
            other => other,
        })
    }

    /// Training has diverged, as `what` shows.
    fn not_finite(&self, what: &str) -> Error {
        let advice = match (self.fit.config.clip_norm, self.fit.config.clip_value) {
            (None, None) => "or clip the gradient with --set fit.clip_norm=1".into(),
            (Some(norm), _) => format!("or a fit.clip_norm below {norm}"),
            (None, Some(value)) => format!("or a fit.clip_value below {value}"),
        };
        Error::NotFinite(format!(
            "{what} (epoch {}); the last good state is {}. Try a lower --learning-rate, {advice}",
            self.state.epoch + 1,
            self.fit.run.file(CHECKPOINT).display()
        ))
    }

    /// Seconds of training, over all resumed parts.
    fn seconds(&self) -> f64 {
        self.earlier_seconds + self.started.elapsed().as_secs_f64()
    }

    pub(super) fn outcome(&self, stopped: Stopped) -> Outcome {
        self.progress.finish();
        Outcome {
            stopped,
            steps: self.state.step,
            best: self.state.best,
            seconds: self.seconds(),
            items_per_second: self.items_seen as f64 / self.started.elapsed().as_secs_f64().max(f64::MIN_POSITIVE),
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
