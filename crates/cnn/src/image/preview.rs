//! What augmentation does, as a picture.

use ognivo_core::data::{Image, ImageSet};
use ognivo_core::random;

use super::augment::AugmentConfig;
use super::preprocess::Preprocessing;
use super::sheet::contact_sheet;
use crate::Result;

/// The side that pictures are enlarged to about, so that single pixels can be seen.
const SIDE: usize = 64;

/// A row for each picture of `set`: the original, then `versions` augmented ones, as `versions` epochs of training would see them.
pub fn augmented_sheet(set: &dyn ImageSet, augment: &AugmentConfig, versions: u64, seed: u64) -> Result<Image> {
    let preprocessing = Preprocessing::measure(set, None)?;
    let Preprocessing { channels, height, width, .. } = preprocessing;
    let mut images = Vec::new();
    for index in 0..set.len() {
        let original = preprocessing.fit(&set.image(index)?)?;
        let mut planes = vec![0f32; preprocessing.values()];
        for epoch in 0..versions {
            preprocessing.planes(&original, &mut planes);
            augment.apply(&mut planes, [channels, height, width], &mut random::stream(seed, &[epoch, index as u64]));
            let mut pixels = vec![0; planes.len()];
            for (position, pixel) in pixels.iter_mut().enumerate() {
                let (area, channel) = (position / channels, position % channels);
                *pixel = (planes[channel * height * width + area] * 255.0).round().clamp(0.0, 255.0) as u8;
            }
            if epoch == 0 {
                images.push(original.clone());
            }
            images.push(Image::new(width, height, channels, pixels)?);
        }
    }
    contact_sheet(&images, versions as usize + 1, (SIDE / height.max(width)).max(1))
}
