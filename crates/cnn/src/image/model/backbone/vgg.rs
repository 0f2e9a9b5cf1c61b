//! VGG.

use serde::{Deserialize, Serialize};

use super::Stem;
use super::layers::{Layers, Window};
use crate::layer::{PoolingConfig, RaggedEdge};

/// Settings of VGG-11, 13, 16 and 19 (Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image recognition",
/// arXiv 1409.1556, table 1, columns A, B, D and E): convolutions of 3 x 3 alone, in five blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VggConfig {
    /// Batch normalisation after every convolution, which the paper does not have: torchvision's `vgg16_bn` and so on.
    pub batch_norm: bool,
    /// `cifar` averages the last pictures to one value a channel.
    pub stem: Stem,
    /// Outputs of the two dense layers before the last; without it 4096, and 512 under the stem `cifar`.
    pub hidden: Option<usize>,
    /// Probability of dropout after these layers.
    pub dropout: f64,
}

impl Default for VggConfig {
    fn default() -> Self {
        Self { batch_norm: false, stem: Stem::Imagenet, hidden: None, dropout: 0.5 }
    }
}

impl VggConfig {
    /// The network with `depth` layers that have weights.
    pub(in crate::image::model) fn layers(&self, depth: usize, channels: usize, classes: usize) -> Layers {
        let counts = match depth {
            11 => [1, 1, 2, 2, 2],
            13 => [2; 5],
            16 => [2, 2, 3, 3, 3],
            _ => [2, 2, 4, 4, 4],
        };
        // In small pictures a last odd row is kept, so that 28 x 28 too can be halved five times.
        let (size, edge, width) = match self.stem {
            Stem::Imagenet => (7, RaggedEdge::Drop, 4096),
            Stem::Cifar => (1, RaggedEdge::Keep, 512),
        };
        let mut net = Layers::new(channels);
        let mut place = 0;
        let mut next = || {
            place += 1;
            format!("features.{}", place - 1)
        };
        for (block, (count, channels)) in counts.into_iter().zip([64, 128, 256, 512, 512]).enumerate() {
            net.stage(format_args!("block{}", block + 1));
            for _ in 0..count {
                net.convolution(next(), channels, Window(3, 1, 1));
                if self.batch_norm {
                    net.batch_norm(next());
                }
                net.relu(next());
            }
            net.max_pooling(next(), PoolingConfig::new([2, 2]).with_edge(edge));
        }
        net.adaptive_average("avgpool", [size; 2]);
        for (stage, place) in [("fc6", 0), ("fc7", 3)] {
            net.stage(stage);
            net.hidden(format_args!("classifier.{place}"), self.hidden.unwrap_or(width));
            net.relu(format_args!("classifier.{}", place + 1));
            net.dropout(format_args!("classifier.{}", place + 2), self.dropout);
        }
        net.stage("fc8");
        net.classifier("classifier.6", classes);
        net
    }
}
