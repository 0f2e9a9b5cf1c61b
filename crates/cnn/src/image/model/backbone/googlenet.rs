//! GoogLeNet.

use serde::{Deserialize, Serialize};

use super::Stem;
use super::alexnet::overlapping;
use super::layers::{Layers, Window};
use crate::layer::{LocalResponseNormConfig, PoolingConfig, RaggedEdge};

/// Which GoogLeNet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GoogLeNetForm {
    /// torchvision's: batch normalisation after every convolution, and a window of 3 x 3 where the paper has 5 x 5 (a slip of the first
    /// port that its weights have kept).
    #[default]
    Torchvision,
    /// Szegedy et al. 2015, table 1: windows of 5 x 5, biases, local response normalisation.
    Paper,
}

/// Settings of GoogLeNet (Szegedy et al. 2015, "Going deeper with convolutions", arXiv 1409.4842): nine inception modules, each of four
/// branches side by side, and no hidden dense layers. The two classifiers that help training from the side are not part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GoogLeNetConfig {
    /// torchvision's or the paper's.
    pub form: GoogLeNetForm,
    /// `cifar` begins with a convolution of 3 x 3 and stride 1 and leaves out the first two poolings.
    pub stem: Stem,
    /// Probability of dropout before the last layer; 0.4 in the paper.
    pub dropout: f64,
}

impl Default for GoogLeNetConfig {
    fn default() -> Self {
        Self { form: GoogLeNetForm::Torchvision, stem: Stem::Imagenet, dropout: 0.2 }
    }
}

/// Name, and channels of an inception module: the branch of 1 x 1; that of 3 x 3, reduced to and then; that of 5 x 5 likewise; after pooling.
type Inception = (&'static str, usize, [usize; 2], [usize; 2], usize);

const THIRD: [Inception; 2] = [("3a", 64, [96, 128], [16, 32], 32), ("3b", 128, [128, 192], [32, 96], 64)];
const FOURTH: [Inception; 5] = [
    ("4a", 192, [96, 208], [16, 48], 64),
    ("4b", 160, [112, 224], [24, 64], 64),
    ("4c", 128, [128, 256], [24, 64], 64),
    ("4d", 112, [144, 288], [32, 64], 64),
    ("4e", 256, [160, 320], [32, 128], 128),
];
const FIFTH: [Inception; 2] = [("5a", 256, [160, 320], [32, 128], 128), ("5b", 384, [192, 384], [48, 128], 128)];

impl GoogLeNetConfig {
    pub(in crate::image::model) fn layers(&self, channels: usize, classes: usize) -> Layers {
        let mut net = Layers::new(channels);
        let paper = self.form == GoogLeNetForm::Paper;
        let pooling = overlapping().with_edge(RaggedEdge::Keep);
        let photographs = self.stem == Stem::Imagenet;
        net.stage("conv1");
        self.convolution(&mut net, "conv1", 64, if photographs { Window(7, 2, 3) } else { Window(3, 1, 1) });
        if photographs {
            net.max_pooling("maxpool1", pooling.clone());
        }
        if paper {
            net.local_response_norm("norm1", LocalResponseNormConfig::new());
        }
        net.stage("conv2");
        self.convolution(&mut net, "conv2", 64, Window(1, 1, 0));
        self.convolution(&mut net, "conv3", 192, Window(3, 1, 1));
        if paper {
            net.local_response_norm("norm2", LocalResponseNormConfig::new());
        }
        if photographs {
            net.max_pooling("maxpool2", pooling.clone());
        }
        net.stage("inception3");
        THIRD.iter().for_each(|module| self.inception(&mut net, module));
        net.max_pooling("maxpool3", pooling.clone());
        net.stage("inception4");
        FOURTH.iter().for_each(|module| self.inception(&mut net, module));
        let halving = PoolingConfig::new([2, 2]).with_edge(RaggedEdge::Keep);
        net.max_pooling("maxpool4", if paper { pooling } else { halving });
        net.stage("inception5");
        FIFTH.iter().for_each(|module| self.inception(&mut net, module));
        net.adaptive_average("avgpool", [1, 1]);
        net.stage("fc");
        net.dropout("dropout", self.dropout);
        net.classifier("fc", classes);
        net
    }

    fn inception(&self, net: &mut Layers, &(name, one, three, five, pooled): &Inception) {
        let name = format!("inception{name}");
        let mut branches = [net.fork(), net.fork(), net.fork(), net.fork()];
        let [first, second, third, fourth] = &mut branches;
        self.convolution(first, &format!("{name}.branch1"), one, Window(1, 1, 0));
        self.convolution(second, &format!("{name}.branch2.0"), three[0], Window(1, 1, 0));
        self.convolution(second, &format!("{name}.branch2.1"), three[1], Window(3, 1, 1));
        self.convolution(third, &format!("{name}.branch3.0"), five[0], Window(1, 1, 0));
        let window = if self.form == GoogLeNetForm::Paper { Window(5, 1, 2) } else { Window(3, 1, 1) };
        self.convolution(third, &format!("{name}.branch3.1"), five[1], window);
        let pooling = PoolingConfig::new([3, 3]).with_stride(Some([1, 1])).with_padding([1, 1]);
        fourth.max_pooling(format_args!("{name}.branch4.0"), pooling);
        self.convolution(fourth, &format!("{name}.branch4.1"), pooled, Window(1, 1, 0));
        net.concat(name, branches.into());
    }

    /// A convolution with what follows it.
    fn convolution(&self, net: &mut Layers, name: &str, channels: usize, window: Window) {
        match self.form {
            GoogLeNetForm::Torchvision => {
                net.plain_convolution(format_args!("{name}.conv"), channels, window);
                net.batch_norm_with(format_args!("{name}.bn"), 0.001);
            }
            GoogLeNetForm::Paper => net.convolution(format_args!("{name}.conv"), channels, window),
        }
        net.relu(format_args!("{name}.relu"));
    }
}
