//! The network of PyTorch's MNIST example.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::probe::{Probe, activate_and_pool};
use crate::Result;
use crate::layer::{
    Activation, Aggregation, Boundary, Convolution, ConvolutionConfig, Dropout, Linear, LinearConfig, Pooling,
    PoolingConfig,
};

/// Settings of [`PytorchMnist`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PytorchMnistConfig {
    /// Probability of dropout after the pooling.
    pub dropout1: f64,
    /// Probability of dropout after the first dense layer.
    pub dropout2: f64,
}

impl Default for PytorchMnistConfig {
    fn default() -> Self {
        Self { dropout1: 0.25, dropout2: 0.5 }
    }
}

/// The network of `mnist/main.py` in github.com/pytorch/examples: two convolutions of 3 x 3 without padding to 32 and 64
/// channels, maximum pooling of 2 x 2, dense layers of 128 and the number of classes, dropout before each dense layer. 1 199 882
/// parameters on 28 x 28 grey pictures of ten classes. The example ends in a logarithmic softmax; here the loss takes it.
#[derive(Module, Debug)]
pub struct PytorchMnist {
    /// Channels of the picture to 32.
    pub conv1: Convolution,
    /// 32 to 64 channels.
    pub conv2: Convolution,
    pool: Pooling,
    dropout1: Dropout,
    dropout2: Dropout,
    /// To 128.
    pub fc1: Linear,
    /// To the classes.
    pub fc2: Linear,
    #[module(skip)]
    pub(super) config: PytorchMnistConfig,
}

impl PytorchMnistConfig {
    pub(super) fn plan(&self, plan: &mut Plan, classes: usize) -> Result<()> {
        let [conv1, conv2] = convolutions(plan.shape()[0]);
        plan.convolution("conv1", &conv1)?;
        plan.activation("relu1", Activation::Relu)?;
        plan.convolution("conv2", &conv2)?;
        plan.activation("relu2", Activation::Relu)?;
        plan.pooling("pool", "max", &PoolingConfig::new([2, 2]))?;
        plan.dropout("dropout1", self.dropout1)?;
        plan.linear("fc1", 128)?;
        plan.activation("relu3", Activation::Relu)?;
        plan.dropout("dropout2", self.dropout2)?;
        plan.linear("fc2", classes)
    }

    pub(super) fn init(&self, plan: &Plan, device: &Device) -> Result<PytorchMnist> {
        let [conv1, conv2] = convolutions(plan.inputs().channels);
        Ok(PytorchMnist {
            conv1: conv1.init(device)?,
            conv2: conv2.init(device)?,
            pool: PoolingConfig::new([2, 2]).init(Aggregation::Max)?,
            dropout1: Dropout::new(self.dropout1)?,
            dropout2: Dropout::new(self.dropout2)?,
            fc1: LinearConfig::new(plan.inputs_of("fc1"), 128).init(device)?,
            fc2: LinearConfig::new(128, plan.outputs_of_last()).init(device)?,
            config: self.clone(),
        })
    }
}

fn convolutions(channels: usize) -> [ConvolutionConfig; 2] {
    [[channels, 32], [32, 64]].map(|channels| ConvolutionConfig::new(channels, [3, 3]).with_boundary(Boundary::Valid))
}

impl PytorchMnist {
    pub(super) fn forward(&self, x: Tensor<4>, probe: &mut Probe) -> Tensor<2> {
        let relu = Activation::Relu;
        let x = probe.see("conv1", self.conv1.forward(x)); // [batch, 32, 26, 26]
        let x = probe.see("relu1", relu.forward_maps(x));
        let x = probe.see("conv2", self.conv2.forward(x)); // [batch, 64, 24, 24]
        let x = activate_and_pool(relu, &self.pool, x, ["relu2", "pool"], probe); // [batch, 64, 12, 12]
        let x = probe.see("dropout1", self.dropout1.forward(x));
        let x = probe.see("fc1", self.fc1.forward(x.flatten(1, 3)));
        let x = probe.see("relu3", relu.forward(x));
        let x = probe.see("dropout2", self.dropout2.forward(x));
        probe.see("fc2", self.fc2.forward(x))
    }
}
