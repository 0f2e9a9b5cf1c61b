//! A trained generator in use: pictures from pictures.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use ognivo_core::Error as CoreError;
use ognivo_core::data::Image;
use ognivo_core::run::RunDirectory;

use super::model::{PairShape, TranslationConfig};
use super::unet::Unet;
use crate::Result;
use crate::images::data::{Pictures, to_images};
use crate::images::sample::numbers;
use crate::train::files;

/// Pictures in one pass through the generator.
const PASS: usize = 100;

/// A generator with all that is needed to use it, from its run directory alone.
#[derive(Debug)]
pub struct Translator {
    /// Where it comes from.
    pub run: RunDirectory,
    /// How it was trained.
    pub config: TranslationConfig,
    /// The form of the pictures.
    pub shape: PairShape,
    /// The network, in evaluation mode.
    pub generator: Unet,
    /// Where its tensors live.
    pub device: Device,
}

impl Translator {
    /// Opens a run directory.
    ///
    /// # Errors
    /// What is no run of translation, has no weights yet, or is damaged.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let run = RunDirectory::open(path)?;
        let config: TranslationConfig = files::configuration(&run, "gan translate train")?;
        let shape = PairShape::open(&run)?;
        config.model.validate(&shape)?;
        let generator = files::finished(config.model.generator(&shape, device)?, &run)?;
        Ok(Self { run, config, shape, generator, device: device.clone() })
    }

    /// The picture that becomes of another, which is brought to the form that the generator knows: in grey or colour, square.
    ///
    /// # Errors
    /// A picture whose fields do not agree.
    pub fn translate(&self, image: &Image) -> Result<Image> {
        let input = Pictures::of_image(image, &self.shape.input())?;
        let made = translate(&self.generator, &input, 1, &self.device);
        let mut images = to_images(&made, &self.shape.target)?;
        images.pop().ok_or_else(|| CoreError::Data("found no picture that was made; expected one".into()).into())
    }
}

/// Values from -1 to 1 of what becomes of the first `count` pictures, picture after picture.
pub fn translate(generator: &Unet, input: &Pictures, count: usize, device: &Device) -> Vec<f32> {
    let indices: Vec<usize> = (0..count.min(input.len())).collect();
    let pass = |indices: &[usize]| numbers(generator.forward(Tensor::from_data(input.batch(indices).0, device)));
    indices.chunks(PASS).flat_map(pass).collect()
}

/// The mean absolute difference of values from -1 to 1, as a share of the way from black to white.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).sum();
    sum / 2.0 / a.len().max(1) as f64
}
