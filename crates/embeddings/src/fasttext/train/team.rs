//! Threads that do each line together.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::table::LINE;

/// Where the threads of a team meet, and what they tell each other there.
pub(super) struct Team {
    members: usize,
    arrived: AtomicUsize,
    meetings: AtomicUsize,
    /// Parts of scores, `[2, groups, stride]`: while some read those of one line, others may write those of the next.
    parts: UnsafeCell<Vec<f32>>,
    groups: usize,
    stride: usize,
}

// SAFETY: between two meetings each group's parts are written by one thread, in the half that nobody reads.
unsafe impl Sync for Team {}

impl Team {
    /// For so many threads and at most `most` scores.
    pub(super) fn new(members: usize, groups: usize, most: usize) -> Self {
        // So that threads do not write to each other's cache lines.
        let stride = most.next_multiple_of(LINE) + LINE;
        let parts = UnsafeCell::new(vec![0.0; 2 * groups * stride]);
        Self { members, arrived: AtomicUsize::new(0), meetings: AtomicUsize::new(0), parts, groups, stride }
    }

    /// The parts that a group of columns gives to the scores, for lines of one parity.
    ///
    /// # Safety
    /// Only the thread that has the group may write to them, until the next meeting; after it they may be read until the one after that.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn parts(&self, parity: usize, group: usize) -> &mut [f32] {
        debug_assert!(parity < 2 && group < self.groups);
        let begin = (parity * self.groups + group) * self.stride;
        // SAFETY: the range is within the vector, which never moves; the caller answers for who uses it.
        unsafe { std::slice::from_raw_parts_mut((*self.parts.get()).as_mut_ptr().add(begin), self.stride) }
    }

    /// Waits for the others, at first without giving up the processor: a line takes microseconds.
    #[inline(always)]
    pub(super) fn meet(&self) {
        if self.members > 1 {
            self.wait();
        }
    }

    fn wait(&self) {
        let meeting = self.meetings.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            self.arrived.store(0, Ordering::Relaxed);
            self.meetings.store(meeting.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut tries = 0;
        while self.meetings.load(Ordering::Acquire) == meeting {
            tries += 1;
            if tries < 4000 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}
