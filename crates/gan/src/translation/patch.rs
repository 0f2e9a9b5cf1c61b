//! The discriminator: one judgement for every patch (PatchGAN, Isola et al. 2017, section 3.2.2), by strided convolutions and two of stride 1.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ognivo_cnn::layer::Convolution;

use super::unet::{Down, window};
use crate::{Error, Result};

/// Sides of patches, in pixels, with one strided convolution, two and three.
pub const PATCHES: [usize; 3] = [16, 34, 70];

/// Pictures to logits of their patches.
#[derive(Module, Debug)]
pub struct PatchDiscriminator {
    layers: Vec<Down>,
    output: Convolution,
}

impl PatchDiscriminator {
    /// For pictures of `channels`, input and output together, and of `side` pixels; a judgement sees `patch` of them. Channels begin at `filters` and
    /// double from layer to layer.
    ///
    /// # Errors
    /// A patch that is none of [`PATCHES`]; pictures so small that no judgement is left.
    pub fn new(channels: usize, side: usize, filters: usize, patch: usize, device: &Device) -> Result<Self> {
        let strided = strided(side, patch)?;
        let mut layers = Vec::with_capacity(strided + 1);
        let mut from = channels;
        for level in 0..=strided {
            let to = filters << level;
            let stride = if level < strided { 2 } else { 1 };
            layers.push(Down::new([from, to], stride, level > 0, device)?);
            from = to;
        }
        Ok(Self { layers, output: window([from, 1], 1, true).init(device)? })
    }

    /// `[batch, channels, side, side]` to `[batch * patches, 1]`.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let features = self.layers.iter().fold(pictures, |x, layer| layer.forward(x));
        let logits = self.output.forward(features);
        let count = logits.shape().num_elements();
        logits.reshape([count, 1])
    }
}

/// Strided convolutions for a patch, where pictures of `side` pixels are large enough for them.
pub(super) fn strided(side: usize, patch: usize) -> Result<usize> {
    let position = PATCHES.iter().position(|&known| known == patch);
    let strided = 1 + position.ok_or_else(|| Error::setting("model.patch", patch, "16, 34 or 70 pixels"))?;
    // Each of the two layers of stride 1 takes a place off.
    if (side >> strided) < 3 {
        let expected = format!("a smaller patch for pictures of {side} pixels");
        return Err(Error::setting("model.patch", patch, expected));
    }
    Ok(strided)
}
