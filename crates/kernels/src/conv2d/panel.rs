//! The input of a correlation laid out so that every term of the sum is a run of consecutive floats.
//!
//! The panel is one zero-padded copy of the input planes, which all taps read at their own offset; a stride is taken
//! out by copying every `stride`-th pixel. Where rows are not whole vectors, vectors run on from row to row over the
//! padding between them, and the lanes in between are computed in vain. To have few of them, the zeros right of a row
//! are also those left of the next one: a plane 8 wide with one zero on each side takes 9 floats a row.

use std::ops::Range;

use super::correlation::Correlation;
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
    /// The vectors of a band, and of a last band with fewer rows.
    spans: [Vec<Span>; 2],
    /// Floats from one row to the next.
    pub(super) pitch: usize,
    /// The furthest distance of a tap to the right.
    right: usize,
    /// Rows of a plane.
    rows: usize,
    /// Input column of grid column 0, and input row of grid row 0, for each copy.
    columns: Vec<isize>,
    first_rows: Vec<isize>,
}

/// A vector of pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    /// Distance from the start of the panel.
    pub(super) start: usize,
    /// Number of the first grid pixel, row by row in the band.
    pub(super) pixel: usize,
    /// The lanes that are grid pixels, as bits; their pixels are consecutive.
    pub(super) lanes: u32,
}

impl Panel {
    /// Lays out `c` for vectors of `lanes`, in at least `bands` bands where the grid has as many rows.
    pub(super) fn new(c: &Correlation, lanes: usize, bands: usize) -> Self {
        let [height, width] = c.grid;
        let (rows, row_of) = split(c.taps.iter().map(|t| t.dy), c.stride[0]);
        let (columns, column_of) = split(c.taps.iter().map(|t| t.dx), c.stride[1]);
        let furthest = |places: &[(usize, usize)]| places.iter().map(|(_, shift)| *shift).max().unwrap_or(0);
        let (below, right) = (furthest(&row_of), furthest(&column_of));

        let fits = |firsts: &[isize], shift: usize, axis: usize| match firsts {
            [first] => *first >= 0 && *first as usize + shift + c.grid[axis] <= c.input[axis],
            _ => false,
        };
        let inside = c.stride == [1, 1] && fits(&rows, below, 0) && fits(&columns, right, 1);
        // Of an input used as it is, nothing past the end may be read.
        if inside && (width >= lanes || (height - 1) * c.input[1] + width >= lanes) {
            let pitch = c.input[1];
            let band = if width >= lanes { height.div_ceil(bands).max(1) } else { height };
            let (top, left) = (rows[0] as usize, columns[0] as usize);
            let offset = |channel: usize, t: usize| {
                channel * c.input[0] * pitch + (top + row_of[t].1) * pitch + left + column_of[t].1
            };
            let (offsets, spans) = (offsets(c, offset), all_spans(c.grid, band, pitch, lanes));
            return Self { offsets, band, len: 0, spans, pitch, right, rows: 0, columns, first_rows: rows };
        }

        let inner = columns.iter().map(|&column| inside_columns(c, column));
        let first_inside = inner.clone().map(|(from, _)| from).min().unwrap_or(0);
        let last_inside = inner.map(|(_, to)| to).max().unwrap_or(0);
        let pitch = width.max(last_inside.min(width + right)).max((width + right).saturating_sub(first_inside));
        let planes = c.channels_in * columns.len() * rows.len();
        let affordable = (BUDGET / (planes * pitch).max(1)).saturating_sub(below).max(1);
        let bands = bands.max(height.div_ceil(affordable));
        let band = height.div_ceil(bands).max(1);
        let plane_rows = band + below;
        let offset = |channel: usize, t: usize| {
            let ((column, shift), (row, down)) = (column_of[t], row_of[t]);
            let plane = (channel * columns.len() + column) * rows.len() + row;
            (plane * plane_rows + down) * pitch + shift
        };
        let offsets = offsets(c, offset);
        // A line's last vector may reach past the end, and so may a vector of pixels that starts near it.
        let len = planes * plane_rows * pitch + right + 2 * lanes;
        let spans = all_spans(c.grid, band, pitch, lanes);
        Self { offsets, band, len, spans, pitch, right, rows: plane_rows, columns, first_rows: rows }
    }

    /// The vectors that make up a band of `rows` grid rows.
    #[inline(always)]
    pub(super) fn spans(&self, rows: usize) -> &[Span] {
        &self.spans[usize::from(rows < self.band)]
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
        let mut plane = panel;
        for channel in 0..c.channels_in {
            for &column in &self.columns {
                let (from, to) = inside_columns(c, column);
                let columns = from..to.min(self.pitch);
                for &row in &self.first_rows {
                    let y = row + (first * c.stride[0]) as isize;
                    let inside = inside_rows(y, height, c.stride[0], rows);
                    let source =
                        input.wrapping_add(channel * height * width).wrapping_offset(y * width as isize + column);
                    // SAFETY: rows and columns are inside the input; after the last line there is room for a vector. What follows are the
                    // zeros right of the last row.
                    unsafe {
                        let lines = Lines { pitch: self.pitch, count: rows, inside, columns: columns.clone() };
                        lines.copy::<S>(source, [c.stride[0] * width, c.stride[1]], plane);
                        for i in (0..self.right).step_by(S::LANES) {
                            S::store(plane.add(rows * self.pitch + i), S::splat(0.0));
                        }
                        plane = plane.add(self.rows * self.pitch);
                    }
                }
            }
        }
    }
}

/// The grid columns, continued in both directions, whose pixel lies inside the input: `from .. to`.
#[inline(always)]
fn inside_columns(c: &Correlation, column: isize) -> (usize, usize) {
    let stride = c.stride[1];
    let from = ((-column).max(0) as usize).div_ceil(stride);
    let to = ((c.input[1] as isize - column).max(0) as usize).div_ceil(stride);
    (from, to)
}

fn offsets(c: &Correlation, offset: impl Fn(usize, usize) -> usize) -> Vec<usize> {
    let taps = c.taps.len();
    (0..c.channels_in * taps).map(|k| offset(k / taps, k % taps)).collect()
}

/// Distributes tap positions over copies of every `stride`-th pixel: the position each copy starts at, and for each tap
/// its copy and its distance in it.
fn split(positions: impl Iterator<Item = isize> + Clone, stride: usize) -> (Vec<isize>, Vec<(usize, usize)>) {
    let first = positions.clone().min().unwrap_or(0);
    let mut starts = Vec::new();
    let mut places = Vec::new();
    for position in positions {
        let distance = (position - first) as usize;
        let start = first + (distance % stride) as isize;
        let copy = starts.iter().position(|s| *s == start).unwrap_or_else(|| {
            starts.push(start);
            starts.len() - 1
        });
        places.push((copy, distance / stride));
    }
    (starts, places)
}

fn all_spans([height, width]: [usize; 2], band: usize, pitch: usize, lanes: usize) -> [Vec<Span>; 2] {
    [band, height % band].map(|rows| if rows == 0 { Vec::new() } else { spans(rows, width, pitch, lanes) })
}

/// Vectors that cover `rows` rows of `width` pixels which lie `pitch` apart, reading nothing behind the last pixel
/// unless all pixels are fewer than a vector.
fn spans(rows: usize, width: usize, pitch: usize, lanes: usize) -> Vec<Span> {
    let by_row = width.is_multiple_of(lanes);
    let end = (rows - 1) * pitch + width;
    let starts: Vec<usize> = if by_row {
        (0..rows).flat_map(|row| (0..width).step_by(lanes).map(move |x| row * pitch + x)).collect()
    } else {
        (0..end).step_by(lanes).map(|start| start.min(end.saturating_sub(lanes))).collect()
    };
    let vector = |start: usize| {
        let inside = |lane: &usize| (start + lane) % pitch < width && start + lane < end;
        let mask = (0..lanes).filter(inside).fold(0, |mask, lane| mask | 1 << lane);
        let pixel = start / pitch * width + (start % pitch).min(width);
        Span { start, pixel, lanes: mask }
    };
    starts.into_iter().map(vector).filter(|span| span.lanes != 0).collect()
}

/// Of `count` rows, `stride` apart from row `first` on, those that lie inside a plane of `height` rows.
pub(super) fn inside_rows(first: isize, height: usize, stride: usize, count: usize) -> Range<usize> {
    let from = ((-first).max(0) as usize).div_ceil(stride).min(count);
    let to = ((height as isize - first).max(0) as usize).div_ceil(stride).clamp(from, count);
    from..to
}

/// Lines of `pitch` floats, one behind the other: those `inside` are copied in the `columns`, the rest is zero.
pub(super) struct Lines {
    pub(super) pitch: usize,
    pub(super) count: usize,
    pub(super) inside: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl Lines {
    /// Writes the lines to `to`: element `i` of line `r` is `source[r * steps[0] + i * steps[1]]`.
    ///
    /// # Safety
    /// `source` must hold the elements to copy, `to` have room for the lines and a vector more, which may be written to; see [`Simd`].
    #[inline(always)]
    pub(super) unsafe fn copy<S: Simd>(&self, source: *const f32, [step, stride]: [usize; 2], to: *mut f32) {
        // Vectors written past the end of a line are overwritten: by the next line, or, where lines have several vectors, with an earlier one of it.
        for i in (0..self.pitch).step_by(S::LANES).rev() {
            let from = self.columns.start.saturating_sub(i);
            let end = self.columns.end.saturating_sub(i).min(S::LANES);
            let source = source.wrapping_add(i * stride);
            let line = |r: usize| to.wrapping_add(r * self.pitch + i);
            let inside = if from < end { self.inside.clone() } else { 0..0 };
            // SAFETY: the caller's.
            unsafe {
                for r in 0..inside.start {
                    S::store(line(r), S::splat(0.0));
                }
                match stride {
                    1 if from == 0 && end == S::LANES => {
                        inside.clone().for_each(|r| S::store(line(r), S::load(source.wrapping_add(r * step))));
                    }
                    1 => {
                        inside
                            .clone()
                            .for_each(|r| S::store(line(r), S::load_range(source.wrapping_add(r * step), from, end)));
                    }
                    2 => inside
                        .clone()
                        .for_each(|r| S::store(line(r), S::load_even_range(source.wrapping_add(r * step), from, end))),
                    _ => {
                        for r in inside.clone() {
                            S::store(line(r), S::splat(0.0));
                            for lane in from..end {
                                *line(r).add(lane) = *source.wrapping_add(r * step + lane * stride);
                            }
                        }
                    }
                }
                for r in inside.end..self.count {
                    S::store(line(r), S::splat(0.0));
                }
            }
        }
    }
}
