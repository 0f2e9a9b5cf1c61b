//! The configuration of a run, and the settings that it starts from.

use ognivo_core::train::schedule::{Curve, ScheduleConfig};
use serde::{Deserialize, Serialize};

use super::discriminator::{PATCH, SCALES};
use super::encoder::WIDEST;
use super::generator::CELL;
use super::style::Plane;
use crate::Result;
use crate::collapse::CollapseConfig;
use crate::config::AdversarialConfig;
use crate::error::{Error, require};
use crate::objective::Objective;

/// What sides of pictures that are judged are multiples of: both scales of them have whole features.
pub const UNIT: usize = WIDEST << (SCALES - 1);
/// Sides of the smallest picture with a judgement of both scales.
pub const SMALLEST: usize = PATCH.next_multiple_of(UNIT);
const _: () = assert!(UNIT == CELL, "crops are whole cells of noise and have whole features");
/// The encoder that is trained here.
pub const SMALL: &str = "small";
/// Largest side of a learnt picture.
const LARGEST: usize = 2048;

/// The configuration of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextureConfig {
    /// The picture to be like: a file, or the name of a formula.
    pub style: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// Pixels along the sides of the parts of the style that the discriminator is shown, and of what a network generates while it learns.
    pub crop: usize,
    /// Channels of the discriminator.
    pub judges: usize,
    /// Where features come from.
    pub encoder: EncoderConfig,
    /// What learns.
    pub model: TextureModel,
    /// How training goes.
    pub fit: AdversarialConfig,
}

/// Which encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    /// `small`, or a run directory.
    pub from: String,
    /// The last stage whose features are judged; without one the last whose features lie at most 4 pixels apart.
    pub stage: Option<String>,
    /// Steps in which the small one learns.
    pub steps: u64,
}

/// What learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TextureModel {
    /// A network from noise to texture.
    Network(NetworkConfig),
    /// The pixels of a picture.
    Picture(PictureConfig),
}

/// A network from noise to texture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Channels of the noise.
    pub latent: usize,
    /// Channels next to the picture.
    pub filters: usize,
}

/// A picture whose pixels learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PictureConfig {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Whether it fits to itself at its edges.
    pub seamless: bool,
    /// What the mean absolute difference of neighbouring pixels is multiplied by, to be part of the loss. The discriminator leaves some noise of single pixels,
    /// which this takes away.
    pub smoothness: f64,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { latent: 8, filters: 16 }
    }
}

impl Default for PictureConfig {
    fn default() -> Self {
        Self { width: 128, height: 128, seamless: false, smoothness: 5.0 }
    }
}

impl TextureConfig {
    /// Whether every setting is in its range. What depends on the style, [`fits`](Self::fits) checks.
    ///
    /// # Errors
    /// Names the setting.
    pub fn validate(&self) -> Result<()> {
        self.fit.validate()?;
        let within = |key: &str, found: usize, most: usize| match (1..=most).contains(&found) {
            true => Ok(()),
            false => Err(Error::setting(key, found, format!("from 1 to {most}"))),
        };
        if !(1..=100_000).contains(&self.encoder.steps) {
            return Err(Error::setting("encoder.steps", self.encoder.steps, "from 1 to 100000"));
        }
        within("judges", self.judges, 1024)?;
        within("crop", self.crop, LARGEST)?;
        if !self.crop.is_multiple_of(CELL) {
            return Err(Error::setting("crop", self.crop, format!("a multiple of {CELL} pixels")));
        }
        if matches!(self.fit.objective, Objective::WassersteinLipschitz { .. }) {
            let expected = "an objective that judges patches singly";
            return Err(Error::setting("fit.objective", "wasserstein-lipschitz", expected));
        }
        if !self.fit.adversarial {
            return Err(Error::setting("fit.adversarial", false, "true: nothing else teaches a texture"));
        }
        match &self.model {
            TextureModel::Network(network) => {
                within("model.latent", network.latent, 1024)?;
                within("model.filters", network.filters, 256)
            }
            TextureModel::Picture(picture) => {
                within("model.width", picture.width, LARGEST)?;
                within("model.height", picture.height, LARGEST)?;
                let smoothness = picture.smoothness;
                require("model.smoothness", smoothness, smoothness >= 0.0, "at least 0")?;
                let odd = [picture.width, picture.height].into_iter().find(|side| !side.is_multiple_of(CELL));
                match odd.filter(|_| picture.seamless) {
                    Some(side) => {
                        Err(Error::setting("size", side, format!("a multiple of {CELL} for a seamless picture")))
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// Whether the style and the crops have room for a patch.
    ///
    /// # Errors
    /// A style or a setting that is too small.
    pub fn fits(&self, style: &Plane) -> Result<()> {
        let side = style.width.min(style.height);
        if side < SMALLEST {
            let message = format!(
                "{}: found a style picture of {} x {} pixels; expected at least {SMALLEST} x {SMALLEST}, with a patch as the discriminator \
                 judges it",
                self.style, style.width, style.height
            );
            return Err(ognivo_core::Error::Data(message).into());
        }
        let most = side / UNIT * UNIT;
        if self.crop < SMALLEST || self.crop > most {
            let expected = format!("from {SMALLEST}, a patch, to {most}, the style's side");
            return Err(Error::setting("crop", self.crop, expected));
        }
        Ok(())
    }
}

/// Steps of an epoch.
pub const EPOCH: u64 = 50;

/// The settings for a style of so many pixels along its shorter side: the paper's hinge loss, and Adam with learning rates that fall to nothing.
pub fn recipe(style: &str, side: usize, model: TextureModel) -> TextureConfig {
    let (epochs, discriminator, generator, average) = match &model {
        TextureModel::Network(_) => (12, 2e-3, 1e-3, 0.99),
        TextureModel::Picture(_) => (16, 3e-3, 2e-2, 0.0),
    };
    TextureConfig {
        style: style.to_string(),
        seed: 1,
        crop: (side / UNIT * UNIT).clamp(UNIT, 64),
        judges: 32,
        encoder: EncoderConfig { from: SMALL.into(), stage: None, steps: 400 },
        model,
        fit: AdversarialConfig {
            epochs,
            batch_size: 2,
            learning_rate: discriminator,
            generator_learning_rate: Some(generator),
            schedule: ScheduleConfig { warmup: 0, curve: Curve::Cosine { final_fraction: 0.05 } },
            objective: Objective::Hinge,
            average,
            // Parts of one texture are alike in all but place, which the detector does not see through.
            collapse: CollapseConfig { every: 0, ..CollapseConfig::default() },
            ..AdversarialConfig::default()
        },
    }
}
