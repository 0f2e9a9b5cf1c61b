//! The picture that a texture is to be like.

use std::path::Path;

use burn::tensor::TensorData;
use ognivo_core::data::{Image, picture};
use ognivo_core::random::{self, Rng};
use ognivo_core::{Error, cli::suggest};

use super::formula::{Formula, NAMES};
use crate::Result;

/// Pixels along the sides of a style that is computed.
const COMPUTED: usize = 192;

/// A picture in colour, values from -1 to 1, channel after channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `3 * height * width` of them.
    pub values: Vec<f32>,
}

impl Plane {
    /// The picture `source`: a file, or the name of a [`Formula`].
    ///
    /// # Errors
    /// A file that is no picture; a name of neither.
    pub fn open(source: &str) -> Result<Self> {
        let path = Path::new(source);
        if path.is_file() {
            return Self::of(&picture::decode_file(path)?);
        }
        if let Some(formula) = Formula::named(source) {
            return Self::of(&formula.picture(COMPUTED, COMPUTED)?);
        }
        if source.contains(['/', '\\', '.']) {
            return Err(Error::Data(format!("{source}: no such file; expected a picture to be like")).into());
        }
        Err(Error::Config(suggest::unknown("style", source, &NAMES)).into())
    }

    /// A picture as values.
    ///
    /// # Errors
    /// A picture whose fields do not agree.
    pub fn of(image: &Image) -> Result<Self> {
        let image = picture::to_channels(image, 3)?;
        let plane = |channel: usize| image.pixels.iter().skip(channel).step_by(3);
        let values = (0..3).flat_map(plane).map(|&byte| f32::from(byte) / 127.5 - 1.0).collect();
        Ok(Self { width: image.width, height: image.height, values })
    }

    /// The values as a picture.
    ///
    /// # Errors
    /// Values that are not of the size.
    pub fn image(&self) -> Result<Image> {
        let area = self.width * self.height;
        let value = |place: usize| self.values[place % 3 * area + place / 3];
        let byte = |place: usize| ((value(place) + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8;
        Ok(Image::new(self.width, self.height, 3, (0..3 * area).map(byte).collect())?)
    }

    /// `[1, 3, height, width]`.
    pub fn data(&self) -> TensorData {
        TensorData::new(self.values.clone(), [1, 3, self.height, self.width])
    }

    /// A part of it.
    ///
    /// # Panics
    /// If it reaches beyond the picture.
    pub fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let mut values = Vec::with_capacity(3 * width * height);
        for channel in 0..3 {
            for row in top..top + height {
                let start = (channel * self.height + row) * self.width + left;
                values.extend_from_slice(&self.values[start..start + width]);
            }
        }
        Self { width, height, values }
    }

    /// The largest part whose sides are multiples of `unit`.
    pub fn whole(&self, unit: usize) -> Self {
        self.part(0, 0, self.width / unit * unit, self.height / unit * unit)
    }

    /// Squares of `side` pixels from places drawn at random, `[count, 3, side, side]`.
    ///
    /// # Panics
    /// If the picture is smaller.
    pub fn crops(&self, count: usize, side: usize, rng: &mut impl Rng) -> TensorData {
        let mut values = Vec::with_capacity(count * 3 * side * side);
        for _ in 0..count {
            let (left, top) = (random::below(rng, self.width - side + 1), random::below(rng, self.height - side + 1));
            values.extend(self.part(left, top, side, side).values);
        }
        TensorData::new(values, [count, 3, side, side])
    }

    fn moments(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        moments(&self.values, self.width * self.height)
    }

    /// Normal noise with the mean and deviation of each channel, as far as white is not exceeded: what a texture starts from.
    pub fn noise(&self, width: usize, height: usize, rng: &mut impl Rng) -> Self {
        let mut values = Vec::with_capacity(3 * width * height);
        for (mean, deviation) in self.moments() {
            let draw = || (mean + deviation * random::normal(rng)).clamp(-0.99, 0.99) as f32;
            values.extend(std::iter::repeat_with(draw).take(width * height));
        }
        Self { width, height, values }
    }

    /// The mean of each channel everywhere.
    pub fn plain(&self, width: usize, height: usize) -> Self {
        let values = self.moments().flat_map(|(mean, _)| std::iter::repeat_n(mean as f32, width * height)).collect();
        Self { width, height, values }
    }
}

/// Mean and deviation of each channel, which has `area` of the values.
pub(super) fn moments(values: &[f32], area: usize) -> impl Iterator<Item = (f64, f64)> + '_ {
    values.chunks_exact(area).map(move |channel| {
        let mean = channel.iter().map(|&value| f64::from(value)).sum::<f64>() / area as f64;
        let variance = channel.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / area as f64;
        (mean, variance.sqrt())
    })
}
