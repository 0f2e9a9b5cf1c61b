//! Whether a file's weights are a network's: every difference, and logits that can be compared with PyTorch's.

use std::fmt;

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_cnn::image::model::{InputShape, Network};
use ognivo_core::weights::Difference;

/// The picture whose logits are compared, `[1, channels, height, width]`: in row-major order, value number `i` is
/// `((7919 i) mod 2001 - 1000) / 1000`.
pub fn formula_picture(shape: InputShape, device: &Device) -> Tensor<4> {
    let InputShape { channels, height, width } = shape;
    let count = channels * height * width;
    let values: Vec<f32> = (0..count).map(|i| ((((7919 * i) % 2001) as f64 - 1000.0) / 1000.0) as f32).collect();
    Tensor::from_data(TensorData::new(values, [1, channels, height, width]), device)
}

/// The logits of the [`formula_picture`].
pub fn logits(network: &Network, shape: InputShape, device: &Device) -> Vec<f32> {
    network.forward(formula_picture(shape, device)).into_data().convert::<f32>().try_to_vec().unwrap_or_default()
}

/// A [`Difference`] as a line for people.
pub struct Line<'a>(pub &'a Difference);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Difference::Missing(name, shape) => write!(f, "missing     {name:.200} {shape:?}"),
            Difference::Unexpected(name, shape) => write!(f, "unexpected  {name:.200} {shape:?}"),
            Difference::Shape { name, found, expected } => {
                write!(f, "misshapen   {name:.200}: found {found:?}; expected {expected:?}")
            }
            Difference::Type(name, found) => write!(f, "no numbers  {name:.200}: found {}", found.name()),
        }
    }
}
