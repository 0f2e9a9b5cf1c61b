//! Sizes of a convolution, and the correlations that its forward pass and its gradient to the input consist of.

use burn::tensor::ops::ConvOptions;

/// Sizes and options of one convolution; spatial pairs are (height, width).
#[derive(Clone, Debug)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    pub(crate) groups: usize,
    pub(crate) input: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) output: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Zeros before the first row and column; those after the last are implied by `output`.
    padding: [usize; 2],
    dilation: [usize; 2],
}

impl Geometry {
    /// The geometry for an input `[batch, channels_in, height, width]` and a weight `[channels_out, channels_in / groups,
    /// kernel_height, kernel_width]`, or what is wrong with them.
    pub(crate) fn new(x: [usize; 4], weight: [usize; 4], options: &ConvOptions<2>) -> Result<Self, String> {
        let [batch, channels_in, height, width] = x;
        let [channels_out, group_in, kernel_height, kernel_width] = weight;
        let ConvOptions { stride, padding, dilation, groups, .. } = options.clone();
        if groups == 0 || channels_in != group_in * groups || !channels_out.is_multiple_of(groups) {
            return Err(format!(
                "weight {weight:?} in {groups} groups does not fit an input of {channels_in} channels \
                 (expected [a multiple of groups, channels / groups, height, width])"
            ));
        }
        if stride.contains(&0) || dilation.contains(&0) || kernel_height == 0 || kernel_width == 0 {
            return Err(format!("stride {stride:?}, dilation {dilation:?} and kernel {weight:?} must not be zero"));
        }
        let (input, kernel) = ([height, width], [kernel_height, kernel_width]);
        let mut output = [0; 2];
        for axis in 0..2 {
            let padded = input[axis] + padding[axis].0 + padding[axis].1;
            let extent = dilation[axis] * (kernel[axis] - 1) + 1;
            if extent > padded {
                return Err(format!("kernel of extent {extent} exceeds the padded input of extent {padded}"));
            }
            output[axis] = (padded - extent) / stride[axis] + 1;
        }
        let padding = padding.map(|(before, _)| before);
        Ok(Self { batch, channels_in, channels_out, groups, input, kernel, output, stride, padding, dilation })
    }

    /// Kernel positions of one input channel.
    pub(crate) fn kernel_area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Input channels of one group.
    pub(crate) fn group_in(&self) -> usize {
        self.channels_in / self.groups
    }

    /// Output channels of one group.
    pub(crate) fn group_out(&self) -> usize {
        self.channels_out / self.groups
    }

    /// The forward pass: `y[o, p] = sum over i, t of w[o, i, t] x[i, p * stride + t * dilation - padding]`.
    pub(crate) fn forward(&self) -> Correlation {
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

    /// The gradient to the input, `dx[i, q] = sum over o, t of w[o, i, t] dy[o, p]` where `q = p * stride + t * dilation -
    /// padding`: for each residue of `q` modulo the stride, a correlation of `dy` with stride one.
    pub(crate) fn input_gradient(&self) -> Vec<Correlation> {
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

/// One position of the kernel, read at grid pixel times stride plus (`dy`, `dx`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tap {
    pub(crate) dy: isize,
    pub(crate) dx: isize,
    /// Position in the weight's kernel, row by row.
    pub(crate) index: usize,
}

/// A weighted sum of shifted input planes for every pixel of a grid, the same for each group of channels.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    /// Channels read, of one group.
    pub(crate) channels_in: usize,
    /// Channels written, of one group.
    pub(crate) channels_out: usize,
    /// Size of an input plane; beyond it everything is zero.
    pub(crate) input: [usize; 2],
    /// Pixels computed.
    pub(crate) grid: [usize; 2],
    /// Input pixels from one grid pixel to the next.
    pub(crate) stride: [usize; 2],
    pub(crate) taps: Vec<Tap>,
    /// Size of an output plane.
    pub(crate) output: [usize; 2],
    /// Where the first grid pixel lies in the output plane.
    pub(crate) origin: [usize; 2],
    /// Output pixels from one grid pixel to the next.
    pub(crate) step: [usize; 2],
}
