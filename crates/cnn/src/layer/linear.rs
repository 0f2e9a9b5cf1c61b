//! Fully connected layer.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::Initialisation;
use crate::{Error, Result};

/// How a [`Linear`] layer is built.
#[derive(Config, Debug, PartialEq)]
pub struct LinearConfig {
    /// Features in.
    pub inputs: usize,
    /// Features out.
    pub outputs: usize,
    /// Whether `b` exists.
    #[config(default = true)]
    pub bias: bool,
    /// How the weights start.
    #[config(default = "Initialisation::PytorchDefault")]
    pub initialisation: Initialisation,
}

/// The fully connected layer, `y[m] = b[m] + sum over n of x[n] * w[n, m]`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `w`: `[inputs, outputs]`, the transpose of PyTorch's `Linear.weight`.
    pub weight: Param<Tensor<2>>,
    /// `b`: `[outputs]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl LinearConfig {
    /// Draws the weights.
    ///
    /// # Errors
    /// No inputs or no outputs.
    pub fn init(&self, device: &Device) -> Result<Linear> {
        let Self { inputs, outputs, bias, initialisation } = *self;
        if inputs == 0 || outputs == 0 {
            return Err(Error::layer("linear", format!("{inputs} inputs, {outputs} outputs"), "at least 1 of each"));
        }
        Ok(Linear {
            weight: initialisation.weight([inputs, outputs], inputs, device),
            bias: bias.then(|| initialisation.bias(outputs, inputs, device)),
        })
    }
}

impl Linear {
    /// `[batch, inputs]` to `[batch, outputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        ognivo_kernels::linear(x, self.weight.val(), self.bias.as_ref().map(Param::val))
    }
}
