//! Long short-term memory whose gates see the cell.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ognivo_kernels::{Peephole, PeepholeGates, Walk};

use super::config::{PeepholeKind, PeepholeLstmConfig};
use super::lstm::{Lstm, spread};
use super::weights::uniform;
use super::{Recurrent, State};

/// Long short-term memory with peepholes (Gers and Schmidhuber 2000): to what gates of [`Lstm`] are a function of, is added
///
/// ```text
/// P_i c_{t-1} to the input gate    P_f c_{t-1} to the forget gate    P_o c_t to the output gate
/// ```
///
/// for any subset of the gates. `P` are dense matrices in the lecture (`W [C, h, x]`), diagonal ones in Gers et al. 2002, in
/// Greff et al. 2015 and in ONNX.
#[derive(Module, Debug)]
pub struct PeepholeLstm {
    /// What it has of an LSTM.
    pub lstm: Lstm,
    /// `P` of the gates that have it, in the order `i f o`: `[gates * hidden, hidden]` dense, `[gates, hidden]` diagonal.
    pub weight_ch: Param<Tensor<2>>,
    #[module(skip)]
    kind: PeepholeKind,
    #[module(skip)]
    gates: PeepholeGates,
}

impl PeepholeLstm {
    pub(super) fn init(config: &PeepholeLstmConfig, input: usize, hidden: usize, device: &Device) -> Self {
        let rows = config.peepholes() * config.peephole.rows(hidden);
        Self {
            lstm: Lstm::init(&config.lstm(), input, hidden, device),
            weight_ch: uniform([rows, hidden], hidden, device),
            kind: config.peephole,
            gates: config.seeing(),
        }
    }

    pub(super) fn parameters(config: &PeepholeLstmConfig, input: usize, hidden: usize) -> usize {
        let rows = config.peepholes() * config.peephole.rows(hidden);
        Lstm::parameters(&config.lstm(), input, hidden) + rows * hidden
    }
}

impl Recurrent for PeepholeLstm {
    fn hidden(&self) -> usize {
        self.lstm.hidden()
    }

    fn zero_state(&self, batch: usize, device: &Device) -> State {
        self.lstm.zero_state(batch, device)
    }

    fn forward(&self, x: Tensor<3>, state: State, walk: &Walk) -> (Tensor<3>, State) {
        self.lstm.run(x, state, Some(self.peephole()), walk)
    }
}

impl PeepholeLstm {
    fn peephole(&self) -> Peephole {
        let PeepholeGates { input, forget, output } = self.gates;
        let weight = spread(self.weight_ch.val(), [input, forget, output], self.kind.rows(self.hidden()));
        Peephole { weight, gates: self.gates }
    }

    #[cfg(feature = "flex")]
    pub(super) fn parts(&self) -> Option<super::stepping::Parts> {
        self.lstm.parts(Some(self.peephole()))
    }
}
