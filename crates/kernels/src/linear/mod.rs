//! Fully connected layer.

#[cfg(feature = "flex")]
mod kernel;

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::flex::runs_kernel;

/// `x W + b` for `x` `[batch, inputs]`, `weight` `[inputs, outputs]` and `bias` `[outputs]`.
///
/// `weight` may be a transposed view of a matrix `[outputs, inputs]`, which is how PyTorch keeps it; its gradient then has
/// the same layout. Forward and each gradient are one product of matrices, `2 batch inputs outputs` flops. Burn's own
/// operation takes twice as long for such views: its product packs transposed matrices value by value. Up to 16 rows are multiplied by a
/// weight that is no view where it lies, without packing it.
///
/// # Panics
/// When sizes do not fit each other.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let ([_, inputs], [depth, outputs]) = (x.dims(), weight.dims());
    assert_eq!(inputs, depth, "linear: the inputs of x and of the weight");
    assert!(bias.as_ref().is_none_or(|bias| bias.dims() == [outputs]), "linear: the bias of {outputs} outputs");
    #[cfg(feature = "flex")]
    if runs_kernel(&x) {
        return kernel::linear(x, weight, bias);
    }
    linear_reference(x, weight, bias)
}

/// [`linear`] by Burn's operations.
pub fn linear_reference(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    burn::tensor::module::linear(x, weight, bias)
}
