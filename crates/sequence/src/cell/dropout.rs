//! Dropout whose masks follow from the device's random state.

use burn::tensor::Tensor;

/// Dropout (Srivastava et al. 2014) where gradients are computed; on a device without autodiff `x` itself. The mask is
/// [`ognivo_kernels::random_dropout`]'s.
pub fn dropout<const D: usize>(x: Tensor<D>, p: f64) -> Tensor<D> {
    if p == 0.0 || !x.device().is_autodiff() {
        return x;
    }
    ognivo_kernels::random_dropout(x, p)
}
