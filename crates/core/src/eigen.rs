//! Eigenvalues and eigenvectors of symmetric matrices, by Jacobi's rotations (Golub and Van Loan, *Matrix Computations*, 2013, section 8.5).

/// The eigenvalues, descending, and eigenvectors of length 1 of a symmetric matrix of `n` rows, row after row.
///
/// Exact to rounding, also for eigenvalues that are alike; a sweep takes `6 n^3` multiplications, and there are about eight. A matrix that
/// holds what is no number gives no sensible answer, but an end.
pub fn symmetric(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    let size: f64 = a.iter().map(|value| value * value).sum();
    for _ in 0..100 {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * n + j].powi(2)).sum();
        // Then no eigenvalue moves by more than 1e-14 of the largest; what holds no numbers never gets there.
        if off <= 1e-28 * size || off.is_nan() {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, n, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]));
    let column = |k: usize| (0..n).map(|row| vectors[row * n + k]).collect();
    (order.iter().map(|&k| a[k * n + k]).collect(), order.iter().map(|&k| column(k)).collect())
}

/// Makes `a[p][q]` zero.
fn rotate(a: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let apq = a[p * n + q];
    if apq == 0.0 {
        return;
    }
    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..n {
        let (kp, kq) = (a[k * n + p], a[k * n + q]);
        (a[k * n + p], a[k * n + q]) = (c * kp - s * kq, s * kp + c * kq);
    }
    for k in 0..n {
        let (pk, qk) = (a[p * n + k], a[q * n + k]);
        (a[p * n + k], a[q * n + k]) = (c * pk - s * qk, s * pk + c * qk);
        let (vp, vq) = (vectors[k * n + p], vectors[k * n + q]);
        (vectors[k * n + p], vectors[k * n + q]) = (c * vp - s * vq, s * vp + c * vq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Eigenvalues 3 and 1, along the diagonals.
        let (values, vectors) = symmetric(vec![2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12);
        assert!((vectors[0][0] - vectors[0][1]).abs() < 1e-12 && (vectors[1][0] + vectors[1][1]).abs() < 1e-12);
        assert_eq!(symmetric(vec![0.0; 4], 2).0, [0.0, 0.0]);
        assert!(symmetric(Vec::new(), 0).0.is_empty());
        assert_eq!(symmetric(vec![f64::NAN; 4], 2).0.len(), 2);
    }

    #[test]
    fn a_matrix_is_put_together_again() {
        let n = 40;
        let matrix: Vec<f64> =
            (0..n * n).map(|at| (((at / n + at % n) * 31) % 17) as f64 + (at / n * (at % n) % 7) as f64).collect();
        let (values, vectors) = symmetric(matrix.clone(), n);
        for (at, expected) in matrix.iter().enumerate() {
            let found: f64 = values.iter().zip(&vectors).map(|(value, v)| value * v[at / n] * v[at % n]).sum();
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
    }
}
