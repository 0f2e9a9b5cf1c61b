//! Convolutional layer.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, ops::ConvOptions};

use super::{Boundary, Initialisation};
use crate::{Error, Result};

/// The largest size, stride, dilation and channel count: far above any use, far below overflow.
const LIMIT: usize = 1 << 16;

/// How a [`Convolution`] is built.
#[derive(Config, Debug, PartialEq)]
pub struct ConvolutionConfig {
    /// `[channels_in, channels_out]`.
    pub channels: [usize; 2],
    /// `[height, width]` of the window, 2A + 1 by 2B + 1; odd sizes have a centre, see [`Convolution`] for even ones.
    pub kernel: [usize; 2],
    /// Steps of the window, down and right.
    #[config(default = "[1, 1]")]
    pub stride: [usize; 2],
    /// Distance between neighbouring taps of the window; 1 is an ordinary window.
    #[config(default = "[1, 1]")]
    pub dilation: [usize; 2],
    /// Channels are cut into this many groups that do not see each other.
    #[config(default = 1)]
    pub groups: usize,
    /// Whether `b` exists. Off where a batch normalisation follows: its own shift does the same.
    #[config(default = true)]
    pub bias: bool,
    /// What lies beyond the edge.
    #[config(default = "Boundary::Zero")]
    pub boundary: Boundary,
    /// Places added on every side, `[rows, columns]`, where they are not half the window: then the window is not centred on the
    /// output's place, and the output is as long as PyTorch's for the same `padding`.
    #[config(default = "None")]
    pub padding: Option<[usize; 2]>,
    /// How the weights start.
    #[config(default = "Initialisation::PytorchDefault")]
    pub initialisation: Initialisation,
}

/// The convolutional layer, a cross-correlation with a window centred on the output's place:
///
/// `y[e, i, j] = b[e] + sum over d, a = -A..A, c = -B..B of w[e, d, a, c] * x[d, s i + r a, s' j + r' c]`
///
/// for input channels `d`, output channels `e`, strides `s, s'`, dilations `r, r'` and a window of 2A + 1 by 2B + 1. With `groups`
/// above 1 the sum runs over the input channels of `e`'s own group. What `x` is outside the picture, [`Boundary`] says; under
/// [`Boundary::Valid`] the window only takes places inside it, so that output `[i, j]` is centred on `[s i + r A, s' j + r' B]`.
///
/// An even window has no centre: of the `r (k - 1)` places it reaches beyond its output's, the smaller half is before (above,
/// left) and the larger half after, as in PyTorch's `padding="same"`.
///
/// The output is `ceil(n / s)` long for an input of length `n`, and `floor((n - r (k - 1) - 1) / s) + 1` under
/// [`Boundary::Valid`].
#[derive(Module, Debug)]
pub struct Convolution {
    /// `w`: `[channels_out, channels_in / groups, kernel_height, kernel_width]`.
    pub weight: Param<Tensor<4>>,
    /// `b`: `[channels_out]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    config: ConvolutionConfig,
}

impl ConvolutionConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// A size, stride, dilation or channel count of 0 or above 65536, or groups that do not divide the channels.
    pub fn check(&self) -> Result<()> {
        let positive = [
            ("channels", self.channels),
            ("kernel", self.kernel),
            ("stride", self.stride),
            ("dilation", self.dilation),
        ];
        if self.padding.is_some_and(|padding| padding.iter().any(|&places| places > LIMIT)) {
            let found = format!("padding {:?}", self.padding);
            return Err(Error::layer("convolution", found, format!("at most {LIMIT}")));
        }
        for (what, pair) in positive {
            if pair.iter().any(|n| !(1..=LIMIT).contains(n)) {
                return Err(Error::layer(
                    "convolution",
                    format!("{what} {pair:?}"),
                    format!("numbers from 1 to {LIMIT}"),
                ));
            }
        }
        if self.groups == 0 || self.channels.iter().any(|channels| channels % self.groups != 0) {
            return Err(Error::layer(
                "convolution",
                format!("{} groups of channels {:?}", self.groups, self.channels),
                "groups that divide both channel counts",
            ));
        }
        Ok(())
    }

    /// Draws the weights.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn init(&self, device: &Device) -> Result<Convolution> {
        self.check()?;
        let [channels_in, channels_out] = self.channels;
        let [height, width] = self.kernel;
        let channels_in = channels_in / self.groups;
        let fan_in = channels_in * height * width;
        Ok(Convolution {
            weight: self.initialisation.weight([channels_out, channels_in, height, width], fan_in, device),
            bias: self.bias.then(|| self.initialisation.bias(channels_out, fan_in, device)),
            config: self.clone(),
        })
    }

    /// `(before, after)` places added on `[rows, columns]`.
    pub fn padding(&self) -> [(usize, usize); 2] {
        if self.boundary == Boundary::Valid {
            return [(0, 0); 2];
        }
        if let Some([rows, columns]) = self.padding {
            return [(rows, rows), (columns, columns)];
        }
        std::array::from_fn(|axis| {
            let reach = self.dilation[axis] * (self.kernel[axis] - 1);
            (reach / 2, reach - reach / 2)
        })
    }

    /// `[height, width]` of the output for an input of `[height, width]`.
    ///
    /// # Errors
    /// The window does not fit into the picture, or the picture is empty; and as [`check`](Self::check).
    pub fn output_size(&self, input: [usize; 2]) -> Result<[usize; 2]> {
        self.check()?;
        let window: [usize; 2] = std::array::from_fn(|axis| self.dilation[axis] * (self.kernel[axis] - 1) + 1);
        let padding = self.padding();
        let mut output = [0; 2];
        for axis in 0..2 {
            let length = input[axis].saturating_add(padding[axis].0 + padding[axis].1);
            if input[axis] == 0 || length < window[axis] {
                return Err(Error::layer(
                    "convolution",
                    format!("a picture of {}x{}", input[0], input[1]),
                    format!("at least {}x{} for its window", window[0], window[1]),
                ));
            }
            output[axis] = (length - window[axis]) / self.stride[axis] + 1;
        }
        Ok(output)
    }
}

impl Convolution {
    /// `[batch, channels_in, height, width]` to `[batch, channels_out, height_out, width_out]`.
    ///
    /// # Panics
    /// If the channels are others or the picture is smaller than the window; [`ConvolutionConfig::output_size`] tells beforehand.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (x, options) = self.padded(x);
        ognivo_kernels::conv2d(x, self.weight.val(), self.bias.as_ref().map(Param::val), options)
    }

    /// [`forward`](Self::forward), scaled and shifted channel by channel and cut to the limits; see [`ognivo_kernels::conv2d_affine`].
    pub(crate) fn forward_affine(
        &self,
        x: Tensor<4>,
        scale: Tensor<1>,
        shift: Tensor<1>,
        limits: [f32; 2],
    ) -> Tensor<4> {
        let (x, options) = self.padded(x);
        let shift = match &self.bias {
            Some(bias) => shift + scale.clone() * bias.val(),
            None => shift,
        };
        ognivo_kernels::conv2d_affine(x, self.weight.val(), scale, shift, limits, options)
    }

    /// The input with what the kernel does not pad itself, and the kernel's options.
    fn padded(&self, x: Tensor<4>) -> (Tensor<4>, ConvOptions<2>) {
        let ConvolutionConfig { stride, dilation, groups, boundary, .. } = self.config;
        let [rows, columns] = self.config.padding();
        // The kernel pads with zeros itself where that can be symmetric; anything else is laid around the picture first.
        let symmetric = rows.0 == rows.1 && columns.0 == columns.1;
        let (x, padding) = match boundary {
            Boundary::Zero if symmetric => (x, [rows.0, columns.0]),
            _ => (boundary.pad(x, rows, columns), [0, 0]),
        };
        (x, ConvOptions::new(stride, padding, dilation, groups))
    }

    /// How the layer was built.
    pub fn config(&self) -> &ConvolutionConfig {
        &self.config
    }
}
