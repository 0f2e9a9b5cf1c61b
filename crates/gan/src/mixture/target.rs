//! The mixtures.

use std::f64::consts::TAU;

use burn::tensor::TensorData;
use ognivo_core::cli::suggest;
use ognivo_core::random::{self, Rng};

use crate::{Error, Result};

/// Equally likely normal distributions with one standard deviation in all directions.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Means of the modes, each of one or two numbers.
    pub centres: Vec<Vec<f64>>,
    /// Standard deviation of every mode.
    pub deviation: f64,
}

impl Mixture {
    /// The names that [`named`](Self::named) knows.
    pub const NAMES: [&'static str; 3] = ["ring", "grid", "line"];

    /// - `ring`: eight modes on a circle of radius 2, deviation 0.02 (Metz et al. 2017, appendix A).
    /// - `grid`: 25 modes at -4, -2, 0, 2, 4 in both directions, deviation 0.05 (Srivastava et al. 2017).
    /// - `line`: three modes at -2, 0, 2 in one dimension, deviation 0.3.
    ///
    /// `deviation`, where given, is used instead.
    ///
    /// # Errors
    /// Another name; a deviation that is not above 0.
    pub fn named(name: &str, deviation: Option<f64>) -> Result<Self> {
        let (centres, own): (Vec<Vec<f64>>, f64) = match name {
            "ring" => {
                let angles = (0..8).map(|mode| TAU * f64::from(mode) / 8.0);
                (angles.map(|angle| vec![2.0 * angle.cos(), 2.0 * angle.sin()]).collect(), 0.02)
            }
            "grid" => {
                let places = [-4.0, -2.0, 0.0, 2.0, 4.0];
                (places.iter().flat_map(|&x| places.map(|y| vec![x, y])).collect(), 0.05)
            }
            "line" => (vec![vec![-2.0], vec![0.0], vec![2.0]], 0.3),
            _ => {
                return Err(ognivo_core::Error::Config(suggest::unknown("mixture", name, &Self::NAMES)).into());
            }
        };
        let deviation = deviation.unwrap_or(own);
        if !(deviation > 0.0 && deviation.is_finite()) {
            return Err(Error::setting("model.deviation", deviation, "a number above 0"));
        }
        Ok(Self { centres, deviation })
    }

    /// Numbers in an item: 1 or 2.
    pub fn dimensions(&self) -> usize {
        self.centres.first().map_or(1, Vec::len)
    }

    /// The density at `x`.
    pub fn density(&self, x: &[f64]) -> f64 {
        let variance = self.deviation * self.deviation;
        let scale = (TAU * variance).powf(-0.5 * self.dimensions() as f64) / self.centres.len() as f64;
        scale * self.centres.iter().map(|centre| (-0.5 * squared_distance(centre, x) / variance).exp()).sum::<f64>()
    }

    /// The same modes blurred by a normal kernel of standard deviation `bandwidth`.
    pub fn blurred(&self, bandwidth: f64) -> Self {
        Self { centres: self.centres.clone(), deviation: self.deviation.hypot(bandwidth) }
    }

    /// The nearest mode and the distance to it.
    pub fn nearest(&self, x: &[f64]) -> (usize, f64) {
        let distances = self.centres.iter().map(|centre| squared_distance(centre, x)).enumerate();
        let (mode, squared) =
            distances.fold((0, f64::INFINITY), |best, next| if next.1 < best.1 { next } else { best });
        (mode, squared.sqrt())
    }

    /// Draws `count` items, `[count, dimensions]`.
    pub fn sample(&self, count: usize, rng: &mut impl Rng) -> TensorData {
        let mut values = Vec::with_capacity(count * self.dimensions());
        for _ in 0..count {
            let centre = &self.centres[random::below(rng, self.centres.len())];
            values.extend(centre.iter().map(|at| (at + self.deviation * random::normal(rng)) as f32));
        }
        TensorData::new(values, [count, self.dimensions()])
    }

    /// The share of the mixture's own samples within three deviations of a mode: what a perfect generator reaches.
    pub fn share_within_3_sigma(&self) -> f64 {
        match self.dimensions() {
            // erf(3 / sqrt(2)); in two dimensions the squared distance is exponentially distributed.
            1 => 0.997_300_203_936_739_8,
            _ => 1.0 - (-4.5f64).exp(),
        }
    }

    /// The sides of the square (or the line) in which all is shown: the modes with a margin.
    pub fn extent(&self) -> f64 {
        let furthest = self.centres.iter().flatten().fold(0.0f64, |most, at| most.max(at.abs()));
        1.25 * furthest + 3.0 * self.deviation
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_sum_to_one() {
        for (name, deviation) in [("ring", Some(0.2)), ("grid", Some(0.3)), ("line", None)] {
            let mixture = Mixture::named(name, deviation).unwrap();
            let (n, side) = (400, mixture.extent() + 2.0);
            let step = 2.0 * side / f64::from(n);
            let places: Vec<f64> = (0..n).map(|i| -side + (f64::from(i) + 0.5) * step).collect();
            let sum: f64 = match mixture.dimensions() {
                1 => places.iter().map(|&x| mixture.density(&[x]) * step).sum(),
                _ => places
                    .iter()
                    .flat_map(|&x| places.iter().map(move |&y| (x, y)))
                    .map(|(x, y)| mixture.density(&[x, y]) * step * step)
                    .sum(),
            };
            assert!((sum - 1.0).abs() < 1e-6, "{name}: {sum}");
        }
    }

    #[test]
    fn samples_lie_where_the_density_says() {
        let mixture = Mixture::named("ring", None).unwrap();
        let samples = mixture.sample(20_000, &mut random::stream(1, &[]));
        let samples: Vec<f64> = samples.as_slice::<f32>().unwrap().iter().map(|&value| f64::from(value)).collect();
        let mut counts = [0; 8];
        let mut within = 0;
        for point in samples.chunks_exact(2) {
            let (mode, distance) = mixture.nearest(point);
            counts[mode] += 1;
            within += usize::from(distance < 3.0 * mixture.deviation);
        }
        // Five standard deviations of a count: sqrt(20000 * 1/8 * 7/8) = 46.8.
        assert!(counts.iter().all(|count| (count - 2500i32).abs() < 234), "{counts:?}");
        assert!((within as f64 / 20_000.0 - mixture.share_within_3_sigma()).abs() < 0.004, "{within}");
    }

    #[test]
    fn names_are_known_or_guessed() {
        assert_eq!(Mixture::named("grid", None).unwrap().centres.len(), 25);
        assert!(Mixture::named("rign", None).unwrap_err().to_string().contains("did you mean \"ring\""));
        assert!(Mixture::named("ring", Some(0.0)).unwrap_err().to_string().contains("`model.deviation`: found 0"));
    }
}
