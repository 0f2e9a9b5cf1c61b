//! What of a network is fine-tuned, and how fast.

use ognivo_core::Error;
use serde::{Deserialize, Serialize};

/// The file of a run directory that holds [`Settings`].
pub const SETTINGS: &str = "transfer.json";

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Train {
    /// The classifier alone, beta'; the features' parameters alpha are those of the origin.
    Head,
    /// alpha and beta'.
    All,
}

/// How a network is turned to its new task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the weights come from, for people: a published name, a file, a run; `scratch` for none.
    pub from: String,
    /// What is learned.
    pub train: Train,
    /// Stages (`layer1`) or patterns of layer names (`layer1.0.*`) that stay as they are.
    pub freeze: Vec<String>,
    /// Gradual unfreezing (Howard and Ruder 2018, "Universal language model fine-tuning", section 3.3): at first the classifier learns alone,
    /// and after every so many epochs one stage more, from the last to the first.
    pub unfreeze_every: Option<u64>,
    /// The learning rate of a stage is that of the next one times this (their section 3.2 takes 1 / 2.6).
    pub stage_rate: f64,
    /// Batch normalisation goes by the statistics of the origin, everywhere, and leaves them as they are.
    pub frozen_statistics: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            from: "scratch".into(),
            train: Train::All,
            freeze: Vec::new(),
            unfreeze_every: None,
            stage_rate: 1.0,
            frozen_statistics: false,
        }
    }
}

impl Settings {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// Names the setting.
    pub fn validate(&self) -> Result<(), Error> {
        let fail = |setting: &str, found: String, expected: &str| {
            Err(Error::Config(format!("transfer.{setting}: found {found}; expected {expected}")))
        };
        if !(self.stage_rate > 0.0 && self.stage_rate <= 1.0) {
            return fail("stage_rate", self.stage_rate.to_string(), "above 0 and at most 1");
        }
        match self.unfreeze_every {
            Some(0) => fail("unfreeze_every", "0".into(), "at least 1 epoch"),
            Some(epochs) if self.train == Train::Head => {
                fail("unfreeze_every", epochs.to_string(), "nothing with train = head, which unfreezes nothing")
            }
            _ => Ok(()),
        }
    }
}
