//! Looking into a network: its layers and their costs, its first filters, what a unit responds to.

use std::fmt;

use burn::tensor::Tensor;
use ognivo_core::data::Image;

use super::model::{InputShape, Network};
use crate::{Error, Result};

/// The layers of a network with their shapes and costs, computed from its configuration alone. Displays as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The pictures it is for.
    pub input: InputShape,
    /// In the order of computation.
    pub layers: Vec<LayerSummary>,
}

/// A row of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// The layer's name, which its parameters' names begin with: `conv1`, `layer1.0.bn2`.
    pub name: String,
    /// What it does: "convolution 5x5", "relu".
    pub kind: String,
    /// `[channels, height, width]` before it.
    pub input: [usize; 3],
    /// `[channels, height, width]` after it; a dense layer has height and width 1.
    pub output: [usize; 3],
    /// Trained numbers; running statistics are not counted.
    pub parameters: u64,
    /// Multiplications with a weight for one picture; layers without weights, normalisation and biases count 0, as is usual.
    pub multiply_adds: u64,
    /// The part of the picture that one of its outputs depends on.
    pub receptive_field: ReceptiveField,
}

/// The part of the picture that an output depends on: output `[i, j]` sees the rectangle of `size` whose top left pixel is
/// `start + step * [i, j]`, as far as it lies in the picture. (Under the boundaries `reflect` and `wrap` an output near an edge
/// sees further pixels, those that the boundary shows it.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// `[height, width]` in pixels.
    pub size: [usize; 2],
    /// Pixels between neighbouring outputs, down and right; 0 where there is only one output, which sees everything.
    pub step: [usize; 2],
    /// `[row, column]` of the first pixel that output `[0, 0]` sees; negative in the padding.
    pub start: [isize; 2],
}

/// Part of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ReceptiveField {
    /// Of a pixel: itself.
    pub const PIXEL: Self = Self { size: [1, 1], step: [1, 1], start: [0, 0] };

    /// All of a picture.
    pub fn whole(input: InputShape) -> Self {
        Self { size: [input.height, input.width], step: [0, 0], start: [0, 0] }
    }

    /// Lets a window slide over the outputs so far, along axis 0 (down) or 1 (right).
    pub(crate) fn slide(&mut self, axis: usize, window: usize, dilation: usize, stride: usize, padding: usize) {
        let step = self.step[axis];
        self.size[axis] = self.size[axis].saturating_add((window - 1).saturating_mul(dilation).saturating_mul(step));
        self.start[axis] = self.start[axis].saturating_sub_unsigned(padding.saturating_mul(step));
        self.step[axis] = step.saturating_mul(stride);
    }

    /// What output `[row, column]` sees of a picture of shape `input`; empty where it sees nothing but padding.
    pub fn rectangle(&self, position: [usize; 2], input: InputShape) -> Rectangle {
        let length = [input.height, input.width];
        let span = [0, 1].map(|axis| {
            let first = self.start[axis].saturating_add_unsigned(self.step[axis].saturating_mul(position[axis]));
            let end = first.saturating_add_unsigned(self.size[axis]);
            let inside = |place: isize| usize::try_from(place).unwrap_or(0).min(length[axis]);
            (inside(first), inside(end))
        });
        let [(top, bottom), (left, right)] = span;
        Rectangle { top, left, height: bottom - top, width: right - left }
    }
}

impl Summary {
    /// The row of layer `name`.
    ///
    /// # Errors
    /// No layer has that name; the error lists those there are.
    pub fn layer(&self, name: &str) -> Result<&LayerSummary> {
        self.layers.iter().find(|layer| layer.name == name).ok_or_else(|| {
            let known: Vec<_> = self.layers.iter().map(|layer| layer.name.as_str()).collect();
            Error::UnknownLayer { name: name.into(), known: known.join(", ") }
        })
    }

    /// Trained numbers in all.
    pub fn parameters(&self) -> u64 {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiply-adds for one picture in all.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.multiply_adds))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let InputShape { channels, height, width } = self.input;
        let shape = |[c, h, w]: [usize; 3]| if (h, w) == (1, 1) { c.to_string() } else { format!("{c} x {h} x {w}") };
        let count = |n: u64| if n == 0 { "-".to_string() } else { thousands(n) };
        let head = ["layer", "kind", "output", "parameters", "multiply-adds", "sees"].map(String::from);
        let input =
            ["input".into(), String::new(), shape([channels, height, width]), "-".into(), "-".into(), "1 x 1".into()];
        let total = [
            "total".into(),
            String::new(),
            String::new(),
            thousands(self.parameters()),
            thousands(self.multiply_adds()),
            String::new(),
        ];
        let layers = self.layers.iter().map(|layer| {
            let [rows, columns] = layer.receptive_field.size;
            [
                layer.name.clone(),
                layer.kind.clone(),
                shape(layer.output),
                count(layer.parameters),
                count(layer.multiply_adds),
                format!("{rows} x {columns}"),
            ]
        });
        let rows: Vec<[String; 6]> = [head, input].into_iter().chain(layers).chain([total]).collect();
        let mut widths = [0; 6];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.len());
            }
        }
        for (index, row) in rows.iter().enumerate() {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                // Names to the left, numbers to the right.
                line += &if column < 2 { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
            }
            writeln!(f, "{}", line.trim_end())?;
            if index == 0 || index + 2 == rows.len() {
                writeln!(f, "{}", "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)))?;
            }
        }
        Ok(())
    }
}

/// `61706` as `61 706`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// The filters of the network's first convolution as pictures, one for each output channel.
///
/// A filter on three channels is a colour picture; on any other number a grey one of the mean over its channels. Each filter has
/// its own scale: weight 0 is mid-grey (128) and the largest magnitude black (1) or white (255). Weights that are not finite
/// count as 0.
pub fn first_layer_filters(network: &Network) -> Result<Vec<Image>> {
    let weight = match network {
        Network::Standard(network) => network.blocks.first().map(|block| block.conv.weight.val()),
        Network::LeNet5(network) => Some(network.conv1.weight.val()),
        Network::PytorchMnist(network) => Some(network.conv1.weight.val()),
        Network::Backbone(network) => network.first_convolution().map(|convolution| convolution.weight.val()),
    };
    let Some(weight) = weight else { return Ok(Vec::new()) };
    let [_, channels_in, height, width] = weight.dims();
    let (weight, channels) = if channels_in == 3 { (weight, 3) } else { (weight.mean_dim(1), 1) };
    let values = weight
        .permute([0, 2, 3, 1])
        .into_data()
        .try_into_vec_as::<f32>()
        .map_err(|error| Error::layer("first convolution", format!("{error:?}"), "readable weights"))?;
    let picture = |filter: &[f32]| {
        let largest = filter.iter().filter(|w| w.is_finite()).fold(0.0_f32, |largest, w| largest.max(w.abs()));
        let grey = |&w: &f32| match largest > 0.0 && w.is_finite() {
            true => (128.0 + 127.0 * w / largest).round() as u8,
            false => 128,
        };
        Image { width, height, channels, pixels: filter.iter().map(grey).collect() }
    };
    Ok(values.chunks_exact(height * width * channels).map(picture).collect())
}

/// The outputs of `layer`, a name in the network's [`Summary`], for pictures `x`: `[batch, channels, height, width]`; of a dense layer
/// `[batch, features, 1, 1]`.
///
/// Together with the layer's [`ReceptiveField`] this finds the patches that excite a unit most: the largest outputs of a channel
/// and what they see.
///
/// # Errors
/// The network has no such layer.
pub fn unit_activations(network: &Network, layer: &str, x: Tensor<4>) -> Result<Tensor<4>> {
    let mut found = None;
    let mut names = Vec::new();
    network.forward_watched(x, |name, output| {
        if name == layer {
            found = Some(output);
        }
        names.push(name.to_string());
    });
    found.ok_or_else(|| Error::UnknownLayer { name: layer.into(), known: names.join(", ") })
}
