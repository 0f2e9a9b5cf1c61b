//! Pooling to a given size.

use burn::tensor::{Tensor, module};

/// The mean over windows that cut `x` `[batch, channels, height, width]` into `size` parts, whatever its own size: row `i` of the `h` rows
/// is the mean of rows `floor(i n / h)` to `ceil((i + 1) n / h) - 1` of the `n` there are, and columns likewise (PyTorch's
/// `AdaptiveAvgPool2d`). A picture smaller than `size` is drawn larger: values are repeated.
pub fn adaptive_average(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    if [height, width] == size {
        return x;
    }
    if height.is_multiple_of(size[0]) && width.is_multiple_of(size[1]) && height * width > 0 {
        let window = [height / size[0], width / size[1]];
        return ognivo_kernels::avg_pool2d(x, window, window, [0, 0], false, false);
    }
    module::adaptive_avg_pool2d(x, size)
}
