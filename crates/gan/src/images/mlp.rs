//! Fully connected networks for pictures, as in the first paper (Goodfellow et al. 2014, section 5).
//!
//! Like the paper's the generator has rectified units and squashed outputs. Its discriminator had maxout units and dropout; here it has leaky
//! rectified ones, which are as good in practice and draw no random numbers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ognivo_cnn::layer::{Linear, LinearConfig};
use ognivo_kernels::{leaky_relu, relu};
use serde::{Deserialize, Serialize};

use super::shape::PictureShape;
use crate::{Error, Result};

/// Units, layers, noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// Pixels along a side; the pictures' own if null.
    pub size: Option<usize>,
    /// Numbers in the noise.
    pub latent: usize,
    /// Units in each hidden layer.
    pub hidden: usize,
    /// Hidden layers of each network.
    pub layers: usize,
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self { size: None, latent: 64, hidden: 256, layers: 2 }
    }
}

impl MlpConfig {
    pub(super) fn validate(&self) -> Result<()> {
        for (setting, found, most) in
            [("latent", self.latent, 4096), ("hidden", self.hidden, 8192), ("layers", self.layers, 16)]
        {
            if !(1..=most).contains(&found) {
                return Err(Error::setting(format!("model.{setting}"), found, format!("from 1 to {most}")));
            }
        }
        Ok(())
    }

    pub(super) fn generator(&self, shape: &PictureShape, device: &Device) -> Result<MlpGenerator> {
        let PictureShape { channels, side, .. } = *shape;
        Ok(MlpGenerator { layers: self.stack(self.latent, shape.values(), device)?, channels, side })
    }

    pub(super) fn discriminator(&self, shape: &PictureShape, device: &Device) -> Result<MlpDiscriminator> {
        Ok(MlpDiscriminator { layers: self.stack(shape.values(), 1, device)? })
    }

    fn stack(&self, inputs: usize, outputs: usize, device: &Device) -> Result<Vec<Linear>> {
        let hidden = std::iter::repeat_n(self.hidden, self.layers);
        let widths: Vec<usize> = std::iter::once(inputs).chain(hidden).chain([outputs]).collect();
        widths.windows(2).map(|pair| Ok(LinearConfig::new(pair[0], pair[1]).init(device)?)).collect()
    }
}

/// Noise to pictures.
#[derive(Module, Debug)]
pub struct MlpGenerator {
    layers: Vec<Linear>,
    channels: usize,
    side: usize,
}

impl MlpGenerator {
    /// `[batch, latent]` to `[batch, channels, side, side]` with values from -1 to 1.
    pub fn forward(&self, noise: Tensor<2>) -> Tensor<4> {
        let batch = noise.dims()[0];
        let last = self.layers.len().saturating_sub(1);
        let pixels = self.layers.iter().enumerate().fold(noise, |x, (index, layer)| {
            let y = layer.forward(x);
            if index < last { relu(y) } else { y.tanh() }
        });
        pixels.reshape([batch, self.channels, self.side, self.side])
    }
}

/// Pictures to logits.
#[derive(Module, Debug)]
pub struct MlpDiscriminator {
    layers: Vec<Linear>,
}

impl MlpDiscriminator {
    /// `[batch, channels, side, side]` to `[batch, 1]`.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        self.layers.iter().enumerate().fold(pictures.flatten(1, 3), |x, (index, layer)| {
            let y = layer.forward(x);
            if index < last { leaky_relu(y, 0.2) } else { y }
        })
    }
}
