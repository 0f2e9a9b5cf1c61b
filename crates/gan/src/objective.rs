//! What the two players want, as losses of the discriminator's logits.

use burn::tensor::{Tensor, activation::log_sigmoid, activation::relu};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::error::require;

/// The game's objective. The discriminator gives each item a number `l`, the logit; `D = 1 / (1 + exp(-l))`.
///
/// Both players minimise: below, `x` is real and `x' = G(z)` generated, and a mean over the batch is meant. Nothing is computed from
/// `D` itself, so that no logit, however large, gives an infinite loss or a gradient that is lost to rounding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "objective", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Objective {
    /// The lecture's game (Goodfellow et al. 2014, equation 1): the discriminator minimises `-ln D(x) - ln(1 - D(x'))`, the generator
    /// `ln(1 - D(x'))`, which has no slope where the discriminator is sure.
    Minimax,
    /// The same discriminator; the generator minimises `-ln D(x')` (section 3 there).
    #[default]
    NonSaturating,
    /// Least squares (Mao et al. 2017, equation 9): `(l(x) - 1)^2 / 2 + l(x')^2 / 2` against `(l(x') - 1)^2 / 2`; the logit itself plays
    /// the part of `D`.
    LeastSquares,
    /// Hinge (Lim and Ye 2017): `max(0, 1 - l(x)) + max(0, 1 + l(x'))` against `-l(x')`.
    Hinge,
    /// Wasserstein distance (Arjovsky et al. 2017): `l(x') - l(x)` against `-l(x')`, the discriminator's weights cut to
    /// `[-clip, clip]` after each of its steps.
    WassersteinClipped {
        /// The bound of the weights, above 0 (default 0.01).
        #[serde(default = "clip")]
        clip: f64,
    },
    /// Wasserstein distance with a penalty on steepness, see [`lipschitz`](crate::lipschitz).
    WassersteinLipschitz {
        /// The factor of the penalty, above 0 (default 10).
        #[serde(default = "weight")]
        weight: f64,
    },
}

fn clip() -> f64 {
    0.01
}

fn weight() -> f64 {
    10.0
}

impl Objective {
    /// The discriminator's loss `[1]` for its logits of real and generated items, each `[batch, 1]`.
    ///
    /// `smoothing` `s` is one-sided (Salimans et al. 2016, section 3.4): real items are to be called real with probability `1 - s`. It
    /// has a meaning where `D` does, see [`has_target`](Self::has_target), and is passed over elsewhere.
    pub fn discriminator(&self, real: Tensor<2>, fake: Tensor<2>, smoothing: f64) -> Tensor<1> {
        match self {
            Self::Minimax | Self::NonSaturating => {
                let real = log_sigmoid(real.clone()) * (smoothing - 1.0) - log_sigmoid(-real) * smoothing;
                real.mean() - log_sigmoid(-fake).mean()
            }
            Self::LeastSquares => ((real - (1.0 - smoothing)).square().mean() + fake.square().mean()) * 0.5,
            Self::Hinge => relu(-real + 1.0).mean() + relu(fake + 1.0).mean(),
            Self::WassersteinClipped { .. } | Self::WassersteinLipschitz { .. } => fake.mean() - real.mean(),
        }
    }

    /// The generator's loss `[1]` for the logits `[batch, 1]` of what it generated.
    pub fn generator(&self, fake: Tensor<2>) -> Tensor<1> {
        match self {
            Self::Minimax => log_sigmoid(-fake).mean(),
            Self::NonSaturating => -log_sigmoid(fake).mean(),
            Self::LeastSquares => (fake - 1.0).square().mean() * 0.5,
            Self::Hinge | Self::WassersteinClipped { .. } | Self::WassersteinLipschitz { .. } => -fake.mean(),
        }
    }

    /// Whether the discriminator aims at a value for each item, of which the best is known: see [`optimum`](Self::optimum).
    pub fn has_target(&self) -> bool {
        matches!(self, Self::Minimax | Self::NonSaturating | Self::LeastSquares)
    }

    /// What the discriminator says of an item with this logit: the probability that it is real, where there is one, else the logit.
    pub fn opinion(&self, logit: f64) -> f64 {
        match self {
            Self::Minimax | Self::NonSaturating => 1.0 / (1.0 + (-logit).exp()),
            _ => logit,
        }
    }

    /// The best opinion of an item where real items have density `p` and generated ones `q`: `(1 - s) p / (p + q)` with the smoothing
    /// `s` (Goodfellow et al. 2014, proposition 1; the same for least squares). `None` where the optimum is no function of the two.
    pub fn optimum(&self, p: f64, q: f64, smoothing: f64) -> Option<f64> {
        self.has_target().then(|| (1.0 - smoothing) * p / (p + q).max(f64::MIN_POSITIVE))
    }

    /// Refuses settings outside their range.
    pub(crate) fn validate(&self) -> Result<()> {
        match *self {
            Self::WassersteinClipped { clip } => require("fit.objective.clip", clip, clip > 0.0, "a number above 0"),
            Self::WassersteinLipschitz { weight } => {
                require("fit.objective.weight", weight, weight > 0.0, "a number above 0")
            }
            _ => Ok(()),
        }
    }
}
