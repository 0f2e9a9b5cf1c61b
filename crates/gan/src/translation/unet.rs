//! The generator: a U-Net (Ronneberger et al. 2015) as in Isola et al. 2017.
//!
//! Strided convolutions halve the picture to a square of 3 to 8 pixels and then to a single place that sees all of it; transposed convolutions
//! lead back, and each is also given what was there on the way down, so that an outline need not pass through the bottom. Windows are of
//! 4 x 4, the bottom's as large as the square; batch normalisation everywhere but in the first layer, at the bottom and in the last; leaky
//! rectified units of slope 0.2 on the way down, rectified ones on the way up, tanh at the end; weights start normal with deviation 0.02.
//! The paper's dropout, its only noise, is left out: the same picture is always translated in the same way.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ognivo_cnn::layer::{
    BatchNorm, BatchNormConfig, Boundary, Convolution, ConvolutionConfig, Initialisation, TransposedConvolution,
    TransposedConvolutionConfig,
};
use ognivo_kernels::{leaky_relu, relu};

use crate::Result;

/// Slope of the units on the way down, on the left.
pub(super) const SLOPE: f64 = 0.2;
/// Channels double with each halving up to so many times those of the first layer.
const WIDEST: usize = 8;

/// The form of a [`Unet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnetPlan {
    /// Channels of the picture that is given.
    pub input: usize,
    /// Channels of the picture that is made.
    pub output: usize,
    /// Channels after the first layer.
    pub filters: usize,
    /// Pixels along the smallest square.
    pub start: usize,
    /// How often it is doubled.
    pub times: usize,
}

impl UnetPlan {
    /// Channels after `halvings`, from 1.
    fn channels(&self, halvings: usize) -> usize {
        self.filters << (halvings - 1).min(WIDEST.trailing_zeros() as usize)
    }

    /// Draws the weights from the device's random state.
    ///
    /// # Errors
    /// Numbers that make no layers.
    pub fn init(&self, device: &Device) -> Result<Unet> {
        let Self { input, output, start, times, .. } = *self;
        let mut down = Vec::with_capacity(times);
        for level in 1..=times {
            let from = if level == 1 { input } else { self.channels(level - 1) };
            down.push(Down::new([from, self.channels(level)], 2, level > 1, device)?);
        }
        let (last, bottom) = (self.channels(times), self.channels(times + 1));
        let squeeze = ConvolutionConfig::new([last, bottom], [start; 2])
            .with_boundary(Boundary::Valid)
            .with_initialisation(Initialisation::Dcgan)
            .init(device)?;
        let spread = Up {
            convolution: TransposedConvolutionConfig::new([bottom, last], [start; 2])
                .with_bias(false)
                .with_initialisation(Initialisation::Dcgan)
                .init(device)?,
            norm: Some(BatchNormConfig::new(last).init(device)?),
        };
        let mut up = Vec::with_capacity(times);
        for level in (1..=times).rev() {
            let to = if level == 1 { output } else { self.channels(level - 1) };
            up.push(Up::new([2 * self.channels(level), to], level > 1, device)?);
        }
        Ok(Unet { down, squeeze, spread, up })
    }
}

/// Pictures to pictures of the same size.
#[derive(Module, Debug)]
pub struct Unet {
    down: Vec<Down>,
    squeeze: Convolution,
    spread: Up,
    /// From the smallest square on.
    up: Vec<Up>,
}

impl Unet {
    /// `[batch, input, side, side]` to `[batch, output, side, side]` with values from -1 to 1.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let mut passed = Vec::with_capacity(self.down.len());
        let mut x = pictures;
        for layer in &self.down {
            x = layer.forward(x);
            passed.push(x.clone());
        }
        x = self.spread.forward(relu(self.squeeze.forward(x)));
        for layer in &self.up {
            if let Some(passed) = passed.pop() {
                x = layer.forward(Tensor::cat(vec![x, passed], 1));
            }
        }
        x.tanh()
    }
}

/// A convolution of 4 x 4 with padding 1 and what follows it.
#[derive(Module, Debug)]
pub(super) struct Down {
    convolution: Convolution,
    norm: Option<BatchNorm>,
}

impl Down {
    pub(super) fn new(channels: [usize; 2], stride: usize, norm: bool, device: &Device) -> Result<Self> {
        let convolution = window(channels, stride, !norm).init(device)?;
        let norm = norm.then(|| BatchNormConfig::new(channels[1]).init(device)).transpose()?;
        Ok(Self { convolution, norm })
    }

    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.convolution.forward(x);
        match &self.norm {
            None => leaky_relu(y, SLOPE),
            Some(norm) => norm.forward_leaky_relu(y, SLOPE),
        }
    }
}

/// A convolution of 4 x 4 with padding 1.
pub(super) fn window(channels: [usize; 2], stride: usize, bias: bool) -> ConvolutionConfig {
    ConvolutionConfig::new(channels, [4, 4])
        .with_stride([stride; 2])
        .with_padding(Some([1, 1]))
        .with_bias(bias)
        .with_initialisation(Initialisation::Dcgan)
}

/// A transposed convolution and, but for the last, what follows it.
#[derive(Module, Debug)]
struct Up {
    convolution: TransposedConvolution,
    norm: Option<BatchNorm>,
}

impl Up {
    /// That doubles the side.
    fn new(channels: [usize; 2], norm: bool, device: &Device) -> Result<Self> {
        let convolution = TransposedConvolutionConfig::new(channels, [4, 4])
            .with_stride([2, 2])
            .with_padding([1, 1])
            .with_bias(!norm)
            .with_initialisation(Initialisation::Dcgan)
            .init(device)?;
        let norm = norm.then(|| BatchNormConfig::new(channels[1]).init(device)).transpose()?;
        Ok(Self { convolution, norm })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.convolution.forward(x);
        match &self.norm {
            None => y,
            Some(norm) => norm.forward_relu(y),
        }
    }
}
