//! The configuration of a run, and the settings that it starts from.

use ognivo_core::train::optimizer::{Adam, OptimizerConfig};
use ognivo_core::train::schedule::{Curve, ScheduleConfig};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::config::AdversarialConfig;
use crate::mixture::model::MixtureConfig;

/// The configuration of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanConfig {
    /// What is generated: the name of a mixture.
    pub data: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// The networks.
    pub model: ModelConfig,
    /// How training goes.
    pub fit: AdversarialConfig,
}

/// The kinds of networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ModelConfig {
    /// Fully connected networks for points of a mixture.
    Mixture(MixtureConfig),
}

impl ModelConfig {
    /// The names in configurations.
    pub const NAMES: [&'static str; 1] = ["mixture"];

    /// The name in configurations.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mixture(_) => "mixture",
        }
    }
}

impl GanConfig {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// Names the setting.
    pub fn validate(&self) -> Result<()> {
        self.fit.validate()?;
        match &self.model {
            ModelConfig::Mixture(config) => config.validate(),
        }
    }
}

/// The settings for a mixture: noise on what the discriminator sees, falling to nothing, lets the modes grow out of one cloud, so that none
/// is lost; the learning rate falls to nothing, so that the players come to rest; the generator is averaged.
pub fn mixture(data: &str) -> GanConfig {
    // 25 modes take more noise, for longer, and a generator that moves faster.
    let (epochs, generator, noise, until) = match data {
        "grid" => (60, 2e-3, 1.0, 0.95),
        _ => (80, 1e-3, 0.5, 0.5),
    };
    let latent = if data == "line" { 1 } else { MixtureConfig::default().latent };
    let cosine = Curve::Cosine { final_fraction: 0.01 };
    GanConfig {
        data: data.to_string(),
        seed: 1,
        model: ModelConfig::Mixture(MixtureConfig { latent, ..MixtureConfig::default() }),
        fit: AdversarialConfig {
            epochs,
            batch_size: 256,
            learning_rate: 2e-3,
            generator_learning_rate: Some(generator),
            optimizer: OptimizerConfig::Adam(Adam { beta1: 0.5, ..Adam::default() }),
            schedule: ScheduleConfig { warmup: 0, curve: cosine },
            instance_noise: noise,
            instance_noise_until: until,
            average: 0.999,
            ..AdversarialConfig::default()
        },
    }
}
