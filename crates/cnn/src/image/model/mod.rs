//! The networks that classify pictures: a configuration, [`NetworkConfig`], builds a [`Network`].
//!
//! | name in a configuration | network | weights at the start |
//! |---|---|---|
//! | `standard` | the configurable scheme, [`StandardConfig`] | PyTorch's default, or He's |
//! | `lenet5` | [`LeNet5`] | PyTorch's default |
//! | `pytorch-mnist` | [`PytorchMnist`] | PyTorch's default |
//! | `resnet20` `resnet32` `resnet44` `resnet56` | [`ResNet`] for CIFAR | He's; the dense layer PyTorch's default |
//!
//! [`Initialisation`](crate::layer::Initialisation) gives the two formulas. Batch normalisation starts with weight 1, bias 0.
//!
//! **Names of parameters** are those a PyTorch user knows: `conv1.weight` `[channels_out, channels_in, height, width]`,
//! `bn1.running_var`, `layer1.0.conv1.weight`, `layer2.0.downsample.0.weight`. Burn puts the variant's name before them
//! (`LeNet5.conv1.weight`), an enum's level that an export leaves out. `weight` of a [`Linear`](crate::layer::Linear) layer is
//! `[inputs, outputs]` here, the transpose of PyTorch's.

mod lenet5;
mod plan;
mod probe;
mod pytorch_mnist;
mod resnet;
mod standard;

use std::str::FromStr;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

pub use lenet5::{LeNet5, LeNet5Config};
pub use pytorch_mnist::{PytorchMnist, PytorchMnistConfig};
pub use resnet::{ResNet, ResNetConfig, ResidualBlock, Shortcut};
pub use standard::{Block, Dense, Norm, PoolingKind, Standard, StandardConfig};

use self::plan::Plan;
use self::probe::Probe;
use super::inspect::Summary;
use crate::{Error, Result};

/// The shape of one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputShape {
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl FromStr for InputShape {
    type Err = Error;

    /// Reads `3x32x32`: channels, height, width.
    fn from_str(text: &str) -> Result<Self> {
        let numbers: Vec<usize> = text.split('x').filter_map(|part| part.parse().ok()).collect();
        match (numbers.as_slice(), text.split('x').count()) {
            (&[channels, height, width], 3) => Ok(Self { channels, height, width }),
            _ => Err(Error::setting("input", text, "channels x height x width, for example 3x32x32")),
        }
    }
}

/// Which network, with its settings: in JSON `{"network": "lenet5", "activation": "tanh"}`. Settings left out have their defaults;
/// an unknown one is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "network", rename_all = "kebab-case")]
pub enum NetworkConfig {
    /// The configurable scheme.
    Standard(StandardConfig),
    /// LeNet-5.
    #[serde(rename = "lenet5")]
    LeNet5(LeNet5Config),
    /// The network of PyTorch's MNIST example.
    PytorchMnist(PytorchMnistConfig),
    /// CIFAR ResNet of 20 layers.
    Resnet20(ResNetConfig),
    /// CIFAR ResNet of 32 layers.
    Resnet32(ResNetConfig),
    /// CIFAR ResNet of 44 layers.
    Resnet44(ResNetConfig),
    /// CIFAR ResNet of 56 layers.
    Resnet56(ResNetConfig),
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self::Standard(StandardConfig::default())
    }
}

impl NetworkConfig {
    /// The names of the networks.
    pub const NAMES: [&str; 7] =
        ["standard", "lenet5", "pytorch-mnist", "resnet20", "resnet32", "resnet44", "resnet56"];

    /// The network called `name` with its default settings.
    ///
    /// # Errors
    /// An unknown name.
    pub fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "standard" => Self::Standard(StandardConfig::default()),
            "lenet5" => Self::LeNet5(LeNet5Config::default()),
            "pytorch-mnist" => Self::PytorchMnist(PytorchMnistConfig::default()),
            "resnet20" => Self::Resnet20(ResNetConfig::default()),
            "resnet32" => Self::Resnet32(ResNetConfig::default()),
            "resnet44" => Self::Resnet44(ResNetConfig::default()),
            "resnet56" => Self::Resnet56(ResNetConfig::default()),
            other => return Err(Error::setting("network", other, Self::NAMES.join(", "))),
        })
    }

    /// The network's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Standard(_) => "standard",
            Self::LeNet5(_) => "lenet5",
            Self::PytorchMnist(_) => "pytorch-mnist",
            Self::Resnet20(_) => "resnet20",
            Self::Resnet32(_) => "resnet32",
            Self::Resnet44(_) => "resnet44",
            Self::Resnet56(_) => "resnet56",
        }
    }

    /// Builds the network for pictures of shape `input` and so many `classes`, drawing its weights in the order of the layers
    /// from the device's random state: the same seed gives the same network.
    ///
    /// # Errors
    /// A setting out of its range, or a picture that becomes too small on the way, with the layer's name.
    pub fn init(&self, input: InputShape, classes: usize, device: &Device) -> Result<Network> {
        let plan = self.plan(input, classes)?;
        Ok(match self {
            Self::Standard(config) => Network::Standard(config.init(&plan, device)?),
            Self::LeNet5(config) => Network::LeNet5(config.init(&plan, device)?),
            Self::PytorchMnist(config) => Network::PytorchMnist(config.init(&plan, device)?),
            Self::Resnet20(config) => Network::ResNet(config.init(20, &plan, device)?),
            Self::Resnet32(config) => Network::ResNet(config.init(32, &plan, device)?),
            Self::Resnet44(config) => Network::ResNet(config.init(44, &plan, device)?),
            Self::Resnet56(config) => Network::ResNet(config.init(56, &plan, device)?),
        })
    }

    /// The layers with their shapes and costs, computed without building the network.
    ///
    /// # Errors
    /// As [`init`](Self::init).
    pub fn summary(&self, input: InputShape, classes: usize) -> Result<Summary> {
        Ok(self.plan(input, classes)?.finish())
    }

    fn plan(&self, input: InputShape, classes: usize) -> Result<Plan> {
        if classes == 0 {
            return Err(Error::setting("classes", "0", "at least 1"));
        }
        let mut plan = Plan::new(input)?;
        match self {
            Self::Standard(config) => config.plan(&mut plan, classes)?,
            Self::LeNet5(config) => config.plan(&mut plan, classes)?,
            Self::PytorchMnist(config) => config.plan(&mut plan, classes)?,
            Self::Resnet20(config) => config.plan(20, &mut plan, classes)?,
            Self::Resnet32(config) => config.plan(32, &mut plan, classes)?,
            Self::Resnet44(config) => config.plan(44, &mut plan, classes)?,
            Self::Resnet56(config) => config.plan(56, &mut plan, classes)?,
        }
        Ok(plan)
    }
}

/// A network that classifies pictures; [`NetworkConfig::init`] builds it.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // There is one network in a program, not an array of them.
pub enum Network {
    /// The configurable scheme.
    Standard(Standard),
    /// LeNet-5.
    LeNet5(LeNet5),
    /// The network of PyTorch's MNIST example.
    PytorchMnist(PytorchMnist),
    /// CIFAR ResNet of any depth.
    ResNet(ResNet),
}

impl Network {
    /// Pictures `[batch, channels, height, width]` to logits `[batch, classes]`: the softmax of a row gives the probabilities.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        self.trace(x, &mut Probe::blind())
    }

    /// [`forward`](Self::forward), showing every layer's output to `look` with the layer's name in the
    /// [`summary`](Self::summary); the outputs of dense layers are shown as `[batch, features, 1, 1]`.
    pub fn forward_watched(&self, x: Tensor<4>, mut look: impl FnMut(&str, Tensor<4>)) -> Tensor<2> {
        self.trace(x, &mut Probe::new(&mut look))
    }

    fn trace(&self, x: Tensor<4>, probe: &mut Probe) -> Tensor<2> {
        match self {
            Self::Standard(network) => network.forward(x, probe),
            Self::LeNet5(network) => network.forward(x, probe),
            Self::PytorchMnist(network) => network.forward(x, probe),
            Self::ResNet(network) => network.forward(x, probe),
        }
    }

    /// How the network was built.
    pub fn config(&self) -> NetworkConfig {
        match self {
            Self::Standard(network) => NetworkConfig::Standard(network.config.clone()),
            Self::LeNet5(network) => NetworkConfig::LeNet5(network.config.clone()),
            Self::PytorchMnist(network) => NetworkConfig::PytorchMnist(network.config.clone()),
            Self::ResNet(network) => network.network_config(),
        }
    }

    /// How many classes it tells apart.
    pub fn classes(&self) -> usize {
        let output = match self {
            Self::Standard(network) => &network.output,
            Self::LeNet5(network) => &network.fc3,
            Self::PytorchMnist(network) => &network.fc2,
            Self::ResNet(network) => &network.fc,
        };
        output.weight.lazy_shape().dims::<2>()[1]
    }

    /// The layers with their shapes and costs for pictures of shape `input`, computed without running the network.
    ///
    /// # Errors
    /// A picture that becomes too small on the way.
    pub fn summary(&self, input: InputShape) -> Result<Summary> {
        self.config().summary(input, self.classes())
    }
}
