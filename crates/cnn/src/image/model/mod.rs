//! The networks that classify pictures: a configuration, [`NetworkConfig`], builds a [`Network`].
//!
//! | name in a configuration | network | weights at the start |
//! |---|---|---|
//! | `standard` | the configurable scheme, [`StandardConfig`] | PyTorch's default, or He's |
//! | `lenet5` | [`LeNet5`] | PyTorch's default |
//! | `pytorch-mnist` | [`PytorchMnist`] | PyTorch's default |
//! | `resnet20` `resnet32` `resnet44` `resnet56` | [`CifarResNetConfig`] | He's; the last layer PyTorch's default |
//! | `alexnet` `alexnet-2012` `zfnet` | [`AlexNetConfig`] | likewise |
//! | `vgg11` `vgg13` `vgg16` `vgg19` | [`VggConfig`] | likewise |
//! | `googlenet` | [`GoogLeNetConfig`] | likewise |
//! | `resnet18` `resnet34` `resnet50` `resnet101` `resnet152` | [`ResNetConfig`] | likewise |
//! | `se-resnet18` `se-resnet34` `se-resnet50` `se-resnet101` `se-resnet152` | [`SeResNetConfig`] | likewise |
//! | `squeezenet` | [`SqueezeNetConfig`] | He's |
//! | `mobilenet-v2` | [`MobileNetV2Config`] | He's; the last layer PyTorch's default |
//!
//! All but the first three are a [`Backbone`]: written as a list of layers with torchvision's names, from which the rest follows.
//!
//! [`Initialisation`](crate::layer::Initialisation) gives the two formulas. Batch normalisation starts with weight 1, bias 0.
//!
//! **Names of parameters** are those a PyTorch user knows: `conv1.weight` `[channels_out, channels_in, height, width]`,
//! `bn1.running_var`, `layer1.0.conv1.weight`, `layer2.0.downsample.0.weight`. Burn puts the variant's name before them
//! (`LeNet5.conv1.weight`), an enum's level that an export leaves out. `weight` of a [`Linear`](crate::layer::Linear) layer is
//! `[inputs, outputs]` here, the transpose of PyTorch's.

mod backbone;
mod lenet5;
mod plan;
mod probe;
mod pytorch_mnist;
mod standard;

use std::collections::BTreeMap;
use std::str::FromStr;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use backbone::{
    AlexNetConfig, Backbone, CifarResNetConfig, GoogLeNetConfig, GoogLeNetForm, MobileNetV2Config, ResNetConfig,
    SeResNetConfig, Shortcut, SqueezeNetConfig, Stage, Stem, VggConfig,
};
pub use lenet5::{LeNet5, LeNet5Config};
pub use pytorch_mnist::{PytorchMnist, PytorchMnistConfig};
pub use standard::{Block, Dense, Norm, PoolingKind, Standard, StandardConfig};

use self::backbone::Layers;
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

/// The key of a network's name in a configuration.
const TAG: &str = "network";

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
    Resnet20(CifarResNetConfig),
    /// Of 32 layers.
    Resnet32(CifarResNetConfig),
    /// Of 44 layers.
    Resnet44(CifarResNetConfig),
    /// Of 56 layers.
    Resnet56(CifarResNetConfig),
    /// AlexNet as torchvision has it.
    Alexnet(AlexNetConfig),
    /// AlexNet as it was in 2012.
    #[serde(rename = "alexnet-2012")]
    Alexnet2012(AlexNetConfig),
    /// ZFNet.
    Zfnet(AlexNetConfig),
    /// VGG of 11 layers.
    Vgg11(VggConfig),
    /// Of 13 layers.
    Vgg13(VggConfig),
    /// Of 16 layers.
    Vgg16(VggConfig),
    /// Of 19 layers.
    Vgg19(VggConfig),
    /// GoogLeNet.
    Googlenet(GoogLeNetConfig),
    /// ImageNet ResNet of 18 layers.
    Resnet18(ResNetConfig),
    /// Of 34 layers.
    Resnet34(ResNetConfig),
    /// Of 50 layers.
    Resnet50(ResNetConfig),
    /// Of 101 layers.
    Resnet101(ResNetConfig),
    /// Of 152 layers.
    Resnet152(ResNetConfig),
    /// With squeeze and excitation, of 18 layers.
    SeResnet18(SeResNetConfig),
    /// Of 34 layers.
    SeResnet34(SeResNetConfig),
    /// Of 50 layers.
    SeResnet50(SeResNetConfig),
    /// Of 101 layers.
    SeResnet101(SeResNetConfig),
    /// Of 152 layers.
    SeResnet152(SeResNetConfig),
    /// SqueezeNet 1.1.
    Squeezenet(SqueezeNetConfig),
    /// MobileNetV2.
    MobilenetV2(MobileNetV2Config),
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self::Standard(StandardConfig::default())
    }
}

impl NetworkConfig {
    /// The names of the networks.
    pub const NAMES: [&str; 27] = [
        "standard",
        "lenet5",
        "pytorch-mnist",
        "resnet20",
        "resnet32",
        "resnet44",
        "resnet56",
        "alexnet",
        "alexnet-2012",
        "zfnet",
        "vgg11",
        "vgg13",
        "vgg16",
        "vgg19",
        "googlenet",
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet152",
        "se-resnet18",
        "se-resnet34",
        "se-resnet50",
        "se-resnet101",
        "se-resnet152",
        "squeezenet",
        "mobilenet-v2",
    ];

    /// The network called `name` with its default settings.
    ///
    /// # Errors
    /// An unknown name.
    pub fn named(name: &str) -> Result<Self> {
        let unknown = || Error::setting("network", name, Self::NAMES.join(", "));
        serde_json::from_value(json!({ TAG: name })).map_err(|_| unknown())
    }

    /// The network's name.
    pub fn name(&self) -> &'static str {
        let value = serde_json::to_value(self).unwrap_or_default();
        Self::NAMES.into_iter().find(|name| value[TAG] == *name).unwrap_or_default()
    }

    /// Builds the network for pictures of shape `input` and so many `classes`, drawing its weights in the order of the layers
    /// from the device's random state: the same seed gives the same network.
    ///
    /// # Errors
    /// A setting out of its range, or a picture that becomes too small on the way, with the layer's name.
    pub fn init(&self, input: InputShape, classes: usize, device: &Device) -> Result<Network> {
        self.build(input, classes, false, device)
    }

    /// [`init`](Self::init) for weights that are loaded next: those of a [`Backbone`] are not drawn and take no memory before. A weight
    /// that is not loaded is 0.
    ///
    /// # Errors
    /// As [`init`](Self::init).
    pub fn init_to_load(&self, input: InputShape, classes: usize, device: &Device) -> Result<Network> {
        self.build(input, classes, true, device)
    }

    fn build(&self, input: InputShape, classes: usize, loaded: bool, device: &Device) -> Result<Network> {
        let plan = self.plan(input, classes)?;
        Ok(match self {
            Self::Standard(config) => Network::Standard(config.init(&plan, device)?),
            Self::LeNet5(config) => Network::LeNet5(config.init(&plan, device)?),
            Self::PytorchMnist(config) => Network::PytorchMnist(config.init(&plan, device)?),
            backbone => {
                let layers = backbone.layers(input.channels, classes)?;
                Network::Backbone(Backbone::init(&layers, backbone.clone(), &plan, loaded, device)?)
            }
        })
    }

    /// The layers with their shapes and costs, computed without building the network.
    ///
    /// # Errors
    /// As [`init`](Self::init).
    pub fn summary(&self, input: InputShape, classes: usize) -> Result<Summary> {
        Ok(self.plan(input, classes)?.finish())
    }

    /// The shapes of a [`Backbone`]'s tensors as PyTorch's files have them, by name, computed without building the network.
    ///
    /// # Errors
    /// As [`init`](Self::init); a network that is no backbone.
    pub fn backbone_shapes(&self, input: InputShape, classes: usize) -> Result<BTreeMap<String, Vec<usize>>> {
        let plan = self.plan(input, classes)?;
        let shapes = self.layers(input.channels, classes)?.shapes(&plan);
        if shapes.is_empty() {
            return Err(Error::setting("network", self.name(), "a network that others fine-tune, such as resnet18"));
        }
        Ok(shapes)
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
            backbone => backbone.layers(input.channels, classes)?.plan(&mut plan)?,
        }
        Ok(plan)
    }

    /// A [`Backbone`]'s layers; none for the other networks.
    fn layers(&self, channels: usize, classes: usize) -> Result<Layers> {
        Ok(match self {
            Self::Standard(_) | Self::LeNet5(_) | Self::PytorchMnist(_) => Layers::new(channels),
            Self::Resnet20(config) => config.layers(20, channels, classes),
            Self::Resnet32(config) => config.layers(32, channels, classes),
            Self::Resnet44(config) => config.layers(44, channels, classes),
            Self::Resnet56(config) => config.layers(56, channels, classes),
            Self::Alexnet(config) => config.torchvision(channels, classes),
            Self::Alexnet2012(config) => config.original(channels, classes),
            Self::Zfnet(config) => config.zfnet(channels, classes),
            Self::Vgg11(config) => config.layers(11, channels, classes),
            Self::Vgg13(config) => config.layers(13, channels, classes),
            Self::Vgg16(config) => config.layers(16, channels, classes),
            Self::Vgg19(config) => config.layers(19, channels, classes),
            Self::Googlenet(config) => config.layers(channels, classes),
            Self::Resnet18(config) => config.layers(18, channels, classes),
            Self::Resnet34(config) => config.layers(34, channels, classes),
            Self::Resnet50(config) => config.layers(50, channels, classes),
            Self::Resnet101(config) => config.layers(101, channels, classes),
            Self::Resnet152(config) => config.layers(152, channels, classes),
            Self::SeResnet18(config) => config.layers(18, channels, classes)?,
            Self::SeResnet34(config) => config.layers(34, channels, classes)?,
            Self::SeResnet50(config) => config.layers(50, channels, classes)?,
            Self::SeResnet101(config) => config.layers(101, channels, classes)?,
            Self::SeResnet152(config) => config.layers(152, channels, classes)?,
            Self::Squeezenet(config) => config.layers(channels, classes),
            Self::MobilenetV2(config) => config.layers(channels, classes),
        })
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
    /// All others.
    Backbone(Backbone),
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
            Self::Backbone(network) => network.forward(x, probe),
        }
    }

    /// How the network was built.
    pub fn config(&self) -> NetworkConfig {
        match self {
            Self::Standard(network) => NetworkConfig::Standard(network.config.clone()),
            Self::LeNet5(network) => NetworkConfig::LeNet5(network.config.clone()),
            Self::PytorchMnist(network) => NetworkConfig::PytorchMnist(network.config.clone()),
            Self::Backbone(network) => network.config().clone(),
        }
    }

    /// How many classes it tells apart.
    pub fn classes(&self) -> usize {
        let output = match self {
            Self::Standard(network) => &network.output,
            Self::LeNet5(network) => &network.fc3,
            Self::PytorchMnist(network) => &network.fc2,
            Self::Backbone(network) => return network.classes(),
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
