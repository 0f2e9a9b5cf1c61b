//! The simple recurrent network.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ognivo_kernels::{Activation, Walk};

use super::config::RnnConfig;
use super::weights::{Weights, project};
use super::{Recurrent, State};

/// The simple recurrent network (Elman 1990): `h_t = s(U x_t + W h_{t-1})`, and `+ b` if there are biases. The lecture's output
/// `y_t = s_y(V h_t)` is a dense layer after it.
#[derive(Module, Debug)]
pub struct Rnn {
    /// `U` and `W`.
    pub weights: Weights,
    #[module(skip)]
    activation: Activation,
}

impl Rnn {
    pub(super) fn init(config: &RnnConfig, input: usize, hidden: usize, device: &Device) -> Self {
        Self { weights: Weights::init(input, hidden, 1, config.bias, device), activation: config.activation }
    }

    /// The function after the sum.
    pub fn activation(&self) -> Activation {
        self.activation
    }
}

impl Recurrent for Rnn {
    fn hidden(&self) -> usize {
        self.weights.hidden()
    }

    fn zero_state(&self, batch: usize, device: &Device) -> State {
        State::zeros(batch, self.hidden(), device)
    }

    fn forward(&self, x: Tensor<3>, state: State, walk: &Walk) -> (Tensor<3>, State) {
        let projected = project(x, self.weights.weight_ih.val(), self.weights.bias());
        let (outputs, hidden) =
            ognivo_kernels::rnn(projected, self.weights.weight_hh.val(), state.hidden, self.activation, walk);
        (outputs, State { hidden, cell: None, gates: None })
    }
}

#[cfg(feature = "flex")]
impl Rnn {
    pub(super) fn parts(&self) -> super::stepping::Parts {
        super::stepping::Parts {
            kind: ognivo_kernels::StepKind::Rnn(self.activation),
            input: self.weights.weight_ih.val(),
            recurrent: self.weights.weight_hh.val(),
            bias: self.weights.bias(),
        }
    }
}
