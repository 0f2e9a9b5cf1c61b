//! Residual networks for CIFAR.

use std::fmt::{Arguments, Display};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::NetworkConfig;
use super::plan::Plan;
use super::probe::Probe;
use crate::Result;
use crate::layer::{
    Activation, BatchNorm, BatchNormConfig, Convolution, ConvolutionConfig, Initialisation, Linear, LinearConfig,
};

/// What goes round a block that halves the picture and doubles the channels (the paper's section 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortcut {
    /// Option A: every second pixel, the new channels 0. No parameters. Half of the zero channels come before the old ones and
    /// half after, as in the PyTorch programs in use; the paper leaves it open.
    #[default]
    A,
    /// Option B: a convolution of 1 x 1 with stride 2, and batch normalisation.
    B,
}

/// Settings of [`ResNet`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResNetConfig {
    /// The way round blocks that change the shape.
    pub shortcut: Shortcut,
}

/// The residual network for CIFAR-10 (He, Zhang, Ren and Sun 2016, "Deep residual learning", section 4.2): a convolution of 3 x 3
/// to 16 channels, three groups of `n` blocks with 16, 32 and 64 channels, the second and third starting with stride 2, the mean
/// of each channel, a dense layer; `6 n + 2` layers with weights. ResNet-20 has 269 722 parameters and 40.6 M multiply-adds (with
/// shortcuts B 272 474 and 40.8 M).
#[derive(Module, Debug)]
pub struct ResNet {
    /// Channels of the picture to 16.
    pub conv1: Convolution,
    /// After it.
    pub bn1: BatchNorm,
    /// 16 channels, the whole picture.
    pub layer1: Vec<ResidualBlock>,
    /// 32 channels, half of it.
    pub layer2: Vec<ResidualBlock>,
    /// 64 channels, a quarter.
    pub layer3: Vec<ResidualBlock>,
    /// To the classes.
    pub fc: Linear,
    #[module(skip)]
    config: ResNetConfig,
}

/// `y = relu(f(x) + shortcut(x))`, where `f` is convolution, batch normalisation, ReLU, convolution, batch normalisation.
#[derive(Module, Debug)]
pub struct ResidualBlock {
    /// 3 x 3, with the block's stride.
    pub conv1: Convolution,
    /// After `conv1`.
    pub bn1: BatchNorm,
    /// 3 x 3.
    pub conv2: Convolution,
    /// After `conv2`.
    pub bn2: BatchNorm,
    /// The shortcut of option B.
    pub downsample: Option<(Convolution, BatchNorm)>,
}

impl ResNetConfig {
    pub(super) fn plan(&self, depth: usize, plan: &mut Plan, classes: usize) -> Result<()> {
        plan.convolution("conv1", &convolution([plan.shape()[0], 16], 3, 1))?;
        plan.batch_norm("bn1")?;
        plan.activation("relu", Activation::Relu)?;
        for (layer, block, channels, stride) in blocks(depth) {
            let name = |part: &str| format!("layer{layer}.{block}{part}");
            let (shape, field) = (plan.shape(), plan.field());
            plan.convolution(&name(".conv1"), &convolution(channels, 3, stride))?;
            plan.batch_norm(&name(".bn1"))?;
            plan.activation(&name(".relu"), Activation::Relu)?;
            plan.convolution(&name(".conv2"), &convolution([channels[1]; 2], 3, 1))?;
            plan.batch_norm(&name(".bn2"))?;
            // The sum sees what the longer way sees.
            let (end, wide) = (plan.shape(), plan.field());
            if self.shortcut == Shortcut::B && changes_shape(channels, stride) {
                plan.branch(shape, field);
                plan.convolution(&name(".downsample.0"), &convolution(channels, 1, stride))?;
                plan.batch_norm(&name(".downsample.1"))?;
                plan.branch(end, wide);
            }
            plan.unchanged(&name(""), "sum, relu")?;
        }
        plan.global_average("pool")?;
        plan.linear("fc", classes)
    }

    pub(super) fn init(&self, depth: usize, plan: &Plan, device: &Device) -> Result<ResNet> {
        let group = |wanted: usize| {
            blocks(depth)
                .filter(|(layer, ..)| *layer == wanted)
                .map(|(_, _, channels, stride)| self.block(channels, stride, device))
                .collect::<Result<Vec<_>>>()
        };
        Ok(ResNet {
            conv1: convolution([plan.inputs().channels, 16], 3, 1).init(device)?,
            bn1: BatchNormConfig::new(16).init(device)?,
            layer1: group(1)?,
            layer2: group(2)?,
            layer3: group(3)?,
            fc: LinearConfig::new(64, plan.outputs_of_last()).init(device)?,
            config: self.clone(),
        })
    }

    fn block(&self, channels: [usize; 2], stride: usize, device: &Device) -> Result<ResidualBlock> {
        let norm = BatchNormConfig::new(channels[1]);
        Ok(ResidualBlock {
            conv1: convolution(channels, 3, stride).init(device)?,
            bn1: norm.init(device)?,
            conv2: convolution([channels[1]; 2], 3, 1).init(device)?,
            bn2: norm.init(device)?,
            downsample: if self.shortcut == Shortcut::B && changes_shape(channels, stride) {
                Some((convolution(channels, 1, stride).init(device)?, norm.init(device)?))
            } else {
                None
            },
        })
    }
}

/// `(layer, block, [channels_in, channels_out], stride)` of every block.
fn blocks(depth: usize) -> impl Iterator<Item = (usize, usize, [usize; 2], usize)> {
    let n = (depth - 2) / 6;
    let groups = [(1, 16, 16, 1), (2, 16, 32, 2), (3, 32, 64, 2)];
    groups.into_iter().flat_map(move |(layer, before, after, stride)| {
        (0..n).map(move |block| match block {
            0 => (layer, block, [before, after], stride),
            _ => (layer, block, [after, after], 1),
        })
    })
}

fn changes_shape(channels: [usize; 2], stride: usize) -> bool {
    channels[0] != channels[1] || stride != 1
}

fn convolution(channels: [usize; 2], kernel: usize, stride: usize) -> ConvolutionConfig {
    ConvolutionConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_bias(false)
        .with_initialisation(Initialisation::He)
}

impl ResNet {
    pub(super) fn forward(&self, x: Tensor<4>, probe: &mut Probe) -> Tensor<2> {
        let x = probe.see("conv1", self.conv1.forward(x)); // [batch, 16, 32, 32]
        let mut x = norm_relu(&self.bn1, x, ["bn1", "relu"], probe);
        for (layer, blocks) in [(1, &self.layer1), (2, &self.layer2), (3, &self.layer3)] {
            for (index, block) in blocks.iter().enumerate() {
                x = block.forward(x, format_args!("layer{layer}.{index}"), probe);
            }
        }
        let [_, _, height, width] = x.dims(); // [batch, 64, 8, 8]
        let x = ognivo_kernels::avg_pool2d(x, [height, width], [1, 1], [0, 0], false, false);
        let x = probe.see("pool", x);
        probe.see("fc", self.fc.forward(x.flatten(1, 3)))
    }

    pub(super) fn network_config(&self) -> NetworkConfig {
        let config = self.config.clone();
        match self.layer1.len() {
            3 => NetworkConfig::Resnet20(config),
            5 => NetworkConfig::Resnet32(config),
            7 => NetworkConfig::Resnet44(config),
            _ => NetworkConfig::Resnet56(config),
        }
    }
}

/// Normalisation and ReLU, seen one by one if somebody looks.
fn norm_relu(norm: &BatchNorm, x: Tensor<4>, names: [impl Display; 2], probe: &mut Probe) -> Tensor<4> {
    if !probe.watches() {
        return norm.forward_relu(x);
    }
    let [norm_name, relu_name] = names;
    let x = probe.see(norm_name, norm.forward(x));
    probe.see(relu_name, ognivo_kernels::relu(x))
}

impl ResidualBlock {
    fn forward(&self, x: Tensor<4>, name: Arguments, probe: &mut Probe) -> Tensor<4> {
        let y = probe.see(format_args!("{name}.conv1"), self.conv1.forward(x.clone()));
        let y = norm_relu(&self.bn1, y, [format_args!("{name}.bn1"), format_args!("{name}.relu")], probe);
        let y = probe.see(format_args!("{name}.conv2"), self.conv2.forward(y));
        let shown = probe.watches().then(|| probe.see(format_args!("{name}.bn2"), self.bn2.forward(y.clone())));
        let x = match &self.downsample {
            Some((convolution, norm)) => {
                let x = probe.see(format_args!("{name}.downsample.0"), convolution.forward(x));
                probe.see(format_args!("{name}.downsample.1"), norm.forward(x))
            }
            None => self.shortcut(x),
        };
        match shown {
            Some(y) => probe.see(name, ognivo_kernels::relu(y + x)),
            None => self.bn2.forward_add_relu(y, x),
        }
    }

    /// Option A: the input itself, or every second pixel of it between channels of zeros.
    fn shortcut(&self, x: Tensor<4>) -> Tensor<4> {
        let [before, after] = self.conv1.config().channels;
        let stride = self.conv1.config().stride;
        if before == after && stride == [1, 1] {
            return x;
        }
        let x = ognivo_kernels::max_pool2d(x, [1, 1], stride, [0, 0], false);
        let new = after - before;
        x.pad([(new / 2, new - new / 2), (0, 0), (0, 0)], 0.0_f32)
    }
}
