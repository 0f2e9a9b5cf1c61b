//! The matrices and biases that every cell has.

use burn::module::{Module, Param};
use burn::tensor::{Device, Distribution, Tensor};

use super::config::Biases;

/// The weights of the inputs and of the hidden state, for all gates joined, with PyTorch's names and layouts.
///
/// They start uniform on `(-1, 1) / sqrt(hidden)`, as PyTorch's do.
#[derive(Module, Debug)]
pub struct Weights {
    /// `U`: `[gates * hidden, input]`.
    pub weight_ih: Param<Tensor<2>>,
    /// `W`: `[gates * hidden, hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `b`: `[gates * hidden]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// A second bias, added to the product with the hidden state: `[gates * hidden]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
}

impl Weights {
    /// Draws them from the device's random state.
    pub(super) fn init(input: usize, hidden: usize, gates: usize, biases: Biases, device: &Device) -> Self {
        let rows = gates * hidden;
        Self {
            weight_ih: uniform([rows, input], hidden, device),
            weight_hh: uniform([rows, hidden], hidden, device),
            bias_ih: (biases != Biases::None).then(|| uniform([rows], hidden, device)),
            bias_hh: (biases == Biases::Two).then(|| uniform([rows], hidden, device)),
        }
    }

    /// How many numbers they are.
    pub(super) fn parameters(input: usize, hidden: usize, gates: usize, biases: Biases) -> usize {
        gates * hidden * (input + hidden + biases.count())
    }

    pub(super) fn hidden(&self) -> usize {
        self.weight_hh.dims()[1]
    }

    /// Both biases in one.
    pub(crate) fn bias(&self) -> Option<Tensor<1>> {
        let biases = [&self.bias_ih, &self.bias_hh];
        biases.into_iter().flatten().map(Param::val).reduce(|sum, bias| sum + bias)
    }
}

/// A parameter uniform on `(-1, 1) / sqrt(hidden)`, drawn now: a parameter that is drawn at its first use would depend on the
/// order of uses.
pub(super) fn uniform<const D: usize>(shape: [usize; D], hidden: usize, device: &Device) -> Param<Tensor<D>> {
    let bound = 1.0 / (hidden as f64).sqrt();
    Param::from_tensor(Tensor::random(shape, Distribution::Uniform(-bound, bound), device))
}

/// `x W^T + b` for every step: `[time, batch, input]` to `[time, batch, rows]`, in one product.
pub(super) fn project(x: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    let [time, batch, input] = x.dims();
    let [rows, columns] = weight.dims();
    assert_eq!(input, columns, "features of the input");
    ognivo_kernels::linear(x.reshape([time * batch, input]), weight.transpose(), bias).reshape([time, batch, rows])
}
