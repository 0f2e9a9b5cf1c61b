//! Fully connected layer.

use burn::tensor::Tensor;

/// `x W + b` for `x` `[batch, inputs]`, `weight` `[inputs, outputs]` and `bias` `[outputs]`.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    burn::tensor::module::linear(x, weight, bias)
}
