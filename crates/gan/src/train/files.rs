//! Starting and resuming a run, and what it writes.

use std::time::Instant;

use burn::module::Module;
use ognivo_core::Error;
use ognivo_core::run::{CHECKPOINT, CONFIG, MODEL, RunDirectory};
use ognivo_core::train::checkpoint::Checkpoint;
use ognivo_core::train::optimizer::Optimizer;
use ognivo_core::train::progress::Progress;
use ognivo_core::train::recorder::Recorder;
use ognivo_core::weights::{self, NamedTensors};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::round::PlayersOf;
use super::state::State;
use super::{Players, Training, Underway};
use crate::Result;
use crate::average::Average;
use crate::game::Game;

/// First parts of the names of tensors, in checkpoints and in the run's weights.
pub const GENERATOR: &str = "generator.";
/// The discriminator's tensors.
pub const DISCRIMINATOR: &str = "discriminator.";
/// The averaged generator's tensors, in checkpoints alone.
const AVERAGE: &str = "average.";

impl<'a> Underway<'a> {
    /// At the run's checkpoint, or at the beginning, of which a checkpoint is written at once.
    pub(super) fn start<const D: usize, G: Game<D>>(
        training: &'a Training<'a>,
        game: &G,
        mut players: PlayersOf<G, D>,
    ) -> Result<(Self, PlayersOf<G, D>)> {
        let config = training.config;
        let path = training.run.file(CHECKPOINT);
        let mut optimizers = [Optimizer::new(config.optimizer.clone())?, Optimizer::new(config.optimizer.clone())?];
        let mut state = State::default();
        let mut average = weights::tensors_of(&players.generator);
        let resumed = path.exists();
        if resumed {
            let mut checkpoint = Checkpoint::read(&path)?;
            state = serde_json::from_value(checkpoint.state)
                .map_err(|e| Error::format(&path, "state", e.to_string(), "the position of an adversarial run"))?;
            players.generator = weights::load_into(players.generator, part(&mut checkpoint.model, GENERATOR), &path)?;
            players.discriminator =
                weights::load_into(players.discriminator, part(&mut checkpoint.model, DISCRIMINATOR), &path)?;
            average = part(&mut checkpoint.model, AVERAGE);
            nothing_left(&checkpoint.model, &path)?;
            let mut memory = checkpoint.optimizer;
            optimizers[0].load_state(&players.discriminator, part(&mut memory, DISCRIMINATOR), &path)?;
            optimizers[1].load_state(&players.generator, part(&mut memory, GENERATOR), &path)?;
            nothing_left(&memory, &path)?;
        }
        if config.average > 0.0 {
            let fresh = game.generator(&training.device.clone().inner())?;
            players.average = Some(Average::new(fresh, average, config.average, &path)?);
        }
        let recorder = match resumed {
            true => Recorder::resume(training.run.path(), state.step, state.metrics_position)?,
            false => Recorder::create(training.run.path())?,
        };
        let steps_per_epoch = (game.batches() / config.discriminator_steps).max(1);
        let total = config.epochs.saturating_mul(steps_per_epoch);
        let underway = Self {
            progress: Progress::new(total, state.step, "steps", training.output.is_silent()),
            steps_per_epoch,
            total,
            started: Instant::now(),
            earlier_seconds: state.seconds,
            last_checkpoint: Instant::now(),
            made: 0,
            training,
            optimizers,
            recorder,
            state,
        };
        if !resumed {
            underway.save(&players)?;
        }
        Ok((underway, players))
    }

    /// Brings the run's files up to the present; with the weights to use when training has `ended`.
    pub(super) fn checkpoint<G: Module, D: Module>(&mut self, players: &Players<G, D>, ended: bool) -> Result<()> {
        if ended {
            let generator = match &players.average {
                Some(average) => weights::tensors_of(average.module()),
                None => weights::tensors_of(&players.generator),
            };
            let mut tensors = named(GENERATOR, generator);
            tensors.extend(named(DISCRIMINATOR, weights::tensors_of(&players.discriminator)));
            if let Some(name) = weights::not_finite(&tensors) {
                return Err(Error::NotFinite(format!("tensor {name} holds a value that is not finite")).into());
            }
            weights::save(&self.training.run.file(MODEL), &tensors, Value::Null)?;
        }
        self.state.metrics_position = self.recorder.sync()?;
        self.state.seconds = self.seconds();
        self.save(players)?;
        self.last_checkpoint = Instant::now();
        Ok(())
    }

    fn save<G: Module, D: Module>(&self, players: &Players<G, D>) -> Result<()> {
        let mut model = named(GENERATOR, weights::tensors_of(&players.generator));
        model.extend(named(DISCRIMINATOR, weights::tensors_of(&players.discriminator)));
        if let Some(average) = &players.average {
            model.extend(named(AVERAGE, weights::tensors_of(average.module())));
        }
        let [of_discriminator, of_generator] = &self.optimizers;
        let mut optimizer = named(DISCRIMINATOR, of_discriminator.state(&players.discriminator));
        optimizer.extend(named(GENERATOR, of_generator.state(&players.generator)));
        let checkpoint = Checkpoint { model, optimizer, carried: NamedTensors::new(), state: json!(self.state) };
        checkpoint.save(&self.training.run.file(CHECKPOINT)).map_err(|error| match error {
            Error::NotFinite(what) => {
                let step = self.state.step;
                Error::NotFinite(format!("after step {step} {what}; the last good state is in {CHECKPOINT}")).into()
            }
            other => other.into(),
        })
    }
}

fn named(prefix: &str, tensors: impl IntoIterator<Item = (String, burn::tensor::TensorData)>) -> NamedTensors {
    tensors.into_iter().map(|(name, data)| (format!("{prefix}{name}"), data)).collect()
}

/// The configuration of a run that `command` has made.
///
/// # Errors
/// A run of another command.
pub fn configuration<C: DeserializeOwned>(run: &RunDirectory, command: &str) -> Result<C> {
    let value: Value = run.read_json(CONFIG)?;
    C::deserialize(value).map_err(|error| {
        let path = run.file(CONFIG);
        Error::Config(format!("{}: not of a run of `{command}`: {error}", path.display())).into()
    })
}

/// The generator of a finished run, in place of a `fresh` one of the same form.
///
/// # Errors
/// A run without weights yet; a file that is damaged or of other networks.
pub fn finished<M: Module>(fresh: M, run: &RunDirectory) -> Result<M> {
    let path = run.file(MODEL);
    if !path.exists() {
        return Err(Error::Config(format!("{} has no {MODEL} yet; go on with --resume", run.path().display())).into());
    }
    let (mut tensors, _) = weights::read(&path)?;
    Ok(weights::load_into(fresh, part(&mut tensors, GENERATOR), &path)?)
}

/// Takes out the tensors whose names begin with `prefix`, and takes that off.
pub fn part(tensors: &mut NamedTensors, prefix: &str) -> NamedTensors {
    let (own, others) = std::mem::take(tensors).into_iter().partition(|(name, _)| name.starts_with(prefix));
    *tensors = others;
    let own: NamedTensors = own;
    own.into_iter().map(|(name, data)| (name[prefix.len()..].to_string(), data)).collect()
}

fn nothing_left(tensors: &NamedTensors, path: &std::path::Path) -> Result<()> {
    match tensors.keys().next() {
        None => Ok(()),
        Some(name) => {
            let place = format!("tensor {}", name.chars().take(200).collect::<String>());
            let expected = "tensors of a generator and a discriminator";
            Err(Error::format(path, place, "a tensor of no player", expected).into())
        }
    }
}
