//! Training on pairs.

use burn::tensor::{Device, Tensor};
use ognivo_core::data::Image;

use super::model::{PairShape, UnetConfig};
use super::pairs::Pairs;
use super::patch::PatchDiscriminator;
use super::translator::{distance, translate};
use super::unet::Unet;
use crate::Result;
use crate::config::AdversarialConfig;
use crate::game::{Game, Moment, Real};
use crate::images::data::to_images;
use crate::images::game::{is_kept, keep, sheet};
use crate::passes::Passes;

/// Pairs that the moments of training show, in a row each time: what was given, what was made, what it was to be.
const SHOWN: usize = 8;
/// Pairs that the moments of training are measured with.
pub const WATCHED: usize = 256;

/// The game of a set of pairs.
pub struct TranslationGame {
    config: UnetConfig,
    shape: PairShape,
    pairs: Pairs,
    /// Pairs that are not learnt from.
    unseen: Pairs,
    device: Device,
    passes: Passes,
}

impl TranslationGame {
    /// The game with its pairs, and some others to look at; `device` is a plain one.
    ///
    /// # Errors
    /// Settings that make no networks.
    pub fn new(
        config: UnetConfig,
        shape: PairShape,
        [pairs, unseen]: [Pairs; 2],
        fit: AdversarialConfig,
        seed: u64,
        device: Device,
    ) -> Result<Self> {
        config.validate(&shape)?;
        let passes = Passes::new(seed, pairs.len(), fit.batch_size);
        Ok(Self { config, shape, pairs, unseen, device, passes })
    }

    /// Pairs in a batch: fewer than asked for where there are fewer.
    pub fn batch_size(&self) -> usize {
        self.passes.size()
    }

    /// The pairs that were learnt from.
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }
}

/// Rows of what was given, what was made and what it was to be, for some pairs.
///
/// # Errors
/// Pictures of unequal sizes.
pub fn compared(pairs: &Pairs, made: &[Image]) -> Result<Image> {
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    for (index, made) in made.iter().enumerate() {
        let [input, target] = pairs.images(index)?;
        rows.iter_mut().zip([input, made.clone(), target]).for_each(|(row, image)| row.push(image));
    }
    sheet(&rows.concat(), made.len())
}

impl Game<4> for TranslationGame {
    type Generator = Unet;
    type Discriminator = PatchDiscriminator;

    fn generator(&self, device: &Device) -> Result<Unet> {
        self.config.generator(&self.shape, device)
    }

    fn discriminator(&self, device: &Device) -> Result<PatchDiscriminator> {
        self.config.discriminator(&self.shape, device)
    }

    /// None: the picture that is given decides everything.
    fn latent(&self) -> usize {
        0
    }

    /// Pairs, and their numbers as labels.
    fn real(&mut self, number: u64) -> Result<Real> {
        let labels = self.passes.batch(number).to_vec();
        Ok(Real { items: self.pairs.batch(&labels), labels })
    }

    fn batches(&self) -> u64 {
        self.passes.batches()
    }

    fn generate(&self, generator: &Unet, noise: Tensor<2>, labels: &[usize]) -> Tensor<4> {
        let given = Tensor::from_data(self.pairs.input.batch(labels).0, &noise.device());
        Tensor::cat(vec![given.clone(), generator.forward(given)], 1)
    }

    fn judge(&self, discriminator: &PatchDiscriminator, items: Tensor<4>, _labels: &[usize]) -> Tensor<2> {
        discriminator.forward(items)
    }

    /// The weighted mean absolute difference.
    fn own_loss(&self, generated: Tensor<4>, real: Tensor<4>) -> Option<Tensor<1>> {
        let (given, all) = (self.shape.input_channels, generated.dims()[1]);
        let [made, target] = [generated, real].map(|pairs| pairs.narrow(1, given, all - given));
        Some((made - target).abs().mean() * self.config.l1)
    }

    fn observe(&mut self, moment: &Moment<Unet, PatchDiscriminator>) -> Result<Vec<(&'static str, f64)>> {
        if !is_kept(moment.epoch, moment.epochs) {
            return Ok(Vec::new());
        }
        let made = translate(moment.generator, &self.unseen.input, WATCHED, &self.device);
        let target = self.unseen.target.values();
        let shown = SHOWN.min(self.unseen.len()) * self.shape.target.values();
        keep(moment, &compared(&self.unseen, &to_images(&made[..shown], &self.shape.target)?)?)?;
        Ok(vec![("l1", distance(&made, &target[..made.len()]))])
    }
}
