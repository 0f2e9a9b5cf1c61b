//! Maximum and average pooling.

use burn::tensor::{
    Tensor,
    ops::{AvgPoolOptions, MaxPoolOptions},
};

/// Maximum over windows of `x` `[batch, channels, height, width]`; padding never wins. `ceil_mode` keeps a ragged last window.
pub fn max_pool2d(x: Tensor<4>, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], ceil_mode: bool) -> Tensor<4> {
    let options = MaxPoolOptions::new(kernel).with_stride(stride).with_padding(padding).with_ceil_mode(ceil_mode);
    burn::tensor::module::max_pool2d(x, options)
}

/// Mean over windows of `x` `[batch, channels, height, width]`; `count_padding` counts padded zeros in the divisor.
pub fn avg_pool2d(
    x: Tensor<4>,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    count_padding: bool,
    ceil_mode: bool,
) -> Tensor<4> {
    let options = AvgPoolOptions::new(kernel)
        .with_stride(stride)
        .with_padding(padding)
        .with_count_include_pad(count_padding)
        .with_ceil_mode(ceil_mode);
    burn::tensor::module::avg_pool2d(x, options)
}
