//! Augmentation that keeps the class: small changes of a picture, drawn anew each epoch and drawn again alike from
//! (seed, epoch, index).
//!
//! The changes are made in this order: geometry (scale, rotation, shift and crop, mirror) in one resampling, brightness,
//! contrast, erasing. [`mixup_plan`] pairs the items of a batch afterwards.

mod colour;
mod config;
mod geometry;
mod mixup;

use ognivo_core::data::Image;
use ognivo_core::random::{self, Rng};
use ognivo_core::{Error, Result};

pub use config::AugmentConfig;
pub use geometry::{Border, Placement};
pub use mixup::{MixupPlan, mixup_plan};

/// A picture as networks take it: numbers from 0 (black) to 1, channel after channel, rows from the top.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatImage {
    channels: usize,
    height: usize,
    width: usize,
    pixels: Vec<f32>,
}

impl FloatImage {
    /// A picture from its `channels * height * width` numbers.
    pub fn new([channels, height, width]: [usize; 3], pixels: Vec<f32>) -> Result<Self> {
        let count = channels.checked_mul(height).and_then(|rows| rows.checked_mul(width));
        if count != Some(pixels.len()) {
            let found = pixels.len();
            return Err(Error::Data(format!(
                "picture of shape [{channels}, {height}, {width}]: found {found} numbers"
            )));
        }
        Ok(Self { channels, height, width, pixels })
    }

    /// `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// The numbers, in the order channel, row, column.
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// The numbers, to be changed.
    pub fn pixels_mut(&mut self) -> &mut [f32] {
        &mut self.pixels
    }

    /// The nearest picture of bytes; values beyond 0 and 1 become black and white.
    pub fn to_image(&self) -> Result<Image> {
        let [channels, height, width] = self.shape();
        let byte = |position: usize| {
            let value = self.pixels[position % channels * height * width + position / channels];
            (value * 255.0).round().clamp(0.0, 255.0) as u8
        };
        Image::new(width, height, channels, (0..self.pixels.len()).map(byte).collect())
    }

    /// The numbers alone.
    pub fn into_pixels(self) -> Vec<f32> {
        self.pixels
    }
}

impl From<&Image> for FloatImage {
    /// Bytes divided by 255.
    fn from(image: &Image) -> Self {
        let Image { width, height, channels, .. } = *image;
        let area = width * height;
        let mut pixels = vec![0.0; channels * area];
        for channel in 0..channels {
            let bytes = image.pixels.iter().skip(channel).step_by(channels);
            for (pixel, &byte) in pixels[channel * area..][..area].iter_mut().zip(bytes) {
                *pixel = f32::from(byte) / 255.0;
            }
        }
        Self { channels, height, width, pixels }
    }
}

/// Augments pictures as a checked [`AugmentConfig`] says.
#[derive(Clone, Debug, Default)]
pub struct Augment {
    config: AugmentConfig,
}

impl Augment {
    /// Settings out of range are an error.
    pub fn new(config: AugmentConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self { config })
    }

    /// The settings.
    pub fn config(&self) -> &AugmentConfig {
        &self.config
    }

    /// Augments item `index` of `epoch`: the same numbers give the same picture.
    pub fn replay(&self, image: &mut FloatImage, seed: u64, epoch: u64, index: usize) {
        self.apply(image, &mut random::stream(seed, &[random::AUGMENT, epoch, index as u64]));
    }

    /// Augments a picture with random choices from `rng`; its shape stays.
    ///
    /// What is off draws nothing, so the choices depend on the settings as well as on the generator.
    pub fn apply(&self, image: &mut FloatImage, rng: &mut impl Rng) {
        let c = &self.config;
        let placement = self.placement(rng);
        if placement != Placement::default() {
            placement.apply(image, c.border);
        }
        if c.brightness > 0.0 {
            colour::brighten(image, 1.0 + signed(rng, c.brightness));
        }
        if c.contrast > 0.0 {
            colour::contrast(image, 1.0 + signed(rng, c.contrast));
        }
        if c.erase > 0.0 && random::uniform(rng) < c.erase {
            colour::erase(image, c.erase_area, rng);
        }
    }

    fn placement(&self, rng: &mut impl Rng) -> Placement {
        let c = &self.config;
        let mut placement = Placement::default();
        if c.scale != [1.0, 1.0] {
            placement.scale = between(rng, c.scale);
        }
        if c.rotate > 0.0 {
            placement.degrees = signed(rng, c.rotate);
        }
        for reach in [c.shift, c.crop] {
            if reach > 0 {
                placement.right += steps(rng, reach);
                placement.down += steps(rng, reach);
            }
        }
        placement.mirror = c.flip && rng.next_u32() >> 31 == 1;
        placement
    }
}

/// A number between the two ends.
fn between(rng: &mut impl Rng, [low, high]: [f32; 2]) -> f32 {
    low + (high - low) * random::uniform(rng)
}

/// A number between `-reach` and `reach`.
fn signed(rng: &mut impl Rng, reach: f32) -> f32 {
    between(rng, [-reach, reach])
}

/// A whole number from `-reach` to `reach`.
fn steps(rng: &mut impl Rng, reach: u32) -> i64 {
    random::below(rng, 2 * reach as usize + 1) as i64 - i64::from(reach)
}
