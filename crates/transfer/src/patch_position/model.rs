//! The network: one trunk for both patches, and what compares them.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_cnn::layer::{Linear, LinearConfig};
use ognivo_core::Error;

use crate::Result;

/// Two copies of a trunk with the same weights, of which neither sees the other's patch; what both make of theirs meets in two dense layers.
/// These see the trunk's maps before they are averaged: where something lies in a patch tells much of what is beside it.
#[derive(Module, Debug)]
pub struct PatchPosition {
    /// A network for pictures; its classifier is not used.
    pub trunk: Network,
    /// From the features of both, one after the other.
    pub hidden: Linear,
    /// The logits of the eight directions.
    pub output: Linear,
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
        let network = trunk.init(patch, classes, device)?;
        let InputShape { channels, height, width } = patch;
        let features = match &network {
            Network::Backbone(backbone) => {
                // A pass over nothing much: the size of the maps depends on the network and the patch.
                let plain = device.clone().inner();
                let probe = trunk.init(patch, classes, &plain)?;
                let Network::Backbone(probe) = &probe else { return Err(no_stages(backbone.config())) };
                probe.maps(Tensor::zeros([1, channels, height, width], &plain)).dims()[1..].iter().product::<usize>()
            }
            other => return Err(no_stages(&other.config())),
        };
        if hidden == 0 {
            return Err(Error::Config("hidden: found 0; expected at least 1".into()).into());
        }
        Ok(Self {
            trunk: network,
            hidden: LinearConfig::new(2 * features, hidden).init(device)?,
            output: LinearConfig::new(hidden, 8).init(device)?,
        })
    }

    /// Patches `[2 pairs, channels, side, side]`, all first ones before all second ones, to logits `[pairs, 8]`.
    pub fn forward(&self, patches: Tensor<4>) -> Tensor<2> {
        let [both, ..] = patches.dims();
        let features = match &self.trunk {
            Network::Backbone(backbone) => backbone.maps(patches).flatten(1, 3),
            network => network.forward(patches),
        };
        let [first, second] = [0, both / 2].map(|start| features.clone().narrow(0, start, both / 2));
        let joined =
            ognivo_cnn::layer::Activation::Relu.forward(self.hidden.forward(Tensor::cat(vec![first, second], 1)));
        self.output.forward(joined)
    }
}

fn no_stages(config: &NetworkConfig) -> crate::Error {
    Error::Config(format!("{} has no features to take; try resnet20 or alexnet", config.name())).into()
}
