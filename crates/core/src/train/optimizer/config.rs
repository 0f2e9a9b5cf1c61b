//! Which optimiser, with which settings.

use serde::{Deserialize, Serialize};

use crate::{Error, Result, cli::suggest};

/// An optimiser and its settings; written in a configuration file as `{"name": "adam", "beta1": 0.9}`.
///
/// A setting that is left out has PyTorch's default (`torch.optim`), so that results carry over. The rules below
/// write $g$ for the gradient (with weight decay added unless said otherwise), $\theta$ for the parameter, $\eta$ for
/// the learning rate, $t = 1, 2, \dots$ for the step; all operations are elementwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
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
/// $b_1 = g$, $b_t = \mu b_{t-1} + (1 - \text{dampening})\,g$, then $\theta \leftarrow \theta - \eta\,b_t$, or with
/// Nesterov's momentum $\theta \leftarrow \theta - \eta\,(g + \mu b_t)$.
///
/// Polyak (1964) and Sutskever et al. (2013) put $\eta$ inside the velocity, $v_t = \mu v_{t-1} - \eta g$; that is the
/// same path while $\eta$ is constant, and differs for one step where it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// Momentum $\mu$, 0 for none (default 0; 0.9 is the usual choice).
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
/// $s_t = s_{t-1} + g^2$, $\theta \leftarrow \theta - \frac{\eta}{1 + (t-1)\lambda}\,g / (\sqrt{s_t} + \epsilon)$.
/// The paper has no decay $\lambda$ and leaves its $\delta$ (here $\epsilon$) open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adagrad {
    /// Decay $\lambda$ of the learning rate (default 0).
    pub learning_rate_decay: f64,
    /// First value $s_0$ of the accumulator (default 0).
    pub initial_accumulator: f64,
    /// $\epsilon$ (default 1e-10).
    pub epsilon: f64,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// Adadelta (Zeiler 2012).
///
/// $s_t = \rho s_{t-1} + (1-\rho) g^2$, $d = g \sqrt{u_{t-1} + \epsilon} / \sqrt{s_t + \epsilon}$,
/// $u_t = \rho u_{t-1} + (1-\rho) d^2$, $\theta \leftarrow \theta - \eta d$. The paper's $\rho$ is 0.95 and its
/// $\eta$ is 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adadelta {
    /// $\rho$ (default 0.9; the paper: 0.95).
    pub rho: f64,
    /// $\epsilon$ (default 1e-6, as in the paper).
    pub epsilon: f64,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// RMSprop (Tieleman and Hinton 2012, lecture 6e), centred and with momentum as in Graves (2013).
///
/// $s_t = \alpha s_{t-1} + (1-\alpha) g^2$, $n = g / (\sqrt{s_t} + \epsilon)$, $b_t = \mu b_{t-1} + n$,
/// $\theta \leftarrow \theta - \eta b_t$. Centred: $a_t = \alpha a_{t-1} + (1-\alpha) g$ and $\sqrt{s_t - a_t^2}$ in
/// place of $\sqrt{s_t}$ (a difference that rounding makes negative counts as zero, where PyTorch gives NaN).
///
/// Hinton's lecture uses $\alpha = 0.9$; Graves $\alpha = 0.95$, $\mu = 0.9$ and $\epsilon = 10^{-4}$ inside the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// Smoothing $\alpha$ (default 0.99).
    pub alpha: f64,
    /// Momentum $\mu$, 0 for none (default 0).
    pub momentum: f64,
    /// Divide by the standard deviation instead of the root mean square (default false).
    pub centered: bool,
    /// $\epsilon$ (default 1e-8).
    pub epsilon: f64,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// Adam (Kingma and Ba 2015, algorithm 1); the defaults are the paper's.
///
/// $m_t = \beta_1 m_{t-1} + (1-\beta_1) g$, $v_t = \beta_2 v_{t-1} + (1-\beta_2) g^2$,
/// $\theta \leftarrow \theta - \eta\,\frac{m_t}{1-\beta_1^t} / \bigl(\sqrt{v_t / (1-\beta_2^t)} + \epsilon\bigr)$.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// $\beta_1$ (default 0.9).
    pub beta1: f64,
    /// $\beta_2$ (default 0.999).
    pub beta2: f64,
    /// $\epsilon$ (default 1e-8; Burn's own Adam has 1e-5).
    pub epsilon: f64,
    /// Factor of the parameter added to its gradient (default 0).
    pub weight_decay: f64,
}

/// AdamW (Loshchilov and Hutter 2019, algorithm 2): $\theta \leftarrow (1 - \eta\lambda)\theta$, then Adam's step.
///
/// The paper decays by $\lambda$ times the schedule's factor alone, PyTorch (and this) by $\lambda$ times the whole
/// learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// $\beta_1$ (default 0.9).
    pub beta1: f64,
    /// $\beta_2$ (default 0.999).
    pub beta2: f64,
    /// $\epsilon$ (default 1e-8).
    pub epsilon: f64,
    /// $\lambda$ (default 0.01; Burn's own AdamW has 1e-4).
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
