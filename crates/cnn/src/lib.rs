//! Convolutional networks on [Burn](burn): the layers, and the networks that classify pictures.
//!
//! - [`layer`]: convolution with a choice of boundary, pooling with any function, batch and local response normalisation,
//!   activations, dropout, dense layers; each with its formula, on any device, with gradients.
//! - [`image`]: image classification from files to report: data, preprocessing, augmentation, networks, training, evaluation, and a look
//!   into what a network has learnt.
//!
//! A network is made of a configuration, the shape of the pictures and the number of classes. Models choose no device, draw from
//! no random state but the device's, print nothing and touch no file.
//!
//! ```
//! use burn::module::Module;
//! use burn::tensor::{Device, Tensor};
//! use ognivo_cnn::image::inspect::unit_activations;
//! use ognivo_cnn::image::model::{InputShape, NetworkConfig};
//!
//! // LeNet-5 as LeCun et al. wrote it in 1998, as far as settings go, for grey pictures of 32 x 32.
//! let config: NetworkConfig = serde_json::from_str(
//!     r#"{"network": "lenet5", "activation": "lecun-tanh", "pooling": "average", "boundary": "valid"}"#,
//! )?;
//! let input = InputShape { channels: 1, height: 32, width: 32 };
//!
//! // Its layers, shapes and costs are known before a weight exists.
//! let summary = config.summary(input, 10)?;
//! assert_eq!(summary.parameters(), 61_706);
//! assert_eq!(summary.layer("pool2")?.output, [16, 5, 5]);
//!
//! // A device with gradients trains: the same seed gives the same weights.
//! let device = Device::default().autodiff();
//! device.seed(1);
//! let network = config.init(input, 10, &device)?;
//! let pictures = Tensor::<4>::zeros([2, 1, 32, 32], &device);
//! let logits = network.forward(pictures);
//! assert_eq!(logits.dims(), [2, 10]);
//! let _gradients = logits.sum().backward();
//!
//! // Without gradients it evaluates, and shows what any layer puts out.
//! let network = network.valid();
//! let pictures = Tensor::<4>::zeros([2, 1, 32, 32], &Device::default());
//! assert_eq!(unit_activations(&network, "conv1", pictures)?.dims(), [2, 6, 28, 28]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How right it is: every layer, and loss, gradients and running statistics of whole networks, are compared with PyTorch's in
//! `tests/`, with the scripts that made the numbers in `tests/reference/`.

mod error;
pub mod image;
pub mod layer;

pub use error::{Error, Result};
