//! Principal components: the directions in which vectors differ most (Pearson 1901).

use rayon::prelude::*;

use super::eigen::{dot, largest};
use crate::{Error, Result, Table};

/// The first principal components of some vectors.
#[derive(Clone, Debug)]
pub struct Components {
    /// The vectors' mean.
    pub mean: Vec<f64>,
    /// Directions of length 1 at right angles to each other; the largest number of each is positive.
    pub directions: Vec<Vec<f64>>,
    /// The variance along each (n - 1).
    pub variances: Vec<f64>,
    /// The variance along all directions together.
    pub total_variance: f64,
}

impl Components {
    /// Finds the `count` first components of the table's rows, fewer if there are not so many.
    ///
    /// The eigenvectors of the covariance, or of the matrix of products where there are fewer vectors than dimensions.
    ///
    /// # Errors
    /// Fewer than two vectors; a number that is not finite, with its row.
    pub fn of(table: &Table, count: usize) -> Result<Self> {
        let (rows, dim) = (table.rows(), table.dim());
        if rows < 2 {
            return Err(Error::data("principal components", format!("{rows} vectors"), "at least 2"));
        }
        require_finite(table)?;
        let mut mean = vec![0.0; dim];
        for row in table.iter() {
            mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        mean.iter_mut().for_each(|sum| *sum /= rows as f64);
        let centred = |row: usize| -> Vec<f64> {
            table.row(row).iter().zip(&mean).map(|(&value, mean)| f64::from(value) - mean).collect()
        };
        let divisor = (rows - 1) as f64;
        let points: Vec<Vec<f64>> = (0..rows).into_par_iter().map(centred).collect();
        let total_variance = points.iter().map(|point| dot(point, point)).sum::<f64>() / divisor;
        let size = rows.min(dim);
        let products = if dim <= rows { between(&transposed(&points, dim)) } else { between(&points) };
        let mut directions = Vec::new();
        let mut variances = Vec::new();
        for (value, vector) in largest(&products, size, count) {
            let mut direction = if dim <= rows { vector } else { combined(&points, &vector, dim) };
            let length = dot(&direction, &direction).sqrt();
            let leading = direction.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
            // Of vectors that do not differ at all no direction is longer than another.
            let scale = if length > 0.0 { leading.signum() / length } else { 0.0 };
            direction.iter_mut().for_each(|value| *value *= scale);
            directions.push(direction);
            variances.push((value / divisor).max(0.0));
        }
        Ok(Self { mean, directions, variances, total_variance })
    }

    /// Where a vector lies along each direction.
    pub fn project(&self, vector: &[f32]) -> Vec<f64> {
        let centred: Vec<f64> = vector.iter().zip(&self.mean).map(|(&value, mean)| f64::from(value) - mean).collect();
        self.directions.iter().map(|direction| dot(direction, &centred)).collect()
    }

    /// A point for each row of a table: its places along the first two directions (0 where there is one).
    pub fn map(&self, table: &Table) -> Vec<(f64, f64)> {
        let place = |row: &[f32]| {
            let places = self.project(row);
            (places.first().copied().unwrap_or(0.0), places.get(1).copied().unwrap_or(0.0))
        };
        table.iter().map(place).collect()
    }

    /// The share of all variance that lies along direction `index`.
    pub fn share(&self, index: usize) -> f64 {
        let variance = self.variances.get(index).copied().unwrap_or(0.0);
        if self.total_variance > 0.0 { variance / self.total_variance } else { 0.0 }
    }
}

/// Fails at the first row with a number that is not finite.
pub(super) fn require_finite(table: &Table) -> Result<()> {
    match table.iter().position(|row| row.iter().any(|value| !value.is_finite())) {
        Some(row) => Err(Error::data(format!("vector {}", row + 1), "a number that is not finite", "finite numbers")),
        None => Ok(()),
    }
}

/// The products of each vector with each, in a row.
fn between(vectors: &[Vec<f64>]) -> Vec<f64> {
    vectors.par_iter().flat_map_iter(|a| vectors.iter().map(move |b| dot(a, b))).collect()
}

fn transposed(points: &[Vec<f64>], dim: usize) -> Vec<Vec<f64>> {
    (0..dim).into_par_iter().map(|column| points.iter().map(|point| point[column]).collect()).collect()
}

fn combined(points: &[Vec<f64>], shares: &[f64], dim: usize) -> Vec<f64> {
    let mut sum = vec![0.0; dim];
    for (point, share) in points.iter().zip(shares) {
        sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += share * value);
    }
    sum
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::tests::table;
    use super::*;

    #[derive(Deserialize)]
    struct Reference {
        pca: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        rows: usize,
        dim: usize,
        components: Vec<Vec<f64>>,
        variances: Vec<f64>,
        ratios: Vec<f64>,
        projected: Vec<Vec<f64>>,
    }

    #[test]
    fn equals_scikit_learn() {
        let reference: Reference = serde_json::from_str(include_str!("../../tests/reference/plot.json")).unwrap();
        assert_eq!(reference.pca.len(), 2);
        for case in reference.pca {
            let table = table(case.rows, case.dim);
            let found = Components::of(&table, 2).unwrap();
            let close = |a: &[f64], b: &[f64]| {
                assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-7), "{a:?} {b:?}");
                assert_eq!(a.len(), b.len());
            };
            close(&found.variances, &case.variances);
            close(&[found.share(0), found.share(1)], &case.ratios);
            (0..2).for_each(|k| close(&found.directions[k], &case.components[k]));
            for (row, projected) in case.projected.iter().enumerate() {
                close(&found.project(table.row(row)), projected);
            }
            assert_eq!(found.map(&table)[1], (found.project(table.row(1))[0], found.project(table.row(1))[1]));
        }
    }

    #[test]
    fn what_cannot_be_mapped_is_said_and_what_does_not_differ_lies_on_one_point() {
        assert!(Components::of(&Table::zeros(1, 3).unwrap(), 2).is_err());
        let broken = Table::from_values(1, &[1.0, f32::NAN]).unwrap();
        assert!(Components::of(&broken, 2).unwrap_err().to_string().starts_with("vector 2"));
        let same = Table::from_values(3, &[1.0; 12]).unwrap();
        let found = Components::of(&same, 2).unwrap();
        assert_eq!((found.total_variance, found.share(0)), (0.0, 0.0));
        assert!(found.map(&same).iter().all(|&point| point == (0.0, 0.0)));
        let line = Table::from_values(1, &[1.0, 2.0, 4.0]).unwrap();
        assert!(Components::of(&line, 2).unwrap().map(&line).iter().all(|point| point.1 == 0.0));
    }
}
