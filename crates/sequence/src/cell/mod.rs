//! Recurrent cells: the simple recurrent network, long short-term memory with and without peepholes, the gated recurrent unit.
//!
//! Sequences are time-major, `[time, batch, features]`. A cell takes all inputs of a sequence at once: one matrix product
//! gives what they contribute to every step, and the recurrence is an operation of `ognivo-kernels`.
//!
//! | name | formula | defaults |
//! |---|---|---|
//! | `rnn` | [`Rnn`] | the lecture's: tanh, no biases |
//! | `lstm` | [`Lstm`] | the lecture's: one bias per gate |
//! | `peephole-lstm` | [`PeepholeLstm`] | the lecture's: dense peepholes to all three gates |
//! | `gru` | [`Gru`] | the lecture's: reset before the product, `h = (1-z) h + z n`, no biases |
//!
//! What differs in PyTorch and ONNX are options of the same cells ([`RnnConfig::pytorch`], [`LstmConfig::pytorch`],
//! [`GruConfig::pytorch`], [`GruConfig::onnx`]). Weights have PyTorch's layout and order of gates everywhere, and PyTorch's
//! names in files.
//!
//! Reading order: [`config`], `weights`, then the cells from the shortest: `rnn`, `gru`, `lstm`, `peephole`; `full_gate` is a
//! variant of the latter two. [`stack`] puts cells on top of each other and side by side. [`convert`], [`pytorch`] and [`onnx`]
//! bring weights from one convention to another.

pub mod config;
pub mod convert;
mod dropout;
mod full_gate;
mod gru;
mod lstm;
pub mod onnx;
mod peephole;
pub mod pytorch;
mod rnn;
pub mod stack;
mod state;
#[cfg(feature = "flex")]
mod stepping;
mod weights;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ognivo_kernels::Walk;

pub use config::{Biases, CellConfig, GruConfig, LstmConfig, PeepholeKind, PeepholeLstmConfig, RnnConfig, Variant};
pub use dropout::dropout;
pub use gru::Gru;
pub use lstm::Lstm;
pub use peephole::PeepholeLstm;
pub use rnn::Rnn;
pub use stack::{Stack, StackConfig};
pub use state::State;
#[cfg(feature = "flex")]
pub use stepping::Stepping;
#[cfg(feature = "flex")]
pub(crate) use stepping::numbers;
pub use weights::Weights;

/// What every cell does.
pub trait Recurrent: Module {
    /// The size of the hidden state, which is the output.
    fn hidden(&self) -> usize;

    /// The state of all zeros for so many sequences.
    fn zero_state(&self, batch: usize, device: &Device) -> State;

    /// Whole sequences: from `x` `[time, batch, input]` and the state before the first step to the outputs
    /// `[time, batch, hidden]` and the state after the last step.
    ///
    /// # Panics
    /// When sizes do not fit each other.
    fn forward(&self, x: Tensor<3>, state: State, walk: &Walk) -> (Tensor<3>, State);

    /// One step: from `x` `[batch, input]` and the state before it to the state after it, whose `hidden` is the output.
    ///
    /// # Panics
    /// When sizes do not fit each other.
    fn step(&self, x: Tensor<2>, state: State) -> State {
        self.forward(x.unsqueeze_dim(0), state, &Walk::default()).1
    }
}

/// A cell of any kind; made by [`CellConfig::init`].
#[derive(Module, Debug)]
pub enum Cell {
    /// Simple recurrent network.
    Rnn(Rnn),
    /// Long short-term memory.
    Lstm(Lstm),
    /// Long short-term memory with peepholes.
    PeepholeLstm(PeepholeLstm),
    /// Gated recurrent unit.
    Gru(Gru),
}

impl Recurrent for Cell {
    fn hidden(&self) -> usize {
        match self {
            Self::Rnn(cell) => cell.hidden(),
            Self::Lstm(cell) => cell.hidden(),
            Self::PeepholeLstm(cell) => cell.hidden(),
            Self::Gru(cell) => cell.hidden(),
        }
    }

    fn zero_state(&self, batch: usize, device: &Device) -> State {
        match self {
            Self::Rnn(cell) => cell.zero_state(batch, device),
            Self::Lstm(cell) => cell.zero_state(batch, device),
            Self::PeepholeLstm(cell) => cell.zero_state(batch, device),
            Self::Gru(cell) => cell.zero_state(batch, device),
        }
    }

    fn forward(&self, x: Tensor<3>, state: State, walk: &Walk) -> (Tensor<3>, State) {
        match self {
            Self::Rnn(cell) => cell.forward(x, state, walk),
            Self::Lstm(cell) => cell.forward(x, state, walk),
            Self::PeepholeLstm(cell) => cell.forward(x, state, walk),
            Self::Gru(cell) => cell.forward(x, state, walk),
        }
    }
}

#[cfg(feature = "flex")]
impl Cell {
    fn device(&self) -> Device {
        let weights = match self {
            Self::Rnn(cell) => &cell.weights,
            Self::Lstm(cell) => &cell.weights,
            Self::PeepholeLstm(cell) => &cell.lstm.weights,
            Self::Gru(cell) => &cell.weights,
        };
        weights.weight_hh.val().device()
    }

    /// What one step on plain numbers needs; `None` where there is no such step.
    fn parts(&self) -> Option<stepping::Parts> {
        match self {
            Self::Rnn(cell) => Some(cell.parts()),
            Self::Lstm(cell) => cell.parts(None),
            Self::PeepholeLstm(cell) => cell.parts(),
            Self::Gru(cell) => Some(cell.parts()),
        }
    }
}
