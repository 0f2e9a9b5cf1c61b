//! Where a sliding window lies.

use std::ops::Range;

/// A window sliding along one side of a plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Side {
    /// With `ceil_mode` a last window may reach past the padding, if it starts within the input or the padding before
    /// it.
    pub(super) fn new(input: usize, kernel: usize, stride: usize, padding: usize, ceil_mode: bool) -> Self {
        let padded = input + 2 * padding;
        let output = match padded.checked_sub(kernel) {
            None => usize::from(ceil_mode),
            Some(room) if ceil_mode => {
                let output = room.div_ceil(stride) + 1;
                if (output - 1) * stride >= input + padding { output - 1 } else { output }
            }
            Some(room) => room / stride + 1,
        };
        Self { input, output, kernel, stride, padding }
    }

    /// The places in the window of output `index` that lie on the input.
    pub(super) fn places(&self, index: usize) -> Range<usize> {
        let start = index * self.stride;
        let first = self.padding.saturating_sub(start).min(self.kernel);
        let last = (self.input + self.padding).saturating_sub(start).min(self.kernel);
        first..last.max(first)
    }

    /// The outputs in whose window `place` lies on the input.
    pub(super) fn outputs(&self, place: usize) -> Range<usize> {
        let first = self.padding.saturating_sub(place).div_ceil(self.stride).min(self.output);
        let last = (self.input + self.padding).saturating_sub(place).div_ceil(self.stride).min(self.output);
        first..last.max(first)
    }

    /// The input at `place` in the window of output `index`, which must lie on it.
    pub(super) fn input_at(&self, index: usize, place: usize) -> usize {
        index * self.stride + place - self.padding
    }

    /// How many places the mean over the window of output `index` counts.
    pub(super) fn counted(&self, index: usize, count_padding: bool) -> usize {
        if count_padding {
            self.kernel.min(self.input + 2 * self.padding - index * self.stride)
        } else {
            self.places(index).len()
        }
    }

    /// Whether windows are two long, side by side, and wholly on the input.
    pub(super) fn pairs(&self) -> bool {
        self.kernel == 2 && self.stride == 2 && self.padding == 0 && 2 * self.output <= self.input
    }
}

/// A window sliding over planes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) planes: usize,
    pub(super) rows: Side,
    pub(super) columns: Side,
}

impl Window {
    /// Values in an input plane.
    pub(super) fn input(&self) -> usize {
        self.rows.input * self.columns.input
    }

    /// Values in an output plane.
    pub(super) fn output(&self) -> usize {
        self.rows.output * self.columns.output
    }
}

/// Calls `visit(output, input)` for `0..count` with inputs `stride` apart, for strides of 1 and 2 with the stride known
/// to the compiler.
#[inline(always)]
pub(super) fn strided(count: usize, stride: usize, mut visit: impl FnMut(usize, usize)) {
    match stride {
        1 => (0..count).for_each(|index| visit(index, index)),
        2 => (0..count).for_each(|index| visit(index, 2 * index)),
        _ => (0..count).for_each(|index| visit(index, stride * index)),
    }
}
