//! The networks that won ImageNet, year after year, and two small ones for a laptop: what others fine-tune.
//!
//! Each is written once, as [`layers::Layers`] with torchvision's names, in a file of its own; from that follow its shapes and costs,
//! its weights, and its forward pass. Reading order: `alexnet` (the shortest), `vgg`, `googlenet`, `resnet`, `squeezenet`, `mobilenet`;
//! then `layers` (what a network is written in), `node` (with weights), `forward`.
//!
//! A network is cut into stages, of which the last is the classifier: [`Backbone::stages`]. What is before it are the features.

mod alexnet;
mod forward;
mod googlenet;
mod layers;
mod mobilenet;
mod node;
mod resnet;
mod squeezenet;
mod vgg;

use std::ops::Range;

use burn::module::{Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

pub use alexnet::AlexNetConfig;
pub use googlenet::{GoogLeNetConfig, GoogLeNetForm};
pub use mobilenet::MobileNetV2Config;
pub use resnet::{CifarResNetConfig, ResNetConfig, SeResNetConfig, Shortcut};
pub use squeezenet::SqueezeNetConfig;
pub use vgg::VggConfig;

pub(super) use self::layers::Layers;
use self::node::Node;
use super::NetworkConfig;
use super::plan::Plan;
use super::probe::Probe;
use crate::layer::{Convolution, adaptive_average};
use crate::{Error, Result};

/// What pictures a network's first layers are made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stem {
    /// Photographs of 224 x 224: the published network.
    #[default]
    Imagenet,
    /// Pictures of 32 x 32: the first strides and poolings are left out, so that as many pixels reach the deeper layers.
    Cifar,
}

/// A network whose layers have torchvision's names; [`NetworkConfig::init`] builds it.
#[derive(Clone, Debug)]
pub struct Backbone {
    nodes: Vec<Node>,
    stages: Vec<Stage>,
    config: NetworkConfig,
}

/// A part of a [`Backbone`] that is trained or frozen as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// `layer3`, `conv5`, `fc`.
    pub name: String,
    /// Its first node.
    first: usize,
    /// Where the next stage's begins.
    end: usize,
    /// The names that its parameters' names begin with: `layer3.0.conv1`.
    pub layers: Vec<String>,
}

impl Backbone {
    /// Draws the weights in the order of the layers, or leaves that undone where they are to be `loaded`.
    pub(super) fn init(
        layers: &Layers,
        config: NetworkConfig,
        plan: &Plan,
        loaded: bool,
        device: &Device,
    ) -> Result<Self> {
        let nodes =
            layers.list.iter().map(|layer| Node::init(layer, plan, loaded, device)).collect::<Result<Vec<_>>>()?;
        let ends = layers.stages.iter().skip(1).map(|(_, first)| *first).chain([nodes.len()]);
        let stages = layers.stages.iter().zip(ends).map(|((name, first), end)| {
            let mut layers = Vec::new();
            nodes[*first..end].iter().for_each(|node| node.names(&mut layers));
            Stage { name: name.clone(), first: *first, end, layers }
        });
        Ok(Self { stages: stages.collect(), nodes, config })
    }

    /// How it was built.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Its parts in the order of computation; the last is the classifier.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The stage called `name`, by its number.
    ///
    /// # Errors
    /// There is none; the error lists those there are.
    pub fn stage(&self, name: &str) -> Result<usize> {
        self.stages.iter().position(|stage| stage.name == name).ok_or_else(|| {
            let known: Vec<_> = self.stages.iter().map(|stage| stage.name.as_str()).collect();
            Error::UnknownLayer { name: name.into(), known: known.join(", ") }
        })
    }

    /// Pictures `[batch, channels, height, width]` to logits `[batch, classes]`.
    pub(super) fn forward(&self, x: Tensor<4>, probe: &mut Probe) -> Tensor<2> {
        forward::run(&self.nodes, x, probe).flatten(1, 3)
    }

    /// The stages numbered `range` alone: the input of the first to the output of the last, `[batch, channels, height, width]`; after a
    /// dense layer height and width are 1. Numbers beyond the last stage are no stages.
    pub fn forward_stages(&self, range: Range<usize>, x: Tensor<4>) -> Tensor<4> {
        let end = range.end.min(self.stages.len());
        match self.stages.get(range.start..end) {
            Some([first, .., last]) => forward::run(&self.nodes[first.first..last.end], x, &mut Probe::blind()),
            Some([only]) => forward::run(&self.nodes[only.first..only.end], x, &mut Probe::blind()),
            _ => x,
        }
    }

    /// The features: what the classifier sees, `[batch, features]`; where it is a convolution, the means of what it sees.
    pub fn features(&self, x: Tensor<4>) -> Tensor<2> {
        let seen = self.forward_stages(0..self.stages.len().saturating_sub(1), x);
        let dense = self.nodes.iter().any(|node| matches!(node.operation, node::Operation::Linear(_)));
        if dense { seen.flatten(1, 3) } else { adaptive_average(seen, [1, 1]).flatten(1, 3) }
    }

    /// Numbers in the [`features`](Self::features).
    pub fn feature_count(&self) -> usize {
        self.nodes.iter().rev().find_map(Node::inputs).unwrap_or_default()
    }

    /// How many classes it tells apart.
    pub(super) fn classes(&self) -> usize {
        self.nodes.iter().rev().find_map(Node::outputs).unwrap_or_default()
    }

    /// The first convolution.
    pub(crate) fn first_convolution(&self) -> Option<&Convolution> {
        self.nodes.iter().find_map(Node::as_convolution)
    }

    fn map_nodes(self, change: impl FnMut(Node) -> Node) -> Self {
        Self { nodes: self.nodes.into_iter().map(change).collect(), ..self }
    }
}

/// By hand and not derived, so that a parameter's name is its layer's and not the way through lists and sums to it.
impl Module for Backbone {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.nodes.iter().fold(devices, |devices, node| node.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        self.map_nodes(|node| node.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_nodes(|node| node.to_device(device))
    }

    fn train(self) -> Self {
        self.map_nodes(Module::train)
    }

    fn valid(&self) -> Self {
        self.clone().map_nodes(|node| node.valid())
    }

    fn materialize(self) -> Self {
        self.map_nodes(Module::materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.nodes.iter().for_each(|node| node.visit(visitor));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.map_nodes(|node| node.map(mapper))
    }
}

impl ModuleDisplayDefault for Backbone {
    fn content(&self, content: Content) -> Option<Content> {
        content.set_top_level_type("Backbone").optional()
    }
}

impl ModuleDisplay for Backbone {}
