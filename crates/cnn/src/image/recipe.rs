//! Recipes: the settings training starts from, by data set, or by the size of the pictures where the set is not known.
//!
//! What each reaches is in docs/results.md. All of them were chosen on validation parts.

use ognivo_core::train::fit::FitConfig;
use ognivo_core::train::optimizer::{AdamW, OptimizerConfig, Sgd};
use ognivo_core::train::schedule::{Curve, ScheduleConfig};

use super::augment::AugmentConfig;
use super::model::{NetworkConfig, Resnet, Standard};
use super::train::ClassifierConfig;

/// What a recipe depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The data set as the user named it.
    pub data: &'a str,
    /// Channels, height and width of its pictures.
    pub shape: [usize; 3],
    /// Pictures to train on.
    pub pictures: usize,
}

/// The settings for a data set.
pub fn recipe(facts: Facts) -> ClassifierConfig {
    match (facts.data, facts.shape) {
        ("digits", _) => digits(facts),
        (_, [1, 28, 28]) => mnist(facts),
        (_, [_, height, width]) if height.min(width) >= 32 => residual(facts),
        _ => digits(facts),
    }
}
