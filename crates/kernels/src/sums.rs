//! Sums of long runs in single precision: 32 partial sums, so that they vectorise and lose little.

use crate::{
    parallel::{Disjoint, for_each},
    simd::vectorised,
};

/// Values that one sum in single precision takes up at most; the sums of blocks are added in double precision.
pub(crate) const BLOCK: usize = 4096;

pub(crate) const LANES: usize = 32;

/// Partial sums: value `i` of a run goes to sum `i % LANES`.
pub(crate) type Lanes = [f32; LANES];

/// The total of partial sums, by halves.
#[inline(always)]
pub(crate) fn fold(mut lanes: Lanes) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    f64::from(lanes[0])
}

vectorised! {
    /// Adds the values of `x` to `sums`.
    pub(crate) fn add(sums: &mut Lanes, x: &[f32]) {
        let mut lanes = *sums;
        let chunks = x.chunks_exact(LANES);
        for (sum, value) in lanes.iter_mut().zip(chunks.remainder()) {
            *sum += value;
        }
        for chunk in chunks {
            for lane in 0..LANES {
                lanes[lane] += chunk[lane];
            }
        }
        *sums = lanes;
    }
}

/// The sums over the rows of a matrix with rows of `width` values, one for each column.
pub(crate) fn of_columns(matrix: &[f32], width: usize) -> Vec<f32> {
    const COLUMNS: usize = 128;
    let mut totals = vec![0.0; width];
    let parts = Disjoint::new(&mut totals);
    for_each(width.div_ceil(COLUMNS), |part| {
        let columns = part * COLUMNS..width.min((part + 1) * COLUMNS);
        // SAFETY: parts are disjoint and each is visited once.
        let totals = unsafe { parts.slice(columns.clone()) };
        let mut sums = [0.0f64; COLUMNS];
        for row in matrix.chunks_exact(width) {
            add_row(&mut sums, &row[columns.clone()]);
        }
        totals.iter_mut().zip(sums).for_each(|(total, sum)| *total = sum as f32);
    });
    totals
}

vectorised! {
    fn add_row(sums: &mut [f64], row: &[f32]) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
}
