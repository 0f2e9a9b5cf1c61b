//! The networks of the mixture game: fully connected, of a few hundred units.

use burn::module::Module;
use burn::tensor::activation::{leaky_relu, relu};
use burn::tensor::{Device, Tensor};
use ognivo_cnn::layer::{Linear, LinearConfig};
use serde::{Deserialize, Serialize};

use crate::spectral::SpectralNorm;
use crate::{Error, Result};

/// Largest number of units, layers and noise dimensions: far above any use.
const LIMIT: usize = 4096;

/// The two networks and the mixture's deviation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MixtureConfig {
    /// Units in each hidden layer.
    pub hidden: usize,
    /// Hidden layers of each network.
    pub layers: usize,
    /// Numbers in the noise; with 1, and a mixture on a line, the generator's density is known exactly.
    pub latent: usize,
    /// Octaves of sines and cosines of the coordinates that the discriminator is given besides these (Tancik et al. 2020): a network of
    /// rectified layers alone sees nothing much finer than its inputs' range, and modes are.
    pub frequencies: usize,
    /// Whether the discriminator's weights are divided by their largest singular value.
    pub spectral_norm: bool,
    /// Standard deviation of the modes, where it is not to be the mixture's own.
    pub deviation: Option<f64>,
}

impl Default for MixtureConfig {
    fn default() -> Self {
        Self { hidden: 128, layers: 3, latent: 8, frequencies: 0, spectral_norm: false, deviation: None }
    }
}

impl MixtureConfig {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// Names the setting.
    pub fn validate(&self) -> Result<()> {
        for (setting, found) in [("hidden", self.hidden), ("layers", self.layers), ("latent", self.latent)] {
            if !(1..=LIMIT).contains(&found) {
                return Err(Error::setting(format!("model.{setting}"), found, format!("from 1 to {LIMIT}")));
            }
        }
        if self.frequencies > 16 {
            return Err(Error::setting("model.frequencies", self.frequencies, "at most 16"));
        }
        Ok(())
    }

    /// The generator of items of `dimensions` numbers.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn generator(&self, dimensions: usize, device: &Device) -> Result<Generator> {
        Ok(Generator { layers: self.stack(self.latent, dimensions, device)? })
    }

    /// The discriminator of such items.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn discriminator(&self, dimensions: usize, device: &Device) -> Result<Discriminator> {
        let layers = self.stack(dimensions * (1 + 2 * self.frequencies), 1, device)?;
        let norm = |layer: &Linear| SpectralNorm::new(layer.weight.dims()[0], device);
        let norms = if self.spectral_norm { layers.iter().map(norm).collect() } else { Vec::new() };
        Ok(Discriminator { layers, norms, frequencies: self.frequencies })
    }

    fn stack(&self, inputs: usize, outputs: usize, device: &Device) -> Result<Vec<Linear>> {
        self.validate()?;
        let widths: Vec<usize> =
            std::iter::once(inputs).chain(std::iter::repeat_n(self.hidden, self.layers)).chain([outputs]).collect();
        let layer = |pair: &[usize]| Ok(LinearConfig::new(pair[0], pair[1]).init(device)?);
        widths.windows(2).map(layer).collect()
    }
}

/// Noise `[batch, latent]` to items `[batch, dimensions]`: rectified layers, the last one linear.
#[derive(Module, Debug)]
pub struct Generator {
    /// The layers.
    pub layers: Vec<Linear>,
}

impl Generator {
    /// Items for noise.
    pub fn forward(&self, noise: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        self.layers.iter().enumerate().fold(noise, |x, (index, layer)| {
            let y = layer.forward(x);
            if index < last { relu(y) } else { y }
        })
    }
}

/// Items `[batch, dimensions]` to logits `[batch, 1]`: leaky rectified layers of slope 0.2, the last one linear.
#[derive(Module, Debug)]
pub struct Discriminator {
    /// The layers.
    pub layers: Vec<Linear>,
    /// What divides their weights, one for each, or none.
    pub norms: Vec<SpectralNorm>,
    frequencies: usize,
}

impl Discriminator {
    /// Logits of items.
    pub fn forward(&self, items: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        let seen = self.features(items);
        self.layers.iter().enumerate().fold(seen, |x, (index, layer)| {
            let y = match self.norms.get(index) {
                None => layer.forward(x),
                Some(norm) => norm.linear(layer, x),
            };
            if index < last { leaky_relu(y, 0.2) } else { y }
        })
    }

    /// Coordinates with their sines and cosines: the longest wave is 8 long, each further one half of it.
    fn features(&self, items: Tensor<2>) -> Tensor<2> {
        if self.frequencies == 0 {
            return items;
        }
        let waves = (0..self.frequencies).map(|octave| std::f64::consts::TAU / 8.0 * f64::from(1u32 << octave));
        let waves = waves.flat_map(|wave| [(items.clone() * wave).sin(), (items.clone() * wave).cos()]);
        Tensor::cat(std::iter::once(items.clone()).chain(waves).collect(), 1)
    }
}
