//! Which cell, with which settings.

use std::str::FromStr;

use burn::tensor::Device;
use ognivo_core::cli::{config, suggest};
use ognivo_kernels::{Activation, PeepholeGates, Reset, Update};
use serde::{Deserialize, Serialize};

use super::lstm::Lstm;
use super::weights::Weights;
use super::{Cell, Gru, PeepholeLstm, Rnn};
use crate::{Error, Result};

/// Which cell, with its settings: in JSON `{"cell": "lstm", "forget_bias": 1}`. Settings left out have their defaults, which are
/// the lecture's; an unknown one is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cell", rename_all = "kebab-case")]
pub enum CellConfig {
    /// Simple recurrent network.
    Rnn(RnnConfig),
    /// Long short-term memory.
    Lstm(LstmConfig),
    /// Long short-term memory with peepholes.
    PeepholeLstm(PeepholeLstmConfig),
    /// Gated recurrent unit.
    Gru(GruConfig),
}

/// Settings of [`Rnn`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RnnConfig {
    /// The function after the sum (default tanh): `tanh`, `relu`, `sigmoid`, `identity`.
    #[serde(with = "remote::Activation")]
    pub activation: Activation,
    /// Biases (default none).
    pub bias: Biases,
}

/// Settings of [`Lstm`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LstmConfig {
    /// Biases (default one per gate).
    pub bias: Biases,
    /// What the forget gate's bias starts from (default: drawn like every weight); 1 lets an untrained cell remember (Gers et al.
    /// 2000; Jozefowicz et al. 2015).
    pub forget_bias: Option<f64>,
    /// What is taken away from the cell, or added (default: nothing).
    pub variant: Variant,
}

/// Settings of [`PeepholeLstm`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeepholeLstmConfig {
    /// Whether the matrices from the cell to the gates are dense (default) or diagonal.
    pub peephole: PeepholeKind,
    /// The gates that see the cell (default all that the variant has), as in `{"input": false}`.
    #[serde(with = "remote::PeepholeGates")]
    pub gates: PeepholeGates,
    /// Biases (default one per gate).
    pub bias: Biases,
    /// What the forget gate's bias starts from (default: drawn like every weight).
    pub forget_bias: Option<f64>,
    /// What is taken away from the cell, or added (default: nothing).
    pub variant: Variant,
}

/// Settings of [`Gru`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GruConfig {
    /// Where the reset gate acts: `before` the product (default), `after` it (PyTorch).
    #[serde(with = "remote::Reset")]
    pub reset: Reset,
    /// What the update gate weighs: the `candidate` (default), the `state` (PyTorch, ONNX).
    #[serde(with = "remote::Update")]
    pub update: Update,
    /// Biases (default none).
    pub bias: Biases,
}

/// The biases of each gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Biases {
    /// No bias.
    None,
    /// One, `bias_ih`.
    One,
    /// One for the inputs, `bias_ih`, and one for the hidden state, `bias_hh`, as in PyTorch and ONNX. They matter as their sum
    /// alone, except in a GRU with the reset after the product.
    Two,
}

/// The matrices from the cell to the gates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeepholeKind {
    /// Every unit's gates see all cells: the lecture's `W [C, h, x]`.
    #[default]
    Dense,
    /// They see their own cell alone (Gers et al. 2002, ONNX).
    Diagonal,
}

/// The variants of Greff et al. 2015, "LSTM: a search space odyssey", section 3. Theirs are of a cell with diagonal peepholes;
/// their "no peepholes" is the cell `lstm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// All parts there.
    #[default]
    Standard,
    /// NIG: `i = 1`.
    NoInputGate,
    /// NFG: `f = 1`.
    NoForgetGate,
    /// NOG: `o = 1`.
    NoOutputGate,
    /// NIAF: `g` without tanh.
    NoInputActivation,
    /// NOAF: `h = o * c`.
    NoOutputActivation,
    /// CIFG: `f = 1 - i`.
    CoupledGates,
    /// FGR: every gate also sees all three gates of the step before.
    FullGateRecurrence,
}

impl Default for RnnConfig {
    fn default() -> Self {
        Self { activation: Activation::Tanh, bias: Biases::None }
    }
}

impl Default for LstmConfig {
    fn default() -> Self {
        Self { bias: Biases::One, forget_bias: None, variant: Variant::Standard }
    }
}

impl Default for PeepholeLstmConfig {
    fn default() -> Self {
        let LstmConfig { bias, forget_bias, variant } = LstmConfig::default();
        Self { peephole: PeepholeKind::Dense, gates: PeepholeGates::ALL, bias, forget_bias, variant }
    }
}

impl Default for GruConfig {
    fn default() -> Self {
        Self { reset: Reset::Before, update: Update::Candidate, bias: Biases::None }
    }
}

impl RnnConfig {
    /// PyTorch's `nn.RNN`: two biases.
    pub fn pytorch() -> Self {
        Self { bias: Biases::Two, ..Self::default() }
    }
}

impl LstmConfig {
    /// PyTorch's `nn.LSTM`: two biases.
    pub fn pytorch() -> Self {
        Self { bias: Biases::Two, ..Self::default() }
    }
}

impl PeepholeLstmConfig {
    /// ONNX's `LSTM` with an input `P`: diagonal peepholes, two biases.
    pub fn onnx() -> Self {
        Self { peephole: PeepholeKind::Diagonal, bias: Biases::Two, ..Self::default() }
    }

    /// What it has of an LSTM.
    pub(super) fn lstm(&self) -> LstmConfig {
        LstmConfig { bias: self.bias, forget_bias: self.forget_bias, variant: self.variant }
    }

    /// The gates that see the cell: those asked for that this variant has.
    pub(super) fn seeing(&self) -> PeepholeGates {
        let [input, forget, _, output] = self.variant.blocks();
        let asked = self.gates;
        PeepholeGates { input: asked.input && input, forget: asked.forget && forget, output: asked.output && output }
    }

    /// How many gates see the cell.
    pub(super) fn peepholes(&self) -> usize {
        let PeepholeGates { input, forget, output } = self.seeing();
        [input, forget, output].into_iter().filter(|&present| present).count()
    }
}

impl GruConfig {
    /// PyTorch's `nn.GRU`: reset after the product, the update gate weighs the state, two biases.
    pub fn pytorch() -> Self {
        Self { reset: Reset::After, update: Update::State, bias: Biases::Two }
    }

    /// ONNX's `GRU` with its default `linear_before_reset = 0`: reset before the product, the update gate weighs the state, two
    /// biases.
    pub fn onnx() -> Self {
        Self { reset: Reset::Before, update: Update::State, bias: Biases::Two }
    }
}

impl PeepholeKind {
    /// Rows of a gate's weight.
    pub(super) fn rows(self, hidden: usize) -> usize {
        match self {
            Self::Dense => hidden,
            Self::Diagonal => 1,
        }
    }
}

impl Default for CellConfig {
    fn default() -> Self {
        Self::Lstm(LstmConfig::default())
    }
}

impl FromStr for CellConfig {
    type Err = Error;

    /// Reads a name, and settings after colons: `gru`, `lstm:forget_bias=1`, `peephole-lstm:peephole=diagonal:gates.input=false`.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(':');
        let default = match parts.next().unwrap_or_default() {
            "rnn" => Self::Rnn(RnnConfig::default()),
            "lstm" => Self::Lstm(LstmConfig::default()),
            "peephole-lstm" => Self::PeepholeLstm(PeepholeLstmConfig::default()),
            "gru" => Self::Gru(GruConfig::default()),
            other => return Err(ognivo_core::Error::Config(suggest::unknown("cell", other, &Self::NAMES)).into()),
        };
        let mut overlay = serde_json::json!({});
        for setting in parts {
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                let example = "key=value, as in lstm:forget_bias=1";
                ognivo_core::Error::Config(format!("cell {text}: found {setting}; expected {example}"))
            })?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            config::set(&mut overlay, key, value)?;
        }
        Ok(config::resolve(&default, &[overlay])?)
    }
}

impl CellConfig {
    /// The names of the cells.
    pub const NAMES: [&str; 4] = ["rnn", "lstm", "peephole-lstm", "gru"];

    /// The cell's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rnn(_) => "rnn",
            Self::Lstm(_) => "lstm",
            Self::PeepholeLstm(_) => "peephole-lstm",
            Self::Gru(_) => "gru",
        }
    }

    /// Checks the settings against each other.
    ///
    /// # Errors
    /// A setting that contradicts another, by its key.
    pub fn validate(&self) -> Result<()> {
        let (lstm, peephole) = match self {
            Self::Rnn(_) | Self::Gru(_) => return Ok(()),
            Self::Lstm(config) => (*config, None),
            Self::PeepholeLstm(config) => (config.lstm(), Some(config)),
        };
        if let Some(bias) = lstm.forget_bias {
            if !bias.is_finite() {
                return Err(Error::setting("forget_bias", bias, "a number"));
            }
            if lstm.bias == Biases::None {
                return Err(Error::setting("forget_bias", bias, "none, as `bias` is none"));
            }
            if !lstm.variant.blocks()[1] {
                return Err(Error::setting("forget_bias", bias, "none, as this variant has no forget gate of its own"));
            }
        }
        if peephole.is_some_and(|config| config.peepholes() == 0) {
            return Err(Error::setting(
                "gates",
                "no gate that exists",
                "at least one; without peepholes the cell is `lstm`",
            ));
        }
        Ok(())
    }

    /// Makes a cell, drawing its weights from the device's random state: the same seed gives the same cell.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, input: usize, hidden: usize, device: &Device) -> Result<Cell> {
        self.validate()?;
        Ok(match self {
            Self::Rnn(config) => Cell::Rnn(Rnn::init(config, input, hidden, device)),
            Self::Lstm(config) => Cell::Lstm(Lstm::init(config, input, hidden, device)),
            Self::PeepholeLstm(config) => Cell::PeepholeLstm(PeepholeLstm::init(config, input, hidden, device)),
            Self::Gru(config) => Cell::Gru(Gru::init(config, input, hidden, device)),
        })
    }

    /// How many numbers a cell of this kind learns.
    pub fn parameters(&self, input: usize, hidden: usize) -> usize {
        match self {
            Self::Rnn(config) => Weights::parameters(input, hidden, 1, config.bias),
            Self::Lstm(config) => Lstm::parameters(config, input, hidden),
            Self::PeepholeLstm(config) => PeepholeLstm::parameters(config, input, hidden),
            Self::Gru(config) => Weights::parameters(input, hidden, 3, config.bias),
        }
    }

    /// Blocks of rows in the weights.
    pub(super) fn gates(&self) -> usize {
        let of = |variant: Variant| variant.blocks().into_iter().filter(|&present| present).count();
        match self {
            Self::Rnn(_) => 1,
            Self::Lstm(config) => of(config.variant),
            Self::PeepholeLstm(config) => of(config.variant),
            Self::Gru(_) => 3,
        }
    }

    /// Whether it is a GRU whose reset gate multiplies a bias.
    pub(super) fn resets_after(&self) -> bool {
        matches!(self, Self::Gru(GruConfig { reset: Reset::After, .. }))
    }

    /// Whether the state has a memory cell beside the hidden state.
    pub(super) fn has_cell(&self) -> bool {
        matches!(self, Self::Lstm(_) | Self::PeepholeLstm(_))
    }
}

/// The kernels' options as they stand in a configuration.
mod remote {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "ognivo_kernels::Activation", rename_all = "kebab-case")]
    pub(super) enum Activation {
        Tanh,
        Relu,
        Sigmoid,
        Identity,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "ognivo_kernels::Reset", rename_all = "kebab-case")]
    pub(super) enum Reset {
        Before,
        After,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "ognivo_kernels::Update", rename_all = "kebab-case")]
    pub(super) enum Update {
        Candidate,
        State,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "ognivo_kernels::PeepholeGates", deny_unknown_fields)]
    pub(super) struct PeepholeGates {
        #[serde(default = "yes")]
        input: bool,
        #[serde(default = "yes")]
        forget: bool,
        #[serde(default = "yes")]
        output: bool,
    }

    fn yes() -> bool {
        true
    }
}
