//! Lowering the learning rate when the validation score stops rising.

use serde::{Deserialize, Serialize};

use super::schedule::Curve;

/// What [`Curve::Plateau`] has counted so far; kept in checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    factor: f64,
    best: Option<f64>,
    /// Epochs in a row without a better score.
    bad: u64,
    /// Epochs that are not counted yet.
    cooldown: u64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { factor: 1.0, best: None, bad: 0, cooldown: 0 }
    }
}

impl Plateau {
    /// What to multiply the learning rate by.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Takes note of the score of an epoch; with another curve than [`Curve::Plateau`] nothing happens.
    pub fn observe(&mut self, curve: &Curve, score: f64) {
        let Curve::Plateau { factor, patience, threshold, cooldown, final_fraction } = *curve else { return };
        if self.best.is_none_or(|best| score > best + threshold) {
            self.best = Some(score);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.bad = 0;
        }
        if self.bad > patience {
            self.factor = (self.factor * factor).max(final_fraction);
            self.cooldown = cooldown;
            self.bad = 0;
        }
    }
}
