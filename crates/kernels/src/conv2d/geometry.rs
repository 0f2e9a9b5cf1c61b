//! Sizes of a convolution.

use burn::tensor::ops::ConvOptions;

/// Sizes and options of one convolution; spatial pairs are (height, width).
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "flex"), allow(dead_code, reason = "without the kernel the sizes are only checked"))]
pub(super) struct Geometry {
    pub(super) batch: usize,
    pub(super) channels_in: usize,
    pub(super) channels_out: usize,
    pub(super) groups: usize,
    pub(super) input: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) stride: [usize; 2],
    /// Zeros before the first row and column; those after the last are implied by `output`.
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
}

impl Geometry {
    /// The geometry for an input `[batch, channels_in, height, width]` and a weight `[channels_out, channels_in /
    /// groups, kernel_height, kernel_width]`, or what is wrong with them.
    pub(super) fn new(x: [usize; 4], weight: [usize; 4], options: &ConvOptions<2>) -> Result<Self, String> {
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
}
