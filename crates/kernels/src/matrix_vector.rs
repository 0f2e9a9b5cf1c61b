//! The product of a matrix with one vector: bounded by how fast the matrix can be read.

use crate::{
    parallel::{Disjoint, for_each},
    simd::{Kernel, Level, Simd},
};

/// Values of a matrix below which one thread reads it sooner than others could be woken.
const LIGHT: usize = 1 << 18;

/// Rows that a task takes.
const ROWS: usize = 64;

/// Adds the product of `matrix` `[sums, x]` in row-major order with `x` to `sums`. Each sum is added up in the same order
/// whatever the number of threads.
///
/// # Panics
/// When the lengths do not fit each other.
pub fn multiply_add(matrix: &[f32], x: &[f32], sums: &mut [f32]) {
    assert_eq!(matrix.len(), x.len() * sums.len(), "a matrix of {} rows of {}", sums.len(), x.len());
    let level = Level::detect();
    if matrix.len() <= LIGHT || rayon::current_num_threads() == 1 {
        return level.run(Product { matrix, x, sums });
    }
    let (rows, columns) = (sums.len(), x.len());
    let sums = Disjoint::new(sums);
    for_each(rows.div_ceil(ROWS), |part| {
        let rows = part * ROWS..rows.min((part + 1) * ROWS);
        // SAFETY: parts are disjoint and each is visited once.
        let sums = unsafe { sums.slice(rows.clone()) };
        level.run(Product { matrix: &matrix[rows.start * columns..rows.end * columns], x, sums });
    });
}

struct Product<'a> {
    matrix: &'a [f32],
    x: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        const TOGETHER: usize = 4;
        let Self { matrix, x, sums } = self;
        let columns = x.len();
        if columns == 0 {
            return;
        }
        for (rows, sums) in matrix.chunks(TOGETHER * columns).zip(sums.chunks_mut(TOGETHER)) {
            if let [a, b, c, d] = sums {
                let totals = dots::<S, TOGETHER>(rows, x);
                (*a, *b, *c, *d) = (*a + totals[0], *b + totals[1], *c + totals[2], *d + totals[3]);
            } else {
                for (row, sum) in rows.chunks_exact(columns).zip(sums) {
                    *sum += dots::<S, 1>(row, x)[0];
                }
            }
        }
    }
}

/// The products of `N` rows with `x`.
#[inline(always)]
fn dots<S: Simd, const N: usize>(rows: &[f32], x: &[f32]) -> [f32; N] {
    let columns = x.len();
    assert!(rows.len() >= N * columns);
    let mut lanes = [0.0f32; 16];
    // SAFETY: all loads lie inside the rows and `x`; no instruction set has more than 16 lanes.
    unsafe {
        let mut sums = [S::splat(0.0); N];
        let mut k = 0;
        while k < columns {
            let left = columns - k;
            let load = |p: *const f32| if left >= S::LANES { S::load(p) } else { S::load_partial(p, left) };
            let values = load(x.as_ptr().add(k));
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = S::mul_add(load(rows.as_ptr().add(n * columns + k)), values, *sum);
            }
            k += S::LANES;
        }
        sums.map(|sum| {
            S::store(lanes.as_mut_ptr(), sum);
            let mut width = S::LANES / 2;
            while width > 0 {
                for lane in 0..width {
                    lanes[lane] += lanes[lane + width];
                }
                width /= 2;
            }
            lanes[0]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_definition_on_every_instruction_set() {
        let value = |i: usize| ((i * (i + 5) * 31) % 997) as f32 / 498.5 - 1.0;
        for level in Level::available() {
            for (rows, columns) in [(1, 1), (3, 17), (4, 64), (9, 33), (70, 5), (2, 0)] {
                let matrix: Vec<f32> = (0..rows * columns).map(value).collect();
                let x: Vec<f32> = (0..columns).map(|i| value(i + 7)).collect();
                let mut sums = vec![0.5; rows];
                level.run(Product { matrix: &matrix, x: &x, sums: &mut sums });
                for (row, found) in sums.iter().enumerate() {
                    let products = (0..columns).map(|k| f64::from(matrix[row * columns + k]) * f64::from(x[k]));
                    let expected = 0.5 + products.sum::<f64>();
                    assert!((f64::from(*found) - expected).abs() < 1e-5, "{level:?} {rows} {columns} {row}");
                }
            }
        }
    }

    #[test]
    fn threads_do_not_change_it() {
        let (rows, columns) = (1030, 300);
        let matrix: Vec<f32> = (0..rows * columns).map(|i| (i % 1013) as f32 / 500.0 - 1.0).collect();
        let x: Vec<f32> = (0..columns).map(|i| (i % 7) as f32).collect();
        let run = |threads: usize| {
            let mut sums = vec![0.0; rows];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| multiply_add(&matrix, &x, &mut sums));
            sums
        };
        assert_eq!(run(1), run(3));
    }
}
