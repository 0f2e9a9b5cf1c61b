//! Pictures as a generator sees them: square, of one size, values from -1 (black) to 1, in memory.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::TensorData;
use ognivo_cnn::image::data::open_source;
pub use ognivo_cnn::image::preprocess::common_shape;
use ognivo_core::Error;
use ognivo_core::cli::events::Output;
use ognivo_core::data::{self, Image, ImageOptions, ImageSet, ImageSplits, picture, split_stratified};

use super::shape::PictureShape;
use crate::Result;
use crate::measure::rows::Rows;

/// The set `source`: the digits that ship, a name of the index, or a path: whatever `classify-images` opens, and a folder of pictures
/// without classes.
///
/// # Errors
/// A name or a path that holds no pictures.
pub fn open(source: &str, output: &Output) -> Result<ImageSplits> {
    let options = ImageOptions::default();
    let path = Path::new(source);
    Ok(if path.exists() { data::open_pictures(path, &options)? } else { open_source(source, &options, output)? })
}

/// At most `limit` of some pictures, chosen at random, evenly over the classes.
///
/// # Errors
/// None for a limit of 1 and more.
pub fn limited(set: &Arc<dyn ImageSet>, limit: Option<usize>) -> Result<Arc<dyn ImageSet>> {
    match limit.filter(|&limit| limit < set.len()) {
        Some(limit) => Ok(Arc::new(split_stratified(set, limit as f64 / set.len() as f64, 0)?.1)),
        None => Ok(set.clone()),
    }
}

/// Pictures of one shape with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// Their form.
    pub shape: PictureShape,
    labels: Vec<usize>,
    /// Picture after picture, channel after channel.
    bytes: Vec<u8>,
}

impl Pictures {
    /// Reads the pictures of a set, each brought to the shape: grey or colour as that says, scaled without regard to its proportions.
    ///
    /// # Errors
    /// No picture at all; one that cannot be read.
    pub fn read(set: &dyn ImageSet, shape: &PictureShape) -> Result<Self> {
        Self::read_some(set, 0..set.len(), shape)
    }

    /// Reads those with the given indices.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_some(
        set: &dyn ImageSet,
        indices: impl IntoIterator<Item = usize>,
        shape: &PictureShape,
    ) -> Result<Self> {
        let (mut labels, mut bytes) = (Vec::new(), Vec::new());
        for index in indices {
            bytes.extend(planes(&set.image(index)?, shape)?);
            labels.push(set.label(index));
        }
        if labels.is_empty() {
            return Err(Error::Data("found no picture; expected at least one to learn from".into()).into());
        }
        Ok(Self { shape: shape.clone(), labels, bytes })
    }

    /// A single picture, brought to the shape likewise.
    ///
    /// # Errors
    /// A picture whose fields do not agree.
    pub fn of_image(image: &Image, shape: &PictureShape) -> Result<Self> {
        Ok(Self { shape: shape.clone(), labels: vec![0], bytes: planes(image, shape)? })
    }

    /// How many there are, at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The label of each.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The pictures with the given indices, `[count, channels, side, side]`, and their labels.
    pub fn batch(&self, indices: &[usize]) -> (TensorData, Vec<usize>) {
        let values = self.shape.values();
        let picture = |&index: &usize| self.bytes[index * values..(index + 1) * values].iter();
        let pixels: Vec<f32> = indices.iter().flat_map(picture).map(|&byte| f32::from(byte) / 127.5 - 1.0).collect();
        let PictureShape { channels, side, .. } = self.shape;
        let labels = indices.iter().map(|&index| self.labels[index]).collect();
        (TensorData::new(pixels, [indices.len(), channels, side, side]), labels)
    }

    /// Some of them, at least one.
    pub fn select(&self, indices: &[usize]) -> Self {
        let values = self.shape.values();
        let picture = |&index: &usize| self.bytes[index * values..(index + 1) * values].iter().copied();
        Self {
            shape: self.shape.clone(),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            bytes: indices.iter().flat_map(picture).collect(),
        }
    }

    /// The values of those in a range, from 0 to 1, a row for each picture.
    pub fn pixels(&self, range: Range<usize>) -> Rows {
        let values = self.shape.values();
        let bytes = &self.bytes[range.start * values..range.end * values];
        Rows::new(bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect(), values)
    }

    /// The values of all pictures, from -1 to 1, picture after picture.
    pub fn values(&self) -> Vec<f32> {
        self.bytes.iter().map(|&byte| f32::from(byte) / 127.5 - 1.0).collect()
    }

    /// One picture.
    ///
    /// # Errors
    /// None for an index below [`len`](Self::len).
    pub fn image(&self, index: usize) -> Result<Image> {
        let values = self.shape.values();
        from_planes(self.bytes[index * values..(index + 1) * values].iter().copied(), &self.shape)
    }
}

/// Pictures from values of which -1 is black and 1 white, picture after picture, channel after channel.
///
/// # Errors
/// None for values of whole pictures.
pub fn to_images(values: &[f32], shape: &PictureShape) -> Result<Vec<Image>> {
    let byte = |&value: &f32| ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8;
    values.chunks_exact(shape.values()).map(|picture| from_planes(picture.iter().map(byte), shape)).collect()
}

/// The bytes of a picture that is brought to the shape, channel after channel.
fn planes(image: &Image, shape: &PictureShape) -> Result<Vec<u8>> {
    let image = picture::to_channels(image, shape.channels)?;
    let image = picture::resize(&image, shape.side, shape.side)?;
    let plane = |channel: usize| image.pixels.iter().skip(channel).step_by(shape.channels);
    Ok((0..shape.channels).flat_map(plane).copied().collect())
}

fn from_planes(bytes: impl Iterator<Item = u8>, shape: &PictureShape) -> Result<Image> {
    let planes: Vec<u8> = bytes.collect();
    let area = shape.side * shape.side;
    let pixel = |position: usize| planes[position % shape.channels * area + position / shape.channels];
    Ok(Image::new(shape.side, shape.side, shape.channels, (0..planes.len()).map(pixel).collect())?)
}

#[cfg(test)]
mod tests {
    use ognivo_core::data::MemoryImages;

    use super::*;

    #[test]
    fn values_and_bytes_are_each_others_inverse() {
        let pixels: Vec<u8> = (0..2 * 8 * 8 * 3).map(|index| (index * 7 % 256) as u8).collect();
        let classes = vec!["a".to_string(), "b".to_string()];
        let set = MemoryImages::new("s", [8, 8, 3], pixels, vec![1, 0], classes).unwrap();
        let shape = PictureShape::of(&set, None).unwrap();
        assert_eq!((shape.channels, shape.side, shape.classes.len()), (3, 8, 2));
        let pictures = Pictures::read(&set, &shape).unwrap();
        assert_eq!(to_images(&pictures.values(), &shape).unwrap(), [set.image(0).unwrap(), set.image(1).unwrap()]);
        assert_eq!(pictures.image(1).unwrap(), set.image(1).unwrap());
        let (batch, labels) = pictures.batch(&[1, 0, 1]);
        assert_eq!((batch.shape().as_slice(), labels), ([3, 3, 8, 8].as_slice(), vec![0, 1, 0]));
        // The green of the second pixel of the last picture.
        let green = f32::from(set.image(1).unwrap().pixels[4]) / 127.5 - 1.0;
        assert_eq!(batch.as_slice::<f32>().unwrap()[64 + 1], green);
    }
}
