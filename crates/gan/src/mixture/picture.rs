//! A picture of the plane: the discriminator as brightness, real items blue, generated ones red.

use ognivo_core::data::Image;

use super::target::Mixture;
use crate::Result;

/// Pixels along a side.
const SIDE: usize = 192;

/// Draws `real` points, `fake` ones (pairs, row after row) and what `judge` says of each place: the brighter, the likelier real; logits
/// that are no probabilities are shown between their least and their greatest.
///
/// # Errors
/// None that a mixture can cause.
pub fn draw(
    mixture: &Mixture,
    real: &[Vec<f64>],
    fake: &[f64],
    judge: impl FnOnce(&[Vec<f64>]) -> Vec<f64>,
) -> Result<Image> {
    let extent = mixture.extent();
    let at = |pixel: usize| (2.0 * (pixel as f64 + 0.5) / SIDE as f64 - 1.0) * extent;
    let places: Vec<Vec<f64>> = (0..SIDE * SIDE).map(|index| vec![at(index % SIDE), -at(index / SIDE)]).collect();
    let found = judge(&places);
    let finite = found.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite.fold((0.0f64, 1.0f64), |(low, high), value| (low.min(value), high.max(value)));
    let mut pixels = Vec::with_capacity(SIDE * SIDE * 3);
    for value in found {
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        pixels.extend([(60.0 + 180.0 * share) as u8; 3]);
    }
    let mut dot = |x: f64, y: f64, colour: [u8; 3]| {
        let pixel = |place: f64| ((place / extent + 1.0) * 0.5 * SIDE as f64).floor();
        let (column, row) = (pixel(x), pixel(-y));
        let inside = |place: f64| (0.0..SIDE as f64).contains(&place);
        if inside(column) && inside(row) {
            let start = (row as usize * SIDE + column as usize) * 3;
            pixels[start..start + 3].copy_from_slice(&colour);
        }
    };
    real.iter().for_each(|point| dot(point[0], point[1], [40, 110, 230]));
    fake.chunks_exact(2).for_each(|point| dot(point[0], point[1], [225, 60, 50]));
    Ok(Image::new(SIDE, SIDE, 3, pixels)?)
}
