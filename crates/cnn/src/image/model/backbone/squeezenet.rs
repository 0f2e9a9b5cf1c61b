//! SqueezeNet.

use serde::{Deserialize, Serialize};

use super::Stem;
use super::alexnet::overlapping;
use super::layers::{Layers, Window};
use crate::layer::RaggedEdge;

/// Settings of SqueezeNet 1.1 (Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", arXiv 1602.07360; version
/// 1.1 is its authors', with 2.4 times less computation): eight fire modules, which squeeze the channels by a convolution of 1 x 1 before
/// convolutions of 1 x 1 and 3 x 3 expand them; the classifier is a convolution too. 1 235 496 parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SqueezeNetConfig {
    /// `cifar` begins with stride 1 and leaves out the first pooling.
    pub stem: Stem,
    /// Probability of dropout before the last convolution.
    pub dropout: f64,
}

impl Default for SqueezeNetConfig {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, dropout: 0.5 }
    }
}

impl SqueezeNetConfig {
    pub(in crate::image::model) fn layers(&self, channels: usize, classes: usize) -> Layers {
        let mut net = Layers::new(channels);
        let pooling = overlapping().with_edge(RaggedEdge::Keep);
        net.stage("stem");
        let photographs = self.stem == Stem::Imagenet;
        net.convolution("features.0", 64, if photographs { Window(3, 2, 0) } else { Window(3, 1, 1) });
        net.relu("features.1");
        if photographs {
            net.max_pooling("features.2", pooling.clone());
        }
        for (stage, first, widths) in
            [("fires1", 3, &[16, 16][..]), ("fires2", 6, &[32, 32]), ("fires3", 9, &[48, 48, 64, 64])]
        {
            net.stage(stage);
            for (place, &width) in (first..).zip(widths) {
                fire(&mut net, &format!("features.{place}"), width);
            }
            if stage != "fires3" {
                net.max_pooling(format_args!("features.{}", first + widths.len()), pooling.clone());
            }
        }
        net.stage("classifier");
        net.dropout("classifier.0", self.dropout);
        net.convolution("classifier.1", classes, Window(1, 1, 0));
        net.relu("classifier.2");
        net.adaptive_average("classifier.3", [1, 1]);
        net
    }
}

/// Squeezes to `width` channels and expands to four times as many in each of two branches.
fn fire(net: &mut Layers, name: &str, width: usize) {
    net.convolution(format_args!("{name}.squeeze"), width, Window(1, 1, 0));
    net.relu(format_args!("{name}.squeeze_activation"));
    let mut branches = [net.fork(), net.fork()];
    for (branch, (part, window)) in branches.iter_mut().zip([("1x1", Window(1, 1, 0)), ("3x3", Window(3, 1, 1))]) {
        branch.convolution(format_args!("{name}.expand{part}"), 4 * width, window);
        branch.relu(format_args!("{name}.expand{part}_activation"));
    }
    net.concat(name, branches.into());
}
