//! AlexNet, as it was in 2012 and as torchvision has it, and ZFNet.

use serde::{Deserialize, Serialize};

use super::Stem;
use super::layers::{Layers, Window};
use crate::layer::{LocalResponseNormConfig, PoolingConfig, RaggedEdge};

/// Settings of AlexNet and its kin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlexNetConfig {
    /// `cifar` begins with a convolution of 5 x 5 and stride 1.
    pub stem: Stem,
    /// So many times as many channels in every convolution, rounded to a multiple of 4: below 1 for a network that trains in a minute.
    pub width: f64,
    /// Outputs of the two dense layers before the last; without it 4096, and 512 under the stem `cifar`.
    pub hidden: Option<usize>,
    /// Probability of dropout at these layers.
    pub dropout: f64,
}

impl Default for AlexNetConfig {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, width: 1.0, hidden: None, dropout: 0.5 }
    }
}

impl AlexNetConfig {
    /// torchvision's AlexNet, which is that of Krizhevsky 2014 ("One weird trick for parallelizing convolutional neural networks",
    /// arXiv 1404.5997): 64 filters at first, no groups, no response normalisation. 61 100 840 parameters at 224 x 224.
    pub(in crate::image::model) fn torchvision(&self, channels: usize, classes: usize) -> Layers {
        let mut net = Layers::new(channels);
        let (first, size) = match self.stem {
            Stem::Imagenet => (Window(11, 4, 2), 6),
            Stem::Cifar => (Window(5, 1, 2), 3),
        };
        net.stage("conv1");
        net.convolution("features.0", self.channels(64), first);
        net.relu("features.1");
        net.max_pooling("features.2", overlapping());
        net.stage("conv2");
        net.convolution("features.3", self.channels(192), Window(5, 1, 2));
        net.relu("features.4");
        net.max_pooling("features.5", overlapping());
        for (stage, place, channels) in [("conv3", 6, 384), ("conv4", 8, 256), ("conv5", 10, 256)] {
            net.stage(stage);
            net.convolution(format_args!("features.{place}"), self.channels(channels), Window(3, 1, 1));
            net.relu(format_args!("features.{}", place + 1));
        }
        net.max_pooling("features.12", overlapping());
        net.adaptive_average("avgpool", [size; 2]);
        for (stage, place) in [("fc6", 0), ("fc7", 3)] {
            net.stage(stage);
            net.dropout(format_args!("classifier.{place}"), self.dropout);
            net.hidden(format_args!("classifier.{}", place + 1), self.hidden());
            net.relu(format_args!("classifier.{}", place + 2));
        }
        net.stage("fc8");
        net.classifier("classifier.6", classes);
        net
    }

    /// The network of Krizhevsky, Sutskever and Hinton 2012 ("ImageNet classification with deep convolutional neural networks"): its
    /// second, fourth and fifth convolution are in two groups, which were on two cards, and response normalisation follows the first two.
    /// 60 965 224 parameters at 224 x 224.
    pub(in crate::image::model) fn original(&self, channels: usize, classes: usize) -> Layers {
        let mut net = Layers::new(channels);
        let first = match self.stem {
            Stem::Imagenet => Window(11, 4, 2), // The paper's 224 pixels give its 55 with this padding.
            Stem::Cifar => Window(5, 1, 2),
        };
        for (layer, channels, window, groups) in [
            (1, 96, first, 1),
            (2, 256, Window(5, 1, 2), 2),
            (3, 384, Window(3, 1, 1), 1),
            (4, 384, Window(3, 1, 1), 2),
            (5, 256, Window(3, 1, 1), 2),
        ] {
            net.stage(format_args!("conv{layer}"));
            let config = net.square(self.channels(channels), window).with_groups(groups);
            net.convolution_of(format_args!("conv{layer}"), config);
            net.relu(format_args!("relu{layer}"));
            if layer <= 2 {
                net.local_response_norm(format_args!("norm{layer}"), LocalResponseNormConfig::new());
            }
            if layer <= 2 || layer == 5 {
                net.max_pooling(format_args!("pool{layer}"), overlapping());
            }
        }
        self.dense(&mut net, classes);
        net
    }

    /// ZFNet (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", figure 3): AlexNet in one group with a
    /// smaller first window and stride, found by looking at what its filters had learnt. The contrast normalisation of the figure is
    /// AlexNet's response normalisation here, after the pooling as there. 62 357 608 parameters at 224 x 224.
    pub(in crate::image::model) fn zfnet(&self, channels: usize, classes: usize) -> Layers {
        let mut net = Layers::new(channels);
        let windows = match self.stem {
            Stem::Imagenet => [Window(7, 2, 1), Window(5, 2, 0)],
            Stem::Cifar => [Window(5, 1, 2), Window(5, 1, 2)],
        };
        for (layer, channels, window) in [
            (1, 96, windows[0]),
            (2, 256, windows[1]),
            (3, 384, Window(3, 1, 1)),
            (4, 384, Window(3, 1, 1)),
            (5, 256, Window(3, 1, 1)),
        ] {
            net.stage(format_args!("conv{layer}"));
            net.convolution(format_args!("conv{layer}"), self.channels(channels), window);
            net.relu(format_args!("relu{layer}"));
            if layer <= 2 || layer == 5 {
                net.max_pooling(format_args!("pool{layer}"), overlapping().with_edge(RaggedEdge::Keep));
            }
            if layer <= 2 {
                net.local_response_norm(format_args!("norm{layer}"), LocalResponseNormConfig::new());
            }
        }
        self.dense(&mut net, classes);
        net
    }

    fn dense(&self, net: &mut Layers, classes: usize) {
        for layer in [6, 7] {
            net.stage(format_args!("fc{layer}"));
            net.hidden(format_args!("fc{layer}"), self.hidden());
            net.relu(format_args!("relu{layer}"));
            net.dropout(format_args!("drop{layer}"), self.dropout);
        }
        net.stage("fc8");
        net.classifier("fc8", classes);
    }

    fn channels(&self, full: usize) -> usize {
        (full as f64 * self.width / 4.0).round().clamp(1.0, 1e6) as usize * 4
    }

    fn hidden(&self) -> usize {
        self.hidden.unwrap_or(if self.stem == Stem::Cifar { 512 } else { 4096 })
    }
}

/// Windows of 3 x 3 two apart: neighbours share a row or column (section 3.4 of the 2012 paper).
pub(super) fn overlapping() -> PoolingConfig {
    PoolingConfig::new([3, 3]).with_stride(Some([2, 2]))
}
