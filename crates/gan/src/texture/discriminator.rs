//! The discriminator: judgements of patches of two sizes.

use burn::module::Module;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};
use ognivo_cnn::layer::{Convolution, ConvolutionConfig};
use ognivo_kernels::leaky_relu;

use super::encoder::STEP;
use crate::Result;
use crate::spectral::SpectralNorm;

/// Sizes in which a picture is judged: as it is, and halved.
pub const SCALES: usize = 2;
/// Features along a side that a judgement sees.
pub const SEEN: usize = 7;
/// Pixels along a side that the widest judgement sees.
pub const PATCH: usize = (SEEN * STEP) << (SCALES - 1);
/// Slope of its units on the left.
const SLOPE: f64 = 0.2;

/// A stack of convolutions for each scale.
#[derive(Module, Debug)]
pub struct TextureDiscriminator {
    scales: Vec<Judge>,
}

impl TextureDiscriminator {
    /// For so many channels of features, with `filters` channels of its own.
    ///
    /// # Errors
    /// No channels.
    pub fn new(channels: usize, filters: usize, device: &Device) -> Result<Self> {
        Ok(Self { scales: (0..SCALES).map(|_| Judge::new(channels, filters, device)).collect::<Result<_>>()? })
    }

    /// Features `[batch, channels, height, width]` of each scale to logits `[places, 1]`. Those of the small scale are repeated, so that all scales
    /// count the same.
    pub fn forward(&self, features: Vec<Tensor<4>>) -> Tensor<2> {
        let logits: Vec<Tensor<2>> = self.scales.iter().zip(features).map(|(judge, x)| judge.forward(x)).collect();
        let most = logits[0].dims()[0];
        let repeated = logits.into_iter().map(|logits| {
            let times = (most + logits.dims()[0] / 2) / logits.dims()[0];
            logits.repeat(&[times, 1])
        });
        Tensor::cat(repeated.collect(), 0)
    }
}

/// Three convolutions of 3 x 3 that stay inside the picture and one of 1 x 1, all with spectral normalisation: without a bound on its slope the
/// discriminator soon tells everything apart, and teaches nothing.
#[derive(Module, Debug)]
struct Judge {
    layers: Vec<Convolution>,
    norms: Vec<SpectralNorm>,
}

impl Judge {
    fn new(channels: usize, filters: usize, device: &Device) -> Result<Self> {
        let shapes = [([channels, filters], 3), ([filters, filters], 3), ([filters, filters], 3), ([filters, 1], 1)];
        let layers = shapes.map(|(channels, side)| Ok(ConvolutionConfig::new(channels, [side; 2]).init(device)?));
        let norms = shapes.map(|([_, to], _)| SpectralNorm::new(to, device)).to_vec();
        Ok(Self { layers: layers.into_iter().collect::<Result<_>>()?, norms })
    }

    fn forward(&self, features: Tensor<4>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        let logits = self.layers.iter().zip(&self.norms).enumerate().fold(features, |x, (index, (layer, norm))| {
            let y = norm.convolution(layer, x, ConvOptions::new([1, 1], [0, 0], [1, 1], 1));
            if index < last { leaky_relu(y, SLOPE) } else { y }
        });
        let count = logits.shape().num_elements();
        logits.reshape([count, 1])
    }
}
