//! Fused and direct operations for the CPU backend, each with its own backward pass.
//!
//! Every function takes and returns Burn tensors. `f32` tensors of the CPU backend (`flex`, feature `flex`) take the kernel
//! written here, with or without autodiff; all others take Burn's own operations, which stay beside the kernel as its
//! reference (`conv2d_reference` for [`conv2d()`]).
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor, ops::ConvOptions};
//! use ognivo_kernels::conv2d;
//!
//! # #[cfg(feature = "flex")] {
//! let device = Device::flex().autodiff();
//! let images = Tensor::<4>::random([8, 3, 32, 32], Distribution::Default, &device);
//! let filters = Tensor::<4>::random([16, 3, 3, 3], Distribution::Default, &device).require_grad();
//! let maps = conv2d(images, filters.clone(), None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
//! assert_eq!(maps.dims(), [8, 16, 32, 32]);
//! let gradients = maps.mean().backward();
//! assert_eq!(filters.grad(&gradients).unwrap().dims(), [16, 3, 3, 3]);
//! # }
//! ```
//!
//! Kernels are written once over a vector type; AVX-512, AVX2 with FMA or portable code is chosen when the program runs.
//! They share rayon's global pool, and their results are the same for any number of threads on the same instruction set.

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
