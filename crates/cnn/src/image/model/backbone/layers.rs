//! A network written down layer by layer, with PyTorch's names, before any weight exists.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::Result;
use crate::image::model::plan::Plan;
use crate::layer::{
    Activation, BatchNormConfig, ConvolutionConfig, Initialisation, LocalResponseNormConfig, PoolingConfig,
};

/// The layers of a network or of a part of it, in the order of computation, and the parts that are trained and frozen together.
#[derive(Clone, Debug)]
pub(in crate::image::model) struct Layers {
    pub(super) list: Vec<Layer>,
    /// Where each stage begins in `list`.
    pub(super) stages: Vec<(String, usize)>,
    /// After the last layer so far.
    channels: usize,
}

/// A layer with the name that its parameters' names begin with.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What a layer does.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Convolution(ConvolutionConfig),
    BatchNorm(BatchNormConfig),
    Activation(Activation),
    /// The maximum.
    Pooling(PoolingConfig),
    /// Means, as many rows and columns of them as said.
    AdaptiveAverage([usize; 2]),
    LocalResponseNorm(LocalResponseNormConfig),
    Dropout(f64),
    /// On all values of a picture; its inputs follow from what is before it.
    Linear {
        outputs: usize,
        initialisation: Initialisation,
    },
    /// Every second pixel, and new channels of zeros, half of them before the old ones and half after.
    Subsample {
        stride: usize,
        channels: usize,
    },
    /// `body(x) + shortcut(x)`, then ReLU if so said; a shortcut without layers is `x` itself.
    Sum {
        body: Vec<Layer>,
        shortcut: Vec<Layer>,
        relu: bool,
    },
    /// The outputs of the branches, one after the other along the channels.
    Concat(Vec<Vec<Layer>>),
    /// `x` times what the layers make of it, one factor a channel.
    Gate(Vec<Layer>),
}

/// A square window: side, step and padding.
#[derive(Clone, Copy)]
pub(super) struct Window(pub(super) usize, pub(super) usize, pub(super) usize);

impl Layers {
    /// No layer yet, on pictures of so many `channels`.
    pub(in crate::image::model) fn new(channels: usize) -> Self {
        Self { list: Vec::new(), stages: Vec::new(), channels }
    }

    /// An empty part that begins here.
    pub(super) fn fork(&self) -> Self {
        Self::new(self.channels)
    }

    /// Channels after the last layer so far.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// What follows is stage `name`.
    pub(super) fn stage(&mut self, name: impl Display) {
        self.stages.push((name.to_string(), self.list.len()));
    }

    fn push(&mut self, name: impl Display, kind: Kind) {
        self.list.push(Layer { name: name.to_string(), kind });
    }

    /// A convolution without bias, for a batch normalisation to follow.
    pub(super) fn plain_convolution(&mut self, name: impl Display, channels: usize, window: Window) {
        let config = self.square(channels, window).with_bias(false);
        self.convolution_of(name, config);
    }

    /// A convolution with bias.
    pub(super) fn convolution(&mut self, name: impl Display, channels: usize, window: Window) {
        let config = self.square(channels, window);
        self.convolution_of(name, config);
    }

    /// How a convolution to `channels` is built here.
    pub(super) fn square(&self, channels: usize, Window(side, stride, padding): Window) -> ConvolutionConfig {
        ConvolutionConfig::new([self.channels, channels], [side; 2])
            .with_stride([stride; 2])
            .with_padding(Some([padding; 2]))
            .with_initialisation(Initialisation::He)
    }

    /// A convolution built as said.
    pub(super) fn convolution_of(&mut self, name: impl Display, config: ConvolutionConfig) {
        self.channels = config.channels[1];
        self.push(name, Kind::Convolution(config));
    }

    /// Batch normalisation.
    pub(super) fn batch_norm(&mut self, name: impl Display) {
        self.push(name, Kind::BatchNorm(BatchNormConfig::new(self.channels)));
    }

    /// Batch normalisation with another epsilon than usual.
    pub(super) fn batch_norm_with(&mut self, name: impl Display, epsilon: f64) {
        self.push(name, Kind::BatchNorm(BatchNormConfig::new(self.channels).with_epsilon(epsilon)));
    }

    pub(super) fn activation(&mut self, name: impl Display, activation: Activation) {
        self.push(name, Kind::Activation(activation));
    }

    pub(super) fn relu(&mut self, name: impl Display) {
        self.activation(name, Activation::Relu);
    }

    /// The maximum over windows.
    pub(super) fn max_pooling(&mut self, name: impl Display, config: PoolingConfig) {
        self.push(name, Kind::Pooling(config));
    }

    pub(super) fn adaptive_average(&mut self, name: impl Display, size: [usize; 2]) {
        self.push(name, Kind::AdaptiveAverage(size));
    }

    pub(super) fn local_response_norm(&mut self, name: impl Display, config: LocalResponseNormConfig) {
        self.push(name, Kind::LocalResponseNorm(config));
    }

    pub(super) fn dropout(&mut self, name: impl Display, p: f64) {
        self.push(name, Kind::Dropout(p));
    }

    /// A dense layer with a ReLU after it.
    pub(super) fn hidden(&mut self, name: impl Display, outputs: usize) {
        self.push(name, Kind::Linear { outputs, initialisation: Initialisation::He });
    }

    /// The last layer.
    pub(super) fn classifier(&mut self, name: impl Display, classes: usize) {
        self.push(name, Kind::Linear { outputs: classes, initialisation: Initialisation::PytorchDefault });
    }

    pub(super) fn subsample(&mut self, name: impl Display, channels: usize, stride: usize) {
        self.channels = channels;
        self.push(name, Kind::Subsample { stride, channels });
    }

    pub(super) fn sum(&mut self, name: impl Display, body: Self, shortcut: Self, relu: bool) {
        self.channels = body.channels;
        self.push(name, Kind::Sum { body: body.list, shortcut: shortcut.list, relu });
    }

    /// The layers of `part`, which begins here.
    pub(super) fn append(&mut self, part: Self) {
        self.channels = part.channels;
        self.list.extend(part.list);
    }

    pub(super) fn concat(&mut self, name: impl Display, branches: Vec<Self>) {
        self.channels = branches.iter().map(Self::channels).sum();
        self.push(name, Kind::Concat(branches.into_iter().map(|branch| branch.list).collect()));
    }

    /// Walks through the layers on paper.
    pub(in crate::image::model) fn plan(&self, on: &mut Plan) -> Result<()> {
        plan(&self.list, on)
    }

    /// The shapes of the tensors as PyTorch has them, by name; `plan` has been through the layers.
    pub(in crate::image::model) fn shapes(&self, plan: &Plan) -> BTreeMap<String, Vec<usize>> {
        let mut found = BTreeMap::new();
        shapes(&self.list, plan, &mut found);
        found
    }

    pub(super) fn gate(&mut self, name: impl Display, layers: Self) {
        self.push(name, Kind::Gate(layers.list));
    }
}

fn plan(layers: &[Layer], plan: &mut Plan) -> Result<()> {
    layers.iter().try_for_each(|layer| layer.plan(plan))
}

/// Adds the shapes of the tensors in `layers` as PyTorch has them, by name; `plan` has been through the layers.
fn shapes(layers: &[Layer], plan: &Plan, found: &mut BTreeMap<String, Vec<usize>>) {
    for Layer { name, kind } in layers {
        let mut add = |part: &str, shape: &[usize]| found.insert(format!("{name}.{part}"), shape.to_vec());
        match kind {
            Kind::Convolution(config) => {
                let ([before, after], [height, width]) = (config.channels, config.kernel);
                add("weight", &[after, before / config.groups, height, width]);
                if config.bias {
                    add("bias", &[after]);
                }
            }
            Kind::BatchNorm(config) => {
                for part in ["weight", "bias", "running_mean", "running_var"] {
                    add(part, &[config.channels]);
                }
            }
            Kind::Linear { outputs, .. } => {
                add("weight", &[*outputs, plan.inputs_of(name)]);
                add("bias", &[*outputs]);
            }
            Kind::Sum { body, shortcut, .. } => {
                shapes(body, plan, found);
                shapes(shortcut, plan, found);
            }
            Kind::Concat(branches) => branches.iter().for_each(|branch| shapes(branch, plan, found)),
            Kind::Gate(layers) => shapes(layers, plan, found),
            Kind::Activation(_)
            | Kind::Pooling(_)
            | Kind::AdaptiveAverage(_)
            | Kind::LocalResponseNorm(_)
            | Kind::Dropout(_)
            | Kind::Subsample { .. } => {}
        }
    }
}

impl Layer {
    fn plan(&self, on: &mut Plan) -> Result<()> {
        let name = &self.name;
        match &self.kind {
            Kind::Convolution(config) => on.convolution(name, config),
            Kind::BatchNorm(_) => on.batch_norm(name),
            Kind::Activation(activation) => on.activation(name, *activation),
            Kind::Pooling(config) => on.pooling(name, "max", config),
            Kind::AdaptiveAverage([1, 1]) => on.global_average(name),
            Kind::AdaptiveAverage(size) => on.adaptive_average(name, *size),
            Kind::LocalResponseNorm(_) => on.unchanged(name, "local response norm"),
            Kind::Dropout(p) => on.dropout(name, *p),
            Kind::Linear { outputs, .. } => on.linear(name, *outputs),
            Kind::Subsample { stride, channels } => on.subsample(name, *stride, *channels),
            Kind::Sum { body, shortcut, relu } => {
                let start = on.place();
                plan(body, on)?;
                let end = on.place();
                on.go_to(start);
                plan(shortcut, on)?;
                // The sum sees what the longer way sees.
                on.go_to(end);
                on.unchanged(name, if *relu { "sum, relu" } else { "sum" })
            }
            Kind::Concat(branches) => {
                let start = on.place();
                let mut ends = Vec::with_capacity(branches.len());
                for branch in branches {
                    on.go_to(start);
                    plan(branch, on)?;
                    ends.push(on.place());
                }
                on.concat(name, &ends)
            }
            Kind::Gate(layers) => {
                let start = on.place();
                plan(layers, on)?;
                // Each factor depends on the whole picture.
                let factors = on.place();
                on.go_to(start.seeing(factors));
                on.unchanged(name, "product")
            }
        }
    }
}
