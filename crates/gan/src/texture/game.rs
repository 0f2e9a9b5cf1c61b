//! Training on one picture.

use burn::tensor::{Device, Tensor};
use ognivo_cnn::layer::Boundary;
use ognivo_core::random::stream;

use super::discriminator::TextureDiscriminator;
use super::generator::{CELL, LEVELS, LearntPicture, TextureGenerator, TextureNetwork};
use super::measure::{Reference, plane};
use super::model::{EPOCH, TextureConfig, TextureModel, UNIT};
use super::style::Plane;
use super::texturer::texture;
use crate::game::{Game, Moment, Real};
use crate::images::game::{is_kept, keep};
use crate::noise::{REAL, TEXTURE};
use crate::{Error, Result};

/// Pixels along the sides of the textures that moments of training of a network show and measure.
pub const SHOWN: usize = 128;
/// Pixels of the opposite edge that are judged beside each edge of a seamless picture.
const AROUND: usize = 2 * UNIT;

/// The game of a style.
pub struct TextureGame<'a> {
    config: TextureConfig,
    reference: &'a Reference<'a>,
    device: Device,
}

impl<'a> TextureGame<'a> {
    /// The game with its style and encoder; `device` is a plain one.
    ///
    /// # Errors
    /// Settings that do not fit the style.
    pub fn new(config: TextureConfig, reference: &'a Reference<'a>, device: Device) -> Result<Self> {
        config.validate()?;
        config.fits(&reference.style)?;
        Ok(Self { config, reference, device })
    }

    /// The texture that a generator has come to: the learnt picture, or one of [`SHOWN`] pixels.
    ///
    /// # Errors
    /// None for a generator of this game.
    pub fn texture(&self, generator: &TextureGenerator) -> Result<Plane> {
        match (generator, &self.config.model) {
            (TextureGenerator::Network(network), TextureModel::Network(config)) => {
                texture(network, config.latent, [SHOWN; 2], self.config.seed, false, &self.device)
            }
            (TextureGenerator::Picture(learnt), TextureModel::Picture(config)) => {
                let whole = plane(learnt.forward());
                let margin = margin(config.seamless);
                Ok(whole.part(margin, margin, config.width, config.height))
            }
            _ => Err(Error::setting("model", "a generator of the other kind", "one of this game")),
        }
    }
}

/// Pixels around a learnt picture that learn with it and are cut off in the end: what the discriminator sees there lies partly outside.
fn margin(seamless: bool) -> usize {
    if seamless { 0 } else { UNIT }
}

/// A new generator; what a picture starts from follows from the configuration alone.
///
/// # Errors
/// Settings that make no network.
pub fn generator(config: &TextureConfig, style: &Plane, device: &Device) -> Result<TextureGenerator> {
    Ok(match &config.model {
        TextureModel::Network(own) => TextureGenerator::Network(TextureNetwork::new(own.latent, own.filters, device)?),
        TextureModel::Picture(own) => {
            let [width, height] =
                [own.width, own.height].map(|side| side.next_multiple_of(UNIT) + 2 * margin(own.seamless));
            let start = style.noise(width, height, &mut stream(config.seed, &[TEXTURE]));
            TextureGenerator::Picture(LearntPicture::new(&start, device))
        }
    })
}

/// Places of noise at each level for a square of `side` pixels.
fn places(side: usize) -> [usize; LEVELS] {
    std::array::from_fn(|level| ((side / CELL) << level).pow(2))
}

impl Game<4> for TextureGame<'_> {
    type Generator = TextureGenerator;
    type Discriminator = TextureDiscriminator;

    fn generator(&self, device: &Device) -> Result<TextureGenerator> {
        generator(&self.config, &self.reference.style, device)
    }

    fn discriminator(&self, device: &Device) -> Result<TextureDiscriminator> {
        TextureDiscriminator::new(self.reference.encoder.channels, self.config.judges, device)
    }

    /// Of a network as many numbers as there are places and channels; of a picture none.
    fn latent(&self) -> usize {
        match &self.config.model {
            TextureModel::Network(network) => network.latent * places(self.config.crop).iter().sum::<usize>(),
            TextureModel::Picture(_) => 0,
        }
    }

    fn real(&mut self, number: u64) -> Result<Real> {
        let mut rng = stream(self.config.seed, &[REAL, number]);
        let items = self.reference.style.crops(self.config.fit.batch_size, self.config.crop, &mut rng);
        Ok(Real { items, labels: Vec::new() })
    }

    fn batches(&self) -> u64 {
        EPOCH * self.config.fit.discriminator_steps
    }

    fn generate(&self, generator: &TextureGenerator, noise: Tensor<2>, _labels: &[usize]) -> Tensor<4> {
        match generator {
            TextureGenerator::Network(network) => {
                let ([batch, numbers], all) = (noise.dims(), places(self.config.crop));
                let (latent, mut start) = (numbers / all.iter().sum::<usize>(), 0);
                network.forward(&all.map(|places| {
                    let (own, side) = (noise.clone().narrow(1, start, latent * places), places.isqrt());
                    start += latent * places;
                    own.reshape([batch, latent, side, side])
                }))
            }
            TextureGenerator::Picture(learnt) => match &self.config.model {
                // Patches across the seam are judged too.
                TextureModel::Picture(config) if config.seamless => {
                    Boundary::Wrap.pad(learnt.forward(), (AROUND, AROUND), (AROUND, AROUND))
                }
                _ => learnt.forward(),
            },
        }
    }

    fn judge(&self, discriminator: &TextureDiscriminator, items: Tensor<4>, _labels: &[usize]) -> Tensor<2> {
        discriminator.forward(self.reference.columns(&items))
    }

    /// The total variation of a learnt picture.
    fn own_loss(&self, generated: Tensor<4>, _real: Tensor<4>) -> Option<Tensor<1>> {
        let TextureModel::Picture(config) = &self.config.model else { return None };
        let steps = |axis: usize| {
            let length = generated.dims()[axis] - 1;
            (generated.clone().narrow(axis, 1, length) - generated.clone().narrow(axis, 0, length)).abs().mean()
        };
        Some((steps(2) + steps(3)) * config.smoothness)
    }

    fn observe(&mut self, moment: &Moment<TextureGenerator, TextureDiscriminator>) -> Result<Vec<(&'static str, f64)>> {
        if !is_kept(moment.epoch, moment.epochs) {
            return Ok(Vec::new());
        }
        let texture = self.texture(moment.generator)?;
        keep(moment, &texture.image()?)?;
        Ok(vec![("gram", self.reference.gram_distance(&texture, &self.device))])
    }
}
