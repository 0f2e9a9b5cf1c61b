//! The gated recurrent unit.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ognivo_kernels::{GruForm, Reset, Walk};

use super::config::GruConfig;
use super::weights::{Weights, project};
use super::{Recurrent, State};

/// The gated recurrent unit (Cho et al. 2014). The lecture's form:
///
/// ```text
/// r = s(U_r x + W_r h)    z = s(U_z x + W_z h)    n = tanh(U_n x + W_n (r * h))    h = (1 - z) * h + z * n
/// ```
///
/// With [`Reset::After`], `n = tanh(U_n x + r * (W_n h + b_n))`; with [`Update::State`](ognivo_kernels::Update),
/// `h = (1 - z) * n + z * h`: PyTorch has both. Rows of the weights are in the order `r z n`.
#[derive(Module, Debug)]
pub struct Gru {
    /// `U` and `W`.
    pub weights: Weights,
    #[module(skip)]
    form: GruForm,
}

impl Gru {
    pub(super) fn init(config: &GruConfig, input: usize, hidden: usize, device: &Device) -> Self {
        let form = GruForm { reset: config.reset, update: config.update };
        Self { weights: Weights::init(input, hidden, 3, config.bias, device), form }
    }

    /// What the projection adds, and what [`Reset::After`] multiplies by the reset gate.
    fn biases(&self) -> (Option<Tensor<1>>, Option<Tensor<1>>) {
        let units = self.hidden();
        match (self.form.reset, &self.weights.bias_hh) {
            (Reset::After, Some(recurrent)) => {
                let recurrent = recurrent.val();
                let of_gates = recurrent.clone().slice(0..2 * units);
                let of_gates = Tensor::cat(vec![of_gates, Tensor::zeros([units], &recurrent.device())], 0);
                let bias = self.weights.bias_ih.as_ref().map(Param::val);
                (bias.map(|bias| bias + of_gates), Some(recurrent.slice(2 * units..3 * units)))
            }
            _ => (self.weights.bias(), None),
        }
    }
}

impl Recurrent for Gru {
    fn hidden(&self) -> usize {
        self.weights.hidden()
    }

    fn zero_state(&self, batch: usize, device: &Device) -> State {
        State::zeros(batch, self.hidden(), device)
    }

    fn forward(&self, x: Tensor<3>, state: State, walk: &Walk) -> (Tensor<3>, State) {
        let (bias, recurrent_bias) = self.biases();
        let projected = project(x, self.weights.weight_ih.val(), bias);
        let (outputs, hidden) =
            ognivo_kernels::gru(projected, self.weights.weight_hh.val(), recurrent_bias, state.hidden, self.form, walk);
        (outputs, State { hidden, cell: None, gates: None })
    }
}

#[cfg(feature = "flex")]
impl Gru {
    pub(super) fn parts(&self) -> super::stepping::Parts {
        let (bias, recurrent_bias) = self.biases();
        let recurrent_bias = recurrent_bias.map(super::numbers).unwrap_or_default();
        super::stepping::Parts {
            kind: ognivo_kernels::StepKind::Gru { form: self.form, recurrent_bias },
            input: self.weights.weight_ih.val(),
            recurrent: self.weights.weight_hh.val(),
            bias,
        }
    }
}
