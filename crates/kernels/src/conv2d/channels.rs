//! The other register tile of a correlation: output channels across the lanes, one broadcast pixel per row of the tile.
//!
//! It wastes no lanes on rows that are not whole vectors (8 x 8 pixels deep in a residual network, say), but needs
//! whole vectors of output channels, and its result must be transposed.

use super::correlate::Sums;
use crate::simd::{Ahead, Simd};

/// Terms summed at a time, so that their weights stay in the first-level cache for all pixels of a band.
const TERMS: usize = 144;

/// Most pixels of a tile, on any instruction set.
const MOST_PIXELS: usize = 8;

/// Pixels of a tile two vectors of channels wide: as many as leave registers for the weights and a pixel.
#[inline(always)]
fn most_pixels(registers: usize) -> usize {
    if registers >= 32 { MOST_PIXELS } else { 6 }
}

/// Pixels of the next tile when `left` are left, `most` at most: from 4 on all sizes are equally good, a smaller tile waits for its own results.
#[inline(always)]
fn tile(left: usize, most: usize) -> usize {
    let tiles = left.div_ceil(most);
    match left {
        _ if left >= 4 * tiles => left.div_ceil(tiles),
        7 => 6,
        3 => 2,
        _ => left,
    }
}

/// The time for so many pixels, in pixels.
pub(super) fn cost(pixels: usize, registers: usize) -> usize {
    let (mut left, mut cost) = (pixels, 0);
    while left > 0 {
        let tile = tile(left, most_pixels(registers));
        (left, cost) = (left - tile, cost + tile.max(4));
    }
    cost
}

/// The pixels of a band, row after row: of rows of 7 a tile of 6 takes the last ones of a row with the first ones of the next.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) width: usize,
    /// Floats of the panel from one row to the next.
    pub(super) pitch: usize,
}

impl Rows {
    #[inline(always)]
    fn pixels(&self) -> usize {
        self.count * self.width
    }

    /// Distances in the panel of the `P` pixels from number `first` on.
    #[inline(always)]
    fn places<const P: usize>(&self, first: usize) -> [usize; P] {
        let (mut row, mut column) = (first / self.width * self.pitch, first % self.width);
        [(); P].map(|()| {
            let place = row + column;
            column += 1;
            if column == self.width {
                (row, column) = (row + self.pitch, 0);
            }
            place
        })
    }
}

impl Sums<'_> {
    /// Computes `channels` output channels, whole vectors, of `rows`; `turned` has room for two vectors for each pixel that is computed.
    #[inline(always)]
    pub(super) unsafe fn across_channels<S: Simd>(
        &self,
        rows: Rows,
        channels: usize,
        turned: *mut f32,
        ahead: &mut Ahead,
    ) {
        for first in (0..channels).step_by(2 * S::LANES) {
            // SAFETY: the caller's.
            unsafe {
                if channels - first >= 2 * S::LANES {
                    self.block::<S, 2>(rows, first, turned, ahead);
                } else {
                    self.block::<S, 1>(rows, first, turned, ahead);
                }
            }
        }
    }

    /// `V` vectors of channels from `first` on.
    #[inline(always)]
    unsafe fn block<S: Simd, const V: usize>(&self, rows: Rows, first: usize, turned: *mut f32, ahead: &mut Ahead) {
        let most = most_pixels(S::REGISTERS);
        // SAFETY: the caller's.
        unsafe {
            for terms in (0..self.offsets.len()).step_by(TERMS) {
                let (count, mut done) = (rows.pixels(), 0);
                while done < count {
                    ahead.step::<S>();
                    let to = turned.add(done * V * S::LANES);
                    done += match tile(count - done, most) {
                        8 if most == 8 => self.pixels::<S, V, 8>(rows.places(done), first, terms, to),
                        7 if most == 8 => self.pixels::<S, V, 7>(rows.places(done), first, terms, to),
                        6 => self.pixels::<S, V, 6>(rows.places(done), first, terms, to),
                        5 => self.pixels::<S, V, 5>(rows.places(done), first, terms, to),
                        4 => self.pixels::<S, V, 4>(rows.places(done), first, terms, to),
                        2 => self.pixels::<S, V, 2>(rows.places(done), first, terms, to),
                        _ => self.pixels::<S, V, 1>(rows.places(done), first, terms, to),
                    };
                }
            }
            for v in 0..V {
                let output = self.output.add((first + v * S::LANES) * self.plane);
                self.turn::<S>(turned.add(v * S::LANES), V * S::LANES, rows.pixels(), output);
            }
        }
    }

    /// Up to [`TERMS`] terms, from number `terms` on, of the `P` pixels at `places` in the panel; returns `P`.
    #[inline(always)]
    unsafe fn pixels<S: Simd, const V: usize, const P: usize>(
        &self,
        places: [usize; P],
        first: usize,
        terms: usize,
        to: *mut f32,
    ) -> usize {
        // SAFETY: the caller's.
        unsafe {
            let pixels = places.map(|place| self.panel.add(place));
            let mut sums = [[S::splat(0.0); V]; P];
            if terms > 0 {
                for (p, sums) in sums.iter_mut().enumerate() {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = S::load(to.add((p * V + v) * S::LANES));
                    }
                }
            } else if let Some(bias) = self.bias {
                for sums in &mut sums {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = S::load(bias.add(first + v * S::LANES));
                    }
                }
            }
            let mut weight = self.weight.add(first * self.offsets.len() + terms * V * S::LANES);
            for offset in &self.offsets[terms..self.offsets.len().min(terms + TERMS)] {
                let mut w = [S::splat(0.0); V];
                for (v, w) in w.iter_mut().enumerate() {
                    *w = S::load(weight.add(v * S::LANES));
                }
                for (sums, pixel) in sums.iter_mut().zip(pixels) {
                    let pixel = S::splat(*pixel.add(*offset));
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = S::mul_add(w, pixel, *sum);
                    }
                }
                weight = weight.add(V * S::LANES);
            }
            for (p, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    S::store(to.add((p * V + v) * S::LANES), *sum);
                }
            }
        }
        P
    }

    /// Writes `count` pixels of one vector of channels, `step` floats apart, to planes `plane` apart.
    #[inline(always)]
    unsafe fn turn<S: Simd>(&self, from: *const f32, step: usize, count: usize, to: *mut f32) {
        let plane = self.plane;
        let whole = count / S::LANES * S::LANES;
        // SAFETY: the caller's.
        unsafe {
            for pixel in (0..whole).step_by(S::LANES) {
                let mut rows = [S::splat(0.0); 16];
                for (number, row) in rows.iter_mut().take(S::LANES).enumerate() {
                    *row = self.limited::<S>(S::load(from.add((pixel + number) * step)));
                }
                S::store_transposed(&rows[..S::LANES], to.add(pixel), plane, S::LANES);
            }
            for pixel in whole..count {
                for channel in 0..S::LANES {
                    let value = *from.add(pixel * step + channel);
                    let limited = |[low, high]: [f32; 2]| {
                        if value < low {
                            low
                        } else if value > high {
                            high
                        } else {
                            value
                        }
                    };
                    *to.add(channel * plane + pixel) = self.limits.map_or(value, limited);
                }
            }
        }
    }
}
