//! Training on pictures.

use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::sheet::contact_sheet;
use ognivo_core::data::{Image, picture};

use super::data::{Pictures, to_images};
use super::evaluate::Watch;
use super::model::{Discriminator, Generator, Networks};
use super::sample::{numbers, save_animation, save_png};
use crate::config::AdversarialConfig;
use crate::game::{Game, Moment, Real};
use crate::measure::classifier::Classifier;
use crate::noise::{self, FIXED};
use crate::passes::Passes;
use crate::{Result, report};

/// The folder of a run in which the samples of some moments are.
pub const PROGRESS: &str = "progress";
/// The file of a run in which they follow each other.
pub const ANIMATION: &str = "training.png";
/// Moments that are kept.
const KEPT: u64 = 24;
/// Samples in a row of a grid.
pub const COLUMNS: usize = 8;
/// Most rows of a grid.
const ROWS: usize = 20;
/// A grid is drawn about so large, in pixels.
const WIDTH: usize = 480;

/// The game of a set of pictures.
pub struct ImageGame {
    networks: Networks,
    pictures: Pictures,
    seed: u64,
    device: Device,
    passes: Passes,
    /// What moments are measured with.
    watch: Option<Watch>,
}

impl ImageGame {
    /// The game with its pictures; `device` is a plain one.
    ///
    /// # Errors
    /// Settings that make no networks.
    pub fn new(
        networks: Networks,
        pictures: Pictures,
        fit: AdversarialConfig,
        seed: u64,
        device: Device,
    ) -> Result<Self> {
        networks.validate()?;
        let passes = Passes::new(seed, pictures.len(), fit.batch_size);
        Ok(Self { networks, pictures, seed, device, passes, watch: None })
    }

    /// Measures the moments that are kept with a classifier.
    ///
    /// # Errors
    /// A classifier with too many features.
    pub fn watched(self, classifier: Option<Classifier>) -> Result<Self> {
        let watch = classifier.map(|classifier| Watch::new(classifier, &self.pictures)).transpose()?;
        Ok(Self { watch, ..self })
    }

    /// The pictures and the classifier back.
    pub fn into_parts(self) -> (Pictures, Option<Classifier>) {
        (self.pictures, self.watch.map(Watch::into_classifier))
    }

    /// Pictures in a batch: fewer than asked for where there are fewer.
    pub fn batch_size(&self) -> usize {
        self.passes.size()
    }

    /// Samples for noise that is the same through all of training: of the networks that are told the class, a row of each.
    ///
    /// # Errors
    /// None for a generator of these networks.
    pub fn grid(&self, generator: &Generator) -> Result<Image> {
        let classes = self.networks.classes();
        let rows = if classes > 0 { classes.min(ROWS) } else { COLUMNS };
        let labels: Vec<usize> = (0..rows * COLUMNS).map(|index| index / COLUMNS).collect();
        let noise = noise::normal([labels.len(), self.networks.latent()], self.seed, &[FIXED], &self.device);
        let labels = if classes > 0 { labels } else { Vec::new() };
        let pictures = numbers(self.networks.generate(generator, noise, &labels));
        sheet(&to_images(&pictures, &self.networks.shape)?, COLUMNS)
    }
}

/// Pictures in rows, small ones enlarged.
///
/// # Errors
/// Pictures of unequal sizes.
pub fn sheet(images: &[Image], columns: usize) -> Result<Image> {
    let side = images.first().map_or(1, |image| image.width);
    Ok(contact_sheet(images, columns, (WIDTH / (columns.clamp(1, images.len().max(1)) * side)).max(1))?)
}

/// Whether something is kept of `epoch`, counted from 0: of the first, the last, and some evenly between.
pub fn is_kept(epoch: u64, epochs: u64) -> bool {
    epoch == 0 || (epoch + 1).is_multiple_of(epochs.div_ceil(KEPT).max(1)) || epoch + 1 == epochs
}

/// Keeps a picture of a moment, and with the last one the animation of all.
///
/// # Errors
/// A full disk.
pub(crate) fn keep<G, D>(moment: &Moment<G, D>, shown: &Image) -> Result<()> {
    save_png(&moment.run.file(PROGRESS).join(format!("epoch-{:05}.png", moment.epoch + 1)), shown)?;
    if moment.epoch + 1 < moment.epochs {
        return Ok(());
    }
    let kept = report::kept(moment.run, PROGRESS, "png")?;
    let frames = kept.iter().map(|(_, path)| picture::decode_file(path)).collect::<ognivo_core::Result<Vec<_>>>()?;
    save_animation(&moment.run.file(ANIMATION), &frames)
}

impl Game<4> for ImageGame {
    type Generator = Generator;
    type Discriminator = Discriminator;

    fn generator(&self, device: &Device) -> Result<Generator> {
        self.networks.generator(device)
    }

    fn discriminator(&self, device: &Device) -> Result<Discriminator> {
        self.networks.discriminator(device)
    }

    fn latent(&self) -> usize {
        self.networks.latent()
    }

    fn real(&mut self, number: u64) -> Result<Real> {
        let (items, labels) = self.pictures.batch(self.passes.batch(number));
        Ok(Real { items, labels })
    }

    fn batches(&self) -> u64 {
        self.passes.batches()
    }

    fn generate(&self, generator: &Generator, noise: Tensor<2>, labels: &[usize]) -> Tensor<4> {
        self.networks.generate(generator, noise, labels)
    }

    fn judge(&self, discriminator: &Discriminator, items: Tensor<4>, labels: &[usize]) -> Tensor<2> {
        self.networks.judge(discriminator, items, labels)
    }

    fn observe(&mut self, moment: &Moment<Generator, Discriminator>) -> Result<Vec<(&'static str, f64)>> {
        let Self { networks, seed, device, .. } = &*self;
        if !is_kept(moment.epoch, moment.epochs) {
            return Ok(Vec::new());
        }
        keep(moment, &self.grid(moment.generator)?)?;
        match &self.watch {
            Some(watch) => watch.look(networks, moment.generator, *seed, device),
            None => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_moment_are_kept_and_not_too_many() {
        for epochs in [1, 2, 24, 25, 300] {
            let kept: Vec<u64> = (0..epochs).filter(|&epoch| is_kept(epoch, epochs)).collect();
            assert_eq!((kept[0], kept[kept.len() - 1]), (0, epochs - 1));
            assert!(kept.len() as u64 <= KEPT + 2, "{epochs}: {}", kept.len());
        }
    }
}
