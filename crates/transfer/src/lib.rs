//! Transfer learning: a network that was trained on one task is turned to another.
//!
//! - [`weights`]: files of weights trained elsewhere (PyTorch's `.pth`, safetensors), read without executing anything and compared with a
//!   network tensor by tensor; the published ones by name.
//!
//! - [`fine_tune`]: such a network with a new classifier learns the classes of other pictures, as much of it as one likes.
//!
//! Networks are those of [`ognivo_cnn`], whose names of parameters are torchvision's.

mod error;
pub mod fine_tune;
pub mod weights;

pub use error::{Error, Result};
