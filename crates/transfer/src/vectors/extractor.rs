//! A network cut after one of its layers: pictures go in, vectors come out.

use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::augment::FloatImage;
use ognivo_cnn::image::inspect::unit_activations;
use ognivo_cnn::image::model::{Network, NetworkConfig};
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_cnn::layer::adaptive_average;
use ognivo_core::data::Image;
use ognivo_core::run::sha256;
use ognivo_core::weights::tensors_of;
use serde::{Deserialize, Serialize};

use crate::Result;

/// All that a vector depends on besides its picture. Vectors of different makers cannot be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maker {
    /// The network.
    pub network: NetworkConfig,
    /// SHA-256 of its weights and statistics with their names.
    pub weights: String,
    /// The stage or layer whose output is the vector.
    pub layer: String,
    /// Whether the output's channels are averaged over the picture, so that a vector has a number for each; else it has all numbers.
    pub pooled: bool,
    /// How pictures are prepared.
    pub preprocessing: Preprocessing,
}

impl Maker {
    /// The first thing in which two makers differ, with both sides.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let sides = |what: &str, own: &dyn std::fmt::Debug, others: &dyn std::fmt::Debug| {
            Some(format!("{what} {own:?} and {others:?}"))
        };
        match () {
            () if self.network != other.network => sides("network", &self.network, &other.network),
            () if self.weights != other.weights => sides("weights with the SHA-256", &self.weights, &other.weights),
            () if self.layer != other.layer => sides("layer", &self.layer, &other.layer),
            () if self.pooled != other.pooled => sides("averages over the picture", &self.pooled, &other.pooled),
            () if self.preprocessing != other.preprocessing => {
                sides("preprocessing", &self.preprocessing, &other.preprocessing)
            }
            () => None,
        }
    }
}

/// Makes vectors.
pub struct Extractor {
    network: Network,
    maker: Maker,
    /// The stages to run where the layer is one of those; a single layer is watched for in a whole forward pass.
    stages: Option<usize>,
    device: Device,
}

impl Extractor {
    /// The output of `layer` of `network`, in evaluation mode on `device`; without one of what the classifier sees. `pooled` as in [`Maker`].
    ///
    /// # Errors
    /// The network has no such stage and no such layer; lists those there are.
    pub fn new(
        network: Network,
        layer: Option<&str>,
        pooled: bool,
        preprocessing: Preprocessing,
        device: &Device,
    ) -> Result<Self> {
        let stages: Vec<&str> = match &network {
            Network::Backbone(backbone) => backbone.stages().iter().map(|stage| stage.name.as_str()).collect(),
            _ => Vec::new(),
        };
        let summary = network.summary(preprocessing.input())?;
        let before_last = |names: &[&str]| names[names.len().saturating_sub(2)].to_string();
        let layer = match layer {
            Some(layer) => layer.to_string(),
            None if !stages.is_empty() => before_last(&stages),
            None => before_last(&summary.layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>()),
        };
        let number = stages.iter().position(|&stage| stage == layer);
        if number.is_none() && summary.layer(&layer).is_err() {
            let names = summary.layers.iter().map(|layer| layer.name.as_str());
            let known: Vec<_> = stages.iter().copied().chain(names).collect();
            return Err(ognivo_cnn::Error::UnknownLayer { name: layer, known: known.join(", ") }.into());
        }
        let weights: Vec<_> = tensors_of(&network)
            .iter()
            .map(|(name, data)| format!("{name} {:?} {}", data.shape(), sha256(data.as_bytes())))
            .collect();
        let maker = Maker {
            network: network.config(),
            weights: sha256(weights.join("\n").as_bytes()),
            layer,
            pooled,
            preprocessing,
        };
        Ok(Self { stages: number.map(|number| number + 1), maker, network, device: device.clone() })
    }

    /// What its vectors depend on.
    pub fn maker(&self) -> &Maker {
        &self.maker
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Prepared pictures `[batch, channels, height, width]` to vectors `[batch, numbers, 1, 1]`.
    pub fn forward(&self, x: Tensor<4>) -> Result<Tensor<4>> {
        let y = match (self.stages, &self.network) {
            (Some(stages), Network::Backbone(backbone)) => backbone.forward_stages(0..stages, x),
            _ => unit_activations(&self.network, &self.maker.layer, x)?,
        };
        let [batch, channels, height, width] = y.dims();
        Ok(match self.maker.pooled {
            true if [height, width] != [1, 1] => adaptive_average(y, [1, 1]),
            _ => y.reshape([batch, channels * height * width, 1, 1]),
        })
    }

    /// The vector of one picture of any size.
    pub fn vector(&self, image: &Image) -> Result<Vec<f32>> {
        let preprocessing = &self.maker.preprocessing;
        let image = FloatImage::from(&preprocessing.fit(image)?);
        let mut values = vec![0.0; preprocessing.values()];
        preprocessing.normalise(image.pixels(), &mut values);
        let [channels, height, width] = image.shape();
        let x = Tensor::<1>::from_floats(values.as_slice(), &self.device).reshape([1, channels, height, width]);
        let vector = self.forward(x)?.into_data().convert::<f32>().try_into_vec_as::<f32>();
        Ok(vector.map_err(|error| ognivo_core::Error::Data(format!("a vector cannot be read: {error:?}")))?)
    }
}
