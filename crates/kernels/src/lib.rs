//! Fused and direct operations for the CPU backend, each with its own backward pass.
//!
//! Every function takes and returns Burn tensors. On the CPU backend (`flex`) it runs the kernel written here; on any
//! other backend it runs the Burn operations of the `reference` function beside it.

mod activation;
mod batch_norm;
mod conv2d;
mod linear;
mod pool2d;

pub use activation::relu;
pub use batch_norm::{BatchStatistics, batch_norm2d};
pub use conv2d::conv2d;
pub use linear::linear;
pub use pool2d::{avg_pool2d, max_pool2d};
