//! Random numbers of a game: each is a pure function of the seed, of what it is for and of where in training it is drawn, so that a
//! run that was stopped goes on with the numbers it would have had.

use burn::tensor::{Device, Shape, Tensor, TensorData};
use ognivo_core::random::{self, stream};

/// First parts of [`stream`]s; `ognivo-core` has those below 100.
pub(crate) const LATENT: u64 = 101;
pub(crate) const REAL: u64 = 102;
pub(crate) const INSTANCE: u64 = 103;
pub(crate) const STRETCH: u64 = 104;
pub(crate) const NORM: u64 = 105;
pub(crate) const MEASURE: u64 = 106;
pub(crate) const FIXED: u64 = 107;
pub(crate) const SAMPLE: u64 = 108;
pub(crate) const SLICE: u64 = 109;
pub(crate) const SPRITE: u64 = 110;
pub(crate) const FORMULA: u64 = 111;
pub(crate) const TEXTURE: u64 = 112;

/// Standard normal numbers for the purpose and place `parts`.
pub fn normal<const D: usize>(shape: [usize; D], seed: u64, parts: &[u64], device: &Device) -> Tensor<D> {
    let mut rng = stream(seed, parts);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random::normal(&mut rng) as f32).collect();
    Tensor::from_data(TensorData::new(values, Shape::from(shape)), device)
}

/// So many normal numbers, of which those beyond `bound` are drawn again.
pub fn truncated(count: usize, seed: u64, parts: &[u64], bound: Option<f64>) -> Vec<f32> {
    let mut rng = stream(seed, parts);
    let bound = bound.unwrap_or(f64::INFINITY);
    let draws = std::iter::repeat_with(|| random::normal(&mut rng)).filter(|draw| draw.abs() <= bound);
    draws.take(count).map(|draw| draw as f32).collect()
}
