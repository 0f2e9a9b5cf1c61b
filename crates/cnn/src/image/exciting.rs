//! The patches of pictures that excite a unit of a network most: what the unit has learnt to look for.

use ognivo_core::data::{Image, ImageSet};

use super::inspect::{Rectangle, unit_activations};
use super::trained::Trained;
use crate::{Error, Result};

/// Pictures in a forward pass.
const BATCH: usize = 64;

/// A part of a picture, and how strongly a unit answers to it.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The unit's output.
    pub activation: f32,
    /// What the unit sees: its receptive field, as far as it lies in the picture.
    pub image: Image,
    /// The class of the picture.
    pub class: String,
    /// Where the picture comes from.
    pub origin: String,
}

/// The `count` patches of `set` that excite channel `unit` of `layer` most, at most one from a picture, the strongest first.
///
/// # Errors
/// A layer or a channel that the network does not have.
pub fn patches(trained: &Trained, set: &dyn ImageSet, layer: &str, unit: usize, count: usize) -> Result<Vec<Patch>> {
    let input = trained.preprocessing.input();
    let summary = trained.network.summary(input)?;
    let layer_summary = summary.layer(layer)?;
    let [channels, _, columns] = layer_summary.output;
    if unit >= channels {
        return Err(Error::Setting {
            key: "unit".into(),
            found: unit.to_string(),
            expected: format!("below {channels}, the channels of {layer}"),
        });
    }
    let mut best: Vec<(f32, usize, Rectangle)> = Vec::new();
    for first in (0..set.len()).step_by(BATCH) {
        let last = set.len().min(first + BATCH);
        let images =
            (first..last).map(|index| trained.preprocessing.fit(&set.image(index)?)).collect::<Result<Vec<_>>>()?;
        let activations = unit_activations(&trained.network, layer, trained.input(&images))?;
        let [_, _, rows, _] = activations.dims();
        let values: Vec<f32> =
            activations.narrow(1, unit, 1).into_data().convert::<f32>().try_to_vec().unwrap_or_default();
        for (offset, map) in values.chunks_exact(rows * columns).enumerate() {
            let strongest = super::evaluate::argmax(map);
            let position = [strongest / columns, strongest % columns];
            best.push((map[strongest], first + offset, layer_summary.receptive_field.rectangle(position, input)));
        }
        best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        best.truncate(count);
    }
    let patch = |(activation, index, rectangle): (f32, usize, Rectangle)| {
        let image = trained.preprocessing.fit(&set.image(index)?)?;
        Ok(Patch {
            activation,
            image: cut(&image, rectangle)?,
            class: set.classes()[set.label(index)].clone(),
            origin: set.origin(index),
        })
    };
    best.into_iter().map(patch).collect()
}

/// A rectangle of a picture.
fn cut(image: &Image, rectangle: Rectangle) -> Result<Image> {
    let Rectangle { top, left, height, width } = rectangle;
    let row = |y: usize| {
        let start = ((top + y) * image.width + left) * image.channels;
        &image.pixels[start..start + width * image.channels]
    };
    Ok(Image::new(width, height, image.channels, (0..height).flat_map(|y| row(y).iter().copied()).collect())?)
}
