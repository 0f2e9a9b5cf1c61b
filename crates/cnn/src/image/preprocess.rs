//! From any picture to a network's input: channels, size, polarity, normalisation, as measured on the training set.

use std::path::Path;

use ognivo_core::data::{Image, ImageSet, picture};
use ognivo_core::{Error, run::RunDirectory};
use serde::{Deserialize, Serialize};

use super::model::InputShape;
use crate::Result;

/// The file of a run directory that holds a [`Preprocessing`].
pub const PREPROCESSING: &str = "preprocessing.json";

/// Pictures looked at for brightness and contrast; more would not change the figures visibly.
const SAMPLE: usize = 10_000;
/// Pictures looked at for their size.
const SHAPE_SAMPLE: usize = 256;
/// The side given to pictures of unequal sizes when none is asked for.
const DEFAULT_SIDE: usize = 64;

/// What a network expects of its input. Saved with the run, so that prediction does exactly what training did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// 1 (grey) or 3 (colour).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Mean of each channel over the training set, of values from 0 to 1.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, likewise.
    pub deviation: Vec<f32>,
    /// Whether the training pictures stand on a dark or a light ground.
    pub ground: Ground,
}

/// The brightness of a picture's border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// As in MNIST: light strokes on black.
    Dark,
    /// As in a scan: dark strokes on white.
    Light,
    /// Neither, as in photographs: a picture is never inverted.
    Mixed,
}

/// Whether a grey picture is inverted to match the training set's ground.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Polarity {
    /// Inverted when its ground is the opposite of the training set's.
    #[default]
    Auto,
    /// Left as it is.
    Keep,
    /// Inverted.
    Invert,
}

impl Preprocessing {
    /// Measures a training set; `size` (height, width) overrides the size its pictures have.
    pub fn measure(set: &dyn ImageSet, size: Option<[usize; 2]>) -> Result<Self> {
        let [channels, mut height, mut width] = common_shape(set)?;
        if let Some(size) = size {
            [height, width] = size;
        }
        let mut shape = Self {
            channels,
            height,
            width,
            mean: vec![0.0; channels],
            deviation: vec![1.0; channels],
            ground: Ground::Mixed,
        };
        shape.check()?;
        let (mut sums, mut squares, mut pixels) = (vec![0f64; channels], vec![0f64; channels], 0f64);
        let (mut dark, mut light, mut seen) = (0, 0, 0);
        for index in sample(set, SAMPLE) {
            let image = shape.fit(&set.image(index)?)?;
            for pixel in image.pixels.chunks_exact(channels) {
                for (channel, &value) in pixel.iter().enumerate() {
                    let value = f64::from(value) / 255.0;
                    sums[channel] += value;
                    squares[channel] += value * value;
                }
            }
            pixels += (height * width) as f64;
            let border = border_brightness(&image);
            dark += usize::from(border < 0.25);
            light += usize::from(border > 0.75);
            seen += 1;
        }
        for channel in 0..channels {
            let mean = sums[channel] / pixels;
            shape.mean[channel] = mean as f32;
            // A channel without contrast is left unscaled.
            let deviation = (squares[channel] / pixels - mean * mean).max(0.0).sqrt() as f32;
            shape.deviation[channel] = if deviation > 1e-6 { deviation } else { 1.0 };
        }
        shape.ground = match () {
            () if dark * 10 >= seen * 9 => Ground::Dark,
            () if light * 10 >= seen * 9 => Ground::Light,
            () => Ground::Mixed,
        };
        Ok(shape)
    }

    /// The network's input.
    pub fn input(&self) -> InputShape {
        InputShape { channels: self.channels, height: self.height, width: self.width }
    }

    /// Reads the preprocessing of a run.
    pub fn open(run: &RunDirectory) -> Result<Self> {
        let preprocessing: Self = run.read_json(PREPROCESSING)?;
        preprocessing.check().map_err(|error| {
            Error::format(run.file(PREPROCESSING), "shape", error.to_string(), "a shape a network can take")
        })?;
        Ok(preprocessing)
    }

    /// Values in one input: channels x height x width.
    pub fn values(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// A picture with this shape's channels and size.
    pub fn fit(&self, image: &Image) -> Result<Image> {
        let image = picture::to_channels(image, self.channels)?;
        if image.height == self.height && image.width == self.width {
            return Ok(image);
        }
        Ok(picture::resize(&image, self.width, self.height)?)
    }

    /// A picture from outside the data set, fitted, and inverted as `polarity` says.
    pub fn fit_foreign(&self, image: &Image, polarity: Polarity) -> Result<Image> {
        let fitted = self.fit(image)?;
        let invert = match polarity {
            Polarity::Keep => false,
            Polarity::Invert => true,
            Polarity::Auto => match self.ground {
                Ground::Dark => border_brightness(&fitted) > 0.5,
                Ground::Light => border_brightness(&fitted) < 0.5,
                Ground::Mixed => false,
            },
        };
        Ok(if invert { picture::invert(&fitted) } else { fitted })
    }

    /// Centres and scales values from 0 to 1, channel after channel.
    pub fn normalise(&self, values: &[f32], normalised: &mut [f32]) {
        let area = self.height * self.width;
        let channels = values.chunks_exact(area).zip(normalised.chunks_exact_mut(area));
        for ((values, normalised), (mean, deviation)) in channels.zip(self.mean.iter().zip(&self.deviation)) {
            let scale = 1.0 / deviation;
            for (normalised, value) in normalised.iter_mut().zip(values) {
                *normalised = (value - mean) * scale;
            }
        }
    }

    fn check(&self) -> Result<()> {
        const LIMIT: usize = 4096;
        let sides = [self.height, self.width];
        let finite = self.mean.iter().chain(&self.deviation).all(|value| value.is_finite());
        let sound = [1, 3].contains(&self.channels)
            && sides.iter().all(|side| (1..=LIMIT).contains(side))
            && [self.mean.len(), self.deviation.len()] == [self.channels; 2]
            && finite
            && self.deviation.iter().all(|deviation| *deviation > 0.0);
        if sound {
            return Ok(());
        }
        Err(Error::Config(format!(
            "input of {} channels, {} x {}: expected 1 or 3 channels, sides from 1 to {LIMIT}, a mean and a deviation a channel",
            self.channels, self.height, self.width
        ))
        .into())
    }
}

/// Channels, height and width of the pictures of a set; a square of 64 where they differ in size.
pub fn common_shape(set: &dyn ImageSet) -> Result<[usize; 3]> {
    let (mut channels, mut common, mut differ) = (1, None, false);
    for index in sample(set, SHAPE_SAMPLE) {
        let image = set.image(index)?;
        channels = channels.max(image.channels);
        let size = [image.height, image.width];
        differ |= *common.get_or_insert(size) != size;
    }
    let size = common.ok_or_else(|| Error::Data("the training set holds no picture".into()))?;
    let [height, width] = if differ { [DEFAULT_SIDE; 2] } else { size };
    Ok([channels, height, width])
}

/// The indices of about `count` pictures, evenly over the set.
fn sample(set: &dyn ImageSet, count: usize) -> impl Iterator<Item = usize> + use<> {
    (0..set.len()).step_by(set.len().div_ceil(count).max(1))
}

/// Mean brightness, from 0 to 1, of the outermost rows and columns.
fn border_brightness(image: &Image) -> f64 {
    let (mut sum, mut count) = (0f64, 0usize);
    for row in 0..image.height {
        let edge_row = row == 0 || row + 1 == image.height;
        for column in 0..image.width {
            if edge_row || column == 0 || column + 1 == image.width {
                let start = (row * image.width + column) * image.channels;
                sum += image.pixels[start..start + image.channels].iter().map(|&value| f64::from(value)).sum::<f64>();
                count += image.channels;
            }
        }
    }
    sum / (255.0 * count.max(1) as f64)
}

/// Reads a picture file for a network.
pub fn open_picture(path: &Path, preprocessing: &Preprocessing, polarity: Polarity) -> Result<Image> {
    preprocessing.fit_foreign(&picture::decode_file(path)?, polarity)
}
