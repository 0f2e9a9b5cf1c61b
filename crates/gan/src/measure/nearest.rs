//! The nearest training picture of each sample: whether a generator has learnt pictures by heart.

use burn::tensor::Device;

use super::rows::{Rows, squared_distances};
use crate::images::data::Pictures;

/// Training pictures looked at in one go.
const BLOCK: usize = 2048;

/// For each row of pixels from 0 to 1: the index of the nearest of `pictures`, and the distance, as the root of the mean squared
/// difference of a pixel.
pub fn nearest(pixels: &Rows, pictures: &Pictures, device: &Device) -> Vec<(usize, f64)> {
    let mut best = vec![(0, f32::INFINITY); pixels.len()];
    for first in (0..pictures.len()).step_by(BLOCK) {
        let block = pictures.pixels(first..pictures.len().min(first + BLOCK));
        squared_distances(pixels, &block, device, |row, distances| {
            for (index, &distance) in distances.iter().enumerate() {
                if distance < best[row].1 {
                    best[row] = (first + index, distance);
                }
            }
        });
    }
    let width = pixels.width() as f64;
    best.into_iter().map(|(index, squares)| (index, (f64::from(squares) / width).sqrt())).collect()
}

/// The middle one of some distances; not a number for none.
pub fn median(found: &[(usize, f64)]) -> f64 {
    let mut distances: Vec<f64> = found.iter().map(|(_, distance)| *distance).collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(f64::NAN)
}
