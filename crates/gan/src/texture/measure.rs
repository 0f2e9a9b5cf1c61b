//! How near a texture comes to its style, whatever lies where: in what the encoder says on average, and in small patches of pixels.

use burn::tensor::{Device, Tensor};
use ognivo_core::random::stream;
use ognivo_kernels::avg_pool2d;
use serde::Serialize;

use super::discriminator::SCALES;
use super::encoder::Encoder;
use super::model::{SMALLEST, UNIT};
use super::style::{Plane, moments};
use crate::images::sample::numbers;
use crate::measure::rows::{Rows, squared_distances};
use crate::noise::MEASURE;

/// Pixels along the sides of the patches that are compared.
const PATCH: usize = 8;
/// Deviations of features below this share of the mean one count as this.
const FAINTEST: f64 = 0.3;
/// About so many patches are looked up, among at most about so many, which is all of them up to 200 x 200 pixels: in a picture with sharp edges a patch that
/// lies a pixel aside is far away.
const PATCHES: [usize; 2] = [500, 40_000];

/// Columns along each edge that count for no mean product: what the encoder saw there lies partly outside the picture.
const BORDER: usize = 4;

/// A style as the encoder sees it.
pub struct Reference<'a> {
    /// The picture.
    pub style: Plane,
    /// The encoder.
    pub encoder: &'a Encoder,
    /// For each scale, of each channel of the style's columns: the mean, and one over the deviation, which is not taken too small.
    scales: [[Vec<f32>; 2]; SCALES],
    /// Mean products of the style's columns.
    gram: Vec<f32>,
}

/// Two distances from a style, smaller for a texture that is more like it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Likeness {
    /// Between the mean products of columns (Gram matrices, Gatys et al. 2015), as a share of the style's: `|G - G'| / |G'|`.
    pub gram: f64,
    /// The mean distance of a patch of 8 x 8 pixels from the nearest of the style, and of one of the style from the nearest of the texture, and of these
    /// two the mean (bidirectional similarity, Simakov et al. 2008): root of the mean squared difference, black to white being 1.
    pub patch: f64,
}

/// What a texture reaches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Of the texture.
    pub texture: Likeness,
    /// Of noise with the style's mean and deviation, from which a learnt picture starts.
    pub start: Likeness,
    /// Of a plain picture in the style's mean colour: without any structure, but no patch of it is far off.
    pub plain: Likeness,
    /// Of one half of the style against the other, if they are large enough.
    pub floor: Option<Likeness>,
    /// How steep the texture is from one edge to the opposite, across and down, beside neighbouring pixels: about 1 where no seam is seen, more
    /// where an edge of the motif happens to lie there.
    pub seam: f64,
}

impl<'a> Reference<'a> {
    /// Of a style that is at least as large as [`SMALLEST`]; `device` is a plain one.
    pub fn new(style: Plane, encoder: &'a Encoder, device: &Device) -> Self {
        let pictures = Tensor::from_data(style.whole(UNIT).data(), device);
        let scales = std::array::from_fn(|scale| statistics(encoder.columns(smaller(pictures.clone(), scale))));
        let mut reference = Self { style, encoder, scales, gram: Vec::new() };
        reference.gram = reference.gram_of(&reference.style, device);
        reference
    }

    /// Pictures `[batch, 3, height, width]`, sides multiples of [`UNIT`], to what is judged: of each scale the columns, with the mean and deviation of
    /// the style's.
    pub fn columns(&self, pictures: &Tensor<4>) -> Vec<Tensor<4>> {
        (0..SCALES).map(|scale| self.scaled(self.encoder.columns(smaller(pictures.clone(), scale)), scale)).collect()
    }

    fn scaled(&self, columns: Tensor<4>, scale: usize) -> Tensor<4> {
        let device = columns.device();
        let [mean, factor] = self.scales[scale]
            .each_ref()
            .map(|values| Tensor::<1>::from_floats(values.as_slice(), &device).reshape([1, values.len(), 1, 1]));
        (columns - mean) * factor
    }

    /// Mean products of columns of the picture's own size, with 1 as one more, so that their means count too.
    fn gram_of(&self, picture: &Plane, device: &Device) -> Vec<f32> {
        let columns = self.encoder.columns(Tensor::from_data(picture.whole(UNIT).data(), device));
        let [_, channels, height, width] = columns.dims();
        let [rows, across] = [height - 2 * BORDER, width - 2 * BORDER];
        let inner = self.scaled(columns, 0).narrow(2, BORDER, rows).narrow(3, BORDER, across);
        let places = rows * across;
        let all = Tensor::cat(vec![inner.reshape([channels, places]), Tensor::ones([1, places], device)], 0);
        numbers(all.clone().matmul(all.transpose()) / places as f64)
    }

    /// [`Likeness::gram`] of a texture that is at least as large as [`SMALLEST`].
    pub fn gram_distance(&self, picture: &Plane, device: &Device) -> f64 {
        let own = self.gram_of(picture, device);
        let apart: f64 = own.iter().zip(&self.gram).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let whole: f64 = self.gram.iter().map(|b| f64::from(*b).powi(2)).sum();
        apart.sqrt() / whole.sqrt().max(f64::MIN_POSITIVE)
    }

    /// Both distances of a texture that is at least as large as a patch.
    pub fn likeness(&self, picture: &Plane, device: &Device) -> Likeness {
        Likeness { gram: self.gram_distance(picture, device), patch: patch_distance(picture, &self.style, device) }
    }

    /// All measures of a texture, of which every side is at least as long as a patch; `seed` is that of the start.
    pub fn evaluate(&self, texture: &Plane, seed: u64, device: &Device) -> Evaluation {
        let start = self.style.noise(texture.width, texture.height, &mut stream(seed, &[MEASURE]));
        let plain = self.style.plain(texture.width, texture.height);
        let half = self.style.width / 2;
        let floor = (half >= SMALLEST).then(|| {
            let left = self.style.part(0, 0, half, self.style.height);
            let right = self.style.part(half, 0, half, self.style.height);
            Reference::new(right, self.encoder, device).likeness(&left, device)
        });
        Evaluation {
            texture: self.likeness(texture, device),
            start: self.likeness(&start, device),
            plain: self.likeness(&plain, device),
            floor,
            seam: seam(texture),
        }
    }
}

/// A picture as a scale sees it.
fn smaller(pictures: Tensor<4>, scale: usize) -> Tensor<4> {
    match 1 << scale {
        1 => pictures,
        side => avg_pool2d(pictures, [side; 2], [side; 2], [0, 0], false, false),
    }
}

/// Means of channels, and one over their deviations. A channel that the style hardly stirs counts little, however much another picture stirs it.
fn statistics(columns: Tensor<4>) -> [Vec<f32>; 2] {
    let [_, _, height, width] = columns.dims();
    let values = numbers(columns);
    let (means, deviations): (Vec<f64>, Vec<f64>) = moments(&values, height * width).unzip();
    let least = FAINTEST * deviations.iter().sum::<f64>() / deviations.len().max(1) as f64;
    let factor = |deviation: &f64| (1.0 / deviation.max(least).max(1e-6)) as f32;
    [means.iter().map(|&mean| mean as f32).collect(), deviations.iter().map(factor).collect()]
}

/// The values of a picture `[1, 3, height, width]`.
pub fn plane(picture: Tensor<4>) -> Plane {
    let [_, _, height, width] = picture.dims();
    Plane { width, height, values: numbers(picture) }
}

/// [`Likeness::patch`].
fn patch_distance(picture: &Plane, style: &Plane, device: &Device) -> f64 {
    (nearest(picture, style, device) + nearest(style, picture, device)) / 2.0
}

/// The mean distance from patches of one picture to the nearest of another.
fn nearest(from: &Plane, to: &Plane, device: &Device) -> f64 {
    let [from, to] = [(from, PATCHES[0]), (to, PATCHES[1])].map(|(plane, count)| patches(plane, count));
    let width = from.width() as f64;
    let mut sum = 0.0;
    squared_distances(&from, &to, device, |_, distances| {
        let nearest = distances.iter().copied().fold(f32::INFINITY, f32::min);
        sum += (f64::from(nearest) / width).sqrt() / 2.0;
    });
    sum / from.len().max(1) as f64
}

/// Patches on a grid that has about `count` places.
fn patches(plane: &Plane, count: usize) -> Rows {
    let places = (plane.width - PATCH + 1) * (plane.height - PATCH + 1);
    let step = places.div_ceil(count).isqrt().max(1);
    let mut values = Vec::new();
    for top in (0..=plane.height - PATCH).step_by(step) {
        for left in (0..=plane.width - PATCH).step_by(step) {
            values.extend(plane.part(left, top, PATCH, PATCH).values);
        }
    }
    Rows::new(values, 3 * PATCH * PATCH)
}

/// [`Evaluation::seam`].
fn seam(plane: &Plane) -> f64 {
    let (width, height) = (plane.width, plane.height);
    let (mut across, mut inside) = ((0.0, 0u64), (0.0, 0u64));
    let mut add = |a: f32, b: f32, is_seam: bool| {
        let sum = if is_seam { &mut across } else { &mut inside };
        *sum = (sum.0 + f64::from((a - b).abs()), sum.1 + 1);
    };
    for channel in plane.values.chunks_exact(width * height) {
        for (place, &value) in channel.iter().enumerate() {
            let (x, y) = (place % width, place / width);
            add(value, channel[y * width + (x + 1) % width], x + 1 == width);
            add(value, channel[(y + 1) % height * width + x], y + 1 == height);
        }
    }
    let mean = |(sum, count): (f64, u64)| sum / count.max(1) as f64;
    mean(across) / mean(inside).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texture::formula::Formula;

    #[test]
    fn a_part_of_the_style_is_nearest_and_a_torus_has_no_seam() {
        let style = Plane::of(&Formula::named("weave").unwrap().picture(96, 80).unwrap()).unwrap();
        let device = Device::default();
        // On its own grid a patch is found again.
        assert!(patch_distance(&style.part(0, 0, 40, 40), &style.part(0, 0, 40, 40), &device) < 1e-4);
        let noise = style.noise(40, 40, &mut stream(1, &[]));
        let plain = style.plain(40, 40);
        let [noise, plain] = [noise, plain].map(|picture| patch_distance(&picture, &style, &device));
        // A patch a pixel aside is found too.
        assert!(patch_distance(&style.part(1, 3, 60, 60), &style, &device) < 0.05);
        assert!(noise > plain && plain > 0.15, "{noise} {plain}");
        // A period of the weave is 16 pixels, and 4 pixels from its corner there is no edge of a thread.
        let whole = seam(&style.part(4, 4, 64, 64));
        let broken = seam(&style.part(4, 4, 60, 60));
        assert!(whole < 1.0 && broken > 2.0, "{whole} {broken}");
    }
}
