//! How a game is played, whatever is generated.

use ognivo_core::train::optimizer::{Adam, OptimizerConfig};
use ognivo_core::train::schedule::{Curve, ScheduleConfig};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::collapse::CollapseConfig;
use crate::error::{Error, require};
use crate::objective::Objective;

/// How training goes. Its place in a configuration is `fit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdversarialConfig {
    /// Passes over the training items; where items are drawn anew without end, a pass is 100 steps.
    pub epochs: u64,
    /// Real items, and generated ones, in a step.
    pub batch_size: usize,
    /// The discriminator's learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// The generator's, if it is another (Heusel et al. 2017).
    pub generator_learning_rate: Option<f64>,
    /// The rule of both players.
    pub optimizer: OptimizerConfig,
    /// The course of both learning rates; `plateau` has nothing to follow here.
    pub schedule: ScheduleConfig,
    /// Steps of the discriminator to one of the generator, the lecture's `k`.
    pub discriminator_steps: u64,
    /// What the players want.
    pub objective: Objective,
    /// Whether the generator plays. Where a real item belongs to each generated one it may learn from these alone; the discriminator then learns
    /// all the same, and only looks on.
    #[serde(default = "plays")]
    pub adversarial: bool,
    /// One-sided: real items are to be called real with probability `1 - label_smoothing`.
    pub label_smoothing: f64,
    /// Standard deviation of normal noise on all that the discriminator sees, at the first step (Sonderby et al. 2017); it falls to 0
    /// along a parabola, so that most steps are spent near the end.
    pub instance_noise: f64,
    /// The share of all steps at which it reaches 0.
    pub instance_noise_until: f64,
    /// Decay of the generator's averaged weights, which are those that are kept; 0 keeps the last ones.
    pub average: f64,
    /// When an alarm is raised.
    pub collapse: CollapseConfig,
    /// Seconds between checkpoints; there is always one at the end.
    pub checkpoint_seconds: f64,
}

fn plays() -> bool {
    true
}

impl Default for AdversarialConfig {
    /// The DCGAN paper's settings (Radford et al. 2016, section 4), without averaging.
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 64,
            learning_rate: 2e-4,
            generator_learning_rate: None,
            optimizer: OptimizerConfig::Adam(Adam { beta1: 0.5, ..Adam::default() }),
            schedule: ScheduleConfig::default(),
            discriminator_steps: 1,
            objective: Objective::default(),
            adversarial: plays(),
            label_smoothing: 0.0,
            instance_noise: 0.0,
            instance_noise_until: 0.5,
            average: 0.0,
            collapse: CollapseConfig::default(),
            checkpoint_seconds: 30.0,
        }
    }
}

impl AdversarialConfig {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// Names the setting, what was found and what was expected.
    pub fn validate(&self) -> Result<()> {
        let at_least_1 = |key: &str, found: u64| require(key, found as f64, found > 0, "at least 1");
        at_least_1("fit.epochs", self.epochs)?;
        at_least_1("fit.batch_size", self.batch_size as u64)?;
        at_least_1("fit.discriminator_steps", self.discriminator_steps)?;
        if self.discriminator_steps > 1000 {
            return Err(Error::setting("fit.discriminator_steps", self.discriminator_steps, "at most 1000"));
        }
        let generator = self.generator_learning_rate.unwrap_or(1.0);
        require("fit.learning_rate", self.learning_rate, self.learning_rate > 0.0, "a number above 0")?;
        require("fit.generator_learning_rate", generator, generator > 0.0, "a number above 0, or null")?;
        let smoothing = self.label_smoothing;
        require("fit.label_smoothing", smoothing, (0.0..0.5).contains(&smoothing), "a number from 0 and below 0.5")?;
        if smoothing > 0.0 && !self.objective.has_target() {
            return Err(Error::setting("fit.label_smoothing", smoothing, "0 with an objective that has no labels"));
        }
        require("fit.instance_noise", self.instance_noise, self.instance_noise >= 0.0, "at least 0")?;
        let until = self.instance_noise_until;
        require("fit.instance_noise_until", until, (0.0..=1.0).contains(&until), "a number from 0 to 1")?;
        require("fit.average", self.average, (0.0..1.0).contains(&self.average), "a number from 0 and below 1")?;
        let seconds = self.checkpoint_seconds;
        require("fit.checkpoint_seconds", seconds, seconds >= 0.0, "at least 0")?;
        if matches!(self.schedule.curve, Curve::Plateau { .. }) {
            return Err(Error::setting("fit.schedule.curve", "plateau", "a curve that needs no validation score"));
        }
        self.objective.validate()?;
        self.collapse.validate()?;
        self.optimizer.validate()?;
        Ok(self.schedule.validate()?)
    }

    /// The standard deviation of the instance noise at `step` of `total`.
    pub fn noise(&self, step: u64, total: u64) -> f64 {
        let end = self.instance_noise_until * total as f64;
        self.instance_noise * (1.0 - step as f64 / end.max(f64::MIN_POSITIVE)).max(0.0).powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_noise_falls_to_nothing() {
        let config =
            AdversarialConfig { instance_noise: 0.4, instance_noise_until: 0.5, ..AdversarialConfig::default() };
        let close = |step, expected: f64| assert!((config.noise(step, 100) - expected).abs() < 1e-12);
        close(0, 0.4);
        close(25, 0.1);
        close(50, 0.0);
        close(99, 0.0);
        assert_eq!(AdversarialConfig { instance_noise_until: 0.0, ..config }.noise(1, 100), 0.0);
    }

    #[test]
    fn settings_without_meaning_are_named() {
        let fine = AdversarialConfig::default();
        fine.validate().unwrap();
        let hinge = Objective::Hinge;
        for (config, key) in [
            (AdversarialConfig { discriminator_steps: 0, ..fine.clone() }, "fit.discriminator_steps"),
            (AdversarialConfig { label_smoothing: 0.1, objective: hinge, ..fine.clone() }, "fit.label_smoothing"),
            (AdversarialConfig { average: 1.0, ..fine.clone() }, "fit.average"),
            (AdversarialConfig { instance_noise: f64::NAN, ..fine.clone() }, "fit.instance_noise"),
            (AdversarialConfig { generator_learning_rate: Some(-1.0), ..fine.clone() }, "fit.generator_learning_rate"),
            (
                AdversarialConfig { objective: Objective::WassersteinClipped { clip: 0.0 }, ..fine },
                "fit.objective.clip",
            ),
        ] {
            let said = config.validate().unwrap_err().to_string();
            assert!(said.contains(&format!("`{key}`")), "{said}");
        }
    }
}
