//! The product of a few rows with a matrix that is used again at every step.
//!
//! The matrix is packed once into panels as wide as a register tile. Each element of the result is one running sum
//! over the depth, whatever rows it is computed together with, so that the split of a batch over threads changes no bit.

use crate::simd::{Kernel, Level, Simd, blocks};

const ALIGNMENT: usize = 64;

/// A matrix `[depth, columns]` as panels `[depth, width]`, one behind the other; columns missing in the last are 0.
pub(super) struct Packed {
    level: Level,
    memory: Vec<f32>,
    /// Where the panels start in the memory: at a cache line.
    start: usize,
    depth: usize,
    columns: usize,
    width: usize,
}

impl Packed {
    /// The transpose of `matrix` `[columns, depth]`.
    pub(super) fn transposed(level: Level, matrix: &[f32], columns: usize, depth: usize) -> Self {
        const BLOCK: usize = 16;
        let mut packed = Self::zeros(level, depth, columns);
        let width = packed.width;
        for (panel, rows) in packed.panels().zip(matrix[..columns * depth].chunks(width * depth)) {
            for first in (0..depth).step_by(BLOCK) {
                let last = depth.min(first + BLOCK);
                for (column, row) in rows.chunks_exact(depth).enumerate() {
                    for (k, value) in (first..last).zip(&row[first..last]) {
                        panel[k * width + column] = *value;
                    }
                }
            }
        }
        packed
    }

    /// `matrix` `[depth, columns]`.
    pub(super) fn new(level: Level, matrix: &[f32], depth: usize, columns: usize) -> Self {
        let mut packed = Self::zeros(level, depth, columns);
        let width = packed.width;
        for (number, panel) in packed.panels().enumerate() {
            let first = number * width;
            let last = columns.min(first + width);
            for (line, row) in panel.chunks_exact_mut(width).zip(matrix.chunks_exact(columns)) {
                line[..last - first].copy_from_slice(&row[first..last]);
            }
        }
        packed
    }

    fn zeros(level: Level, depth: usize, columns: usize) -> Self {
        let width = level.lanes() * level.tile_columns();
        let length = columns.div_ceil(width) * width * depth;
        let memory = vec![0.0; length + ALIGNMENT / size_of::<f32>()];
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Self { level, memory, start, depth, columns, width }
    }

    fn panels(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let length = self.columns.div_ceil(self.width) * self.width * self.depth;
        self.memory[self.start..self.start + length].chunks_exact_mut((self.width * self.depth).max(1))
    }

    /// Adds the product with this matrix of `rows` rows of `a`, which lie `a_stride` apart, to those of `c`, `c_stride`
    /// apart.
    pub(super) fn multiply_add(&self, rows: usize, a: &[f32], a_stride: usize, c: &mut [f32], c_stride: usize) {
        if rows == 0 {
            return;
        }
        assert!(a.len() >= (rows - 1) * a_stride + self.depth && c.len() >= (rows - 1) * c_stride + self.columns);
        let (a, c) = (a.as_ptr(), c.as_mut_ptr());
        self.level.run(Multiply { packed: self, rows, a, a_stride, c, c_stride });
    }
}

struct Multiply<'a> {
    packed: &'a Packed,
    rows: usize,
    a: *const f32,
    a_stride: usize,
    c: *mut f32,
    c_stride: usize,
}

impl Kernel for Multiply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Packed { memory, start, depth, columns, width, .. } = self.packed;
        let mut panel = memory[*start..].as_ptr();
        for first in (0..*columns).step_by(*width) {
            let left = columns - first;
            for (row, size) in blocks(self.rows, S::TILE.0) {
                // SAFETY: `multiply_add` checked that rows and columns lie inside `a` and `c`; panels are whole.
                unsafe {
                    match left.div_ceil(S::LANES).min(S::TILE.1) {
                        1 => self.rows::<S, 1>(panel, first, row, size),
                        2 => self.rows::<S, 2>(panel, first, row, size),
                        3 => self.rows::<S, 3>(panel, first, row, size),
                        _ => unreachable!("one to three vectors"),
                    }
                }
            }
            panel = panel.wrapping_add(width * depth);
        }
    }
}

impl Multiply<'_> {
    /// `size` rows from `row` on, at most `N` vectors of columns from `column` on.
    #[inline(always)]
    unsafe fn rows<S: Simd, const N: usize>(&self, panel: *const f32, column: usize, row: usize, size: usize) {
        // SAFETY: the caller's. The comparisons with constants keep tiles too large for the registers from being
        // compiled.
        unsafe {
            match size {
                8 if S::TILE.0 >= 8 && S::TILE.1 >= N => self.tile::<S, 8, N>(panel, column, row),
                4 if S::TILE.1 >= N => self.tile::<S, 4, N>(panel, column, row),
                2 if S::TILE.1 >= N => self.tile::<S, 2, N>(panel, column, row),
                1 if S::TILE.1 >= N => self.tile::<S, 1, N>(panel, column, row),
                _ => unreachable!("blocks() yields sizes that have a kernel"),
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize, const N: usize>(&self, panel: *const f32, column: usize, row: usize) {
        let whole = self.packed.columns - column >= N * S::LANES;
        let lanes = |n: usize| (self.packed.columns - column - n * S::LANES).min(S::LANES);
        // SAFETY: the caller's.
        unsafe {
            let a: [*const f32; M] = std::array::from_fn(|m| self.a.add((row + m) * self.a_stride));
            let c: [*mut f32; M] = std::array::from_fn(|m| self.c.add((row + m) * self.c_stride + column));
            let mut sums = [[S::splat(0.0); N]; M];
            for m in 0..M {
                for n in 0..N {
                    let from = c[m].add(n * S::LANES);
                    sums[m][n] = if whole { S::load(from) } else { S::load_partial(from, lanes(n)) };
                }
            }
            let mut panel = panel;
            for k in 0..self.packed.depth {
                let mut line = [S::splat(0.0); N];
                for n in 0..N {
                    line[n] = S::load(panel.add(n * S::LANES));
                }
                for m in 0..M {
                    let value = S::splat(*a[m].add(k));
                    for n in 0..N {
                        sums[m][n] = S::mul_add(value, line[n], sums[m][n]);
                    }
                }
                panel = panel.add(self.packed.width);
            }
            for m in 0..M {
                for n in 0..N {
                    let to = c[m].add(n * S::LANES);
                    if whole {
                        S::store(to, sums[m][n]);
                    } else {
                        S::store_lanes(to, ((1u64 << lanes(n)) - 1) as u32, sums[m][n]);
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
            for (rows, depth, columns) in [(1, 1, 1), (7, 5, 3), (8, 16, 48), (13, 33, 65), (3, 40, 97), (16, 7, 130)] {
                let (a_stride, c_stride) = (depth + 3, columns + 2);
                let (a, b, before) = (values(rows * a_stride, 1), values(depth * columns, 2), values(rows * c_stride, 3));
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
                        assert!((f64::from(*found) - expected).abs() < 1e-5, "{level:?} {rows} {depth} {columns}: {i}");
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
}
