//! Kernels over vectors of `f32`.
//!
//! A kernel is written once, generic over [`Simd`], as a [`Kernel`]; [`Level::run`] calls it inside a function for
//! which the instruction set is switched on. Everything on the way must be `#[inline(always)]`, or it is compiled
//! without.

use super::{Level, portable::Portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// A piece of work that can run on any instruction set.
pub(crate) trait Kernel {
    /// Does the work with vectors of type `S`; must be `#[inline(always)]`.
    fn run<S: Simd>(self);
}

/// Operations on one vector register of `f32`.
///
/// # Safety
/// Every function needs the instruction set it stands for (guaranteed inside [`Level::run`]) and pointers valid for the
/// elements it names; no alignment is required.
pub(crate) trait Simd: Copy {
    /// Elements in a vector.
    const LANES: usize;
    /// Rows and columns (in vectors) of the register tile of a product; the product, the columns and one more
    /// fit the register file.
    const TILE: (usize, usize);
    /// Vectors that can be held at a time.
    const REGISTERS: usize;
    /// The register.
    type V: Copy;

    /// Asks for the cache line at `p`, which need not be valid memory, to be brought near.
    fn prefetch(p: *const f32);
    /// All lanes `x`.
    unsafe fn splat(x: f32) -> Self::V;
    /// `LANES` elements from `p`.
    unsafe fn load(p: *const f32) -> Self::V;
    /// `n <= LANES` elements from `p`, zero in the other lanes.
    unsafe fn load_partial(p: *const f32, n: usize) -> Self::V;
    /// Elements `from .. to` of the `LANES` from `p` in their lanes, zero in the others; only these elements need to be
    /// valid.
    unsafe fn load_range(p: *const f32, from: usize, to: usize) -> Self::V;
    /// Lane `i` is element `2 i` for `from <= i < to`, else zero; only these elements need to be valid.
    unsafe fn load_even_range(p: *const f32, from: usize, to: usize) -> Self::V;
    /// Writes `LANES` elements to `p`.
    unsafe fn store(p: *mut f32, v: Self::V);
    /// Writes the lanes whose bits are set, one behind the other, to `p`.
    unsafe fn store_lanes(p: *mut f32, lanes: u32, v: Self::V);
    /// `a + b`.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the hardware can.
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Each lane cut to `low .. high`; NaN stays.
    unsafe fn clamp(v: Self::V, low: Self::V, high: Self::V) -> Self::V;
    /// The sum of the lanes of each of four vectors.
    unsafe fn totals(v: [Self::V; 4]) -> [f32; 4];
    /// Writes the transpose of `LANES` vectors: lane `j` of `rows[i]` goes to `p[j * stride + i]` for `j < n`.
    unsafe fn store_transposed(rows: &[Self::V], p: *mut f32, stride: usize, n: usize);
}

impl Level {
    /// [`Simd::LANES`] of this instruction set.
    pub(crate) fn lanes(self) -> usize {
        self.constants().0
    }

    /// Rows of [`Simd::TILE`] of this instruction set.
    pub(crate) fn tile_rows(self) -> usize {
        self.constants().1
    }

    /// Columns, in vectors, of [`Simd::TILE`] of this instruction set.
    pub(crate) fn tile_columns(self) -> usize {
        self.constants().3
    }

    /// [`Simd::REGISTERS`] of this instruction set.
    pub(crate) fn registers(self) -> usize {
        self.constants().2
    }

    fn constants(self) -> (usize, usize, usize, usize) {
        fn of<S: Simd>() -> (usize, usize, usize, usize) {
            (S::LANES, S::TILE.0, S::REGISTERS, S::TILE.1)
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => of::<avx512::Avx512>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => of::<avx2::Avx2>(),
            Self::Portable => of::<Portable>(),
        }
    }

    /// Runs `kernel` with this instruction set switched on.
    ///
    /// The level must come from [`Level::detect`] or [`Level::available`].
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self {
            // SAFETY: `available` lists a level only where the processor has it.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { avx512::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { avx2::run(kernel) },
            Self::Portable => kernel.run::<Portable>(),
        }
    }
}

/// Memory that will soon be read, brought near piece by piece in the course of other work.
pub(crate) struct Ahead {
    next: *const f32,
    lines: usize,
    per_step: usize,
}

impl Ahead {
    /// All of `memory` in `steps` steps.
    #[inline(always)]
    pub(crate) fn new(memory: &[f32], steps: usize) -> Self {
        let lines = memory.len().div_ceil(Self::LINE);
        Self { next: memory.as_ptr(), lines, per_step: lines.div_ceil(steps.max(1)) }
    }

    const LINE: usize = 16;

    /// Asks for the next piece.
    #[inline(always)]
    pub(crate) fn step<S: Simd>(&mut self) {
        let lines = self.per_step.min(self.lines);
        for _ in 0..lines {
            S::prefetch(self.next);
            self.next = self.next.wrapping_add(Self::LINE);
        }
        self.lines -= lines;
    }
}

/// Cuts `n` rows into tiles of at most `most` rows, with sizes that have a kernel: `(first, size)`.
#[inline(always)]
pub(crate) fn blocks(n: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let size = [most, 16, 8, 4, 2, 1].into_iter().find(|s| *s <= n - first && *s <= most)?;
        first += size;
        Some((first - size, size))
    })
}
