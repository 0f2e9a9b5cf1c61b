//! The correlations that a convolution's forward pass and its gradient to the input consist of.

use super::geometry::Geometry;

/// A weighted sum of shifted input planes for every pixel of a grid, the same for each group of channels.
#[derive(Clone, Debug)]
pub(super) struct Correlation {
    /// Channels read, of one group.
    pub(super) channels_in: usize,
    /// Channels written, of one group.
    pub(super) channels_out: usize,
    /// Size of an input plane; beyond it everything is zero.
    pub(super) input: [usize; 2],
    /// Pixels computed.
    pub(super) grid: [usize; 2],
    /// Input pixels from one grid pixel to the next.
    pub(super) stride: [usize; 2],
    pub(super) taps: Vec<Tap>,
    /// Size of an output plane.
    pub(super) output: [usize; 2],
    /// Where the first grid pixel lies in the output plane.
    pub(super) origin: [usize; 2],
    /// Output pixels from one grid pixel to the next.
    pub(super) step: [usize; 2],
}

/// One position of the kernel, read at grid pixel times stride plus (`dy`, `dx`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    pub(super) dy: isize,
    pub(super) dx: isize,
    /// Position in the weight's kernel, row by row.
    pub(super) index: usize,
}

impl Geometry {
    /// Kernel positions of one input channel.
    pub(super) fn kernel_area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Input channels of one group.
    pub(super) fn group_in(&self) -> usize {
        self.channels_in / self.groups
    }

    /// Output channels of one group.
    pub(super) fn group_out(&self) -> usize {
        self.channels_out / self.groups
    }

    /// The forward pass: `y[o, p] = sum over i, t of w[o, i, t] x[i, p * stride + t * dilation - padding]`.
    pub(super) fn forward(&self) -> Correlation {
        let along = |axis: usize| -> Vec<isize> {
            (0..self.kernel[axis]).map(|t| (t * self.dilation[axis]) as isize - self.padding[axis] as isize).collect()
        };
        let taps = self.taps(&along(0), &along(1), |offset| Some(*offset));
        Correlation {
            channels_in: self.group_in(),
            channels_out: self.group_out(),
            input: self.input,
            grid: self.output,
            stride: self.stride,
            taps,
            output: self.output,
            origin: [0, 0],
            step: [1, 1],
        }
    }

    /// The gradient to the input, `dx[i, q] = sum over o, t of w[o, i, t] dy[o, p]` where `q = p * stride + t *
    /// dilation - padding`: for each residue of `q` modulo the stride, a correlation of `dy` with stride one.
    pub(super) fn input_gradient(&self) -> Vec<Correlation> {
        let mut parts = Vec::new();
        for row in 0..self.stride[0].min(self.input[0]) {
            for column in 0..self.stride[1].min(self.input[1]) {
                let along = |axis: usize, residue: usize| -> Vec<Option<isize>> {
                    let stride = self.stride[axis] as isize;
                    (0..self.kernel[axis])
                        .map(|t| (residue + self.padding[axis]) as isize - (t * self.dilation[axis]) as isize)
                        .map(|distance| (distance % stride == 0).then_some(distance / stride))
                        .collect()
                };
                let taps = self.taps(&along(0, row), &along(1, column), |offset| *offset);
                parts.push(Correlation {
                    channels_in: self.group_out(),
                    channels_out: self.group_in(),
                    input: self.output,
                    grid: [
                        (self.input[0] - row).div_ceil(self.stride[0]),
                        (self.input[1] - column).div_ceil(self.stride[1]),
                    ],
                    stride: [1, 1],
                    taps,
                    output: self.input,
                    origin: [row, column],
                    step: self.stride,
                });
            }
        }
        parts
    }

    fn taps<T>(&self, rows: &[T], columns: &[T], offset: impl Fn(&T) -> Option<isize>) -> Vec<Tap> {
        let mut taps = Vec::new();
        for (ky, row) in rows.iter().enumerate() {
            for (kx, column) in columns.iter().enumerate() {
                if let (Some(dy), Some(dx)) = (offset(row), offset(column)) {
                    taps.push(Tap { dy, dx, index: ky * self.kernel[1] + kx });
                }
            }
        }
        taps
    }
}
