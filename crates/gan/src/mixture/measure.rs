//! What a generator has found of a mixture, and how good the discriminator is.

use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;

use super::density::{Density, KernelDensity, PushForward, places};
use super::model::{Discriminator, Generator, MixtureConfig};
use super::target::Mixture;
use crate::noise::{self, MEASURE};
use crate::objective::Objective;

/// A mode is covered when it has this share of what it would have among equals, within three deviations.
pub const COVERED: f64 = 0.1;
/// Items generated in one pass.
const PASS: usize = 10_000;

/// Where a generator's samples lie.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Modes with at least a tenth of their due.
    pub covered: usize,
    /// Share of samples within three deviations of a mode.
    pub within_3_sigma: f64,
    /// For each mode, the share of samples within three deviations of it.
    pub shares: Vec<f64>,
    /// For each mode, the root mean square distance of those samples from it along one axis, in deviations; 0 without samples.
    pub widths: Vec<f64>,
}

impl Coverage {
    /// Of samples, rows of the mixture's dimensions.
    pub fn of(mixture: &Mixture, samples: &[f64]) -> Self {
        let modes = mixture.centres.len();
        let (mut counts, mut squares) = (vec![0usize; modes], vec![0.0; modes]);
        let dimensions = mixture.dimensions();
        let count = samples.len() / dimensions.max(1);
        for sample in samples.chunks_exact(dimensions.max(1)) {
            let (mode, distance) = mixture.nearest(sample);
            if distance <= 3.0 * mixture.deviation {
                counts[mode] += 1;
                squares[mode] += (distance / mixture.deviation).powi(2) / dimensions as f64;
            }
        }
        let due = COVERED * count as f64 / modes as f64;
        Self {
            covered: counts.iter().filter(|&&own| own > 0 && own as f64 >= due).count(),
            within_3_sigma: counts.iter().sum::<usize>() as f64 / count.max(1) as f64,
            shares: counts.iter().map(|&own| own as f64 / count.max(1) as f64).collect(),
            widths: counts.iter().zip(&squares).map(|(&own, sum)| (sum / own.max(1) as f64).sqrt()).collect(),
        }
    }
}

/// How far a discriminator is from the best one against the same generator, at places where the data has mass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distance {
    /// Mean of `|D - p / (p + q)|` over data.
    pub mean: f64,
    /// The value that 95 % of the data stay below.
    pub percentile_95: f64,
}

/// A generator of a mixture, with its seed for measuring.
pub struct Subject<'a> {
    /// The mixture it was trained on.
    pub mixture: &'a Mixture,
    /// Its form.
    pub config: &'a MixtureConfig,
    /// The network, on a plain device.
    pub generator: &'a Generator,
    /// The seed of the run.
    pub seed: u64,
    /// Where it computes.
    pub device: &'a Device,
}

impl Subject<'_> {
    /// `count` samples, row after row; `purpose` tells draws apart.
    pub fn samples(&self, count: usize, purpose: u64) -> Vec<f64> {
        let mut values = Vec::with_capacity(count * self.mixture.dimensions());
        for (part, first) in (0..count).step_by(PASS).enumerate() {
            let shape = [PASS.min(count - first), self.config.latent];
            let noise = noise::normal(shape, self.seed, &[MEASURE, purpose, part as u64], self.device);
            values.extend(numbers(self.generator.forward(noise)));
        }
        values
    }

    /// The generator's density: exact where noise and data have one dimension, else from kernels of `bandwidth` deviations on `count`
    /// samples.
    pub fn density(&self, count: usize, bandwidth: f64) -> Density {
        if self.config.latent == 1 && self.mixture.dimensions() == 1 {
            let places: Vec<f32> = PushForward::places().iter().map(|&z| z as f32).collect();
            let values: Vec<f64> = places
                .chunks(PASS)
                .flat_map(|part| {
                    let noise = TensorData::new(part.to_vec(), [part.len(), 1]);
                    numbers(self.generator.forward(Tensor::from_data(noise, self.device)))
                })
                .collect();
            let side = self.mixture.extent();
            return Density::Exact(PushForward::new(&values, -side, side, 0.1 * self.mixture.deviation));
        }
        let samples = self.samples(count, 2);
        Density::Kernel(KernelDensity::new(&samples, self.mixture.dimensions(), bandwidth * self.mixture.deviation))
    }

    /// How far `discriminator` is from the best against the generator whose density this is; `None` where the objective has no such best.
    pub fn distance(
        &self,
        discriminator: &Discriminator,
        density: &Density,
        objective: &Objective,
        smoothing: f64,
        count: usize,
    ) -> Option<Distance> {
        let target = density.target(self.mixture);
        let places = places(self.mixture, count, self.seed);
        let found = opinions(discriminator, &places, objective, self.device);
        let mut errors: Vec<f64> = Vec::with_capacity(places.len());
        for (place, found) in places.iter().zip(found) {
            errors.push((found - objective.optimum(target.density(place), density.at(place), smoothing)?).abs());
        }
        errors.sort_by(f64::total_cmp);
        let percentile_95 = *errors.get((errors.len() * 95 / 100).min(errors.len().saturating_sub(1)))?;
        Some(Distance { mean: errors.iter().sum::<f64>() / errors.len() as f64, percentile_95 })
    }

    /// The value of the lecture's game, `E ln D(x) + E ln (1 - D(G(z)))`, for a discriminator whose logits are log odds.
    pub fn value(&self, discriminator: &Discriminator, count: usize) -> f64 {
        let data = places(self.mixture, count, self.seed.wrapping_add(1));
        let dimensions = self.mixture.dimensions();
        let fake: Vec<Vec<f64>> = self.samples(count, 3).chunks_exact(dimensions).map(<[f64]>::to_vec).collect();
        // ln D = -softplus(-l), in the form that does not overflow.
        let softplus = |l: f64| l.max(0.0) + (-l.abs()).exp().ln_1p();
        let mean = |items: &[Vec<f64>], sign: f64| {
            let logits = logits(discriminator, items, self.device);
            logits.iter().map(|l| -softplus(sign * l)).sum::<f64>() / items.len().max(1) as f64
        };
        mean(&data, -1.0) + mean(&fake, 1.0)
    }
}

/// The discriminator's opinions of places.
pub fn opinions(
    discriminator: &Discriminator,
    places: &[Vec<f64>],
    objective: &Objective,
    device: &Device,
) -> Vec<f64> {
    logits(discriminator, places, device).into_iter().map(|logit| objective.opinion(logit)).collect()
}

fn logits(discriminator: &Discriminator, places: &[Vec<f64>], device: &Device) -> Vec<f64> {
    let dimensions = places.first().map_or(1, Vec::len);
    places
        .chunks(PASS)
        .flat_map(|part| {
            let values: Vec<f32> = part.iter().flatten().map(|&x| x as f32).collect();
            let items = Tensor::<2>::from_data(TensorData::new(values, [part.len(), dimensions]), device);
            numbers(discriminator.forward(items))
        })
        .collect()
}

/// The values of a tensor on a plain device.
fn numbers(tensor: Tensor<2>) -> Vec<f64> {
    let data = tensor.into_data().convert::<f32>();
    data.as_slice::<f32>().unwrap_or_default().iter().map(|&value| f64::from(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_by_hand() {
        let mixture = Mixture::named("line", Some(0.1)).unwrap();
        // Two at the first mode (one a deviation off), one far from all, seven at the last.
        let samples = [-2.0, -1.9, -1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0];
        let coverage = Coverage::of(&mixture, &samples);
        assert_eq!((coverage.covered, coverage.within_3_sigma), (2, 0.9));
        assert_eq!(coverage.shares, [0.2, 0.0, 0.7]);
        assert!((coverage.widths[0] - 0.5f64.sqrt()).abs() < 1e-9 && coverage.widths[1] == 0.0);
        // A mode with less than a tenth of its due does not count.
        let few: Vec<f64> = std::iter::once(-2.0).chain(std::iter::repeat_n(2.0, 99)).collect();
        assert_eq!(Coverage::of(&mixture, &few).covered, 1);
        assert_eq!(Coverage::of(&mixture, &[]).covered, 0);
    }
}
