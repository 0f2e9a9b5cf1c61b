//! Recurrent networks: the lecture's cells, and what is made of them.
//!
//! Two layers of LSTM over a batch of three sequences of different lengths:
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use ognivo_sequence::cell::StackConfig;
//!
//! let device = Device::default();
//! let config = StackConfig { cell: "lstm:forget_bias=1".parse()?, hidden: 16, layers: 2, ..StackConfig::default() };
//! let stack = config.init(4, &device)?;
//!
//! // Sequences are time-major: [time, batch, features].
//! let x = Tensor::<3>::random([10, 3, 4], Distribution::Default, &device);
//! let (outputs, states) = stack.forward(x, None, Some(&[10, 7, 2]));
//! assert_eq!(outputs.dims(), [10, 3, 16]);
//! assert_eq!(states.len(), 2);
//! # Ok::<(), ognivo_sequence::Error>(())
//! ```
//!
//! Reading order: [`cell`], then [`language_model`] and [`memory`], which use it.

pub mod cell;
mod error;
pub mod language_model;
pub mod memory;

pub use error::{Error, Result};
