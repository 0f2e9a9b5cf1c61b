//! The input of a correlation laid out so that each term of the sum is a run of consecutive floats.
//!
//! For stride one and rows of a whole number of vectors, a zero-padded copy is enough: all taps read it at their own
//! offset. Ragged rows would waste lanes, so there each column offset gets its own copy without gaps between rows
//! (memory-efficient convolution: Cho and Brand 2017), and vectors run on from row to row. A stride is taken out by
//! copying every `stride`-th pixel.

use super::geometry::Correlation;
use crate::simd::Simd;

/// Floats of input copied at a time; with the weights it stays in the second-level cache.
const BUDGET: usize = 128 * 1024;

/// Where the terms of a correlation lie, for a band of grid rows of one image and one group.
#[derive(Debug)]
pub(super) struct Panel {
    /// For each channel and tap, in the weights' order, the distance from the panel's start.
    pub(super) offsets: Vec<usize>,
    /// Grid rows in a band; the last band may have fewer.
    pub(super) band: usize,
    /// Floats to allocate; none where the input itself serves.
    pub(super) len: usize,
    /// Floats from one row to the next.
    pitch: usize,
    /// Rows of a plane.
    rows: usize,
    /// Input column of grid column 0, for each copy.
    columns: Vec<isize>,
    /// Input row of grid row 0, for each copy.
    first_rows: Vec<isize>,
    /// Grid columns.
    width: usize,
}

/// A vector of grid pixels: consecutive in the panel and in the grid.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) pixel: usize,
    pub(super) len: usize,
}

impl Panel {
    /// Lays out `c` for vectors of `lanes`, in at least `bands` bands where the grid has as many rows.
    pub(super) fn new(c: &Correlation, lanes: usize, bands: usize) -> Self {
        let [height, width] = c.grid;
        let bounds = |d: &dyn Fn(usize) -> isize| {
            let all = (0..c.taps.len()).map(d);
            (all.clone().min().unwrap_or(0), all.max().unwrap_or(0))
        };
        let (top, bottom) = bounds(&|t| c.taps[t].dy);
        let (left, right) = bounds(&|t| c.taps[t].dx);
        let wasted = width.div_ceil(lanes) * lanes * 8 > width * 9;
        // A run of pixels across rows needs rows without padding between; only with few sums to make is the copy dearer.
        let separate = wasted && left != right && c.channels_out >= 8;

        let inside = c.stride == [1, 1] && top >= 0 && left >= 0;
        let inside = inside && bottom as usize + height <= c.input[0] && right as usize + width <= c.input[1];
        let whole = width.is_multiple_of(lanes) || (width == c.input[1] && (height * width).is_multiple_of(lanes));
        if inside && whole {
            let [input_height, pitch] = c.input;
            let offset = |channel: usize, t: usize| {
                channel * input_height * pitch + c.taps[t].dy as usize * pitch + c.taps[t].dx as usize
            };
            let offsets = offsets(c, offset);
            let band = if width.is_multiple_of(lanes) { height.div_ceil(bands).max(1) } else { height };
            return Self { offsets, band, len: 0, pitch, rows: 0, columns: vec![], first_rows: vec![], width };
        }

        let (first_rows, row_of) = split(c.taps.iter().map(|t| t.dy), top, c.stride[0], false);
        let (columns, column_of) = split(c.taps.iter().map(|t| t.dx), left, c.stride[1], separate);
        let pitch = width + column_of.iter().map(|(_, shift)| shift).max().unwrap_or(&0);
        let below = *row_of.iter().map(|(_, shift)| shift).max().unwrap_or(&0);
        let planes = c.channels_in * columns.len() * first_rows.len();
        let affordable = (BUDGET / (planes * pitch).max(1)).saturating_sub(below).max(1);
        let bands = bands.max(height.div_ceil(affordable));
        let band = height.div_ceil(bands).max(1);
        let rows = band + below;
        let offset = |channel: usize, t: usize| {
            let ((column, right), (row, down)) = (column_of[t], row_of[t]);
            let plane = (channel * columns.len() + column) * first_rows.len() + row;
            (plane * rows + down) * pitch + right
        };
        let offsets = offsets(c, offset);
        // A last, partly filled vector may read past the end.
        let len = planes * rows * pitch + lanes;
        Self { offsets, band, len, pitch, rows, columns, first_rows, width }
    }

    /// Vectors of `lanes` in `rows` grid rows.
    #[inline(always)]
    pub(super) fn spans(&self, rows: usize, lanes: usize) -> usize {
        if self.pitch == self.width { (rows * self.width).div_ceil(lanes) } else { rows * self.width.div_ceil(lanes) }
    }

    /// The `index`-th vector of a band of `rows` rows.
    #[inline(always)]
    pub(super) fn span(&self, index: usize, rows: usize, lanes: usize) -> Span {
        if self.pitch == self.width {
            let start = index * lanes;
            Span { start, pixel: start, len: lanes.min(rows * self.width - start) }
        } else {
            let per_row = self.width.div_ceil(lanes);
            let (row, column) = (index / per_row, index % per_row * lanes);
            Span {
                start: row * self.pitch + column,
                pixel: row * self.width + column,
                len: lanes.min(self.width - column),
            }
        }
    }

    /// Distance from the start of a group's input planes to where the band from grid row `first` on begins; only for a
    /// panel that is the input itself.
    #[inline(always)]
    pub(super) fn direct(&self, first: usize) -> Option<usize> {
        (self.len == 0).then_some(first * self.pitch)
    }

    /// Copies what a band of `rows` grid rows from row `first` on needs.
    ///
    /// # Safety
    /// `input` must hold the group's planes, `panel` have room for `len` floats; see [`Simd`].
    #[inline(always)]
    pub(super) unsafe fn fill<S: Simd>(
        &self,
        c: &Correlation,
        input: *const f32,
        first: usize,
        rows: usize,
        panel: *mut f32,
    ) {
        let [height, width] = c.input;
        let rows = rows + self.rows - self.band;
        for channel in 0..c.channels_in {
            for (i, &column) in self.columns.iter().enumerate() {
                let stride = c.stride[1];
                // Grid columns `from .. to` lie inside the input.
                let from = ((-column).max(0) as usize).div_ceil(stride).min(self.pitch);
                let to = ((width as isize - column).max(0) as usize).div_ceil(stride).clamp(from, self.pitch);
                for (j, &row) in self.first_rows.iter().enumerate() {
                    let plane = (channel * self.columns.len() + i) * self.first_rows.len() + j;
                    for r in 0..rows {
                        let y = row + ((first + r) * c.stride[0]) as isize;
                        // SAFETY: row and columns are inside the planes and the panel.
                        unsafe {
                            let to_row = panel.add((plane * self.rows + r) * self.pitch);
                            if y < 0 || y >= height as isize || from == to {
                                zero(to_row, self.pitch);
                                continue;
                            }
                            let x = (column + (from * stride) as isize) as usize;
                            let from_row = input.add((channel * height + y as usize) * width + x);
                            zero(to_row, from);
                            copy::<S>(from_row, to_row.add(from), to - from, stride);
                            zero(to_row.add(to), self.pitch - to);
                        }
                    }
                }
            }
        }
    }
}

fn offsets(c: &Correlation, offset: impl Fn(usize, usize) -> usize) -> Vec<usize> {
    let taps = c.taps.len();
    (0..c.channels_in * taps).map(|k| offset(k / taps, k % taps)).collect()
}

/// Distributes tap positions over copies of every `stride`-th pixel: the position each copy starts at, and for each tap its
/// copy and its distance in it. With `separate` every position has its own copy.
fn split(
    positions: impl Iterator<Item = isize>,
    first: isize,
    stride: usize,
    separate: bool,
) -> (Vec<isize>, Vec<(usize, usize)>) {
    let mut starts = Vec::new();
    let mut places = Vec::new();
    for position in positions {
        let from_first = (position - first) as usize;
        let (start, shift) =
            if separate { (position, 0) } else { (first + (from_first % stride) as isize, from_first / stride) };
        let copy = starts.iter().position(|s| *s == start).unwrap_or_else(|| {
            starts.push(start);
            starts.len() - 1
        });
        places.push((copy, shift));
    }
    (starts, places)
}

/// Writes `n` zeros.
#[inline(always)]
unsafe fn zero(p: *mut f32, n: usize) {
    for i in 0..n {
        // SAFETY: the caller gives room for `n` floats.
        unsafe { *p.add(i) = 0.0 };
    }
}

/// Copies `n` floats that lie `stride` apart.
#[inline(always)]
pub(super) unsafe fn copy<S: Simd>(from: *const f32, to: *mut f32, n: usize, stride: usize) {
    let mut i = 0;
    // SAFETY: the caller gives `(n - 1) * stride + 1` floats to read and room for `n`.
    unsafe {
        match stride {
            1 => {
                while i + S::LANES <= n {
                    S::store(to.add(i), S::load(from.add(i)));
                    i += S::LANES;
                }
                if i < n {
                    S::store_partial(to.add(i), n - i, S::load_partial(from.add(i), n - i));
                }
                return;
            }
            2 => {
                while i + S::LANES <= n {
                    S::store(to.add(i), S::load_even(from.add(2 * i)));
                    i += S::LANES;
                }
            }
            _ => {}
        }
        while i < n {
            *to.add(i) = *from.add(i * stride);
            i += 1;
        }
    }
}
