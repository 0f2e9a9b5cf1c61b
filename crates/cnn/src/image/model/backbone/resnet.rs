//! Residual networks: for ImageNet, with squeeze and excitation, and for CIFAR.

use serde::{Deserialize, Serialize};

use super::Stem;
use super::alexnet::overlapping;
use super::layers::{Layers, Window};
use crate::layer::Activation;
use crate::{Error, Result};

/// Settings of ResNet-18, 34, 50, 101 and 152 (He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", arXiv
/// 1512.03385, table 1). In the blocks of three convolutions the second one has the stride, as in torchvision, not the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResNetConfig {
    /// `cifar` begins with a convolution of 3 x 3 and stride 1, without a pooling.
    pub stem: Stem,
}

/// Settings of the same networks with squeeze and excitation (Hu, Shen and Sun 2018, "Squeeze-and-excitation networks", arXiv 1709.01507):
/// before a block's sum every channel is multiplied by a factor that follows from the means of all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeResNetConfig {
    /// As in [`ResNetConfig`].
    pub stem: Stem,
    /// The means are first brought to so many times fewer values, to the nearest multiple of 8 as in timm; the paper's 16.
    pub reduction: usize,
}

impl Default for SeResNetConfig {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, reduction: 16 }
    }
}

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

/// Settings of the residual network for CIFAR-10 (He et al. 2016, section 4.2): a convolution of 3 x 3 to 16 channels, three groups of
/// `n` blocks with 16, 32 and 64 channels, the second and third starting with stride 2, the mean of each channel, a dense layer;
/// `6 n + 2` layers with weights. ResNet-20 has 269 722 parameters and 40.6 M multiply-adds (with shortcuts B 272 474 and 40.8 M).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CifarResNetConfig {
    /// The way round blocks that change the shape.
    pub shortcut: Shortcut,
}

impl ResNetConfig {
    pub(in crate::image::model) fn layers(&self, depth: usize, channels: usize, classes: usize) -> Layers {
        imagenet(depth, self.stem, None, channels, classes)
    }
}

impl SeResNetConfig {
    pub(in crate::image::model) fn layers(&self, depth: usize, channels: usize, classes: usize) -> Result<Layers> {
        if self.reduction == 0 {
            return Err(Error::setting("reduction", "0", "at least 1"));
        }
        Ok(imagenet(depth, self.stem, Some(self.reduction), channels, classes))
    }
}

fn imagenet(depth: usize, stem: Stem, reduction: Option<usize>, channels: usize, classes: usize) -> Layers {
    let counts = match depth {
        18 => [2, 2, 2, 2],
        34 | 50 => [3, 4, 6, 3],
        101 => [3, 4, 23, 3],
        _ => [3, 8, 36, 3],
    };
    let mut net = Layers::new(channels);
    net.stage("stem");
    net.plain_convolution("conv1", 64, if stem == Stem::Imagenet { Window(7, 2, 3) } else { Window(3, 1, 1) });
    net.batch_norm("bn1");
    net.relu("relu");
    if stem == Stem::Imagenet {
        net.max_pooling("maxpool", overlapping().with_padding([1, 1]));
    }
    for (index, (count, width)) in counts.into_iter().zip([64, 128, 256, 512]).enumerate() {
        net.stage(format_args!("layer{}", index + 1));
        for block in 0..count {
            let stride = if index > 0 && block == 0 { 2 } else { 1 };
            let name = format!("layer{}.{block}", index + 1);
            let mut body = net.fork();
            if depth < 50 {
                two(&mut body, &name, width, stride)
            } else {
                three(&mut body, &name, width, stride)
            }
            if let Some(reduction) = reduction {
                squeeze_and_excite(&mut body, &format!("{name}.se"), reduction);
            }
            let shortcut = projection(&net, &name, body.channels(), stride);
            net.sum(name, body, shortcut, true);
        }
    }
    net.adaptive_average("avgpool", [1, 1]);
    net.stage("fc");
    net.classifier("fc", classes);
    net
}

impl CifarResNetConfig {
    pub(in crate::image::model) fn layers(&self, depth: usize, channels: usize, classes: usize) -> Layers {
        let mut net = Layers::new(channels);
        net.stage("stem");
        net.plain_convolution("conv1", 16, Window(3, 1, 1));
        net.batch_norm("bn1");
        net.relu("relu");
        for (index, width) in [16, 32, 64].into_iter().enumerate() {
            net.stage(format_args!("layer{}", index + 1));
            for block in 0..(depth - 2) / 6 {
                let stride = if index > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", index + 1);
                let mut body = net.fork();
                two(&mut body, &name, width, stride);
                let mut shortcut = net.fork();
                if self.shortcut == Shortcut::B {
                    shortcut = projection(&net, &name, width, stride);
                } else if stride != 1 {
                    shortcut.subsample(format_args!("{name}.downsample"), width, stride);
                }
                net.sum(name, body, shortcut, true);
            }
        }
        net.adaptive_average("pool", [1, 1]);
        net.stage("fc");
        net.classifier("fc", classes);
        net
    }
}

/// Two convolutions of 3 x 3.
fn two(net: &mut Layers, name: &str, width: usize, stride: usize) {
    net.plain_convolution(format_args!("{name}.conv1"), width, Window(3, stride, 1));
    net.batch_norm(format_args!("{name}.bn1"));
    net.relu(format_args!("{name}.relu"));
    net.plain_convolution(format_args!("{name}.conv2"), width, Window(3, 1, 1));
    net.batch_norm(format_args!("{name}.bn2"));
}

/// A convolution of 3 x 3 between two of 1 x 1, which narrow and widen.
fn three(net: &mut Layers, name: &str, width: usize, stride: usize) {
    let windows = [(width, Window(1, 1, 0)), (width, Window(3, stride, 1)), (4 * width, Window(1, 1, 0))];
    for (place, (channels, window)) in (1..).zip(windows) {
        net.plain_convolution(format_args!("{name}.conv{place}"), channels, window);
        net.batch_norm(format_args!("{name}.bn{place}"));
        if place < 3 {
            net.relu(format_args!("{name}.relu{place}"));
        }
    }
}

/// The way round a block that changes the shape; nothing round others.
fn projection(net: &Layers, name: &str, channels: usize, stride: usize) -> Layers {
    let mut shortcut = net.fork();
    if stride != 1 || channels != net.channels() {
        shortcut.plain_convolution(format_args!("{name}.downsample.0"), channels, Window(1, stride, 0));
        shortcut.batch_norm(format_args!("{name}.downsample.1"));
    }
    shortcut
}

fn squeeze_and_excite(net: &mut Layers, name: &str, reduction: usize) {
    let channels = net.channels();
    let reduced = ((channels / reduction + 4) / 8 * 8).max(8);
    let mut gate = net.fork();
    gate.adaptive_average(format_args!("{name}.pool"), [1, 1]);
    gate.convolution(format_args!("{name}.fc1"), reduced, Window(1, 1, 0));
    gate.relu(format_args!("{name}.relu"));
    gate.convolution(format_args!("{name}.fc2"), channels, Window(1, 1, 0));
    gate.activation(format_args!("{name}.gate"), Activation::Sigmoid);
    net.gate(name, gate);
}
