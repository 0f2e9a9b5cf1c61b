//! The network: one trunk for both patches, and what compares them.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_cnn::layer::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use ognivo_core::Error;

use crate::Result;

/// Two copies of a trunk with the same weights, of which neither sees the other's patch, each with a dense layer (the paper's fc6); what both
/// make of theirs meets in two more. The trunk's features are means over the patch: kept maps would let the dense layers do what the trunk should learn.
#[derive(Module, Debug)]
pub struct PatchPosition {
    /// A network for pictures; its classifier is not used.
    pub trunk: Network,
    /// From the features of one patch.
    pub each: Dense,
    /// From what was made of both, one after the other.
    pub both: Dense,
    /// The logits of the eight directions.
    pub output: Linear,
}

/// A dense layer, batch normalisation, rectified.
#[derive(Module, Debug)]
pub struct Dense {
    /// Without biases, which the normalisation has.
    pub linear: Linear,
    /// Of its outputs.
    pub norm: BatchNorm,
}

impl PatchPosition {
    /// Draws the weights from the device's random state. `classes` is what the trunk's unused classifier tells apart.
    ///
    /// # Errors
    /// The trunk cannot be built for `patch`, or has no stages.
    pub fn init(
        trunk: &NetworkConfig,
        patch: InputShape,
        classes: usize,
        hidden: usize,
        device: &Device,
    ) -> Result<Self> {
        let trunk = trunk.init(patch, classes, device)?;
        let features = match &trunk {
            Network::Backbone(backbone) => backbone.feature_count(),
            other => {
                let name = other.config().name();
                return Err(Error::Config(format!("{name} has no features to take; try resnet20 or alexnet")).into());
            }
        };
        if hidden == 0 {
            return Err(Error::Config("hidden: found 0; expected at least 1".into()).into());
        }
        Ok(Self {
            trunk,
            each: Dense::init(features, hidden, device)?,
            both: Dense::init(2 * hidden, hidden, device)?,
            output: LinearConfig::new(hidden, 8).init(device)?,
        })
    }

    /// Patches `[2 pairs, channels, side, side]`, all first ones before all second ones, to logits `[pairs, 8]`.
    pub fn forward(&self, patches: Tensor<4>) -> Tensor<2> {
        let [first, second] = self.halves(patches);
        self.compare(first, second)
    }

    /// As [`forward`](Self::forward), then of the same pairs turned round, for which the trunk need not compute again: `[2 pairs, 8]`.
    pub fn forward_both_ways(&self, patches: Tensor<4>) -> Tensor<2> {
        let [first, second] = self.halves(patches);
        let turned = Tensor::cat(vec![second.clone(), first.clone()], 0);
        self.compare(Tensor::cat(vec![first, second], 0), turned)
    }

    fn halves(&self, patches: Tensor<4>) -> [Tensor<2>; 2] {
        let pairs = patches.dims()[0] / 2;
        let features = match &self.trunk {
            Network::Backbone(backbone) => backbone.features(patches),
            network => network.forward(patches),
        };
        let made = self.each.forward(features);
        [0, pairs].map(|start| made.clone().narrow(0, start, pairs))
    }

    fn compare(&self, first: Tensor<2>, second: Tensor<2>) -> Tensor<2> {
        self.output.forward(self.both.forward(Tensor::cat(vec![first, second], 1)))
    }
}

impl Dense {
    fn init(inputs: usize, outputs: usize, device: &Device) -> Result<Self> {
        Ok(Self {
            linear: LinearConfig::new(inputs, outputs).with_bias(false).init(device)?,
            norm: BatchNormConfig::new(outputs).init(device)?,
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.norm.forward_vectors(self.linear.forward(x), 0.0)
    }
}
