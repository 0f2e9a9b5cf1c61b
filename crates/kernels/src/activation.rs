//! Rectified linear unit.

use burn::tensor::Tensor;

/// `max(x, 0)`, elementwise.
pub fn relu(x: Tensor<4>) -> Tensor<4> {
    burn::tensor::activation::relu(x)
}
