//! The adversarial loop: every game is trained by this one.
//!
//! On one device its result depends on the configuration and the seed alone: a run that was killed and resumed ends with the same
//! weights and metrics, byte for byte, as one that was not.

pub mod files;
mod round;
mod state;

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use ognivo_core::cli::events::Output;
use ognivo_core::random::{self, Rng};
use ognivo_core::run::RunDirectory;
use ognivo_core::train::interrupt;
use ognivo_core::train::optimizer::Optimizer;
use ognivo_core::train::progress::Progress;
use ognivo_core::train::recorder::Recorder;
use serde_json::json;

use self::round::PlayersOf;
pub use self::round::{Opinions, Players};
use self::state::State;
use crate::Result;
use crate::config::AdversarialConfig;
use crate::game::{Game, Moment};

/// Where a run takes place and what it was asked for.
pub struct Training<'a> {
    /// How training goes.
    pub config: &'a AdversarialConfig,
    /// Decides the weights at the start, the noise and the order of the data.
    pub seed: u64,
    /// Where the networks live, with autodiff.
    pub device: &'a Device,
    /// Where weights, metrics and checkpoints go.
    pub run: &'a RunDirectory,
    /// Where progress is shown.
    pub output: &'a Output,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs are done.
    Finished,
    /// An alarm of the detector, with `collapse.stop`.
    Collapsed,
    /// Ctrl-C.
    Interrupted,
}

/// A finished or interrupted run; the weights are in the run directory.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it ended.
    pub stopped: Stopped,
    /// Steps of the generator.
    pub steps: u64,
    /// Alarms of the detector, and the step of the first.
    pub alarms: u64,
    /// The step of the first alarm.
    pub first_alarm: Option<u64>,
    /// Seconds of training, over all resumed parts.
    pub seconds: f64,
    /// Steps a second in this part; 0 when there were none.
    pub steps_per_second: f64,
}

/// A run under way: all but the networks, which go from step to step by value so that the optimisers change them in place.
struct Underway<'a> {
    training: &'a Training<'a>,
    optimizers: [Optimizer; 2],
    recorder: Recorder,
    state: State,
    steps_per_epoch: u64,
    total: u64,
    progress: Progress,
    started: Instant,
    earlier_seconds: f64,
    last_checkpoint: Instant,
    made: u64,
}

impl Training<'_> {
    /// Trains both players, from the run's checkpoint when there is one, and leaves weights, metrics and a checkpoint in the run directory.
    ///
    /// # Errors
    /// [`ognivo_core::Error::NotFinite`] names the player and the step of a loss that is infinite or not a number. It, and the errors of
    /// settings, data and disk, end the run at once: the last checkpoint stays, and the run can be resumed from it.
    pub fn run<const D: usize, G: Game<D>>(&self, game: &mut G) -> Result<Outcome> {
        self.config.validate()?;
        let _lock = self.run.lock()?;
        let players = self.players(game)?;
        let (mut underway, mut players) = Underway::start(self, game, players)?;
        let stopped = loop {
            if let Some(stopped) = underway.ended() {
                break stopped;
            }
            players = underway.step(game, players)?;
            let interrupted = interrupt::requested();
            if underway.state.step.is_multiple_of(underway.steps_per_epoch) {
                underway.end_epoch(game, &players)?;
            }
            let ended = underway.ended().is_some();
            if ended || interrupted || underway.checkpoint_is_due() {
                underway.checkpoint(&players, ended)?;
            }
            if interrupted && !ended {
                break Stopped::Interrupted;
            }
        };
        underway.progress.finish();
        Ok(underway.outcome(stopped))
    }

    /// Both players as they are before the first step.
    fn players<const D: usize, G: Game<D>>(&self, game: &G) -> Result<PlayersOf<G, D>> {
        self.device.seed(random::stream(self.seed, &[random::INIT]).next_u64());
        let (generator, discriminator) = (game.generator(self.device)?, game.discriminator(self.device)?);
        Ok(Players { generator, discriminator, average: None })
    }
}

impl Underway<'_> {
    fn ended(&self) -> Option<Stopped> {
        match self.state.collapsed {
            true => Some(Stopped::Collapsed),
            false => (self.state.step >= self.total).then_some(Stopped::Finished),
        }
    }

    /// Shows how far the run is and, every so many steps, records it.
    fn log(&mut self, opinions: &Opinions, rate: f64) -> Result<()> {
        let step = self.state.step;
        let epoch = step.saturating_sub(1) / self.steps_per_epoch;
        let epochs = self.training.config.epochs;
        let Opinions { real, fake, discriminator_loss, generator_loss, .. } = *opinions;
        self.progress.step(
            1,
            format!(
                "epoch {}/{epochs}  D(x) {real:.3}  D(G(z)) {fake:.3}  losses {discriminator_loss:.3} {generator_loss:.3}",
                epoch + 1
            ),
        );
        if step.is_multiple_of((self.steps_per_epoch / 4).max(1)) {
            let sums = &self.state.sums;
            let scalars: Vec<(String, f64)> = sums.means().map(|(name, mean)| (format!("step/{name}"), mean)).collect();
            let mut scalars: Vec<(&str, f64)> = scalars.iter().map(|(name, mean)| (name.as_str(), *mean)).collect();
            scalars.push(("step/learning_rate", rate));
            self.recorder.scalars(step, epoch, &scalars)?;
            let details: serde_json::Map<_, _> =
                sums.means().map(|(name, mean)| (name.to_string(), json!(mean))).collect();
            self.training.output.event("progress", json!({ "step": step, "epoch": epoch + 1, "means": details }));
        }
        Ok(())
    }

    /// Measures, records, and moves to the next epoch.
    fn end_epoch<const D: usize, G: Game<D>>(&mut self, game: &mut G, players: &PlayersOf<G, D>) -> Result<()> {
        let epoch = (self.state.step / self.steps_per_epoch).saturating_sub(1);
        let epochs = self.training.config.epochs;
        let last = players.generator.valid();
        let moment = Moment {
            generator: players.average.as_ref().map_or(&last, |average| average.module()),
            discriminator: &players.discriminator.valid(),
            epoch,
            epochs,
            run: self.training.run,
        };
        let figures = game.observe(&moment)?;
        let mut scalars: Vec<(String, f64)> =
            self.state.sums.means().map(|(name, mean)| (format!("train/{name}"), mean)).collect();
        scalars.extend(figures.into_iter().map(|(name, value)| (format!("valid/{name}"), value)));
        let scalars: Vec<_> = scalars.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        self.recorder.scalars(self.state.step, epoch, &scalars)?;
        self.state.sums.clear();
        let figures = scalars.iter().map(|(name, value)| format!("{} {value:.4}", name.replace(['/', '_'], " ")));
        if !self.training.output.is_silent() {
            let figures = figures.collect::<Vec<_>>().join("  ");
            self.progress.line(&format!("epoch {}/{epochs}  {figures}", epoch + 1));
        }
        let metrics: serde_json::Map<_, _> =
            scalars.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        self.training.output.event("epoch", json!({ "epoch": epoch + 1, "metrics": metrics }));
        Ok(())
    }

    fn checkpoint_is_due(&self) -> bool {
        self.last_checkpoint.elapsed().as_secs_f64() >= self.training.config.checkpoint_seconds
    }

    fn seconds(&self) -> f64 {
        self.earlier_seconds + self.started.elapsed().as_secs_f64()
    }

    fn outcome(&self, stopped: Stopped) -> Outcome {
        Outcome {
            stopped,
            steps: self.state.step,
            alarms: self.state.collapse.alarms,
            first_alarm: self.state.collapse.first,
            seconds: self.seconds(),
            steps_per_second: self.made as f64 / self.started.elapsed().as_secs_f64().max(f64::MIN_POSITIVE),
        }
    }
}
