//! The product of a few rows with a matrix that is read once, where it lies: bounded by how fast that is.
//!
//! A packed matrix ([`crate::product`]) is copied first, which pays when many rows are multiplied by it. Here strips of columns are gone
//! through from top to bottom, a group of lines at a time, which the first-level cache holds for all rows. Every sum is added up in the
//! order in which [`crate::product`] does it: both give the same bits.

use std::mem::MaybeUninit;

use crate::{
    parallel::{Disjoint, filled, for_each_light},
    scratch,
    simd::{Kernel, Level, Simd},
};

/// More rows than these are multiplied faster by a packed matrix.
pub(crate) const MOST_ROWS: usize = 16;

/// Columns of a strip: its sums for all rows are 16 KiB, a group of its lines 8 KiB.
const STRIP: usize = 256;

/// Lines of the matrix in a group.
const GROUP: usize = 8;

/// `rows` rows of `x` `[rows, depth]` times `matrix` `[depth, columns]`, plus `first` in each row if it is given; on all threads.
pub(crate) fn multiply(rows: usize, x: &[f32], matrix: &[f32], columns: usize, first: Option<&[f32]>) -> Vec<f32> {
    let depth = matrix.len().checked_div(columns).unwrap_or(0);
    assert!(rows <= MOST_ROWS && x.len() >= rows * depth && first.is_none_or(|first| first.len() == columns));
    let level = Level::detect();
    let write = |y: &mut [MaybeUninit<f32>]| {
        let y = Disjoint::new(y);
        for_each_light(columns.div_ceil(STRIP), matrix.len(), |strip| {
            let start = strip * STRIP;
            let width = STRIP.min(columns - start);
            scratch::with(rows * STRIP, |sums| {
                for row in sums.chunks_exact_mut(STRIP) {
                    match first {
                        Some(first) => row[..width].copy_from_slice(&first[start..][..width]),
                        None => row[..width].fill(0.0),
                    }
                }
                level.run(Strip { x, depth, matrix: &matrix[start..], columns, width, sums });
                for (row, sums) in sums.chunks_exact(STRIP).enumerate() {
                    // SAFETY: strips are disjoint and each is visited once.
                    let to = unsafe { y.slice(row * columns + start..row * columns + start + width) };
                    to.write_copy_of_slice(&sums[..width]);
                }
            });
        });
    };
    // SAFETY: the strips cover every row.
    unsafe { filled(rows * columns, write) }
}

/// The share of a strip of columns.
struct Strip<'a> {
    x: &'a [f32],
    depth: usize,
    /// From the strip's first column on.
    matrix: &'a [f32],
    /// Of the whole matrix.
    columns: usize,
    width: usize,
    /// `[rows, STRIP]`.
    sums: &'a mut [f32],
}

impl Kernel for Strip<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self) {
        for line in (0..self.depth).step_by(GROUP) {
            if self.depth - line >= GROUP {
                self.group::<S, GROUP>(line);
            } else {
                (line..self.depth).for_each(|line| self.group::<S, 1>(line));
            }
        }
    }
}

impl Strip<'_> {
    /// Adds the products with `N` lines from `line` on.
    #[inline(always)]
    fn group<S: Simd, const N: usize>(&mut self, line: usize) {
        let Self { x, depth, matrix, columns, width, ref mut sums } = *self;
        assert!(matrix.len() >= (line + N - 1) * columns + width && x.len() >= sums.len() / STRIP * depth);
        let lines = matrix[line * columns..].as_ptr();
        for next in 0..N {
            for column in (0..width).step_by(16) {
                S::prefetch(lines.wrapping_add((N + next) * columns + column));
            }
        }
        for (sums, x) in sums.chunks_exact_mut(STRIP).zip(x.chunks_exact(depth)) {
            // SAFETY: the lines hold `width` values from the strip's start on, as was just checked, and `sums` a multiple of any vector.
            unsafe {
                let factors: [S::V; N] = std::array::from_fn(|n| S::splat(x[line + n]));
                for column in (0..width).step_by(S::LANES) {
                    let left = width - column;
                    let at = sums.as_mut_ptr().add(column);
                    let mut sum = S::load(at);
                    for (n, factor) in factors.iter().enumerate() {
                        let from = lines.add(n * columns + column);
                        let values = if left >= S::LANES { S::load(from) } else { S::load_partial(from, left) };
                        sum = S::mul_add(*factor, values, sum);
                    }
                    S::store(at, sum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::Packed;

    #[test]
    fn bits_are_those_of_the_packed_product() {
        let values = |count: usize, salt: usize| -> Vec<f32> {
            (0..count).map(|i| ((i * (i + salt) * 31 + 17 * i) % 997) as f32 / 498.5 - 1.0).collect()
        };
        for (rows, depth, columns) in [
            (1, 1, 1),
            (1, 700, 513),
            (3, 17, 5),
            (16, 64, 256),
            (7, 8, 300),
            (16, 1100, 1000),
            (2, 0, 3),
            (1, 600, 1030),
        ] {
            let (x, matrix, first) = (values(rows * depth, 1), values(depth * columns, 2), values(columns, 3));
            let packed = Packed::new(Level::detect(), &matrix, depth, columns);
            for first in [None, Some(first.as_slice())] {
                let expected = packed.multiply(rows, &x, depth, first);
                for threads in [1, 3] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let found = pool.install(|| multiply(rows, &x, &matrix, columns, first));
                    assert_eq!(found, expected, "{rows} {depth} {columns}");
                }
            }
        }
    }
}
