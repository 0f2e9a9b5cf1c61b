//! Which optimiser, with which settings.

use serde::{Deserialize, Serialize};

use crate::{Error, Result, cli::suggest};

/// An optimiser and its settings; written in a configuration file as `{"optimizer": "adam", "beta1": 0.9}`.
///
/// A setting that is left out has PyTorch's default (`torch.optim`), so that results carry over. In the
/// rules below `θ` is the parameter, `g` its gradient (plus `weight_decay * θ`, unless said otherwise), `η` the learning
/// rate, `t = 1, 2, ...` the step; a letter on the left of `←` that stands on the right too is the last step's, 0 at first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "optimizer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adaptive subgradient method.
    Adagrad(Adagrad),
    /// Adagrad with a decaying window and no learning rate to set.
    Adadelta(Adadelta),
    /// Gradient divided by a running root of its mean square.
    #[serde(rename = "rmsprop")]
    RmsProp(RmsProp),
    /// Adaptive moments; weight decay is an L2 term of the gradient.
    Adam(Adam),
    /// Adam with weight decay decoupled from the gradient.
    #[serde(rename = "adamw")]
    AdamW(AdamW),
}

/// Stochastic gradient descent with optional (Nesterov) momentum.
///
/// ```text
/// b ← μ b + (1 - dampening) g        in the first step: b ← g
/// θ ← θ - η b                        Nesterov: θ ← θ - η (g + μ b)
/// ```
///
/// Polyak (1964) and Sutskever et al. (2013) put `η` inside the velocity, `v ← μ v - η g`; that is the same path while
/// `η` is constant, and another where it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// Momentum `μ`, 0 for none (default 0; 0.9 is the usual choice).
    pub momentum: f64,
    /// Share of the gradient kept out of the momentum (default 0).
    pub dampening: f64,
    /// Nesterov's momentum (default false); needs a momentum and no dampening.
    pub nesterov: bool,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// Adagrad (Duchi, Hazan and Singer 2011).
///
/// ```text
/// s ← s + g²
/// θ ← θ - η / (1 + (t - 1) λ) · g / (√s + ε)
/// ```
///
/// The paper has no decay `λ` and leaves its `δ` (here `ε`) open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adagrad {
    /// Decay `λ` of the learning rate (default 0).
    pub learning_rate_decay: f64,
    /// First value of the accumulator `s` (default 0).
    pub initial_accumulator: f64,
    /// `ε` (default 1e-10).
    pub epsilon: f64,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// Adadelta (Zeiler 2012).
///
/// ```text
/// s ← ρ s + (1 - ρ) g²
/// d = √(u + ε) / √(s + ε) · g
/// u ← ρ u + (1 - ρ) d²
/// θ ← θ - η d
/// ```
///
/// The paper's `ρ` is 0.95 and its `η` is 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adadelta {
    /// `ρ` (default 0.9; the paper: 0.95).
    pub rho: f64,
    /// `ε` (default 1e-6, as in the paper).
    pub epsilon: f64,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// RMSprop (Tieleman and Hinton 2012, lecture 6e), centred and with momentum as in Graves (2013).
///
/// ```text
/// s ← α s + (1 - α) g²
/// a ← α a + (1 - α) g                centred only
/// b ← μ b + g / (√(s - a²) + ε)      √s if not centred
/// θ ← θ - η b
/// ```
///
/// An `s - a²` that rounding makes negative counts as 0, where PyTorch gives NaN. Hinton's lecture uses `α` 0.9; Graves
/// `α` 0.95, `μ` 0.9 and `ε` 1e-4 inside the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// Smoothing `α` (default 0.99).
    pub alpha: f64,
    /// Momentum `μ`, 0 for none (default 0).
    pub momentum: f64,
    /// Divide by the standard deviation instead of the root mean square (default false).
    pub centered: bool,
    /// `ε` (default 1e-8).
    pub epsilon: f64,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// Adam (Kingma and Ba 2015, algorithm 1); the defaults are the paper's.
///
/// ```text
/// m ← β₁ m + (1 - β₁) g
/// v ← β₂ v + (1 - β₂) g²
/// θ ← θ - η · m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε)
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// `β₁` (default 0.9).
    pub beta1: f64,
    /// `β₂` (default 0.999).
    pub beta2: f64,
    /// `ε` (default 1e-8; Burn's own Adam has 1e-5).
    pub epsilon: f64,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// AdamW (Loshchilov and Hutter 2019, algorithm 2): `θ ← (1 - ηλ) θ`, then Adam's step.
///
/// The paper decays by `λ` times the schedule's factor alone, PyTorch (and this) by `λ` times the whole
/// learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// `β₁` (default 0.9).
    pub beta1: f64,
    /// `β₂` (default 0.999).
    pub beta2: f64,
    /// `ε` (default 1e-8).
    pub epsilon: f64,
    /// `λ` (default 0.01; Burn's own AdamW has 1e-4).
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl Default for Adagrad {
    fn default() -> Self {
        Self { learning_rate_decay: 0.0, initial_accumulator: 0.0, epsilon: 1e-10, weight_decay: 0.0 }
    }
}

impl Default for Adadelta {
    fn default() -> Self {
        Self { rho: 0.9, epsilon: 1e-6, weight_decay: 0.0 }
    }
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { alpha: 0.99, momentum: 0.0, centered: false, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

impl Default for OptimizerConfig {
    /// Adam.
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}

impl OptimizerConfig {
    /// Every name that [`FromStr`](std::str::FromStr) and configuration files accept.
    pub const NAMES: [&'static str; 6] = ["sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw"];

    /// The name in configuration files and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd(_) => "sgd",
            Self::Adagrad(_) => "adagrad",
            Self::Adadelta(_) => "adadelta",
            Self::RmsProp(_) => "rmsprop",
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adamw",
        }
    }

    /// PyTorch's default learning rate. The papers': Adadelta 1, Adam and AdamW 0.001; Hinton's lecture uses 0.001 for
    /// RMSprop, and for SGD and Adagrad there is none.
    pub fn default_learning_rate(&self) -> f64 {
        match self {
            Self::Sgd(_) | Self::Adam(_) | Self::AdamW(_) => 1e-3,
            Self::Adagrad(_) | Self::RmsProp(_) => 1e-2,
            Self::Adadelta(_) => 1.0,
        }
    }

    /// Refuses settings outside the range in which the rule is defined.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Sgd(c) => {
                self.require("momentum", c.momentum, c.momentum >= 0.0, "at least 0")?;
                self.require("dampening", c.dampening, (0.0..=1.0).contains(&c.dampening), "between 0 and 1")?;
                if c.nesterov && (c.momentum == 0.0 || c.dampening != 0.0) {
                    let found = format!("momentum {} and dampening {}", c.momentum, c.dampening);
                    return Err(Error::Config(format!(
                        "optimizer sgd: nesterov: found {found}; expected a momentum above 0 and dampening 0"
                    )));
                }
                self.common(c.weight_decay, None)
            }
            Self::Adagrad(c) => {
                let decay = c.learning_rate_decay;
                self.require("learning_rate_decay", decay, decay >= 0.0, "at least 0")?;
                let initial = c.initial_accumulator;
                self.require("initial_accumulator", initial, initial >= 0.0, "at least 0")?;
                self.common(c.weight_decay, Some(c.epsilon))
            }
            Self::Adadelta(c) => {
                self.share("rho", c.rho)?;
                self.common(c.weight_decay, Some(c.epsilon))
            }
            Self::RmsProp(c) => {
                self.share("alpha", c.alpha)?;
                self.require("momentum", c.momentum, c.momentum >= 0.0, "at least 0")?;
                self.common(c.weight_decay, Some(c.epsilon))
            }
            Self::Adam(Adam { beta1, beta2, epsilon, weight_decay })
            | Self::AdamW(AdamW { beta1, beta2, epsilon, weight_decay }) => {
                self.share("beta1", *beta1)?;
                self.share("beta2", *beta2)?;
                self.common(*weight_decay, Some(*epsilon))
            }
        }
    }

    /// Names of the tensors kept for each parameter, PyTorch's, in the order the update rules take them.
    pub(super) fn slots(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd(c) if c.momentum == 0.0 => &[],
            Self::Sgd(_) => &["momentum_buffer"],
            Self::Adagrad(_) => &["sum"],
            Self::Adadelta(_) => &["square_avg", "acc_delta"],
            Self::RmsProp(c) => match (c.centered, c.momentum > 0.0) {
                (false, false) => &["square_avg"],
                (false, true) => &["square_avg", "momentum_buffer"],
                (true, false) => &["square_avg", "grad_avg"],
                (true, true) => &["square_avg", "grad_avg", "momentum_buffer"],
            },
            Self::Adam(_) | Self::AdamW(_) => &["exp_avg", "exp_avg_sq"],
        }
    }

    /// What a fresh slot is filled with.
    pub(super) fn initial_slot(&self) -> f64 {
        match self {
            Self::Adagrad(c) => c.initial_accumulator,
            _ => 0.0,
        }
    }

    fn common(&self, weight_decay: f64, epsilon: Option<f64>) -> Result<()> {
        self.require("weight_decay", weight_decay, weight_decay >= 0.0, "at least 0")?;
        epsilon.map_or(Ok(()), |epsilon| self.require("epsilon", epsilon, epsilon >= 0.0, "at least 0"))
    }

    fn share(&self, setting: &str, value: f64) -> Result<()> {
        self.require(setting, value, (0.0..1.0).contains(&value), "at least 0 and below 1")
    }

    fn require(&self, setting: &str, found: f64, holds: bool, expected: &str) -> Result<()> {
        if holds && found.is_finite() {
            return Ok(());
        }
        Err(Error::Config(format!("optimizer {}: {setting}: found {found}; expected a number {expected}", self.name())))
    }
}

impl std::str::FromStr for OptimizerConfig {
    type Err = Error;

    /// The optimiser of that name with its default settings.
    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "sgd" => Self::Sgd(Sgd::default()),
            "adagrad" => Self::Adagrad(Adagrad::default()),
            "adadelta" => Self::Adadelta(Adadelta::default()),
            "rmsprop" => Self::RmsProp(RmsProp::default()),
            "adam" => Self::Adam(Adam::default()),
            "adamw" => Self::AdamW(AdamW::default()),
            _ => return Err(Error::Config(suggest::unknown("optimizer", name, &Self::NAMES))),
        })
    }
}
