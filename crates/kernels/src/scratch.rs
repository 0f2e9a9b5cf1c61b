//! Working memory that a thread keeps from call to call, aligned to cache lines.

use std::cell::RefCell;

const ALIGNMENT: usize = 64;

thread_local! {
    static BUFFER: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with `len` floats of unspecified content. Must not be nested, nor wait for other parallel work inside.
pub(crate) fn with<R>(len: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    const SLACK: usize = ALIGNMENT / size_of::<f32>();
    BUFFER.with_borrow_mut(|buffer| {
        if buffer.len() < len + SLACK {
            *buffer = vec![0.0; len + SLACK];
        }
        let start = buffer.as_ptr().align_offset(ALIGNMENT);
        f(&mut buffer[start..start + len])
    })
}
