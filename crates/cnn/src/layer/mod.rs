//! The layers of a convolutional network, as Burn modules.
//!
//! Pictures are tensors `[batch, channels, height, width]`; below, `x[d, i, j]` is channel `d`, row `i`, column `j` of one of them,
//! every index from 0. Reading order: [`Convolution`], [`Boundary`], [`TransposedConvolution`], [`Pooling`], [`Activation`], [`BatchNorm`],
//! [`LocalResponseNorm`], [`Dropout`], [`Linear`], [`Initialisation`].
//!
//! **Training or not.** As everywhere in Burn, a layer that behaves differently in training ([`BatchNorm`], [`Dropout`]) is in
//! training mode when its input lives on a device with gradients *and* the layer is not frozen. `model.valid()` gives the
//! evaluation model.
//!
//! **Reproducible.** Parameters are drawn when the layer is built, not at first use as in Burn's own layers, so that after
//! `device.seed(n)` the same configuration gives the same weights.

mod activation;
mod adaptive;
mod batch_norm;
mod boundary;
mod convolution;
mod dropout;
mod initialisation;
mod linear;
mod local_response_norm;
mod pooling;
mod transposed;

pub use activation::Activation;
pub use adaptive::adaptive_average;
pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use boundary::Boundary;
pub use convolution::{Convolution, ConvolutionConfig};
pub use dropout::Dropout;
pub use initialisation::Initialisation;
pub use linear::{Linear, LinearConfig};
pub use local_response_norm::{LocalResponseNorm, LocalResponseNormConfig, ResponseScaling};
pub use pooling::{Aggregate, Aggregation, Pooling, PoolingConfig, RaggedEdge};
pub use transposed::{TransposedConvolution, TransposedConvolutionConfig};
