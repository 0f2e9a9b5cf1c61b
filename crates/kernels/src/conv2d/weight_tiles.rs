//! Register tiles of the gradient to the weight: vectors of output channels times broadcast pixels of `x`.

use crate::simd::Simd;

/// The terms of one group and one band of rows.
pub(super) struct Terms<'a> {
    pub(super) offsets: &'a [usize],
    pub(super) pixels: *const f32,
    pub(super) rows: usize,
    pub(super) width: usize,
    /// Floats of `x` from one output row, and from one output column, to the next.
    pub(super) row_step: usize,
    pub(super) step: usize,
    /// Whether the terms come in threes that read consecutive pixels.
    pub(super) triples: bool,
}

impl Terms<'_> {
    /// Adds all terms of `V` vectors of output channels to `sums`, `[term, channel]`, and then the bias' gradient.
    #[inline(always)]
    pub(super) unsafe fn all<S: Simd, const V: usize>(&self, gradients: *const f32, sums: *mut f32) {
        let mut at = 0;
        // SAFETY: the caller's.
        unsafe {
            while at < self.offsets.len() {
                let to = sums.add(at * V * S::LANES);
                at += if V == 1 && self.triples {
                    self.widest::<S, V, 3>(at, gradients, to)
                } else {
                    self.widest::<S, V, 1>(at, gradients, to)
                };
            }
            let to = sums.add(at * V * S::LANES);
            let mut bias = [S::splat(0.0); V];
            for pixel in 0..self.rows * self.width {
                for (v, sum) in bias.iter_mut().enumerate() {
                    *sum = S::add(*sum, S::load(gradients.add((pixel * V + v) * S::LANES)));
                }
            }
            for (v, sum) in bias.into_iter().enumerate() {
                let to = to.add(v * S::LANES);
                S::store(to, S::add(S::load(to), sum));
            }
        }
    }

    /// The largest tile that fits the registers and the terms left, in rows of `T` terms with consecutive pixels.
    #[inline(always)]
    unsafe fn widest<S: Simd, const V: usize, const T: usize>(
        &self,
        first: usize,
        gradients: *const f32,
        to: *mut f32,
    ) -> usize {
        let fits = |rows: usize| rows * T * V + V < S::REGISTERS;
        // SAFETY: the caller's. The comparisons with constants keep tiles too large for the registers from being
        // compiled.
        unsafe {
            match (self.offsets.len() - first) / T {
                n if n >= 8 && fits(8) => self.tile::<S, V, T, 8>(first, gradients, to),
                n if n >= 4 && fits(4) => self.tile::<S, V, T, 4>(first, gradients, to),
                n if n >= 2 && fits(2) => self.tile::<S, V, T, 2>(first, gradients, to),
                _ => self.tile::<S, V, T, 1>(first, gradients, to),
            }
        }
    }

    /// Adds `R` times `T` terms from the `first` on; returns their number.
    #[inline(always)]
    unsafe fn tile<S: Simd, const V: usize, const T: usize, const R: usize>(
        &self,
        first: usize,
        gradients: *const f32,
        to: *mut f32,
    ) -> usize {
        // SAFETY: the caller's.
        unsafe {
            let mut sums = [[[S::splat(0.0); V]; T]; R];
            let mut rows: [*const f32; R] = std::array::from_fn(|r| self.pixels.add(self.offsets[first + r * T]));
            let mut gradients = gradients;
            for _ in 0..self.rows {
                let mut x = 0;
                for _ in 0..self.width {
                    let dy: [S::V; V] = std::array::from_fn(|v| S::load(gradients.add(v * S::LANES)));
                    for (row, sums) in rows.iter().zip(sums.iter_mut()) {
                        for (t, sums) in sums.iter_mut().enumerate() {
                            let pixel = S::splat(*row.add(x + t));
                            for (sum, dy) in sums.iter_mut().zip(dy) {
                                *sum = S::mul_add(pixel, dy, *sum);
                            }
                        }
                    }
                    gradients = gradients.add(V * S::LANES);
                    x += self.step;
                }
                rows = rows.map(|row| row.wrapping_add(self.row_step));
            }
            for (r, sums) in sums.iter().enumerate() {
                for (t, sums) in sums.iter().enumerate() {
                    for (v, sum) in sums.iter().enumerate() {
                        let to = to.add(((r * T + t) * V + v) * S::LANES);
                        S::store(to, S::add(S::load(to), *sum));
                    }
                }
            }
        }
        R * T
    }
}
