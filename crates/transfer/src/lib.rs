//! Transfer learning: a network that was trained on one task is turned to another.
//!
//! - [`weights`]: files of weights trained elsewhere (PyTorch's `.pth`, safetensors), read without executing anything and compared with a
//!   network tensor by tensor; the published ones by name.
//!
//! - [`fine_tune`]: such a network with a new classifier learns the classes of other pictures, as much of it as one likes.
//!
//! - [`experiment`]: when transfer helps, by the number of examples and layer by layer.
//!
//! - [`patch_position`]: features learnt without labels; [`probe`], what features are worth to a linear classifier.
//!
//! - [`vectors`]: what a layer of a network makes of pictures, in a folder of vectors that can be searched.
//!
//! Networks are those of [`ognivo_cnn`], whose names of parameters are torchvision's.
//!
//! ```
//! use burn::tensor::Device;
//! use ognivo_transfer::weights::{WeightFile, published, verify};
//!
//! let model = published("squeezenet1-1")?;
//! assert_eq!((model.classes, model.crop), (1000, 224));
//! // The network without its weights; `Published::locate` downloads them, `Published::load` fills it.
//! let network = model.network.init(model.input(), model.classes, &Device::default())?;
//! let logits = verify::logits(&network, model.input(), &Device::default());
//! assert_eq!(logits.len(), 1000);
//! assert!(WeightFile::open("no-such-file.pth".as_ref()).is_err());
//! # Ok::<(), ognivo_transfer::Error>(())
//! ```

mod error;
pub mod experiment;
pub mod fine_tune;
mod outputs;
pub mod patch_position;
pub mod probe;
pub mod vectors;
pub mod weights;

pub use error::{Error, Result};
