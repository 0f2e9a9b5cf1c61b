//! The largest eigenvalues of a symmetric matrix, and their eigenvectors.

use ognivo_core::eigen::symmetric;
use ognivo_core::random;

/// Vectors iterated beyond those asked for: the first eigenvalue left out decides how fast the others settle.
const SPARE: usize = 8;
/// How far a vector may be from its own image, as a share of the largest eigenvalue.
const RESIDUAL: f64 = 1e-10;
/// Where eigenvalues are so close that no further step tells them apart, the vectors found span them all the same.
const STEPS: usize = 2000;

/// The `count` largest eigenvalues of a positive semi-definite matrix of `size` rows, descending, each with its eigenvector of length 1.
///
/// Subspace iteration with Rayleigh-Ritz projection (Parlett, *The Symmetric Eigenvalue Problem*, 1998, chapter 14).
pub(super) fn largest(matrix: &[f64], size: usize, count: usize) -> Vec<(f64, Vec<f64>)> {
    let count = count.min(size);
    let mut vectors = start(size, (count + SPARE).min(size));
    let mut pairs = Vec::new();
    for _ in 0..STEPS {
        let images: Vec<Vec<f64>> = vectors.iter().map(|vector| times(matrix, vector)).collect();
        let projected: Vec<f64> = vectors.iter().flat_map(|a| images.iter().map(move |b| dot(a, b))).collect();
        let (values, mixes) = symmetric(projected, vectors.len());
        let mixed = |of: &[Vec<f64>]| mixes.iter().map(|mix| combination(of, mix)).collect::<Vec<_>>();
        let (ritz, image) = (mixed(&vectors), mixed(&images));
        let scale = values.first().copied().unwrap_or(0.0);
        let settled = (0..count).all(|i| {
            let residual = image[i].iter().zip(&ritz[i]).map(|(image, own)| (image - values[i] * own).powi(2));
            residual.sum::<f64>().sqrt() <= RESIDUAL * scale
        });
        pairs = values.into_iter().zip(ritz).take(count).collect();
        if settled {
            break;
        }
        vectors = orthonormal(image);
    }
    pairs
}

/// Random directions, the same every time; when there are as many as dimensions, the axes.
fn start(size: usize, count: usize) -> Vec<Vec<f64>> {
    if count == size {
        return (0..size).map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    }
    let mut rng = random::stream(0, &[]);
    orthonormal((0..count).map(|_| (0..size).map(|_| random::uniform_f64(&mut rng) - 0.5).collect()).collect())
}

/// Vectors of length 1 at right angles that span the same (Gram and Schmidt, twice). One that lies in the span of those before it is
/// replaced by an axis that does not.
fn orthonormal(vectors: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut done: Vec<Vec<f64>> = Vec::with_capacity(vectors.len());
    for vector in vectors {
        let size = vector.len();
        let axes = (0..size).map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect::<Vec<f64>>());
        let found = std::iter::once(vector).chain(axes).find_map(|mut candidate| {
            let before = dot(&candidate, &candidate).sqrt();
            for _ in 0..2 {
                for other in &done {
                    let share = dot(&candidate, other);
                    candidate.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
                }
            }
            let length = dot(&candidate, &candidate).sqrt();
            candidate.iter_mut().for_each(|value| *value /= length);
            (length > 1e-12 * before).then_some(candidate)
        });
        done.extend(found);
    }
    done
}

fn times(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(vector.len()).map(|row| dot(row, vector)).collect()
}

fn combination(vectors: &[Vec<f64>], shares: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors.first().map_or(0, Vec::len)];
    for (vector, share) in vectors.iter().zip(shares) {
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += share * value);
    }
    sum
}

/// The product of two vectors, summed in eight lanes, which the compiler turns into vector instructions.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        (0..8).for_each(|lane| lanes[lane] += a[lane] * b[lane]);
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Eigenvalues 3 and 1, along the diagonals.
        let pairs = largest(&[2.0, 1.0, 1.0, 2.0], 2, 2);
        assert!((pairs[0].0 - 3.0).abs() < 1e-12 && (pairs[1].0 - 1.0).abs() < 1e-12);
        assert!((pairs[0].1[0] - pairs[0].1[1]).abs() < 1e-12 && (pairs[1].1[0] + pairs[1].1[1]).abs() < 1e-12);
    }

    #[test]
    fn a_matrix_of_known_spectrum() {
        // H diag(n, ..., 1) H with the reflection H = I - 2 v v'.
        let n = 60;
        let v: Vec<f64> = (0..n).map(|i| ((i * 7 % 13) as f64 - 6.0) / 10.0).collect();
        let norm = dot(&v, &v);
        let h = |i: usize, j: usize| f64::from(u8::from(i == j)) - 2.0 * v[i] * v[j] / norm;
        let matrix: Vec<f64> =
            (0..n * n).map(|at| (0..n).map(|k| h(at / n, k) * (n - k) as f64 * h(k, at % n)).sum()).collect();
        let pairs = largest(&matrix, n, 3);
        for (k, (value, vector)) in pairs.iter().enumerate() {
            assert!((value - (n - k) as f64).abs() < 1e-9, "{value}");
            let along: f64 = (0..n).map(|i| vector[i] * h(i, k)).sum();
            assert!((along.abs() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn degenerate_matrices_have_eigenvectors_of_length_1() {
        let ones = vec![1.0; 400];
        for matrix in [vec![0.0; 400], ones] {
            let pairs = largest(&matrix, 20, 2);
            assert_eq!(pairs.len(), 2);
            assert!(pairs.iter().all(|(value, vector)| value.is_finite() && (dot(vector, vector) - 1.0).abs() < 1e-9));
            assert!(dot(&pairs[0].1, &pairs[1].1).abs() < 1e-9);
        }
        assert!(largest(&[], 0, 2).is_empty());
    }
}
