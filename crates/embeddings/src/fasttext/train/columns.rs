//! What is done with some columns of the rows of a table, in registers.

use std::ops::Range;

use crate::Table;
use crate::fasttext::matrix;
use crate::table::LINE;
use crate::train::rows::prefetch;

/// Neighbouring columns, of whole cache lines.
pub(super) struct Strip {
    columns: Range<usize>,
}

/// Does something with up to 64 columns at a time: `$function::<N>` of the first of them.
macro_rules! by_pieces {
    ($strip:expr, $function:ident($($argument:expr),*)) => {{
        let mut column = $strip.columns.start;
        while column < $strip.columns.end {
            column += match $strip.columns.end - column {
                64.. => $function::<64>(column, $($argument),*),
                32.. => $function::<32>(column, $($argument),*),
                _ => $function::<LINE>(column, $($argument),*),
            };
        }
    }};
}

impl Strip {
    pub(super) fn new(columns: Range<usize>) -> Self {
        debug_assert!(columns.start.is_multiple_of(LINE) && columns.end.is_multiple_of(LINE));
        Self { columns }
    }

    pub(super) fn start(&self) -> usize {
        self.columns.start
    }

    pub(super) fn end(&self) -> usize {
        self.columns.end
    }

    /// The mean of rows.
    ///
    /// # Safety
    /// The rows exist; nobody writes to these columns, or the caller accepts torn numbers. So for all functions here; those that write
    /// need that nobody reads, either.
    #[inline(always)]
    pub(super) unsafe fn mean(&self, table: &Table, rows: &[u32], mean: &mut [f32]) {
        // SAFETY: as the caller promises.
        unsafe { by_pieces!(self, mean_of(table.as_ptr(), table.stride(), rows, mean)) }
    }

    /// This strip's part of the product of a row with a vector.
    ///
    /// # Safety
    /// As [`mean`](Self::mean).
    #[inline(always)]
    pub(super) unsafe fn dot(&self, table: &Table, row: u32, vector: &[f32]) -> f32 {
        // SAFETY: as the caller promises.
        matrix::dot(unsafe { self.part(table, row) }, &vector[self.columns.clone()])
    }

    /// Moves a row along `hidden`, after adding it to the gradient.
    ///
    /// # Safety
    /// As [`mean`](Self::mean).
    #[inline(always)]
    pub(super) unsafe fn pull(&self, table: &Table, row: u32, hidden: &[f32], by: f32, gradient: &mut [f32]) {
        // SAFETY: as the caller promises.
        let row = unsafe { self.part(table, row) };
        let (hidden, gradient) = (&hidden[self.columns.clone()], &mut gradient[self.columns.clone()]);
        for ((row, hidden), gradient) in row.iter_mut().zip(hidden).zip(gradient) {
            *gradient += by * *row;
            *row += by * hidden;
        }
    }

    /// Adds a vector to rows.
    ///
    /// # Safety
    /// As [`mean`](Self::mean).
    #[inline(always)]
    pub(super) unsafe fn add(&self, table: &Table, rows: &[u32], vector: &[f32]) {
        // SAFETY: as the caller promises.
        unsafe { by_pieces!(self, add_to(table.as_ptr(), table.stride(), rows, vector)) }
    }

    /// Asks for the columns of a row to be brought near.
    #[inline(always)]
    pub(super) fn prefetch(&self, table: &Table, row: u32) {
        let row = table.as_ptr().wrapping_add(row as usize * table.stride());
        self.columns.clone().step_by(LINE).for_each(|column| prefetch(row.wrapping_add(column)));
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    unsafe fn part(&self, table: &Table, row: u32) -> &mut [f32] {
        // SAFETY: the row exists; the caller answers for who else uses it.
        unsafe {
            let row = table.as_ptr().add(row as usize * table.stride());
            std::slice::from_raw_parts_mut(row.add(self.columns.start), self.columns.len())
        }
    }
}

#[inline(always)]
unsafe fn mean_of<const N: usize>(
    column: usize,
    table: *const f32,
    stride: usize,
    rows: &[u32],
    mean: &mut [f32],
) -> usize {
    let mut sum = [0.0f32; N];
    for &row in rows {
        // SAFETY: as the caller promises.
        let part = unsafe { &*table.add(row as usize * stride + column).cast::<[f32; N]>() };
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum += part;
        }
    }
    let share = 1.0 / rows.len() as f32;
    for (mean, sum) in mean[column..].iter_mut().zip(sum) {
        *mean = sum * share;
    }
    N
}

#[inline(always)]
unsafe fn add_to<const N: usize>(column: usize, table: *mut f32, stride: usize, rows: &[u32], vector: &[f32]) -> usize {
    let mut own = [0.0f32; N];
    own.copy_from_slice(&vector[column..column + N]);
    for &row in rows {
        // SAFETY: as the caller promises.
        let part = unsafe { &mut *table.add(row as usize * stride + column).cast::<[f32; N]>() };
        for (part, own) in part.iter_mut().zip(own) {
            *part += own;
        }
    }
    N
}
