//! The density of what a generator makes, and the discriminator that would be best against it.

use std::collections::HashMap;
use std::f64::consts::TAU;

use ognivo_core::random::stream;

use super::target::Mixture;
use crate::noise::MEASURE;

/// An estimate of the generator's density `q`, and the data's density `p` as it is to be compared with it.
#[derive(Clone, Debug)]
pub enum Density {
    /// In one dimension with one-dimensional noise: the change of variables, exact for a generator that is linear between the places
    /// looked at.
    Exact(PushForward),
    /// Otherwise: a mean of normal kernels on samples. The mixture is blurred by the same kernel, so that a generator with `q = p` is
    /// seen as such.
    Kernel(KernelDensity),
}

impl Density {
    /// `q` at `x`.
    pub fn at(&self, x: &[f64]) -> f64 {
        match self {
            Self::Exact(exact) => exact.at(x.first().copied().unwrap_or_default()),
            Self::Kernel(kernel) => kernel.at(x),
        }
    }

    /// The mixture that belongs beside it.
    pub fn target(&self, mixture: &Mixture) -> Mixture {
        match self {
            Self::Exact(_) => mixture.clone(),
            Self::Kernel(kernel) => mixture.blurred(kernel.bandwidth),
        }
    }
}

/// The density of `G(z)` for standard normal `z`, from the values of `G` on a grid.
///
/// `q(x) = sum over z with G(z) = x of phi(z) / |G'(z)|`. Between two places of the grid `G` is taken as linear, so the probability of that
/// stretch of `z` lies evenly on the stretch of `x`. Densities are kept as means over cells, which a stretch shorter than a cell fills in
/// part.
#[derive(Clone, Debug)]
pub struct PushForward {
    low: f64,
    cell: f64,
    mass: Vec<f64>,
}

impl PushForward {
    /// The places `z` at which `G` is to be known: -6 to 6.
    pub fn places() -> Vec<f64> {
        const PLACES: i32 = 60_000;
        (0..=PLACES).map(|index| -6.0 + 12.0 * f64::from(index) / f64::from(PLACES)).collect()
    }

    /// From the values of `G` at [`places`](Self::places), on cells of width `cell` between `low` and `high`; what lies outside is lost.
    pub fn new(values: &[f64], low: f64, high: f64, cell: f64) -> Self {
        let cells = (((high - low) / cell).ceil()).clamp(1.0, 1e7) as usize;
        let mut mass = vec![0.0; cells];
        let places = Self::places();
        for (z, x) in places.windows(2).zip(values.windows(2)) {
            let middle = 0.5 * (z[0] + z[1]);
            let probability = (z[1] - z[0]) * (-0.5 * middle * middle).exp() / TAU.sqrt();
            let (from, to) = ((x[0].min(x[1]) - low) / cell, (x[0].max(x[1]) - low) / cell);
            if !(to >= 0.0 && from < cells as f64) {
                continue;
            }
            let first = from.floor().max(0.0) as usize;
            let last = to.floor().min(cells as f64 - 1.0) as usize;
            for (index, own) in mass.iter_mut().enumerate().take(last + 1).skip(first) {
                let covered = (to.min(index as f64 + 1.0) - from.max(index as f64)).max(0.0);
                let share = if to > from { covered / (to - from) } else { 1.0 };
                *own += probability * share;
            }
        }
        Self { low, cell, mass }
    }

    fn at(&self, x: f64) -> f64 {
        let index = ((x - self.low) / self.cell).floor();
        if index < 0.0 { 0.0 } else { self.mass.get(index as usize).map_or(0.0, |mass| mass / self.cell) }
    }
}

/// A mean of normal kernels in two dimensions (or one).
#[derive(Clone, Debug)]
pub struct KernelDensity {
    bandwidth: f64,
    dimensions: usize,
    count: usize,
    /// Samples by the square cell, four bandwidths wide, in which they lie.
    cells: HashMap<(i64, i64), Vec<[f64; 2]>>,
}

impl KernelDensity {
    /// From samples, rows of `dimensions` numbers, with kernels of standard deviation `bandwidth`.
    pub fn new(samples: &[f64], dimensions: usize, bandwidth: f64) -> Self {
        let mut cells: HashMap<_, Vec<[f64; 2]>> = HashMap::new();
        let mut count = 0;
        for sample in samples.chunks_exact(dimensions.max(1)) {
            let point = pair(sample);
            cells.entry(cell(point, bandwidth)).or_default().push(point);
            count += 1;
        }
        Self { bandwidth, dimensions, count, cells }
    }

    fn at(&self, x: &[f64]) -> f64 {
        let x = pair(x);
        let (row, column) = cell(x, self.bandwidth);
        let scale = -0.5 / (self.bandwidth * self.bandwidth);
        let mut sum = 0.0;
        for near in (row - 1..=row + 1).flat_map(|row| (column - 1..=column + 1).map(move |column| (row, column))) {
            for point in self.cells.get(&near).into_iter().flatten() {
                sum += (scale * ((point[0] - x[0]).powi(2) + (point[1] - x[1]).powi(2))).exp();
            }
        }
        sum / (self.count.max(1) as f64 * (TAU.sqrt() * self.bandwidth).powi(self.dimensions as i32))
    }
}

fn pair(x: &[f64]) -> [f64; 2] {
    [x.first().copied().unwrap_or_default(), x.get(1).copied().unwrap_or_default()]
}

fn cell(point: [f64; 2], bandwidth: f64) -> (i64, i64) {
    let index = |x: f64| (x / (4.0 * bandwidth)).floor() as i64;
    (index(point[0]), index(point[1]))
}

/// Places drawn from a mixture, at which discriminators are compared: where the data has mass.
pub fn places(mixture: &Mixture, count: usize, seed: u64) -> Vec<Vec<f64>> {
    let data = mixture.sample(count, &mut stream(seed, &[MEASURE, 1]));
    let values = data.as_slice::<f32>().unwrap_or_default();
    values.chunks_exact(mixture.dimensions()).map(|point| point.iter().map(|&x| f64::from(x)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `G(z) = 2 z + 1` makes a normal distribution; `G(z) = z^2` the chi-squared one with one degree of freedom.
    #[test]
    fn pushing_forward_is_the_change_of_variables() {
        let places = PushForward::places();
        let linear: Vec<f64> = places.iter().map(|z| 2.0 * z + 1.0).collect();
        let density = PushForward::new(&linear, -10.0, 12.0, 0.01);
        for x in [-3.005f64, 0.005, 1.005, 4.005] {
            let expected = (-0.5 * ((x - 1.0) / 2.0).powi(2)).exp() / (2.0 * TAU.sqrt());
            assert!((density.at(x) - expected).abs() < 1e-5, "{x}: {} {expected}", density.at(x));
        }
        let square: Vec<f64> = places.iter().map(|z| z * z).collect();
        let density = PushForward::new(&square, 0.0, 36.0, 0.01);
        for x in [0.505f64, 1.005, 3.005] {
            let expected = (-0.5 * x).exp() / (TAU * x).sqrt();
            assert!((density.at(x) - expected).abs() < 1e-4, "{x}: {} {expected}", density.at(x));
        }
        assert_eq!((density.at(-1.0), density.at(1e9)), (0.0, 0.0));
        // A generator that is constant puts all on one cell, one that leaves the range nothing anywhere.
        let constant = PushForward::new(&vec![0.5; places.len()], 0.0, 1.0, 0.25);
        assert!((constant.at(0.6) * 0.25 - 1.0).abs() < 1e-3);
        assert_eq!(PushForward::new(&vec![f64::NAN; places.len()], 0.0, 1.0, 0.25).at(0.5), 0.0);
    }

    #[test]
    fn kernels_on_samples_come_near_the_blurred_density() {
        let mixture = Mixture::named("ring", None).unwrap();
        let samples = mixture.sample(100_000, &mut stream(5, &[]));
        let samples: Vec<f64> = samples.as_slice::<f32>().unwrap().iter().map(|&x| f64::from(x)).collect();
        let density = Density::Kernel(KernelDensity::new(&samples, 2, 0.004));
        let target = density.target(&mixture);
        let places = places(&mixture, 500, 3);
        let error: f64 = places
            .iter()
            .map(|x| {
                let (p, q) = (target.density(x), density.at(x));
                (p / (p + q) - 0.5).abs()
            })
            .sum();
        // What the estimate itself adds to the error of a discriminator.
        assert!(error / 500.0 < 0.012, "{}", error / 500.0);
        // By hand: one sample, one kernel.
        let one = KernelDensity::new(&[1.0, 2.0], 2, 0.5);
        assert!((one.at(&[1.0, 2.5]) - (-0.5f64).exp() / (TAU * 0.25)).abs() < 1e-12);
    }
}
