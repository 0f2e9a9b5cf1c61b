//! The configuration of a run, and the settings that it starts from.

use ognivo_core::train::optimizer::{Adam, OptimizerConfig};
use ognivo_core::train::schedule::{Curve, ScheduleConfig};
use serde::{Deserialize, Serialize};

use crate::config::AdversarialConfig;
use crate::images::dcgan::DcganConfig;
use crate::images::mlp::MlpConfig;
use crate::images::model::Kind;
use crate::images::shape::doublings;
use crate::mixture::model::MixtureConfig;
use crate::{Error, Result};

/// The configuration of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanConfig {
    /// What is generated: the name of a mixture, the name of a set of pictures, or a path to some.
    pub data: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// At most so many training pictures, chosen at random, evenly over the classes.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Passes over the pictures for the classifier that pictures are measured with; as many as its recipe says if null, no classifier if 0.
    #[serde(default)]
    pub classifier_epochs: Option<u64>,
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
    /// Fully connected networks for pictures.
    Mlp(MlpConfig),
    /// Convolutional networks for pictures.
    Dcgan(DcganConfig),
    /// Convolutional networks that are told the class.
    Conditional(DcganConfig),
}

impl ModelConfig {
    /// The names in configurations.
    pub const NAMES: [&'static str; 4] = ["mixture", "mlp", "dcgan", "conditional"];

    /// The name in configurations.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mixture(_) => "mixture",
            Self::Mlp(_) => "mlp",
            Self::Dcgan(_) => "dcgan",
            Self::Conditional(_) => "conditional",
        }
    }

    /// The networks for pictures, if these are such.
    pub fn pictures(&self) -> Option<Kind> {
        match self {
            Self::Mixture(_) => None,
            Self::Mlp(config) => Some(Kind::Mlp(config.clone())),
            Self::Dcgan(config) => Some(Kind::Dcgan(config.clone())),
            Self::Conditional(config) => Some(Kind::Conditional(config.clone())),
        }
    }

    /// The side of the pictures that is asked for.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Mixture(_) => None,
            Self::Mlp(config) => config.size,
            Self::Dcgan(config) | Self::Conditional(config) => config.size,
        }
    }
}

impl GanConfig {
    /// Whether every setting is in its range. What depends on the pictures is checked with them.
    ///
    /// # Errors
    /// Names the setting.
    pub fn validate(&self) -> Result<()> {
        self.fit.validate()?;
        if self.limit == Some(0) {
            return Err(Error::setting("limit", 0, "at least 1, or null"));
        }
        if !self.fit.adversarial {
            return Err(Error::setting("fit.adversarial", false, "true: nothing else teaches this generator"));
        }
        match (&self.model, self.limit) {
            (ModelConfig::Mixture(_), Some(limit)) => {
                Err(Error::setting("limit", limit, "null for a mixture, whose items are drawn without end"))
            }
            (ModelConfig::Mixture(config), None) => config.validate(),
            _ => Ok(()),
        }
    }
}

/// The settings for a mixture: noise on what the discriminator sees, falling to nothing, lets the modes grow out of one cloud, so that none
/// is lost; the learning rate falls to nothing, so that the players come to rest; the generator is averaged.
pub fn mixture(data: &str) -> GanConfig {
    // 25 modes take more noise, for longer, and a generator that moves faster.
    let (epochs, generator, noise, until) = match data {
        "grid" => (180, 2e-3, 1.0, 0.95),
        _ => (120, 1e-3, 0.5, 0.5),
    };
    let latent = if data == "line" { 1 } else { MixtureConfig::default().latent };
    let cosine = Curve::Cosine { final_fraction: 0.01 };
    GanConfig {
        data: data.to_string(),
        seed: 1,
        limit: None,
        classifier_epochs: None,
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

/// The settings for pictures before there is any: what opening them goes by.
pub fn pictures(data: &str) -> GanConfig {
    GanConfig {
        data: data.to_string(),
        seed: 1,
        limit: None,
        classifier_epochs: None,
        model: ModelConfig::Dcgan(DcganConfig::default()),
        fit: AdversarialConfig::default(),
    }
}

/// Steps after which training on pictures ends, unless a pass over them takes more; and the fewest passes.
const STEPS: u64 = 6000;
const PASSES: u64 = 4;

/// The settings for `count` pictures of `side` pixels, with the networks called `model`: DCGAN's (Radford et al. 2016), with an averaged
/// generator, learning rates that fall to nothing, fewer channels for tiny pictures, and a fully connected layer where two halvings do not bring the
/// picture's parts together: without it generated digits were 3.5 times farther from real ones (docs/results.md).
///
/// # Errors
/// A name of no networks for pictures.
pub fn for_pictures(data: &str, model: &str, count: usize, side: usize) -> Result<GanConfig> {
    let filters = if side <= 16 { 32 } else { 64 };
    let shallow = doublings(side).is_some_and(|(_, times)| times < 3);
    let networks = DcganConfig { filters, ..DcganConfig::default() };
    let model = match model {
        "mlp" => ModelConfig::Mlp(MlpConfig::default()),
        "dcgan" => ModelConfig::Dcgan(DcganConfig { dense: if shallow { 512 } else { 0 }, ..networks }),
        "conditional" => ModelConfig::Conditional(networks),
        _ => return Err(Error::setting("model", model, "mlp, dcgan or conditional for pictures")),
    };
    let fit = AdversarialConfig {
        average: 0.999,
        schedule: ScheduleConfig { warmup: 0, curve: Curve::Cosine { final_fraction: 0.05 } },
        ..AdversarialConfig::default()
    };
    let steps = (count / fit.batch_size.min(count.max(1))).max(1) as u64;
    let epochs = (STEPS / steps).max(PASSES);
    Ok(GanConfig { model, fit: AdversarialConfig { epochs, ..fit }, ..pictures(data) })
}
