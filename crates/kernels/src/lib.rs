//! Fused and direct operations for the CPU backend, each with its own backward pass.
//!
//! Every function takes and returns Burn tensors. On the CPU backend (`flex`) it runs the kernel written here; on any
//! other backend it runs the Burn operations of the `reference` function beside it.

mod activation;
mod allocator;
mod batch_norm;
mod conv2d;
mod dropout;
#[cfg(feature = "flex")]
mod flex;
mod linear;
#[cfg(feature = "flex")]
mod memory;
#[cfg(feature = "flex")]
mod parallel;
mod pool2d;
#[cfg(feature = "flex")]
mod scratch;
#[cfg(feature = "flex")]
mod simd;
#[cfg(feature = "flex")]
mod sums;
mod vectorised;

pub use activation::{relu, relu_reference};
pub use allocator::PooledAllocator;
pub use batch_norm::{
    BatchStatistics, batch_norm2d, batch_norm2d_add_relu, batch_norm2d_add_relu_reference, batch_norm2d_inference,
    batch_norm2d_inference_reference, batch_norm2d_reference, batch_norm2d_relu, batch_norm2d_relu_reference,
};
pub use conv2d::{conv2d, conv2d_reference};
pub use dropout::{dropout, dropout_reference};
pub use linear::linear;
pub use pool2d::{
    avg_pool2d, avg_pool2d_reference, max_pool2d, max_pool2d_reference, relu_max_pool2d, relu_max_pool2d_reference,
};
