//! Sums of long runs in single precision: 32 partial sums, so that they vectorise and lose little.

use crate::simd::vectorised;

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
