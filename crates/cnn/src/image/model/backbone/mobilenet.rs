//! MobileNetV2.

use serde::{Deserialize, Serialize};

use super::Stem;
use super::layers::{Layers, Window};
use crate::layer::Activation;

/// Settings of MobileNetV2 (Sandler et al. 2018, "MobileNetV2: inverted residuals and linear bottlenecks", arXiv 1801.04381, table 2): blocks
/// that widen the channels, filter each alone, and narrow them again; the sum goes round the wide part. 3 504 872 parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MobileNetV2Config {
    /// `cifar` leaves out the first two strides.
    pub stem: Stem,
    /// Probability of dropout before the last layer.
    pub dropout: f64,
}

impl Default for MobileNetV2Config {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, dropout: 0.2 }
    }
}

/// Expansion, channels, blocks and the first one's stride: the paper's table 2.
const GROUPS: [[usize; 4]; 7] =
    [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];

impl MobileNetV2Config {
    pub(in crate::image::model) fn layers(&self, channels: usize, classes: usize) -> Layers {
        let mut net = Layers::new(channels);
        let small = self.stem == Stem::Cifar;
        net.stage("stem");
        filter(&mut net, "features.0", 32, Window(3, if small { 1 } else { 2 }, 1), 1);
        let mut place = 0;
        for (group, [expansion, channels, count, stride]) in GROUPS.into_iter().enumerate() {
            net.stage(format_args!("blocks{}", group + 1));
            for block in 0..count {
                place += 1;
                let stride = if block > 0 || (small && group == 1) { 1 } else { stride };
                inverted_residual(&mut net, &format!("features.{place}"), expansion, channels, stride);
            }
        }
        net.stage("last");
        filter(&mut net, "features.18", 1280, Window(1, 1, 0), 1);
        net.adaptive_average("avgpool", [1, 1]);
        net.stage("classifier");
        net.dropout("classifier.0", self.dropout);
        net.classifier("classifier.1", classes);
        net
    }
}

fn inverted_residual(net: &mut Layers, name: &str, expansion: usize, channels: usize, stride: usize) {
    let mut body = net.fork();
    let wide = net.channels() * expansion;
    let mut place = 0;
    if expansion != 1 {
        filter(&mut body, &format!("{name}.conv.0"), wide, Window(1, 1, 0), 1);
        place = 1;
    }
    filter(&mut body, &format!("{name}.conv.{place}"), wide, Window(3, stride, 1), wide);
    body.plain_convolution(format_args!("{name}.conv.{}", place + 1), channels, Window(1, 1, 0));
    body.batch_norm(format_args!("{name}.conv.{}", place + 2));
    if stride == 1 && net.channels() == channels {
        let shortcut = net.fork();
        net.sum(name, body, shortcut, false);
    } else {
        net.append(body);
    }
}

/// Convolution, normalisation and ReLU cut off at 6.
fn filter(net: &mut Layers, name: &str, channels: usize, window: Window, groups: usize) {
    let config = net.square(channels, window).with_groups(groups).with_bias(false);
    net.convolution_of(format_args!("{name}.0"), config);
    net.batch_norm(format_args!("{name}.1"));
    net.activation(format_args!("{name}.2"), Activation::Relu6);
}
