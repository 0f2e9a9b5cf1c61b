//! Fused and direct operations for the CPU backend, each with its own backward pass, on plain Burn tensors.
//!
//! One training step of a small network:
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor, ops::ConvOptions};
//! use ognivo_kernels::{batch_norm2d_relu, conv2d, max_pool2d};
//!
//! # #[cfg(feature = "flex")] {
//! let device = Device::flex().autodiff();
//! let images = Tensor::<4>::random([8, 3, 32, 32], Distribution::Default, &device);
//! let filters = Tensor::<4>::random([16, 3, 3, 3], Distribution::Default, &device).require_grad();
//! let gamma = Tensor::<1>::ones([16], &device).require_grad();
//! let beta = Tensor::<1>::zeros([16], &device).require_grad();
//!
//! // Stride 1, padding 1, dilation 1, one group; the normalisation brings the bias.
//! let maps = conv2d(images, filters.clone(), None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
//! let (maps, statistics) = batch_norm2d_relu(maps, gamma.clone(), beta.clone(), 1e-5);
//! let maps = max_pool2d(maps, [2, 2], [2, 2], [0, 0], false);
//! assert_eq!(maps.dims(), [8, 16, 16, 16]);
//! assert_eq!(statistics.mean.dims(), [16]);
//!
//! let gradients = maps.mean().backward();
//! assert_eq!(filters.grad(&gradients).unwrap().dims(), [16, 3, 3, 3]);
//! // The shift reaches the mean through every maximum that is above zero.
//! let share = beta.grad(&gradients).unwrap().sum().into_scalar::<f32>();
//! assert!(share > 0.0 && share < 1.0001);
//! # }
//! ```
//!
//! # What runs where
//!
//! `f32` tensors of the CPU backend (`flex`, feature `flex`, on by default) take the kernels written here, with or
//! without autodiff. Every other tensor takes Burn's own operations, which stay beside the kernel as its reference
//! (`conv2d_reference` for [`conv2d()`]); so the functions work on any device, and the tests compare the two.
//!
//! Kernels are written once; AVX-512, AVX2 with FMA or portable code is chosen when the program runs. They share
//! rayon's global pool, and their results are the same for any number of threads on the same instruction set.
//!
//! # How fast
//!
//! One training step (forward, backward, Adam) on one pinned thread of an AVX-512 Xeon, median processor time in
//! milliseconds, with [`PooledAllocator`]; PyTorch 2.15 in turns with it:
//!
//! | network | part | here | PyTorch | PyTorch / here |
//! |---|---|---|---|---|
//! | PyTorch's MNIST example, batch 64 | all | 44..48 | 67..71 | 1.5 |
//! | | convolutions | 30 | 38..41 | 1.3 |
//! | | ReLU and max pooling | 4.2 | 21 | 5.0 |
//! | | dropout | 1.3 | 6.0 | 4.6 |
//! | | linear | 5.3..5.9 | 5.4..5.6 | 1.0 |
//! | ResNet-20, batch 128 | all | 293..296 | 394..420 | 1.4 |
//! | | convolutions | 247 | 296..304 | 1.2 |
//! | | normalisation and ReLU | 22 | 59 | 2.7 |
//! | | normalisation, addition and ReLU | 27 | 59 | 2.2 |
//! | | shortcuts | 4.4 | 6.5 | 1.5 |
//!
//! With Burn's own operations in place of these the two steps take 3.3 and 4.2 times as long.
//!
//! Not everything is faster than in PyTorch: it wins at convolutions of 64 channels on 8 x 8 pixels and at the forward
//! pass and the gradient to the input of some strided ones; [`conv2d()`] has the table, `docs/kernels.md` all figures
//! in one place.
//!
//! # Reading order
//!
//! 1. `activation`, then `dropout`: a kernel at its smallest, with everything that each one has: the public function, the
//!    reference, the operation on the backend, the same with autodiff, its backward pass.
//! 2. `flex` (Burn's tensors as slices), `parallel` (loops, and outputs filled in pieces), `simd` (instruction sets).
//! 3. `pool2d`, `batch_norm` (with `sums`): planes and channels in parallel.
//! 4. `conv2d` (with `scratch`): its front page gives its own order.
//! 5. `product`, a packed matrix and what is multiplied by it; `linear` and `recurrent` are made of it. `few_rows` and
//!    `matrix_vector`, for a matrix that is used once.
//! 6. `allocator`, without which a step spends a quarter of its time in the operating system.
//!
//! # Deliberately absent
//!
//! - Types other than `f32`, and layouts of pictures other than `[batch, channels, height, width]`, of sequences other than
//!   `[time, batch, features]`: nothing we train uses them.
//! - Winograd and Fourier transforms for convolutions: they round worse than the direct sum.
//! - Kernels for GPUs: Burn's own run there.
//! - Layers with parameters and running averages: these are functions; `ognivo-cnn` has the layers.

mod activation;
mod allocator;
mod batch_norm;
mod conv2d;
mod dropout;
#[cfg(feature = "flex")]
mod few_rows;
#[cfg(feature = "flex")]
mod flex;
mod linear;
mod logistic_rows;
#[cfg(feature = "flex")]
mod matrix_vector;
#[cfg(feature = "flex")]
mod parallel;
mod pool2d;
#[cfg(feature = "flex")]
mod product;
mod recurrent;
#[cfg(feature = "flex")]
mod scratch;
mod simd;
#[cfg(feature = "flex")]
mod sums;

pub use activation::{leaky_relu, leaky_relu_reference, relu, relu_reference};
pub use allocator::PooledAllocator;
pub use batch_norm::{
    BatchStatistics, batch_norm2d, batch_norm2d_add_relu, batch_norm2d_add_relu_reference, batch_norm2d_inference,
    batch_norm2d_inference_reference, batch_norm2d_leaky_relu, batch_norm2d_leaky_relu_reference,
    batch_norm2d_reference, batch_norm2d_relu, batch_norm2d_relu_reference,
};
pub use conv2d::{
    conv_transpose2d, conv_transpose2d_reference, conv2d, conv2d_affine, conv2d_affine_reference, conv2d_reference,
};
pub use dropout::{dropout, dropout_reference, random_dropout};
pub use linear::{linear, linear_reference};
pub use logistic_rows::{LogisticRows, ROW_MULTIPLE, Target, logistic, merge_copies};
pub use pool2d::{
    avg_pool2d, avg_pool2d_reference, max_pool2d, max_pool2d_reference, relu_max_pool2d, relu_max_pool2d_reference,
};
pub use recurrent::{
    Activation, Forget, GruForm, LstmForm, Peephole, PeepholeGates, Reset, Update, Walk, gru, gru_reference, lstm,
    lstm_reference, rnn, rnn_reference, unroll,
};
#[cfg(feature = "flex")]
pub use {
    matrix_vector::multiply_add as matrix_vector_add,
    recurrent::{StepCell, StepKind},
};
