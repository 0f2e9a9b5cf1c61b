//! The simple recurrent network: `h_t = s(U x_t + W h_{t-1})`.

#[cfg(feature = "flex")]
mod kernel;

#[cfg(feature = "flex")]
pub(super) use kernel::activate;

use burn::tensor::{Tensor, activation};

use super::unroll::{Walk, unroll};
#[cfg(feature = "flex")]
use crate::flex::runs_kernel;

/// The function that follows the sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Hyperbolic tangent.
    #[default]
    Tanh,
    /// `max(0, x)`.
    Relu,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// `x`.
    Identity,
}

impl Activation {
    pub(super) fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Tanh => activation::tanh(x),
            Self::Relu => activation::relu(x),
            Self::Sigmoid => activation::sigmoid(x),
            Self::Identity => x,
        }
    }
}

/// A simple recurrent network (Elman 1990) over whole sequences: `h_t = s(projected_t + W h_{t-1})`.
///
/// `projected` `[time, batch, hidden]` is `U x + b`; `recurrent` `[hidden, hidden]` is `W`; `hidden` `[batch, hidden]` the
/// state before the first step. Returns the outputs `[time, batch, hidden]` and the state after the last step.
///
/// # Panics
/// When sizes do not fit each other.
pub fn rnn(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    hidden: Tensor<2>,
    activation: Activation,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>) {
    check(&projected, &recurrent, &hidden, walk);
    #[cfg(feature = "flex")]
    if runs_kernel(&projected) {
        return kernel::rnn(projected, recurrent, hidden, activation, walk);
    }
    rnn_reference(projected, recurrent, hidden, activation, walk)
}

/// [`rnn`] by Burn's operations.
///
/// # Panics
/// As [`rnn`].
pub fn rnn_reference(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    hidden: Tensor<2>,
    activation: Activation,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>) {
    check(&projected, &recurrent, &hidden, walk);
    let recurrent = recurrent.transpose();
    let (outputs, [hidden]) = unroll(projected, [hidden], walk, |input, [hidden]| {
        [activation.apply(input + walk.masked(hidden).matmul(recurrent.clone()))]
    });
    (outputs, hidden)
}

fn check(projected: &Tensor<3>, recurrent: &Tensor<2>, hidden: &Tensor<2>, walk: &Walk) {
    let [time, batch, units] = projected.dims();
    assert!(time > 0 && batch > 0 && units > 0, "an empty batch of sequences: {:?}", projected.dims());
    assert_eq!(recurrent.dims(), [units, units], "the recurrent weight of an RNN");
    assert_eq!(hidden.dims(), [batch, units], "the initial state");
    walk.check(time, batch, units);
}
