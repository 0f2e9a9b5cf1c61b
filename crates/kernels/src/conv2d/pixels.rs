//! The usual register tile of a correlation: pixels across the lanes, one broadcast output channel per row of the tile.
//!
//! A tile keeps its sums in registers over all channels and taps. For each term it loads one vector of pixels per
//! column and broadcasts one weight per row, so with AVX-512 (8 by 3) 24 fused multiply-adds stand against 11 loads.

use super::{correlate::Sums, panel::Span};
use crate::simd::{Ahead, Simd, blocks};

impl Sums<'_> {
    /// Computes all `channels` of the band whose vectors of pixels are `spans`.
    #[inline(always)]
    pub(super) unsafe fn across_pixels<S: Simd>(&self, spans: &[Span], channels: usize, ahead: &mut Ahead) {
        let mut spans = spans;
        // A tile of few sums waits for its own results: few channels take more vectors.
        let widest = match channels {
            1 => 8,
            2 | 3 => 4,
            _ => S::TILE.1,
        };
        while !spans.is_empty() {
            let take = match spans.len() {
                4 if widest < 4 => 2,
                n if n >= widest => widest,
                n if n >= 4 && widest >= 4 => 4,
                n => n.min(3).min(S::TILE.1),
            };
            let (now, later) = spans.split_at(take);
            ahead.step::<S>();
            for (first, size) in blocks(channels, S::TILE.0) {
                // SAFETY: the caller's.
                unsafe {
                    match *now {
                        [a] => self.rows::<S, 1>([a], first, size),
                        [a, b] => self.rows::<S, 2>([a, b], first, size),
                        [a, b, c] => self.rows::<S, 3>([a, b, c], first, size),
                        [a, b, c, d] => self.few_rows::<S, 4>([a, b, c, d], first, size),
                        [a, b, c, d, e, f, g, h] => self.few_rows::<S, 8>([a, b, c, d, e, f, g, h], first, size),
                        _ => unreachable!("one to four vectors, or eight"),
                    }
                }
            }
            spans = later;
        }
    }

    /// `size` channels from `first` on, `N` vectors of pixels.
    #[inline(always)]
    unsafe fn rows<S: Simd, const N: usize>(&self, spans: [Span; N], first: usize, size: usize) {
        // SAFETY: the caller's. The comparisons with constants keep tiles too large for the registers from being
        // compiled.
        unsafe {
            match size {
                8 if S::TILE.0 >= 8 && S::TILE.1 >= N => self.tile::<S, 8, N>(spans, first),
                6 if S::TILE.0 == 6 && S::TILE.1 >= N => self.tile::<S, 6, N>(spans, first),
                4 if S::TILE.1 >= N => self.tile::<S, 4, N>(spans, first),
                2 if S::TILE.1 >= N => self.tile::<S, 2, N>(spans, first),
                1 if S::TILE.1 >= N => self.tile::<S, 1, N>(spans, first),
                _ => unreachable!("blocks() yields sizes that have a kernel"),
            }
        }
    }

    /// [`rows`](Self::rows) of one or two channels.
    #[inline(always)]
    unsafe fn few_rows<S: Simd, const N: usize>(&self, spans: [Span; N], first: usize, size: usize) {
        // SAFETY: the caller's.
        unsafe {
            match size {
                2 if N <= 4 => self.tile::<S, 2, N>(spans, first),
                1 => self.tile::<S, 1, N>(spans, first),
                _ => unreachable!("few channels are cut into ones and twos"),
            }
        }
    }

    /// `M` channels from `first` on, `N` vectors of pixels.
    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize, const N: usize>(&self, spans: [Span; N], first: usize) {
        // SAFETY: the caller's.
        unsafe {
            let mut sums = [[S::splat(0.0); N]; M];
            if let Some(bias) = self.bias {
                for (m, row) in sums.iter_mut().enumerate() {
                    *row = [S::splat(*bias.add(first + m)); N];
                }
            }
            let columns = spans.map(|span| self.panel.add(span.start));
            let mut weight = self.weight.add(first * self.offsets.len());
            for offset in self.offsets {
                let pixels = columns.map(|column| S::load(column.add(*offset)));
                for (m, row) in sums.iter_mut().enumerate() {
                    let w = S::splat(*weight.add(m));
                    for (sum, pixels) in row.iter_mut().zip(pixels) {
                        *sum = S::mul_add(w, pixels, *sum);
                    }
                }
                weight = weight.add(M);
            }
            for (m, row) in sums.into_iter().enumerate() {
                let plane = self.output.add((first + m) * self.plane);
                for (sum, span) in row.into_iter().zip(spans) {
                    let sum = self.limited::<S>(sum);
                    if span.lanes.count_ones() as usize == S::LANES {
                        S::store(plane.add(span.pixel), sum);
                    } else {
                        S::store_lanes(plane.add(span.pixel), span.lanes, sum);
                    }
                }
            }
        }
    }
}
