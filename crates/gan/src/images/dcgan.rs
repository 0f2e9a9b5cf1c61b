//! DCGAN: deep convolutional networks (Radford, Metz and Chintala 2016), with or without classes.
//!
//! The generator lays its noise out as a small square of many channels and doubles it with transposed convolutions, halving the channels;
//! the discriminator mirrors it with strided convolutions. Windows are of 4 x 4; batch normalisation everywhere but at the pictures' end of
//! both; the generator rectifies and ends in tanh, the discriminator has leaky rectified units of slope 0.2; weights start normal with
//! deviation 0.02. With 64 `filters` and 64 pixels these are the networks of PyTorch's example.
//!
//! **With classes**: the generator's noise is followed by the class as a unit vector. The discriminator has, besides the weights of its
//! last layer, some for each class, and adds the two products: the projection of Miyato and Koyama 2018, equation 3.

use burn::module::Module;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};
use ognivo_cnn::layer::{
    BatchNorm, BatchNormConfig, Convolution, ConvolutionConfig, Initialisation, Linear, LinearConfig,
    TransposedConvolution, TransposedConvolutionConfig,
};
use ognivo_kernels::leaky_relu;
use serde::{Deserialize, Serialize};

use super::shape::{PictureShape, doublings};
use crate::spectral::SpectralNorm;
use crate::{Error, Result};

/// Slope of the discriminator's units on the left.
const SLOPE: f64 = 0.2;
/// Most channels: above any use, and a layer's weights still fit into memory.
const WIDEST: usize = 4096;

/// The two networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DcganConfig {
    /// Pixels along a side: 8, 16, 28, 32, 64 and others that are 3 to 8, doubled; the pictures' own if null.
    pub size: Option<usize>,
    /// Numbers in the noise.
    pub latent: usize,
    /// Channels next to the picture; they double with each halving of the side.
    pub filters: usize,
    /// Units of a fully connected layer next to the small square in each network; none if 0. Without one a discriminator with few halvings
    /// only adds up what it sees in parts of the picture.
    pub dense: usize,
    /// Whether the discriminator's weights are divided by their largest singular value, in place of batch normalisation (Miyato et al. 2018).
    pub spectral_norm: bool,
}

impl Default for DcganConfig {
    fn default() -> Self {
        Self { size: None, latent: 100, filters: 64, dense: 0, spectral_norm: false }
    }
}

impl DcganConfig {
    pub(super) fn validate(&self, shape: &PictureShape) -> Result<()> {
        for (setting, found, least, most) in
            [("latent", self.latent, 1, 4096), ("filters", self.filters, 1, 1024), ("dense", self.dense, 0, 8192)]
        {
            if !(least..=most).contains(&found) {
                return Err(Error::setting(format!("model.{setting}"), found, format!("from {least} to {most}")));
            }
        }
        self.plan(shape).map(drop)
    }

    /// The side of the smallest square, and the channels there, after each doubling, and of the picture.
    fn plan(&self, shape: &PictureShape) -> Result<(usize, Vec<usize>)> {
        let sides = "8, 16, 28, 32, 64, or another side that is 3 to 8, doubled once or more";
        let (start, times) =
            doublings(shape.side).ok_or_else(|| Error::setting("model.size", shape.side, sides.to_string()))?;
        if self.filters << (times - 1) > WIDEST {
            let expected = format!("at most {} for pictures of {} pixels", WIDEST >> (times - 1), shape.side);
            return Err(Error::setting("model.filters", self.filters, expected));
        }
        let channels = (0..times).rev().map(|halving| self.filters << halving).chain([shape.channels]);
        Ok((start, channels.collect()))
    }

    /// A generator that is told one of `classes`, or nothing if there are none.
    pub(super) fn generator(&self, shape: &PictureShape, classes: usize, device: &Device) -> Result<DcganGenerator> {
        let (side, channels) = self.plan(shape)?;
        let first = channels[0];
        let dense = self.dense(self.latent + classes, false, device)?;
        let noise = if dense.is_empty() { self.latent + classes } else { self.dense };
        let project = LinearConfig::new(noise, first * side * side)
            .with_bias(false)
            .with_initialisation(Initialisation::Dcgan)
            .init(device)?;
        let last = channels.len() - 2;
        let layer = |(index, pair): (usize, &[usize])| {
            let config = TransposedConvolutionConfig::new([pair[0], pair[1]], [4, 4])
                .with_stride([2, 2])
                .with_padding([1, 1])
                .with_bias(index == last)
                .with_initialisation(Initialisation::Dcgan);
            Ok(config.init(device)?)
        };
        let layers = channels.windows(2).enumerate().map(layer).collect::<Result<_>>()?;
        let norms = channels[..=last].iter().map(|&channels| Ok(BatchNormConfig::new(channels).init(device)?));
        Ok(DcganGenerator { dense, project, norms: norms.collect::<Result<_>>()?, layers, side })
    }

    /// A discriminator that is told one of `classes`, or nothing if there are none.
    pub(super) fn discriminator(
        &self,
        shape: &PictureShape,
        classes: usize,
        device: &Device,
    ) -> Result<DcganDiscriminator> {
        let (side, mut channels) = self.plan(shape)?;
        channels.reverse();
        let layer = |(index, pair): (usize, &[usize])| -> Result<Downwards> {
            let bare = index == 0 || self.spectral_norm;
            let convolution = ConvolutionConfig::new([pair[0], pair[1]], [4, 4])
                .with_stride([2, 2])
                .with_padding(Some([1, 1]))
                .with_bias(bare)
                .with_initialisation(Initialisation::Dcgan)
                .init(device)?;
            let norm = (!bare).then(|| BatchNormConfig::new(pair[1]).init(device)).transpose()?;
            Ok(Downwards { convolution, norm, spectral: self.spectral(pair[1], device) })
        };
        let layers = channels.windows(2).enumerate().map(layer).collect::<Result<_>>()?;
        let features = channels[channels.len() - 1] * side * side;
        let dense = self.dense(features, self.spectral_norm, device)?;
        let features = if dense.is_empty() { features } else { self.dense };
        let output =
            LinearConfig::new(features, 1 + classes).with_initialisation(Initialisation::Dcgan).init(device)?;
        Ok(DcganDiscriminator { layers, dense, output, spectral: self.spectral(features, device) })
    }

    /// The fully connected layer, or none.
    fn dense(&self, features: usize, spectral: bool, device: &Device) -> Result<Vec<Dense>> {
        if self.dense == 0 {
            return Ok(Vec::new());
        }
        let linear = LinearConfig::new(features, self.dense)
            .with_bias(spectral)
            .with_initialisation(Initialisation::Dcgan)
            .init(device)?;
        let norm = (!spectral).then(|| BatchNormConfig::new(self.dense).init(device)).transpose()?;
        let spectral = if spectral { self.spectral(features, device) } else { None };
        Ok(vec![Dense { linear, norm, spectral }])
    }

    fn spectral(&self, rows: usize, device: &Device) -> Option<SpectralNorm> {
        self.spectral_norm.then(|| SpectralNorm::new(rows, device))
    }
}

/// A fully connected layer with what follows it.
#[derive(Module, Debug)]
struct Dense {
    linear: Linear,
    norm: Option<BatchNorm>,
    spectral: Option<SpectralNorm>,
}

impl Dense {
    /// `[batch, features]` to `[batch, units]`, those below 0 times `slope`.
    fn forward(&self, x: Tensor<2>, slope: f64) -> Tensor<2> {
        let y = linear(&self.linear, &self.spectral, x);
        match &self.norm {
            None => leaky_relu(y, slope),
            Some(norm) => norm.forward_vectors(y, slope),
        }
    }
}

/// Noise, and the class where there are any, to pictures.
#[derive(Module, Debug)]
pub struct DcganGenerator {
    dense: Vec<Dense>,
    project: Linear,
    norms: Vec<BatchNorm>,
    layers: Vec<TransposedConvolution>,
    side: usize,
}

impl DcganGenerator {
    /// `[batch, latent + classes]` to `[batch, channels, side, side]` with values from -1 to 1.
    pub fn forward(&self, noise: Tensor<2>) -> Tensor<4> {
        let [batch, _] = noise.dims();
        let noise = self.dense.iter().fold(noise, |x, layer| layer.forward(x, 0.0));
        let square = self.project.forward(noise);
        let channels = square.dims()[1] / (self.side * self.side);
        let square = square.reshape([batch, channels, self.side, self.side]);
        let layers = self.norms.iter().zip(&self.layers);
        layers.fold(square, |x, (norm, layer)| layer.forward(norm.forward_relu(x))).tanh()
    }
}

/// A strided convolution with what follows it.
#[derive(Module, Debug)]
struct Downwards {
    convolution: Convolution,
    norm: Option<BatchNorm>,
    spectral: Option<SpectralNorm>,
}

impl Downwards {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = match &self.spectral {
            None => self.convolution.forward(x),
            Some(spectral) => spectral.convolution(&self.convolution, x, ConvOptions::new([2, 2], [1, 1], [1, 1], 1)),
        };
        match &self.norm {
            None => leaky_relu(y, SLOPE),
            Some(norm) => norm.forward_leaky_relu(y, SLOPE),
        }
    }
}

/// Pictures, and their class where there are any, to logits.
#[derive(Module, Debug)]
pub struct DcganDiscriminator {
    layers: Vec<Downwards>,
    dense: Vec<Dense>,
    output: Linear,
    spectral: Option<SpectralNorm>,
}

impl DcganDiscriminator {
    /// `[batch, channels, side, side]` to `[batch, 1]`; `classes` are unit vectors `[batch, classes]`.
    pub fn forward(&self, pictures: Tensor<4>, classes: Option<Tensor<2>>) -> Tensor<2> {
        let features = self.layers.iter().fold(pictures, |x, layer| layer.forward(x)).flatten(1, 3);
        let features = self.dense.iter().fold(features, |x, layer| layer.forward(x, SLOPE));
        let scores = linear(&self.output, &self.spectral, features);
        match classes {
            None => scores,
            Some(classes) => {
                let always = Tensor::ones([classes.dims()[0], 1], &classes.device());
                (scores * Tensor::cat(vec![always, classes], 1)).sum_dim(1)
            }
        }
    }
}

/// A fully connected layer, its weights divided by their largest singular value where that is asked for.
fn linear(layer: &Linear, spectral: &Option<SpectralNorm>, x: Tensor<2>) -> Tensor<2> {
    match spectral {
        None => layer.forward(x),
        Some(spectral) => spectral.linear(layer, x),
    }
}
