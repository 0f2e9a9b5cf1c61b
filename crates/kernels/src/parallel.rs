//! Loops on rayon's global pool, and buffers that its threads fill in disjoint pieces.

use std::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::prelude::*;

/// Values that one task handles in elementwise work: 32 KiB, so that a second pass over them hits the L1 cache.
pub(crate) const CHUNK: usize = 8192;

/// Calls `task(0)` to `task(tasks - 1)`, in any order, on all threads of the current pool.
///
/// Each thread takes the next task when it is done with one, so that a thread that comes late or is held up delays the
/// others by one task at most.
pub(crate) fn for_each(tasks: usize, task: impl Fn(usize) + Sync + Send) {
    let threads = rayon::current_num_threads().min(tasks);
    if threads < 2 {
        return (0..tasks).for_each(task);
    }
    let next = AtomicUsize::new(0);
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= tasks {
                break;
            }
            task(number);
        }
    });
}

/// [`for_each`] for tasks that do little with each of `values` values, all tasks together: on this thread alone where
/// that is too little to wake others for.
pub(crate) fn for_each_light(tasks: usize, values: usize, task: impl Fn(usize) + Sync + Send) {
    if values <= 2 * CHUNK {
        (0..tasks).for_each(task);
    } else {
        for_each(tasks, task);
    }
}

/// A vector of `length` values, all of which `fill` writes; memory is not cleared first.
///
/// # Safety
/// `fill` must write every value.
pub(crate) unsafe fn filled<T: Copy>(length: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Vec<T> {
    let mut values = Vec::with_capacity(length);
    fill(&mut values.spare_capacity_mut()[..length]);
    // SAFETY: the capacity is at least `length`, and the caller promises that `fill` wrote that many values.
    unsafe { values.set_len(length) };
    values
}

/// [`filled`] by one task for each of `count` pieces of `length` values, where `work` values are read or written in
/// all.
///
/// # Safety
/// `fill` must write every value of the piece it is given.
pub(crate) unsafe fn filled_by_pieces<T: Copy + Send>(
    count: usize,
    length: usize,
    work: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync + Send,
) -> Vec<T> {
    let write = |values: &mut [MaybeUninit<T>]| {
        let values = Disjoint::new(values);
        for_each_light(count, work, |piece| {
            // SAFETY: pieces are disjoint and each is visited once.
            fill(piece, unsafe { values.slice(piece * length..(piece + 1) * length) });
        });
    };
    // SAFETY: the pieces cover the vector, and the caller promises that all of each is written.
    unsafe { filled(count * length, write) }
}

/// Writes `value` everywhere.
pub(crate) fn fill<T: Copy>(values: &mut [MaybeUninit<T>], value: T) -> &mut [T] {
    values.fill(MaybeUninit::new(value));
    // SAFETY: all of it was just written.
    unsafe { values.assume_init_mut() }
}

/// Writes a copy of `from`, which must be as long.
pub(crate) fn copy<'a, T: Copy>(values: &'a mut [MaybeUninit<T>], from: &[T]) -> &'a mut [T] {
    assert_eq!(values.len(), from.len());
    // SAFETY: both are as long, and a value may be copied into one that may not have been written.
    unsafe {
        std::ptr::copy_nonoverlapping(from.as_ptr(), values.as_mut_ptr().cast(), from.len());
        values.assume_init_mut()
    }
}

/// A buffer that tasks write to at places which they keep disjoint, where the places are not chunks of one size.
pub(crate) struct Disjoint<'a, T> {
    values: *mut T,
    length: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: the pointer stands for an exclusive borrow of values that may go to other threads; parts of it are reached by
// unsafe code only, which keeps them disjoint.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub(crate) fn new(values: &'a mut [T]) -> Self {
        Self { values: values.as_mut_ptr(), length: values.len(), lifetime: PhantomData }
    }

    /// The values in `range`.
    ///
    /// # Safety
    /// While the result is held nothing else may hold any part of it.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn slice(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.length);
        // SAFETY: the range lies within the buffer and is exclusively the caller's.
        unsafe { std::slice::from_raw_parts_mut(self.values.add(range.start), range.len()) }
    }

    /// Where value number `start` lies, for a task whose places are no range; whoever writes there keeps off the
    /// others'.
    pub(crate) fn pointer(&self, start: usize) -> *mut T {
        assert!(start <= self.length);
        self.values.wrapping_add(start)
    }
}
