//! What augmentation does, as a picture.

use ognivo_core::data::{Image, ImageSet};

use super::augment::{Augment, FloatImage};
use super::preprocess::Preprocessing;
use super::sheet::contact_sheet;
use crate::Result;

/// The side that pictures are enlarged to about, so that single pixels can be seen.
const SIDE: usize = 64;

/// A row for each picture of `set`: the original, then `versions` augmented ones, as `versions` epochs of training would see them.
pub fn augmented_sheet(set: &dyn ImageSet, augment: &Augment, versions: u64, seed: u64) -> Result<Image> {
    let preprocessing = Preprocessing::measure(set, None)?;
    let mut images = Vec::new();
    for index in 0..set.len() {
        let original = preprocessing.fit(&set.image(index)?)?;
        images.push(original.clone());
        for epoch in 0..versions {
            let mut image = FloatImage::from(&original);
            augment.replay(&mut image, seed, epoch, index);
            images.push(image.to_image()?);
        }
    }
    contact_sheet(&images, versions as usize + 1, (SIDE / preprocessing.height.max(preprocessing.width)).max(1))
}
