//! Products of matrices of which one is used again and again: at every step of a sequence, or for many rows.
//!
//! That one is packed into panels as wide as a register tile, cut into blocks of depth that stay in the second-level cache.
//! Each element of a product is one running sum over the depth, whatever rows it is computed together with: how work is
//! split over threads changes no bit.

use std::{mem::MaybeUninit, ops::Range};

use crate::{
    parallel::{Disjoint, copy, fill, filled, for_each},
    scratch,
    simd::{Kernel, Level, Simd, blocks},
};

const ALIGNMENT: usize = 64;

/// Depth of a block: 512 by 48 floats are 96 KiB.
const DEPTH: usize = 512;

/// Rows that a task of a product on all threads takes.
const ROWS: usize = 64;

/// Lines of a matrix that are asked for before they are collected: they lie too far apart to be foreseen.
const AHEAD: usize = 8;

/// A matrix `[depth, columns]`: for each block of the depth its panels `[depth of the block, width]`, one behind the
/// other; columns missing in the last panel are 0.
pub(crate) struct Packed {
    level: Level,
    /// Only the first few, up to the start, may not have been written.
    memory: Vec<MaybeUninit<f32>>,
    /// Where the blocks start in the memory: at a cache line.
    start: usize,
    depth: usize,
    columns: usize,
    width: usize,
}

impl Packed {
    /// `matrix` `[depth, columns]`.
    pub(crate) fn new(level: Level, matrix: &[f32], depth: usize, columns: usize) -> Self {
        assert!(matrix.len() >= depth * columns);
        Self::fill(level, depth, columns, |rows, first, used, width, panel| {
            for (line, k) in panel.chunks_exact_mut(width).zip(rows) {
                copy(&mut line[..used], &matrix[k * columns + first..][..used]);
            }
        })
    }

    /// The transpose of `matrix` `[columns, depth]`.
    pub(crate) fn transposed(level: Level, matrix: &[f32], columns: usize, depth: usize) -> Self {
        const TILE: usize = 16;
        assert!(matrix.len() >= depth * columns);
        Self::fill(level, depth, columns, |rows, first, used, width, panel| {
            for tile in rows.clone().step_by(TILE) {
                let lines = tile..rows.end.min(tile + TILE);
                for column in 0..used {
                    let values = &matrix[(first + column) * depth..][lines.clone()];
                    let places = panel[(tile - rows.start) * width + column..].iter_mut().step_by(width);
                    places.zip(values).for_each(|(place, value)| _ = place.write(*value));
                }
            }
        })
    }

    /// Calls `write` with the rows, the first column, the number of columns and the width of each panel, to be written in
    /// these columns.
    fn fill(
        level: Level,
        depth: usize,
        columns: usize,
        write: impl Fn(Range<usize>, usize, usize, usize, &mut [MaybeUninit<f32>]) + Sync + Send,
    ) -> Self {
        let width = level.lanes() * level.tile_columns();
        let panels = columns.div_ceil(width);
        let length = panels * width * depth;
        let mut memory: Vec<MaybeUninit<f32>> = Vec::with_capacity(length + ALIGNMENT / size_of::<f32>());
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        // SAFETY: the capacity is as large (a cache line holds more floats than `start`), and these need not be written.
        unsafe { memory.set_len(start + length) };
        let values = Disjoint::new(&mut memory[start..]);
        for_each(depth.div_ceil(DEPTH) * panels, |panel| {
            let (block, panel) = (panel / panels, panel % panels);
            let rows = block * DEPTH..depth.min((block + 1) * DEPTH);
            let from = rows.start * panels * width + panel * rows.len() * width;
            // SAFETY: panels are disjoint and each is visited once.
            let values = unsafe { values.slice(from..from + rows.len() * width) };
            let used = width.min(columns - panel * width);
            if used < width {
                fill(values, 0.0);
            }
            write(rows, panel * width, used, width, values);
        });
        Self { level, memory, start, depth, columns, width }
    }

    /// Columns of the matrix.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Adds the product with this matrix of `rows` rows of `a`, which lie `a_stride` apart, to those of `c`, `c_stride`
    /// apart.
    pub(crate) fn multiply_add(&self, rows: usize, a: &[f32], a_stride: usize, c: &mut [f32], c_stride: usize) {
        if rows == 0 {
            return;
        }
        assert!(a.len() >= (rows - 1) * a_stride + self.depth && c.len() >= (rows - 1) * c_stride + self.columns);
        for block in (0..self.depth).step_by(DEPTH) {
            let a = Left { values: a[block..].as_ptr(), stride: a_stride, collected: false };
            let start = Start::Sums;
            self.level.run(Multiply { packed: self, block, rows, a, c: c.as_mut_ptr(), c_stride, start });
        }
    }

    /// The product with this matrix of `rows` rows of `a`, which lie `a_stride` apart, plus `first` in each row if it is
    /// given; on all threads.
    pub(crate) fn multiply(&self, rows: usize, a: &[f32], a_stride: usize, first: Option<&[f32]>) -> Vec<f32> {
        assert!(rows == 0 || a.len() >= (rows - 1) * a_stride + self.depth);
        self.product(rows, first, |part, block, start, c| {
            let a = Left { values: a[part.start * a_stride + block..].as_ptr(), stride: a_stride, collected: false };
            self.level.run(Multiply { packed: self, block, rows: part.len(), a, c, c_stride: self.columns, start });
        })
    }

    /// The product with this matrix of the transpose of `a`, `[rows, columns]`, on all threads: of `a`, whose rows are
    /// `a_stride` long and as many as this matrix is deep, the `rows` columns from `first` on are taken.
    pub(crate) fn transpose_multiply(&self, rows: usize, a: &[f32], a_stride: usize, first: usize) -> Vec<f32> {
        assert!(self.depth == 0 || rows == 0 || a.len() >= (self.depth - 1) * a_stride + first + rows);
        self.product(rows, None, |part, block, start, c| {
            // Lines of `a` are far apart: the part is collected, tile by tile of rows, before it is gone through.
            scratch::with(ROWS * (DEPTH + 2), |tiles| {
                let lines = block..self.depth.min(block + DEPTH);
                // Two more than needed, or all tiles would fall on the same few lines of the cache.
                let stride = lines.len() + 2;
                let columns = first + part.start..first + part.end;
                self.level.run(Collect { a, a_stride, lines, columns, tiles, stride });
                let a = Left { values: tiles.as_ptr(), stride, collected: true };
                self.level.run(Multiply { packed: self, block, rows: part.len(), a, c, c_stride: self.columns, start });
            });
        })
    }

    /// Calls `add` for parts of the rows of a product, for each of them with the blocks of the depth in order, with what
    /// the sums start from and where they are written.
    fn product(
        &self,
        rows: usize,
        first: Option<&[f32]>,
        add: impl Fn(Range<usize>, usize, Start, *mut f32) + Sync + Send,
    ) -> Vec<f32> {
        let columns = self.columns;
        assert!(first.is_none_or(|first| first.len() == columns));
        let start = first.map_or(Start::Zero, Start::Row);
        if self.depth == 0 {
            return first.map_or_else(|| vec![0.0; rows * columns], |first| first.repeat(rows));
        }
        let write = |c: &mut [MaybeUninit<f32>]| {
            let c = Disjoint::new(c);
            for_each(rows.div_ceil(ROWS), |task| {
                let part = task * ROWS..rows.min((task + 1) * ROWS);
                // SAFETY: parts are disjoint and each is visited once.
                let c = unsafe { c.slice(part.start * columns..part.end * columns) }.as_mut_ptr().cast();
                for block in (0..self.depth).step_by(DEPTH) {
                    add(part.clone(), block, if block == 0 { start } else { Start::Sums }, c);
                }
            });
        };
        // SAFETY: the parts cover the product, and the first block of the depth writes all of each.
        unsafe { filled(rows * columns, write) }
    }
}

/// What the sums of a product start from.
#[derive(Clone, Copy)]
enum Start<'a> {
    Zero,
    /// The same row for all.
    Row(&'a [f32]),
    /// What stands in their places.
    Sums,
}

/// Copies columns of lines of a matrix to tiles of rows, which are `stride` floats a row long: of a tile, the values of a
/// line lie side by side.
struct Collect<'a> {
    a: &'a [f32],
    a_stride: usize,
    lines: Range<usize>,
    columns: Range<usize>,
    tiles: &'a mut [f32],
    stride: usize,
}

impl Kernel for Collect<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { a, a_stride, lines, columns, tiles, stride } = self;
        for (number, line) in lines.enumerate() {
            for column in columns.clone().step_by(16) {
                S::prefetch(a.as_ptr().wrapping_add((line + AHEAD) * a_stride + column));
            }
            let values = &a[line * a_stride..][columns.clone()];
            for (row, size) in blocks(values.len(), S::TILE.0) {
                let to = &mut tiles[row * stride + number * size..][..size];
                match (<&mut [f32; 8]>::try_from(&mut *to), <&[f32; 8]>::try_from(&values[row..row + size])) {
                    (Ok(to), Ok(from)) => *to = *from,
                    _ => to.copy_from_slice(&values[row..row + size]),
                }
            }
        }
    }
}

/// The left factor, from the first line of a block on.
#[derive(Clone, Copy)]
struct Left {
    values: *const f32,
    /// From one row to the next.
    stride: usize,
    /// Whether the rows of a tile lie side by side, line by line of the depth, instead of one behind the other.
    collected: bool,
}

/// The share that a block of the depth has in a product.
struct Multiply<'a> {
    packed: &'a Packed,
    block: usize,
    rows: usize,
    a: Left,
    c: *mut f32,
    c_stride: usize,
    start: Start<'a>,
}

impl Kernel for Multiply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Packed { memory, start, depth, columns, width, .. } = self.packed;
        let lines = DEPTH.min(depth - self.block);
        let mut panel = memory[start + self.block * columns.div_ceil(*width) * width..].as_ptr().cast();
        for first in (0..*columns).step_by(*width) {
            let vectors = (columns - first).div_ceil(S::LANES).min(S::TILE.1);
            for (row, size) in blocks(self.rows, S::TILE.0) {
                // SAFETY: whoever made this checked that rows and columns lie inside the factors; panels are whole.
                unsafe {
                    match vectors {
                        1 => self.rows::<S, 1>(panel, lines, first, row, size),
                        2 => self.rows::<S, 2>(panel, lines, first, row, size),
                        3 => self.rows::<S, 3>(panel, lines, first, row, size),
                        _ => unreachable!("one to three vectors"),
                    }
                }
            }
            panel = panel.wrapping_add(width * lines);
        }
    }
}

impl Multiply<'_> {
    /// `size` rows from `row` on, at most `N` vectors of columns from `column` on.
    #[inline(always)]
    unsafe fn rows<S: Simd, const N: usize>(
        &self,
        panel: *const f32,
        lines: usize,
        column: usize,
        row: usize,
        size: usize,
    ) {
        // SAFETY: the caller's. The comparisons with constants keep tiles too large for the registers from being
        // compiled.
        unsafe {
            match size {
                8 if S::TILE.0 >= 8 && S::TILE.1 >= N => self.tile::<S, 8, N>(panel, lines, column, row),
                6 if S::TILE.0 == 6 && S::TILE.1 >= N => self.tile::<S, 6, N>(panel, lines, column, row),
                4 if S::TILE.1 >= N => self.tile::<S, 4, N>(panel, lines, column, row),
                2 if S::TILE.1 >= N => self.tile::<S, 2, N>(panel, lines, column, row),
                1 if S::TILE.1 >= N => self.tile::<S, 1, N>(panel, lines, column, row),
                _ => unreachable!("blocks() yields sizes that have a kernel"),
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize, const N: usize>(
        &self,
        panel: *const f32,
        lines: usize,
        column: usize,
        row: usize,
    ) {
        let left = self.packed.columns - column;
        let whole = left >= N * S::LANES;
        let (across, along) = if self.a.collected { (1, M) } else { (self.a.stride, 1) };
        // SAFETY: the caller's.
        unsafe {
            let first = self.a.values.add(row * self.a.stride);
            let a: [*const f32; M] = std::array::from_fn(|m| first.add(m * across));
            let c: [*mut f32; M] = std::array::from_fn(|m| self.c.add((row + m) * self.c_stride + column));
            let mut sums = [[S::splat(0.0); N]; M];
            for (m, row) in sums.iter_mut().enumerate() {
                for (n, sum) in row.iter_mut().enumerate() {
                    let from = match self.start {
                        Start::Zero => continue,
                        Start::Row(first) => first.as_ptr().add(column + n * S::LANES),
                        Start::Sums => c[m].add(n * S::LANES).cast_const(),
                    };
                    *sum =
                        if whole { S::load(from) } else { S::load_partial(from, (left - n * S::LANES).min(S::LANES)) };
                }
            }
            for k in 0..lines {
                let mut line = [S::splat(0.0); N];
                for (n, vector) in line.iter_mut().enumerate() {
                    *vector = S::load(panel.add(k * self.packed.width + n * S::LANES));
                }
                for (m, row) in sums.iter_mut().enumerate() {
                    let value = S::splat(*a[m].add(k * along));
                    for (sum, vector) in row.iter_mut().zip(line) {
                        *sum = S::mul_add(value, vector, *sum);
                    }
                }
            }
            for (m, row) in sums.into_iter().enumerate() {
                for (n, sum) in row.into_iter().enumerate() {
                    let to = c[m].add(n * S::LANES);
                    if whole {
                        S::store(to, sum);
                    } else {
                        let lanes = (left - n * S::LANES).min(S::LANES);
                        S::store_lanes(to, ((1u64 << lanes) - 1) as u32, sum);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, salt: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * (i + salt) * 31 + 17 * i) % 997) as f32 / 498.5 - 1.0).collect()
    }

    #[test]
    fn equals_the_definition_on_every_instruction_set() {
        for level in Level::available() {
            for (rows, depth, columns) in
                [(1, 1, 1), (7, 5, 3), (8, 16, 48), (13, 33, 65), (3, 40, 97), (16, 7, 130), (9, 1100, 50)]
            {
                let (a_stride, c_stride) = (depth + 3, columns + 2);
                let (a, b, before) =
                    (values(rows * a_stride, 1), values(depth * columns, 2), values(rows * c_stride, 3));
                let turned: Vec<f32> = (0..columns * depth).map(|i| b[i % depth * columns + i / depth]).collect();
                for packed in
                    [Packed::new(level, &b, depth, columns), Packed::transposed(level, &turned, columns, depth)]
                {
                    let mut c = before.clone();
                    packed.multiply_add(rows, &a, a_stride, &mut c, c_stride);
                    for (i, found) in c.iter().enumerate() {
                        let (row, column) = (i / c_stride, i % c_stride);
                        let sum: f64 = match column < columns {
                            true => (0..depth)
                                .map(|k| f64::from(a[row * a_stride + k]) * f64::from(b[k * columns + column]))
                                .sum(),
                            false => 0.0,
                        };
                        let expected = f64::from(before[i]) + sum;
                        assert!(
                            (f64::from(*found) - expected).abs() < 1e-6 * depth as f64 + 1e-6,
                            "{level:?} {rows} {depth} {columns}: {i}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours() {
        for level in Level::available() {
            let (rows, depth, columns) = (15, 37, 70);
            let (a, b) = (values(rows * depth, 4), values(depth * columns, 5));
            let packed = Packed::new(level, &b, depth, columns);
            let mut together = vec![0.0; rows * columns];
            packed.multiply_add(rows, &a, depth, &mut together, columns);
            for row in 0..rows {
                let mut alone = vec![0.0; columns];
                packed.multiply_add(1, &a[row * depth..], depth, &mut alone, columns);
                assert_eq!(alone, together[row * columns..(row + 1) * columns], "{level:?}");
            }
        }
    }

    #[test]
    fn transposed_products_are_products_with_the_transpose() {
        for level in Level::available() {
            for (depth, rows, columns) in [(1, 1, 1), (5, 7, 3), (600, 70, 50), (33, 130, 97)] {
                let a_stride = rows + 5;
                let (a, b) = (values(depth * a_stride, 1), values(depth * columns, 2));
                let turned: Vec<f32> = (0..rows * depth).map(|i| a[i % depth * a_stride + 3 + i / depth]).collect();
                let packed = Packed::new(level, &b, depth, columns);
                let mut expected = vec![0.0; rows * columns];
                packed.multiply_add(rows, &turned, depth, &mut expected, columns);
                assert_eq!(packed.transpose_multiply(rows, &a, a_stride, 3), expected, "{level:?}");
                assert_eq!(packed.multiply(rows, &turned, depth, None), expected, "{level:?}");
                let first = values(columns, 3);
                let mut expected = first.repeat(rows);
                packed.multiply_add(rows, &turned, depth, &mut expected, columns);
                assert_eq!(packed.multiply(rows, &turned, depth, Some(&first)), expected, "{level:?}");
            }
        }
    }
}
