//! Maximum and average pooling.

use burn::tensor::Tensor;

/// Maximum over windows of `x` `[batch, channels, height, width]`; padding never wins. `ceil_mode` keeps a ragged last window.
pub fn max_pool2d(x: Tensor<4>, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], ceil_mode: bool) -> Tensor<4> {
    burn::tensor::module::max_pool2d(x, kernel, stride, padding, [1, 1], ceil_mode)
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
    burn::tensor::module::avg_pool2d(x, kernel, stride, padding, count_padding, ceil_mode)
}
