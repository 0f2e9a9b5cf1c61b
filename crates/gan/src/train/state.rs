//! What a checkpoint keeps besides tensors.

use serde::{Deserialize, Serialize};

use super::round::Opinions;
use crate::collapse::Memory;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Steps of the generator made.
    pub(super) step: u64,
    /// Of the epoch under way.
    pub(super) sums: Sums,
    pub(super) collapse: Memory,
    /// Whether an alarm has ended the run.
    pub(super) collapsed: bool,
    /// Length of the metrics log in bytes.
    pub(super) metrics_position: u64,
    pub(super) seconds: f64,
}

/// Sums over steps of what the players said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    steps: u64,
    values: [f64; 5],
}

impl Sums {
    const NAMES: [&str; 5] = ["d_loss", "g_loss", "d_real", "d_fake", "g_gradient"];

    pub(super) fn add(&mut self, opinions: &Opinions) {
        let Opinions { real, fake, discriminator_loss, generator_loss, generator_gradient } = *opinions;
        self.steps += 1;
        for (sum, value) in
            self.values.iter_mut().zip([discriminator_loss, generator_loss, real, fake, generator_gradient])
        {
            *sum += value;
        }
    }

    pub(super) fn means(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        Self::NAMES.into_iter().zip(self.values.iter().map(|sum| sum / self.steps.max(1) as f64))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
