//! The other register tile of a correlation: output channels across the lanes, one broadcast pixel per row of the tile.
//!
//! It wastes no lanes on rows that are not whole vectors (8 x 8 pixels deep in a residual network, say), but needs
//! whole vectors of output channels, and its result must be transposed.

use super::correlate::Sums;
use crate::simd::{Ahead, Simd};

/// Terms summed at a time, so that their weights stay in the first-level cache for all pixels of a band.
const TERMS: usize = 144;

/// Most pixels of a tile, on any instruction set.
pub(super) const MOST_PIXELS: usize = 8;

/// Pixels of a tile two vectors of channels wide: as many as leave registers for the weights and a pixel.
#[inline(always)]
fn most_pixels(registers: usize) -> usize {
    if registers >= 32 { MOST_PIXELS } else { 6 }
}

/// The time for a row of `width` pixels, in pixels: a tile of fewer than four waits for its own results.
fn row_cost(width: usize, registers: usize) -> usize {
    let most = most_pixels(registers);
    let rest = width % most;
    width / most * most + (rest & 4) + 4 * usize::from(rest & 2 != 0) + 4 * usize::from(rest & 1 != 0)
}

/// A band of grid rows, and how its pixels are cut into tiles.
///
/// Either each row by itself, or all rows as one line, over the padding between them, whose pixels are computed in vain: of rows of 7 in a
/// panel 8 wide one pixel in eight, while a row of 7 by itself takes the time of 12.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) width: usize,
    /// Floats of the panel from one row to the next.
    pub(super) pitch: usize,
    /// Pixels in the one line; 0 for rows by themselves.
    joined: usize,
}

impl Rows {
    /// The faster way for `count` rows of a panel that may be read `beyond` its last pixel, or not.
    #[inline(always)]
    pub(super) fn new(count: usize, width: usize, pitch: usize, beyond: bool, registers: usize) -> Self {
        let exact = (count - 1) * pitch + width;
        let line = if beyond { exact.next_multiple_of(most_pixels(registers)) } else { exact };
        let joined = if row_cost(line, registers) < count * row_cost(width, registers) { line } else { 0 };
        Self { count, width, pitch, joined }
    }

    /// The time for all of them, in pixels.
    pub(super) fn cost(&self, registers: usize) -> usize {
        match self.joined {
            0 => self.count * row_cost(self.width, registers),
            line => row_cost(line, registers),
        }
    }

    /// Lines of pixels that follow each other in the panel: how many, and how long.
    #[inline(always)]
    fn lines(&self) -> (usize, usize) {
        if self.joined > 0 { (1, self.joined) } else { (self.count, self.width) }
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
                let (lines, length) = rows.lines();
                for line in 0..lines {
                    ahead.step::<S>();
                    let mut x = 0;
                    while x < length {
                        let pixels = self.panel.add(line * rows.pitch + x);
                        let to = turned.add((line * length + x) * V * S::LANES);
                        x += match length - x {
                            n if n >= 8 && most == 8 => self.pixels::<S, V, 8>(pixels, first, terms, to),
                            n if n >= 6 && most == 6 => self.pixels::<S, V, 6>(pixels, first, terms, to),
                            n if n >= 4 => self.pixels::<S, V, 4>(pixels, first, terms, to),
                            n if n >= 2 => self.pixels::<S, V, 2>(pixels, first, terms, to),
                            _ => self.pixels::<S, V, 1>(pixels, first, terms, to),
                        };
                    }
                }
            }
            for v in 0..V {
                let output = self.output.add((first + v * S::LANES) * self.plane);
                self.turn::<S>(turned.add(v * S::LANES), V * S::LANES, rows, output);
            }
        }
    }

    /// Up to [`TERMS`] terms, from number `terms` on, of `P` consecutive pixels; returns `P`.
    #[inline(always)]
    unsafe fn pixels<S: Simd, const V: usize, const P: usize>(
        &self,
        pixels: *const f32,
        first: usize,
        terms: usize,
        to: *mut f32,
    ) -> usize {
        // SAFETY: the caller's.
        unsafe {
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
                for (p, sums) in sums.iter_mut().enumerate() {
                    let pixel = S::splat(*pixels.add(*offset + p));
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

    /// Writes the pixels of one vector of channels, `step` floats apart, to planes `plane` apart; what lies between joined rows is left out.
    #[inline(always)]
    unsafe fn turn<S: Simd>(&self, from: *const f32, step: usize, rows: Rows, to: *mut f32) {
        let plane = self.plane;
        let (width, count) = (rows.width, rows.count * rows.width);
        let pitch = if rows.joined > 0 { rows.pitch } else { width };
        let whole = count / S::LANES * S::LANES;
        let (mut start, mut column) = (from, 0);
        let mut next = || {
            let pixel = start.wrapping_add(column * step);
            column += 1;
            if column == width {
                (start, column) = (start.wrapping_add(pitch * step), 0);
            }
            pixel
        };
        // SAFETY: the caller's.
        unsafe {
            for pixel in (0..whole).step_by(S::LANES) {
                let mut rows = [S::splat(0.0); 16];
                for row in rows.iter_mut().take(S::LANES) {
                    *row = self.limited::<S>(S::load(next()));
                }
                S::store_transposed(&rows[..S::LANES], to.add(pixel), plane, S::LANES);
            }
            for pixel in whole..count {
                let from = next();
                for channel in 0..S::LANES {
                    let value = *from.add(channel);
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
