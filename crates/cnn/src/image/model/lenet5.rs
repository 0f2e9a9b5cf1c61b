//! LeNet-5.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::probe::{Probe, activate_and_pool};
use super::standard::PoolingKind;
use crate::layer::{
    Activation, Aggregation, Boundary, Convolution, ConvolutionConfig, Linear, LinearConfig, Pooling, PoolingConfig,
};
use crate::{Error, Result};

/// Settings of [`LeNet5`]. The default is the network as it is written today: ReLU, maximum pooling, pictures of 28 x 28
/// surrounded by two zeros. LeCun et al. 1998 is nearest with
/// `{"network": "lenet5", "activation": "lecun-tanh", "pooling": "average", "boundary": "valid"}` on pictures of 32 x 32.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeNet5Config {
    /// After each convolution and dense layer but the last.
    pub activation: Activation,
    /// `max`, `average` or `l2`, over 2 x 2.
    pub pooling: PoolingKind,
    /// Of the first convolution: `zero` suits 28 x 28, `valid` the paper's 32 x 32. The second is always `valid`.
    pub boundary: Boundary,
}

impl Default for LeNet5Config {
    fn default() -> Self {
        Self { activation: Activation::Relu, pooling: PoolingKind::Max, boundary: Boundary::Zero }
    }
}

/// LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", section II.B):
/// two convolutions of 5 x 5 to 6 and 16 channels, each with activation and pooling of 2 x 2, then dense layers of 120, 84 and the
/// number of classes. 61 706 parameters for ten classes.
///
/// Today's customs differ from the paper in more than the settings undo: there each pooled map has a factor, a shift and an
/// activation of its own, the second convolution sees only chosen maps, and the output is a distance to drawn digits.
#[derive(Module, Debug)]
pub struct LeNet5 {
    /// Channels of the picture to 6.
    pub conv1: Convolution,
    /// 6 to 16 channels.
    pub conv2: Convolution,
    pool: Pooling,
    /// To 120.
    pub fc1: Linear,
    /// To 84.
    pub fc2: Linear,
    /// To the classes.
    pub fc3: Linear,
    #[module(skip)]
    pub(super) config: LeNet5Config,
}

impl LeNet5Config {
    pub(super) fn plan(&self, plan: &mut Plan, classes: usize) -> Result<()> {
        let [conv1, conv2] = self.convolutions(plan.shape()[0]);
        let pool = PoolingConfig::new([2, 2]);
        self.aggregation()?;
        plan.convolution("conv1", &conv1)?;
        plan.activation("act1", self.activation)?;
        plan.pooling("pool1", self.pooling.name(), &pool)?;
        plan.convolution("conv2", &conv2)?;
        plan.activation("act2", self.activation)?;
        plan.pooling("pool2", self.pooling.name(), &pool)?;
        plan.linear("fc1", 120)?;
        plan.activation("act3", self.activation)?;
        plan.linear("fc2", 84)?;
        plan.activation("act4", self.activation)?;
        plan.linear("fc3", classes)
    }

    pub(super) fn init(&self, plan: &Plan, device: &Device) -> Result<LeNet5> {
        let [conv1, conv2] = self.convolutions(plan.inputs().channels);
        Ok(LeNet5 {
            conv1: conv1.init(device)?,
            conv2: conv2.init(device)?,
            pool: PoolingConfig::new([2, 2]).init(self.aggregation()?)?,
            fc1: LinearConfig::new(plan.inputs_of("fc1"), 120).init(device)?,
            fc2: LinearConfig::new(120, 84).init(device)?,
            fc3: LinearConfig::new(84, plan.outputs_of_last()).init(device)?,
            config: self.clone(),
        })
    }

    fn aggregation(&self) -> Result<Aggregation> {
        self.pooling.aggregation().ok_or_else(|| Error::setting("pooling", self.pooling.name(), "max, average, l2"))
    }

    fn convolutions(&self, channels: usize) -> [ConvolutionConfig; 2] {
        [
            ConvolutionConfig::new([channels, 6], [5, 5]).with_boundary(self.boundary),
            ConvolutionConfig::new([6, 16], [5, 5]).with_boundary(Boundary::Valid),
        ]
    }
}

impl LeNet5 {
    pub(super) fn forward(&self, x: Tensor<4>, probe: &mut Probe) -> Tensor<2> {
        let activation = self.config.activation;
        let x = probe.see("conv1", self.conv1.forward(x)); // [batch, 6, 28, 28]
        let x = activate_and_pool(activation, &self.pool, x, ["act1", "pool1"], probe); // [batch, 6, 14, 14]
        let x = probe.see("conv2", self.conv2.forward(x)); // [batch, 16, 10, 10]
        let x = activate_and_pool(activation, &self.pool, x, ["act2", "pool2"], probe); // [batch, 16, 5, 5]
        let x = probe.see("fc1", self.fc1.forward(x.flatten(1, 3)));
        let x = probe.see("act3", activation.forward(x));
        let x = probe.see("fc2", self.fc2.forward(x));
        let x = probe.see("act4", activation.forward(x));
        probe.see("fc3", self.fc3.forward(x))
    }
}
