//! A table of vectors, a row for each word, laid out for the processor.

use std::ops::Range;

use memmap2::MmapMut;

use crate::{Error, Result};

/// Floats in a cache line. Rows begin at multiples of it.
pub(crate) const LINE: usize = 16;

/// `rows` vectors of `dim` floats. Each row begins on a cache line (64 bytes); the floats between its end and the next row are 0.
pub struct Table {
    /// Pages of the system's, large ones where it has them: rows are visited in random order, and with small pages half of the
    /// time goes into finding out where they are.
    memory: MmapMut,
    rows: usize,
    dim: usize,
    stride: usize,
}

impl Table {
    /// A table of zeros. The system hands out its pages when they are first written to.
    ///
    /// # Errors
    /// When `dim` is 0, or so much memory cannot be had.
    pub fn zeros(rows: usize, dim: usize) -> Result<Self> {
        if dim == 0 {
            return Err(Error::setting("dim", dim, "at least 1"));
        }
        let too_large = || {
            Error::data("a table of vectors", format!("{rows} rows of {dim} numbers"), "no more than fits the memory")
        };
        let stride = dim.checked_next_multiple_of(LINE).ok_or_else(too_large)?;
        let bytes = rows.max(1).checked_mul(stride).and_then(|floats| floats.checked_mul(size_of::<f32>()));
        let bytes = bytes.filter(|&bytes| isize::try_from(bytes).is_ok()).ok_or_else(too_large)?;
        let memory = MmapMut::map_anon(bytes).map_err(|_| too_large())?;
        #[cfg(target_os = "linux")]
        // Only faster: a system without large pages does without.
        let _ = memory.advise(memmap2::Advice::HugePage);
        Ok(Self { memory, rows, dim, stride })
    }

    /// A table of the given numbers, row by row.
    ///
    /// # Errors
    /// As [`zeros`](Self::zeros).
    ///
    /// # Panics
    /// When `values` is not a whole number of rows.
    pub fn from_values(dim: usize, values: &[f32]) -> Result<Self> {
        let mut table = Self::zeros(values.len() / dim.max(1), dim)?;
        assert_eq!(table.rows * dim, values.len(), "whole rows");
        for (row, from) in values.chunks_exact(dim).enumerate() {
            table.row_mut(row).copy_from_slice(from);
        }
        Ok(table)
    }

    /// Vectors.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Floats from the beginning of a row to that of the next: `dim`, rounded up to a cache line.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Vector number `row`.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the row lies within the table.
        unsafe { std::slice::from_raw_parts(self.as_ptr().add(row * self.stride), self.dim) }
    }

    /// [`row`](Self::row), to write to.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the row lies within the table, which is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.as_ptr().add(row * self.stride), self.dim) }
    }

    /// All vectors in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        (0..self.rows).map(|row| self.row(row))
    }

    /// Some rows in one piece, as [`rows_mut`](Self::rows_mut) gives them.
    ///
    /// # Panics
    /// When there are no such rows.
    pub(crate) fn rows_of(&self, rows: Range<usize>) -> &[f32] {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        let (start, length) = (rows.start * self.stride, rows.len() * self.stride);
        // SAFETY: the rows lie within the table.
        unsafe { std::slice::from_raw_parts(self.as_ptr().add(start), length) }
    }

    /// Some rows in one piece, each with what follows up to the next ([`stride`](Self::stride)).
    ///
    /// # Panics
    /// When there are no such rows.
    pub(crate) fn rows_mut(&mut self, rows: Range<usize>) -> &mut [f32] {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        let (start, length) = (rows.start * self.stride, rows.len() * self.stride);
        // SAFETY: the rows lie within the table, which is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.as_ptr().add(start), length) }
    }

    /// Drops the rows after the first `rows`.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
    }

    /// The first row, for code that keeps its writers apart by itself.
    pub(crate) fn as_ptr(&self) -> *mut f32 {
        self.memory.as_ptr().cast::<f32>().cast_mut()
    }
}

impl Clone for Table {
    /// # Panics
    /// When so much memory cannot be had.
    fn clone(&self) -> Self {
        let copy = Self::zeros(self.rows, self.dim).expect("memory for a copy of a table");
        // SAFETY: both are of this size, and apart.
        unsafe { copy.as_ptr().copy_from_nonoverlapping(self.as_ptr(), self.rows * self.stride) };
        copy
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        (self.rows, self.dim) == (other.rows, other.dim) && self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} x {})", self.rows, self.dim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_and_apart() {
        let mut table = Table::from_values(3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!((table.rows(), table.dim(), table.stride()), (2, 3, 16));
        table.row_mut(0)[2] = 7.0;
        assert_eq!(table.iter().collect::<Vec<_>>(), [[1.0, 2.0, 7.0], [4.0, 5.0, 6.0]]);
        assert!((0..2).all(|row| (table.row(row).as_ptr() as usize).is_multiple_of(64)));
        assert_eq!(table.clone(), table);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (rows, dim) in [(1, 0), (usize::MAX, 3), (1 << 60, 100), (3, usize::MAX), (1 << 45, 1)] {
            assert!(Table::zeros(rows, dim).is_err(), "{rows} x {dim}");
        }
        assert_eq!(Table::zeros(0, 5).unwrap().iter().len(), 0);
    }
}
