//! Loops on rayon's global pool, and outputs that its threads fill in disjoint pieces.

use rayon::prelude::*;

/// Calls `f(0)` to `f(n - 1)`, in any order, on all threads of the current pool.
pub(crate) fn for_each(n: usize, f: impl Fn(usize) + Sync + Send) {
    if n <= 1 || rayon::current_num_threads() == 1 {
        (0..n).for_each(f);
    } else {
        (0..n).into_par_iter().for_each(f);
    }
}

/// A pointer that parallel pieces of work may share because they write to different elements.
#[derive(Clone, Copy)]
pub(crate) struct SharedMut(*mut f32);

// SAFETY: whoever dereferences the pointer promises that no two threads touch the same element.
unsafe impl Send for SharedMut {}
// SAFETY: as above.
unsafe impl Sync for SharedMut {}

impl SharedMut {
    /// Shares `data`.
    pub(crate) fn new(data: &mut [f32]) -> Self {
        Self(data.as_mut_ptr())
    }

    /// The pointer itself.
    pub(crate) fn get(self) -> *mut f32 {
        self.0
    }
}

/// A vector of `len` floats that `fill` writes in full.
///
/// # Safety
/// `fill` must write every element.
pub(crate) unsafe fn filled(len: usize, fill: impl FnOnce(SharedMut)) -> Vec<f32> {
    let mut data = Vec::with_capacity(len);
    fill(SharedMut(data.as_mut_ptr()));
    // SAFETY: the capacity is `len`, and the caller promises that `fill` wrote all of it.
    unsafe { data.set_len(len) };
    data
}
