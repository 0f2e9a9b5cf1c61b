//! Two-dimensional convolution (cross-correlation) with stride, zero padding, dilation and groups.

use burn::tensor::{Tensor, ops::ConvOptions};

/// Cross-correlates `x` `[batch, channels_in, height, width]` with `weight` `[channels_out, channels_in / groups, kernel_height,
/// kernel_width]` and adds `bias` `[channels_out]`.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, options: ConvOptions<2>) -> Tensor<4> {
    burn::tensor::module::conv2d(x, weight, bias, options)
}
