//! The standard scheme of a convolutional network, every part of it a setting.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::probe::Probe;
use crate::layer::{
    Activation, Aggregation, BatchNorm, BatchNormConfig, Boundary, Convolution, ConvolutionConfig, Dropout,
    Initialisation, Linear, LinearConfig, LocalResponseNorm, LocalResponseNormConfig, Pooling, PoolingConfig,
    RaggedEdge,
};
use crate::{Error, Result};

/// The largest convolution window and pooling window that a configuration may ask for.
const LARGEST_WINDOW: usize = 255;

/// Normalisation in a block of [`Standard`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// None; the convolution has a bias.
    None,
    /// Batch normalisation between convolution and activation, which then has no bias of its own.
    #[default]
    Batch,
    /// Local response normalisation with the paper's constants, after the activation as in the paper.
    Lrn,
}

/// Pooling in a network's configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolingKind {
    /// None: the picture keeps its size.
    None,
    /// The largest value.
    #[default]
    Max,
    /// The mean.
    Average,
    /// The root of the sum of squares.
    L2,
}

impl PoolingKind {
    /// The name used in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Max => "max",
            Self::Average => "average",
            Self::L2 => "l2",
        }
    }

    /// The function to pool with; `None` for no pooling.
    pub fn aggregation(self) -> Option<Aggregation> {
        match self {
            Self::None => None,
            Self::Max => Some(Aggregation::Max),
            Self::Average => Some(Aggregation::Average),
            Self::L2 => Some(Aggregation::L2),
        }
    }
}

/// Settings of [`Standard`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StandardConfig {
    /// Channels after each convolution: one block for each number.
    pub channels: Vec<usize>,
    /// Side of the convolutions' square window.
    pub kernel: usize,
    /// What the convolutions see beyond the edge.
    pub boundary: Boundary,
    /// Normalisation in every block.
    pub norm: Norm,
    /// After each convolution and each dense layer but the last.
    pub activation: Activation,
    /// Probability of dropout at the end of every block.
    pub dropout: f64,
    /// Pooling at the end of the blocks that have one.
    pub pooling: PoolingKind,
    /// Side of the pooling's square window, and its step.
    pub pool_size: usize,
    /// Every so many-th block has a pooling: 1 means every block.
    pub pool_every: usize,
    /// What pooling does with a rest at the edge.
    pub edge: RaggedEdge,
    /// Outputs of the dense layers between the blocks and the last layer.
    pub dense: Vec<usize>,
    /// Probability of dropout after each of these dense layers.
    pub dense_dropout: f64,
    /// How the weights of convolutions and of the dense layers start.
    pub initialisation: Initialisation,
}

impl Default for StandardConfig {
    fn default() -> Self {
        Self {
            channels: vec![32, 64],
            kernel: 3,
            boundary: Boundary::Zero,
            norm: Norm::Batch,
            activation: Activation::Relu,
            dropout: 0.0,
            pooling: PoolingKind::Max,
            pool_size: 2,
            pool_every: 1,
            edge: RaggedEdge::Drop,
            dense: vec![128],
            dense_dropout: 0.25,
            initialisation: Initialisation::PytorchDefault,
        }
    }
}

/// The scheme of the lecture: blocks of convolution, \[normalisation\], activation, \[dropout\], \[pooling\], then dense layers.
/// Each trick can be switched on its own, to see what it is worth.
#[derive(Module, Debug)]
pub struct Standard {
    /// The convolutional part.
    pub blocks: Vec<Block>,
    /// Dense layers before the last.
    pub dense: Vec<Dense>,
    /// To the classes.
    pub output: Linear,
    #[module(skip)]
    pub(super) config: StandardConfig,
}

/// A block of [`Standard`].
#[derive(Module, Debug)]
pub struct Block {
    /// Stride 1.
    pub conv: Convolution,
    /// With [`Norm::Batch`].
    pub bn: Option<BatchNorm>,
    lrn: Option<LocalResponseNorm>,
    dropout: Option<Dropout>,
    pool: Option<Pooling>,
}

/// A dense layer of [`Standard`] with what follows it.
#[derive(Module, Debug)]
pub struct Dense {
    /// The layer.
    pub linear: Linear,
    dropout: Option<Dropout>,
}

impl StandardConfig {
    pub(super) fn plan(&self, plan: &mut Plan, classes: usize) -> Result<()> {
        self.check()?;
        for (index, &channels) in self.channels.iter().enumerate() {
            let name = |part: &str| format!("blocks.{index}.{part}");
            plan.convolution(&name("conv"), &self.convolution(plan.shape()[0], channels))?;
            if self.norm == Norm::Batch {
                plan.batch_norm(&name("bn"))?;
            }
            plan.activation(&name("act"), self.activation)?;
            if self.norm == Norm::Lrn {
                plan.unchanged(&name("lrn"), "local response norm")?;
            }
            if self.dropout > 0.0 {
                plan.dropout(&name("dropout"), self.dropout)?;
            }
            if self.pools(index) {
                plan.pooling(&name("pool"), self.pooling.name(), &self.pooling_config())?;
            }
        }
        for (index, &outputs) in self.dense.iter().enumerate() {
            plan.linear(&format!("dense.{index}.linear"), outputs)?;
            plan.activation(&format!("dense.{index}.act"), self.activation)?;
            if self.dense_dropout > 0.0 {
                plan.dropout(&format!("dense.{index}.dropout"), self.dense_dropout)?;
            }
        }
        plan.linear("output", classes)
    }

    pub(super) fn init(&self, plan: &Plan, device: &Device) -> Result<Standard> {
        let mut before = plan.inputs().channels;
        let mut blocks = Vec::with_capacity(self.channels.len());
        for (index, &channels) in self.channels.iter().enumerate() {
            blocks.push(self.block(index, before, channels, device)?);
            before = channels;
        }
        let mut dense = Vec::with_capacity(self.dense.len());
        for (index, &outputs) in self.dense.iter().enumerate() {
            let inputs = plan.inputs_of(&format!("dense.{index}.linear"));
            dense.push(Dense { linear: self.linear(inputs, outputs, device)?, dropout: dropout(self.dense_dropout)? });
        }
        let output = self.linear(plan.inputs_of("output"), plan.outputs_of_last(), device)?;
        Ok(Standard { blocks, dense, output, config: self.clone() })
    }

    fn block(&self, index: usize, before: usize, after: usize, device: &Device) -> Result<Block> {
        let aggregation = self.pooling.aggregation().filter(|_| self.pools(index));
        Ok(Block {
            conv: self.convolution(before, after).init(device)?,
            bn: (self.norm == Norm::Batch).then(|| BatchNormConfig::new(after).init(device)).transpose()?,
            lrn: (self.norm == Norm::Lrn).then(|| LocalResponseNormConfig::new().init()).transpose()?,
            dropout: dropout(self.dropout)?,
            pool: aggregation.map(|aggregation| self.pooling_config().init(aggregation)).transpose()?,
        })
    }

    fn check(&self) -> Result<()> {
        for (key, list) in [("channels", &self.channels), ("dense", &self.dense)] {
            if list.contains(&0) {
                return Err(Error::setting(key, format!("{list:?}"), "numbers of at least 1"));
            }
        }
        for (key, size) in [("kernel", self.kernel), ("pool_size", self.pool_size)] {
            if !(1..=LARGEST_WINDOW).contains(&size) {
                return Err(Error::setting(key, size.to_string(), format!("1 to {LARGEST_WINDOW}")));
            }
        }
        if self.pool_every == 0 {
            return Err(Error::setting("pool_every", "0", "at least 1"));
        }
        for (key, p) in [("dropout", self.dropout), ("dense_dropout", self.dense_dropout)] {
            if !(0.0..1.0).contains(&p) {
                return Err(Error::setting(key, p.to_string(), "at least 0 and below 1"));
            }
        }
        Ok(())
    }

    fn pools(&self, block: usize) -> bool {
        self.pooling != PoolingKind::None && (block + 1).is_multiple_of(self.pool_every)
    }

    fn convolution(&self, before: usize, after: usize) -> ConvolutionConfig {
        ConvolutionConfig::new([before, after], [self.kernel; 2])
            .with_boundary(self.boundary)
            .with_bias(self.norm != Norm::Batch)
            .with_initialisation(self.initialisation)
    }

    fn pooling_config(&self) -> PoolingConfig {
        PoolingConfig::new([self.pool_size; 2]).with_edge(self.edge)
    }

    fn linear(&self, inputs: usize, outputs: usize, device: &Device) -> Result<Linear> {
        LinearConfig::new(inputs, outputs).with_initialisation(self.initialisation).init(device)
    }
}

fn dropout(p: f64) -> Result<Option<Dropout>> {
    (p > 0.0).then(|| Dropout::new(p)).transpose()
}

impl Standard {
    pub(super) fn forward(&self, x: Tensor<4>, probe: &mut Probe) -> Tensor<2> {
        let activation = self.config.activation;
        let mut x = x;
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, activation, index, probe);
        }
        let mut x: Tensor<2> = x.flatten(1, 3);
        for (index, dense) in self.dense.iter().enumerate() {
            x = probe.see(format_args!("dense.{index}.linear"), dense.linear.forward(x));
            x = probe.see(format_args!("dense.{index}.act"), activation.forward(x));
            if let Some(dropout) = &dense.dropout {
                x = probe.see(format_args!("dense.{index}.dropout"), dropout.forward(x));
            }
        }
        probe.see("output", self.output.forward(x))
    }
}

impl Block {
    fn forward(&self, x: Tensor<4>, activation: Activation, index: usize, probe: &mut Probe) -> Tensor<4> {
        let relu = activation == Activation::Relu && !probe.watches();
        let mut x = probe.see(format_args!("blocks.{index}.conv"), self.conv.forward(x));
        match (&self.bn, &self.pool) {
            // What can be computed in one pass is, unless somebody wants to see the parts.
            (Some(norm), _) if relu => x = norm.forward_relu(x),
            (None, Some(pool)) if relu && self.lrn.is_none() && self.dropout.is_none() => return pool.forward_relu(x),
            (norm, _) => {
                if let Some(norm) = norm {
                    x = probe.see(format_args!("blocks.{index}.bn"), norm.forward(x));
                }
                x = probe.see(format_args!("blocks.{index}.act"), activation.forward_maps(x));
            }
        }
        if let Some(norm) = &self.lrn {
            x = probe.see(format_args!("blocks.{index}.lrn"), norm.forward(x));
        }
        if let Some(dropout) = &self.dropout {
            x = probe.see(format_args!("blocks.{index}.dropout"), dropout.forward(x));
        }
        if let Some(pool) = &self.pool {
            x = probe.see(format_args!("blocks.{index}.pool"), pool.forward(x));
        }
        x
    }
}
