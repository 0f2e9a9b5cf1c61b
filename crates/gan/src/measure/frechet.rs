//! The Frechet distance between two clouds of features, each taken for a normal distribution (Dowson and Landau 1982; for generated
//! pictures Heusel et al. 2017).

use ognivo_core::eigen::symmetric;

use super::rows::Rows;
use crate::{Error, Result};

/// Above this the matrix square root takes minutes.
const WIDEST: usize = 512;

/// Mean and covariance of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    mean: Vec<f64>,
    /// Row after row, divided by the number of rows less one.
    covariance: Vec<f64>,
}

impl Gaussian {
    /// Of two rows or more; of fewer the covariance is 0.
    ///
    /// # Errors
    /// More than 512 columns.
    pub fn of(rows: &Rows) -> Result<Self> {
        let width = rows.width();
        if width > WIDEST {
            let expected = format!("at most {WIDEST} features: a classifier with a smaller layer before its last");
            return Err(Error::setting("classifier", format!("{width} features"), expected));
        }
        let mean = rows.means();
        let mut covariance = vec![0.0; width * width];
        let mut centred = vec![0.0; width];
        for row in rows.iter() {
            centred.iter_mut().zip(row).zip(&mean).for_each(|((c, x), mean)| *c = f64::from(*x) - mean);
            for (sums, own) in covariance.chunks_exact_mut(width).zip(&centred) {
                sums.iter_mut().zip(&centred).for_each(|(sum, other)| *sum += own * other);
            }
        }
        let divisor = rows.len().saturating_sub(1).max(1) as f64;
        covariance.iter_mut().for_each(|sum| *sum /= divisor);
        Ok(Self { mean, covariance })
    }

    /// `|m - m'|^2 + trace(C + C' - 2 (C C')^(1/2))`.
    ///
    /// `C C'` has the eigenvalues of the symmetric `C^(1/2) C' C^(1/2)`, whose roots are taken: rounding can make no complex number of
    /// them, also where a covariance is singular, and it is symmetric in its two arguments up to rounding.
    pub fn distance(&self, other: &Self) -> f64 {
        let width = self.mean.len();
        let means: f64 = self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b).powi(2)).sum();
        let trace = |matrix: &[f64]| (0..width).map(|i| matrix[i * width + i]).sum::<f64>();
        let root = square_root(&self.covariance, width);
        let product = multiply(&multiply(&root, &other.covariance, width), &root, width);
        let roots: f64 = symmetric(product, width).0.iter().map(|value| value.max(0.0).sqrt()).sum();
        means + trace(&self.covariance) + trace(&other.covariance) - 2.0 * roots
    }
}

/// The symmetric square root of a positive semi-definite matrix.
fn square_root(matrix: &[f64], width: usize) -> Vec<f64> {
    let (values, vectors) = symmetric(matrix.to_vec(), width);
    let mut root = vec![0.0; width * width];
    for (value, vector) in values.iter().zip(&vectors) {
        let value = value.max(0.0).sqrt();
        for (row, own) in root.chunks_exact_mut(width).zip(vector) {
            row.iter_mut().zip(vector).for_each(|(sum, other)| *sum += value * own * other);
        }
    }
    root
}

fn multiply(a: &[f64], b: &[f64], width: usize) -> Vec<f64> {
    let mut product = vec![0.0; width * width];
    for (sums, row) in product.chunks_exact_mut(width).zip(a.chunks_exact(width)) {
        for (own, other) in row.iter().zip(b.chunks_exact(width)) {
            sums.iter_mut().zip(other).for_each(|(sum, value)| *sum += own * value);
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // One dimension: (m - m')^2 + (s - s')^2. Deviations 1 and 3 from two values each: the variance is divided by one.
        let cloud = |mean: f32, deviation: f32| {
            let half = deviation / 2f32.sqrt();
            Gaussian::of(&Rows::new(vec![mean - half, mean + half], 1)).unwrap()
        };
        assert!((cloud(0.0, 1.0).distance(&cloud(5.0, 3.0)) - 29.0).abs() < 1e-5);
        assert!(cloud(2.0, 1.0).distance(&cloud(2.0, 1.0)).abs() < 1e-12);
        assert!(Gaussian::of(&Rows::new(vec![0.0; 600], 600)).is_err());
    }
}
