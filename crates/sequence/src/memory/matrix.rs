//! Small matrices in double precision.

/// A matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// A matrix of these values, row by row.
    ///
    /// # Panics
    /// When they are not `rows * columns`.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), rows * columns, "values of a {rows} x {columns} matrix");
        Self { rows, columns, values }
    }

    /// The first `rows` rows of the identity of `size`.
    pub fn identity(rows: usize, size: usize) -> Self {
        let values = (0..rows * size).map(|place| f64::from(u8::from(place / size == place % size))).collect();
        Self::new(rows, size, values)
    }

    /// `a b^T`.
    pub fn outer(a: &[f64], b: &[f64]) -> Self {
        Self::new(a.len(), b.len(), a.iter().flat_map(|x| b.iter().map(move |y| x * y)).collect())
    }

    /// Rows and columns.
    pub fn dims(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// The values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// `diag(factors) self`.
    pub fn rows_scaled(mut self, factors: &[f64]) -> Self {
        for (row, factor) in self.values.chunks_exact_mut(self.columns).zip(factors) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
        self
    }

    /// The columns from `first` up to, not including, `last`.
    pub fn columns(&self, first: usize, last: usize) -> Self {
        let values = self.values.chunks_exact(self.columns).flat_map(|row| &row[first..last]).copied().collect();
        Self::new(self.rows, last - first, values)
    }

    /// `self other`.
    ///
    /// # Panics
    /// When their sizes do not fit.
    pub fn times(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows, "a product of matrices");
        let mut values = vec![0.0; self.rows * other.columns];
        for (row, sums) in values.chunks_exact_mut(other.columns).enumerate() {
            for (factor, other) in self.row(row).iter().zip(other.values.chunks_exact(other.columns)) {
                sums.iter_mut().zip(other).for_each(|(sum, value)| *sum += factor * value);
            }
        }
        Self::new(self.rows, other.columns, values)
    }

    /// `self x`.
    pub fn times_vector(&self, x: &[f64]) -> Vec<f64> {
        self.values.chunks_exact(self.columns).map(|row| dot(row, x)).collect()
    }

    /// `x^T self`.
    pub fn vector_times(&self, x: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.columns];
        for (factor, row) in x.iter().zip(self.values.chunks_exact(self.columns)) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
        }
        sums
    }

    /// The sum of two matrices of one size.
    pub fn plus(mut self, other: &Self) -> Self {
        assert_eq!(self.dims(), other.dims(), "a sum of matrices");
        self.values.iter_mut().zip(&other.values).for_each(|(sum, value)| *sum += value);
        self
    }

    /// The spectral norm, the largest factor by which the matrix stretches a vector: power iteration on `A^T A`, to six digits or
    /// 1000 rounds.
    pub fn norm(&self) -> f64 {
        // Values far from 1 are brought there: their squares would overflow or vanish.
        let largest = self.values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        if largest == 0.0 || !largest.is_finite() {
            return largest;
        }
        let scaled = Self { values: self.values.iter().map(|value| value / largest).collect(), ..*self };
        // A start that no symmetry of the matrix is likely to be orthogonal to.
        let mut x: Vec<f64> = (0..self.columns).map(|n| 1.0 + (n as f64 * 0.754_877_666).fract()).collect();
        let mut norm = 0.0;
        for _ in 0..1000 {
            let length = dot(&x, &x).sqrt();
            x.iter_mut().for_each(|value| *value /= length);
            let y = scaled.times_vector(&x);
            let next = dot(&y, &y).sqrt();
            if (next - norm).abs() <= 1e-7 * next {
                return next * largest;
            }
            norm = next;
            x = scaled.vector_times(&y);
        }
        norm * largest
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_hand() {
        let a = Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let b = Matrix::new(3, 2, vec![1.0, 0.0, -1.0, 2.0, 0.5, 1.0]);
        assert_eq!(a.times(&b).values(), [0.5, 7.0, 2.0, 16.0]);
        assert_eq!(a.times(&Matrix::identity(3, 3)), a);
        assert_eq!(a.times_vector(&[1.0, 0.0, 2.0]), [7.0, 16.0]);
        assert_eq!(a.vector_times(&[1.0, 2.0]), [9.0, 12.0, 15.0]);
        assert_eq!(a.clone().rows_scaled(&[2.0, 0.0]).values(), [2.0, 4.0, 6.0, 0.0, 0.0, 0.0]);
        assert_eq!(a.columns(1, 3).values(), [2.0, 3.0, 5.0, 6.0]);
        assert_eq!(Matrix::outer(&[1.0, 2.0], &[3.0, 4.0]).values(), [3.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn the_norm_is_the_largest_singular_value() {
        // Singular values of [[3, 0], [4, 5]] are sqrt(45) and sqrt(5).
        let matrix = Matrix::new(2, 2, vec![3.0, 0.0, 4.0, 5.0]);
        assert!((matrix.norm() - 45f64.sqrt()).abs() < 1e-5);
        for scale in [1e-200, 1e200] {
            let values = matrix.values().iter().map(|value| value * scale).collect();
            assert!((Matrix::new(2, 2, values).norm() / scale - 45f64.sqrt()).abs() < 1e-5);
        }
        assert_eq!(Matrix::new(2, 2, vec![0.0; 4]).norm(), 0.0);
    }
}
