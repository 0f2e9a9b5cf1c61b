//! The configuration of a run, its networks, and the settings that it starts from.

use burn::tensor::Device;
use ognivo_core::run::RunDirectory;
use ognivo_core::train::schedule::{Curve, ScheduleConfig};
use serde::{Deserialize, Serialize};

use super::patch::{PatchDiscriminator, strided};
use super::unet::{Unet, UnetPlan};
use crate::Result;
use crate::collapse::CollapseConfig;
use crate::config::AdversarialConfig;
use crate::error::{Error, require};
use crate::images::shape::{PictureShape, SHAPE, doublings};
use crate::objective::Objective;

/// The configuration of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslationConfig {
    /// Pairs: a folder of them, `sprites`, or pictures that are to be made from their edges.
    pub data: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// At most so many training pairs, chosen at random, evenly over the classes.
    pub limit: Option<usize>,
    /// Passes over the pictures for the classifier that translated ones are measured with; as many as its recipe says if null, no classifier
    /// if 0.
    pub classifier_epochs: Option<u64>,
    /// The networks.
    pub model: UnetConfig,
    /// How training goes.
    pub fit: AdversarialConfig,
}

/// The networks and the weight of the difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnetConfig {
    /// Pixels along a side: 28, 32, 64 and others that are 3 to 8, doubled; the pictures' own if null.
    pub size: Option<usize>,
    /// Channels next to the picture, in both networks; they double with each halving.
    pub filters: usize,
    /// Pixels along a side that a judgement of the discriminator sees: 16, 34 or 70.
    pub patch: usize,
    /// What the mean absolute difference, on values from -1 to 1, is multiplied by.
    pub l1: f64,
}

impl Default for UnetConfig {
    /// The paper's weight; half its channels, for a CPU.
    fn default() -> Self {
        Self { size: None, filters: 32, patch: 16, l1: 100.0 }
    }
}

/// The form of both pictures of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairShape {
    /// Channels of the picture that is given.
    pub input_channels: usize,
    /// The picture that is made.
    pub target: PictureShape,
}

impl PairShape {
    /// Reads the form of a run.
    ///
    /// # Errors
    /// A file that is missing or damaged.
    pub fn open(run: &RunDirectory) -> Result<Self> {
        Ok(run.read_json(SHAPE)?)
    }

    /// The form of the picture that is given.
    pub fn input(&self) -> PictureShape {
        PictureShape { channels: self.input_channels, ..self.target.clone() }
    }
}

impl UnetConfig {
    fn plan(&self, shape: &PairShape) -> Result<UnetPlan> {
        let side = shape.target.side;
        let sides = "28, 32, 64, or another side that is 3 to 8, doubled once or more";
        let (start, times) = doublings(side).ok_or_else(|| Error::setting("model.size", side, sides))?;
        Ok(UnetPlan { input: shape.input_channels, output: shape.target.channels, filters: self.filters, start, times })
    }

    /// A new generator.
    ///
    /// # Errors
    /// A side that the network cannot halve.
    pub fn generator(&self, shape: &PairShape, device: &Device) -> Result<Unet> {
        self.plan(shape)?.init(device)
    }

    /// A new discriminator.
    ///
    /// # Errors
    /// A patch that does not fit.
    pub fn discriminator(&self, shape: &PairShape, device: &Device) -> Result<PatchDiscriminator> {
        let channels = shape.input_channels + shape.target.channels;
        PatchDiscriminator::new(channels, shape.target.side, self.filters, self.patch, device)
    }

    /// Whether the settings fit each other and the pictures.
    ///
    /// # Errors
    /// Names the setting.
    pub fn validate(&self, shape: &PairShape) -> Result<()> {
        self.plan(shape)?;
        strided(shape.target.side, self.patch)?;
        Ok(())
    }
}

impl TranslationConfig {
    /// Whether every setting is in its range. What depends on the pictures is checked with them.
    ///
    /// # Errors
    /// Names the setting.
    pub fn validate(&self) -> Result<()> {
        self.fit.validate()?;
        let UnetConfig { filters, l1, .. } = self.model;
        if !(1..=256).contains(&filters) {
            return Err(Error::setting("model.filters", filters, "from 1 to 256"));
        }
        require("model.l1", l1, l1 >= 0.0, "at least 0")?;
        if self.limit == Some(0) {
            return Err(Error::setting("limit", 0, "at least 1, or null"));
        }
        if matches!(self.fit.objective, Objective::WassersteinLipschitz { .. }) {
            return Err(Error::setting(
                "fit.objective",
                "wasserstein-lipschitz",
                "an objective that judges patches singly",
            ));
        }
        Ok(())
    }
}

/// Steps after which training ends, unless a pass over the pairs takes more.
const STEPS: u64 = 4000;

/// The settings for `count` pairs, of unknown number before there are any: the paper's (Isola et al. 2017, section 3.3) with larger batches, an averaged
/// generator, and learning rates that fall to nothing.
pub fn recipe(data: &str, count: Option<usize>) -> TranslationConfig {
    let fit = AdversarialConfig {
        batch_size: 16,
        average: 0.995,
        schedule: ScheduleConfig { warmup: 0, curve: Curve::Cosine { final_fraction: 0.05 } },
        // A discriminator that is sure leaves the generator the pairs to learn from.
        collapse: CollapseConfig { certainty: 0.0, ..CollapseConfig::default() },
        ..AdversarialConfig::default()
    };
    let steps = count.map_or(1, |count| (count / fit.batch_size.min(count.max(1))).max(1)) as u64;
    TranslationConfig {
        data: data.to_string(),
        seed: 1,
        limit: None,
        classifier_epochs: None,
        model: UnetConfig::default(),
        fit: AdversarialConfig { epochs: (STEPS / steps).max(1), ..fit },
    }
}
