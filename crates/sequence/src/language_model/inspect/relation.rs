//! Which cells follow which property of the text: correlations, and how large the largest of them would be by chance.
//!
//! With hundreds of cells some correlate with anything. And values of neighbouring characters depend on each other, both of a cell
//! and of a property, so that textbook tests are far too generous. The baseline is therefore measured: the property is shifted
//! against the text, the end joined to the beginning, which keeps all that it is in itself and breaks its relation to the cells.

use burn::tensor::{Device, Tensor, TensorData};

use super::activations::{Activations, CellIndex};
use crate::{Error, Result};

/// Shifts that the baseline is measured with.
pub const SHIFTS: usize = 99;
/// Fewest tokens: a tenth of a shift's distance would otherwise be less than a character.
pub const FEWEST_TOKENS: usize = 1000;
/// A property that changes less often is an event or two, to which any cell may happen to fit.
pub const FEWEST_CHANGES: usize = 10;

/// How the cells follow a property.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// The cells by the size of their Pearson correlation with the property (of a property that is 0 or 1: the point-biserial
    /// correlation), the largest first; cells whose activation does not vary count 0.
    pub cells: Vec<(CellIndex, f64)>,
    /// The mean, over the shifts, of the largest size among all cells: what to expect without a relation.
    pub chance: f64,
    /// How often a shift does as well as the text itself: `(1 + shifts whose largest size is not below the largest one here) /
    /// (1 + shifts)`. The smallest possible value is 0.01.
    pub p: f64,
}

/// Activations of all cells, ready to be related to properties.
#[derive(Clone, Debug)]
pub struct Standardised {
    /// With mean 0 and length 1, `[cells, tokens]`.
    values: Tensor<2>,
    cells: Vec<CellIndex>,
}

impl Standardised {
    /// Of some activations; on `device` they are related.
    pub fn new(activations: &Activations, device: &Device) -> Self {
        let tokens = activations.tokens();
        let rows = activations.values().chunks_exact(tokens);
        let values: Vec<f32> = rows.flat_map(|cell| standardised(cell).unwrap_or_else(|| vec![0.0; tokens])).collect();
        let cells: Vec<_> = activations.cells().collect();
        Self { values: Tensor::from_data(TensorData::new(values, [cells.len(), tokens]), device), cells }
    }

    /// Relates all cells to a property, given after each token; `None` where it changes fewer than ten times.
    ///
    /// # Errors
    /// Fewer than 1000 tokens.
    pub fn relate(&self, property: &[f32]) -> Result<Option<Relation>> {
        let [_, tokens] = self.values.dims();
        if tokens < FEWEST_TOKENS || property.len() != tokens {
            let found = format!("{tokens} tokens and {} values of the property", property.len());
            let expected = format!("{FEWEST_TOKENS} of each");
            return Err(Error::Data { what: "text to relate cells to".into(), found, expected });
        }
        let changes = property.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let Some(property) = standardised(property).filter(|_| changes >= FEWEST_CHANGES) else { return Ok(None) };
        let mut shifted = Vec::with_capacity((1 + SHIFTS) * tokens);
        for shift in 0..=SHIFTS {
            let (end, beginning) = property.split_at(shift * tokens / (SHIFTS + 1));
            shifted.extend_from_slice(beginning);
            shifted.extend_from_slice(end);
        }
        let shifted = TensorData::new(shifted, [1 + SHIFTS, tokens]);
        let shifted = Tensor::<2>::from_data(shifted, &self.values.device());
        let correlations = self.values.clone().matmul(shifted.transpose()).into_data();
        // Every backend gives its floats back as f32.
        let correlations: Vec<f32> = correlations.convert::<f32>().try_to_vec().unwrap_or_default();
        let mut largest = [0f64; 1 + SHIFTS];
        for row in correlations.chunks_exact(1 + SHIFTS) {
            for (largest, &r) in largest.iter_mut().zip(row) {
                *largest = largest.max(f64::from(r.abs()));
            }
        }
        let (here, elsewhere) = (largest[0], &largest[1..]);
        // Equal but for rounding counts as equal.
        let as_large = elsewhere.iter().filter(|&&size| size >= here * (1.0 - 1e-5)).count();
        let own = correlations.iter().step_by(1 + SHIFTS).map(|&r| f64::from(r));
        let mut cells: Vec<_> = self.cells.iter().copied().zip(own).collect();
        cells.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
        let chance = elsewhere.iter().sum::<f64>() / SHIFTS as f64;
        Ok(Some(Relation { cells, chance, p: (1 + as_large) as f64 / (1 + SHIFTS) as f64 }))
    }
}

/// The values with mean 0 and length 1, so that the product of two such rows is Pearson's correlation; `None` where they do not
/// vary by more than rounding.
fn standardised(values: &[f32]) -> Option<Vec<f32>> {
    let count = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let squares = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>();
    let size = values.iter().fold(0f64, |size, &value| size.max(f64::from(value.abs())));
    let varies = squares.is_finite() && (squares / count).sqrt() > 1e-6 * size;
    varies.then(|| values.iter().map(|&value| ((f64::from(value) - mean) / squares.sqrt()) as f32).collect())
}

#[cfg(test)]
mod tests {
    use ognivo_core::random;

    use super::*;

    fn relation(cells: &[Vec<f32>], property: &[f32]) -> Option<Relation> {
        let activations = Activations::from_values(1, cells.len(), cells.concat());
        Standardised::new(&activations, &Device::flex()).relate(property).unwrap()
    }

    /// Noise whose neighbours depend on each other: x <- 0.95 x + e.
    fn wandering(seed: u64, number: u64, tokens: usize) -> Vec<f32> {
        let mut rng = random::stream(seed, &[number]);
        let mut x = 0.0;
        let step = |_| {
            x = 0.95 * x + random::uniform(&mut rng) - 0.5;
            x
        };
        (0..tokens).map(step).collect()
    }

    /// Pearson's formula, in double precision.
    fn pearson(a: &[f32], b: &[f32]) -> f64 {
        let mean = |v: &[f32]| v.iter().map(|&x| f64::from(x)).sum::<f64>() / v.len() as f64;
        let (ma, mb) = (mean(a), mean(b));
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            a.iter().zip(b).map(|(&x, &y)| f(f64::from(x) - ma, f64::from(y) - mb)).sum()
        };
        sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
    }

    #[test]
    fn values_by_hand() {
        // (0, 0, 1, 1) and (1, 2, 3, 4): covariance 2, variances 1 and 5.
        let cells = [[1.0, 2.0, 3.0, 4.0].repeat(250), vec![7.0; 1000], [1.0, 1.0, 0.0, 0.0].repeat(250)];
        let found = relation(&cells, &[0.0, 0.0, 1.0, 1.0].repeat(250)).unwrap();
        let order: Vec<usize> = found.cells.iter().map(|(cell, _)| cell.number).collect();
        assert_eq!(order, [2, 0, 1]);
        for ((_, r), expected) in found.cells.iter().zip([-1.0, 2.0 / 5f64.sqrt(), 0.0]) {
            assert!((r - expected).abs() < 1e-5, "{r} for {expected}");
        }
        // Shifts go by ten: every second one falls on the period of four, the others turn the property round. Nothing is proven.
        assert!((found.chance - 1.0).abs() < 1e-5 && found.p == 1.0, "{found:?}");
    }

    #[test]
    fn correlations_and_baseline_equal_the_formula() {
        let tokens = 1234;
        let cells: Vec<_> = (0..6).map(|number| wandering(1, number, tokens)).collect();
        let property = wandering(2, 0, tokens);
        let found = relation(&cells, &property).unwrap();
        for (cell, r) in &found.cells {
            assert!((r - pearson(&cells[cell.number], &property)).abs() < 1e-5);
        }
        let largest = |shift: usize| {
            let moved: Vec<f32> = (0..tokens).map(|t| property[(t + shift * tokens / 100) % tokens]).collect();
            cells.iter().map(|cell| pearson(cell, &moved).abs()).fold(0.0, f64::max)
        };
        let elsewhere: Vec<f64> = (1..100).map(largest).collect();
        assert!((found.chance - elsewhere.iter().sum::<f64>() / 99.0).abs() < 1e-5);
        let as_large = elsewhere.iter().filter(|&&size| size >= largest(0)).count();
        assert_eq!(found.p, (1 + as_large) as f64 / 100.0);
    }

    #[test]
    fn a_cell_that_follows_is_found_among_many_that_do_not() {
        let property: Vec<f32> = wandering(5, 0, 3000).iter().map(|&x| f32::from(x > 0.3)).collect();
        let mut cells: Vec<_> = (1..64).map(|number| wandering(5, number, 3000)).collect();
        let follows = property.iter().zip(wandering(5, 64, 3000)).map(|(&p, noise)| -p + 0.3 * noise).collect();
        cells.insert(17, follows);
        let found = relation(&cells, &property).unwrap();
        assert_eq!((found.cells[0].0.number, found.p), (17, 0.01));
        assert!(found.cells[0].1 < -0.7 && found.chance < 0.5, "{} {}", found.cells[0].1, found.chance);
    }

    /// Of 60 relations that are none, 6 +- 2.3 are to have p <= 0.1, although neighbours depend on each other.
    #[test]
    fn chance_is_not_taken_for_a_relation() {
        let found = (100..160u64).filter(|&seed| {
            let cells: Vec<_> = (1..20).map(|number| wandering(seed, number, 1500)).collect();
            relation(&cells, &wandering(seed, 0, 1500)).unwrap().p <= 0.1
        });
        assert!((1..=13).contains(&found.count()));
    }

    #[test]
    fn what_hardly_varies_has_no_relation() {
        let cells = [wandering(1, 0, 1000)];
        let spikes = |count: usize, value: f32| {
            let mut property = vec![0.0; 1000];
            (0..count).for_each(|spike| property[100 * spike + 50] = value);
            property
        };
        for property in [vec![1.0; 1000], vec![f32::NAN; 1000], spikes(5, f32::INFINITY), spikes(4, 1.0)] {
            assert_eq!(relation(&cells, &property), None);
        }
        assert!(relation(&cells, &spikes(5, 1.0)).is_some());
        assert!(relation(&[vec![0.5; 1000]], &cells[0]).unwrap().cells[0].1 == 0.0);
        let short = Activations::from_values(1, 1, vec![0.0; 999]);
        let error = Standardised::new(&short, &Device::flex()).relate(&[0.0; 999]).unwrap_err().to_string();
        assert!(error.contains("999 tokens") && error.contains("1000"), "{error}");
    }
}
