//! Transposed convolutional layer.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, ops::ConvTransposeOptions};

use super::Initialisation;
use crate::{Error, Result};

/// How a [`TransposedConvolution`] is built.
#[derive(Config, Debug, PartialEq)]
pub struct TransposedConvolutionConfig {
    /// `[channels_in, channels_out]`.
    pub channels: [usize; 2],
    /// `[height, width]` of the window.
    pub kernel: [usize; 2],
    /// Distance, down and right, between the places of neighbouring inputs in the output.
    #[config(default = "[1, 1]")]
    pub stride: [usize; 2],
    /// Rows and columns cut off every side of the output.
    #[config(default = "[0, 0]")]
    pub padding: [usize; 2],
    /// Whether `b` exists. Off where a batch normalisation follows: its own shift does the same.
    #[config(default = true)]
    pub bias: bool,
    /// How the weights start.
    #[config(default = "Initialisation::PytorchDefault")]
    pub initialisation: Initialisation,
}

/// The transposed convolution, PyTorch's `ConvTranspose2d`: each input value lays the window, scaled by it, over the output,
///
/// `y[e, s i + a - p, s' j + c - p'] += w[d, e, a, c] * x[d, i, j]`, and `b[e]` is added once,
///
/// for strides `s, s'` and padding `p, p'`. The output is `(n - 1) s - 2 p + k` long for an input of length `n`: a window of 4, stride 2
/// and padding 1 double it.
#[derive(Module, Debug)]
pub struct TransposedConvolution {
    /// `w`: `[channels_in, channels_out, kernel_height, kernel_width]`.
    pub weight: Param<Tensor<4>>,
    /// `b`: `[channels_out]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    config: TransposedConvolutionConfig,
}

impl TransposedConvolutionConfig {
    /// Draws the weights.
    ///
    /// # Errors
    /// A size, stride or channel count of 0; padding that a window does not reach over.
    pub fn init(&self, device: &Device) -> Result<TransposedConvolution> {
        let Self { channels: [channels_in, channels_out], kernel: [height, width], stride, padding, .. } = *self;
        if [channels_in, channels_out, height, width, stride[0], stride[1]].contains(&0) {
            let found = format!("channels {:?}, kernel {:?}, stride {stride:?}", self.channels, self.kernel);
            return Err(Error::layer("transposed convolution", found, "numbers of at least 1"));
        }
        // Then a single pixel still leaves an output.
        if (0..2).any(|axis| 2 * padding[axis] >= self.kernel[axis]) {
            let found = format!("padding {padding:?} with a window of {:?}", self.kernel);
            return Err(Error::layer("transposed convolution", found, "less than half the window"));
        }
        // PyTorch takes the number of inputs of the convolution that this is the transpose of.
        let fan_in = channels_out * height * width;
        Ok(TransposedConvolution {
            weight: self.initialisation.weight([channels_in, channels_out, height, width], fan_in, device),
            bias: self.bias.then(|| self.initialisation.bias(channels_out, fan_in, device)),
            config: self.clone(),
        })
    }
}

impl TransposedConvolution {
    /// `[batch, channels_in, height, width]` to `[batch, channels_out, height_out, width_out]`.
    ///
    /// # Panics
    /// If the channels are others.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let TransposedConvolutionConfig { stride, padding, .. } = self.config;
        let options = ConvTransposeOptions::new(stride, padding, [0, 0], [1, 1], 1);
        ognivo_kernels::conv_transpose2d(x, self.weight.val(), self.bias.as_ref().map(Param::val), options)
    }
}
