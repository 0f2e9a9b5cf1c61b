//! Where a shard's rows are: in the tables themselves, or in copies of its own until the next merge.

use super::claims::Claims;
use crate::Table;
use crate::table::LINE;

/// Rows of the input and the output table, to read and write through pointers.
pub(crate) trait Rows {
    /// A row of the input table, which will be used so many times.
    fn input(&mut self, row: u32, touches: u32) -> *mut f32;
    /// A row of the output table, which will be used so many times.
    fn output(&mut self, row: u32, touches: u32) -> *mut f32;
}

/// A table whose rows threads write to at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    first: *mut f32,
    pub(crate) stride: usize,
    rows: usize,
}

// SAFETY: whoever dereferences the pointers answers for it.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(table: &mut Table) -> Self {
        Self { first: table.as_ptr(), stride: table.stride(), rows: table.rows() }
    }

    /// The row, which must exist.
    #[inline(always)]
    pub(crate) fn row(&self, row: u32) -> *mut f32 {
        debug_assert!((row as usize) < self.rows);
        self.first.wrapping_add(row as usize * self.stride)
    }

    /// Asks for the row to be brought near.
    #[inline(always)]
    pub(crate) fn prefetch(&self, row: u32) {
        prefetch_row(self.row(row), self.stride);
    }
}

/// Asks for a row of `stride` floats to be brought near.
#[inline(always)]
pub(crate) fn prefetch_row(row: *const f32, stride: usize) {
    for at in (0..stride).step_by(LINE) {
        prefetch(row.wrapping_add(at));
    }
}

/// Asks for the cache line at an address, which need not be valid.
#[inline(always)]
pub(crate) fn prefetch(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing, and every x86-64 processor has it.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The tables themselves: every thread sees, and may overwrite, what the others write (Recht et al. 2011).
pub(crate) struct Direct {
    pub(crate) inputs: Shared,
    pub(crate) outputs: Shared,
}

impl Rows for Direct {
    #[inline(always)]
    fn input(&mut self, row: u32, _: u32) -> *mut f32 {
        self.inputs.row(row)
    }

    #[inline(always)]
    fn output(&mut self, row: u32, _: u32) -> *mut f32 {
        self.outputs.row(row)
    }
}

/// Copies of rows that a shard uses until the next merge.
pub(crate) struct Overlay {
    table: Shared,
    /// Row to copy, open addressing; a power of two, at most half full.
    map: Vec<(u32, u32)>,
    /// The rows, and how often each is used.
    pub(crate) touched: Vec<(u32, u32)>,
    /// Copies, in pieces that never move.
    pieces: Vec<Table>,
}

const EMPTY: u32 = u32::MAX;

/// Copies in a piece.
const PIECE: usize = 64;

impl Overlay {
    pub(crate) fn new(table: Shared) -> Self {
        Self { table, map: vec![(EMPTY, 0); 256], touched: Vec::new(), pieces: Vec::new() }
    }

    /// Copy number `copy`, of row `touched[copy].0`.
    #[inline(always)]
    pub(crate) fn copy(&self, copy: usize) -> *mut f32 {
        self.pieces[copy / PIECE].as_ptr().wrapping_add(copy % PIECE * self.table.stride)
    }

    /// Forgets all copies.
    pub(crate) fn clear(&mut self) {
        self.map.fill((EMPTY, 0));
        self.touched.clear();
    }

    #[inline(always)]
    fn place(&self, row: u32) -> usize {
        let mask = self.map.len() - 1;
        let mut place = hash(row) as usize & mask;
        while self.map[place].0 != row && self.map[place].0 != EMPTY {
            place = (place + 1) & mask;
        }
        place
    }

    /// The copy of the row, made now if there is none.
    #[inline(always)]
    fn row(&mut self, row: u32, touches: u32) -> *mut f32 {
        let place = self.place(row);
        if self.map[place].0 != row {
            return self.insert(row, touches, place);
        }
        let copy = self.map[place].1 as usize;
        self.touched[copy].1 += touches;
        self.copy(copy)
    }

    fn insert(&mut self, row: u32, touches: u32, mut place: usize) -> *mut f32 {
        if 2 * (self.touched.len() + 1) > self.map.len() {
            self.map = vec![(EMPTY, 0); 4 * self.map.len()];
            for copy in 0..self.touched.len() {
                let row = self.touched[copy].0;
                let place = self.place(row);
                self.map[place] = (row, copy as u32);
            }
            place = self.place(row);
        }
        let number = self.touched.len();
        self.map[place] = (row, number as u32);
        self.touched.push((row, touches));
        if number / PIECE == self.pieces.len() {
            self.pieces.push(Table::zeros(PIECE, self.table.stride).expect("memory for copies of rows"));
        }
        let copy = self.copy(number);
        // SAFETY: both are rows of `stride` floats, apart; nobody writes to a row that several shards use between merges.
        unsafe { copy.copy_from_nonoverlapping(self.table.row(row), self.table.stride) };
        copy
    }
}

/// Spreads row numbers (Fibonacci hashing).
#[inline(always)]
pub(crate) fn hash(row: u32) -> u32 {
    let mixed = row.wrapping_mul(0x9e37_79b9);
    mixed ^ (mixed >> 15)
}

/// A shard's own copies of both tables' rows.
pub(crate) struct Copies {
    pub(crate) inputs: Overlay,
    pub(crate) outputs: Overlay,
}

// SAFETY: rows of the tables that the copies are of are written to by the one shard that uses them, while shards run.
unsafe impl Send for Copies {}
// SAFETY: as above.
unsafe impl Sync for Copies {}

/// What a shard learns on in a round: the rows themselves that no other shard has claimed, copies of the others.
pub(crate) struct Own<'a> {
    pub(crate) copies: &'a mut Copies,
    pub(crate) claims: &'a [Claims; 2],
    /// The shard's marks for the two tables.
    pub(crate) marks: [u16; 2],
}

impl Rows for Own<'_> {
    #[inline(always)]
    fn input(&mut self, row: u32, touches: u32) -> *mut f32 {
        let overlay = &mut self.copies.inputs;
        if self.claims[0].is_sole(row, self.marks[0]) { overlay.table.row(row) } else { overlay.row(row, touches) }
    }

    #[inline(always)]
    fn output(&mut self, row: u32, touches: u32) -> *mut f32 {
        let overlay = &mut self.copies.outputs;
        if self.claims[1].is_sole(row, self.marks[1]) { overlay.table.row(row) } else { overlay.row(row, touches) }
    }
}
