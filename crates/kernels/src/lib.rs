//! Fused and direct operations for the CPU backend, each with its own backward pass.
//!
//! Every function takes and returns Burn tensors. On the CPU backend (`flex`) it runs the kernel written here; on any
//! other backend it runs the Burn operations of the `reference` function beside it.

mod activation;
mod batch_norm;
mod conv2d;
#[cfg(feature = "flex")]
mod flex;
mod linear;
#[cfg(feature = "flex")]
mod parallel;
mod pool2d;
#[cfg(feature = "flex")]
mod scratch;
#[cfg(feature = "flex")]
mod simd;

pub use activation::relu;
pub use batch_norm::{BatchStatistics, batch_norm2d};
pub use conv2d::{conv2d, conv2d_reference};
pub use linear::linear;
pub use pool2d::{avg_pool2d, max_pool2d};
