//! Contact sheets: many small pictures as one.

use ognivo_core::data::{Image, picture};

use crate::Result;

/// Pixels between pictures.
const GAP: usize = 2;

/// Pictures of one size in rows of `columns`, each pixel drawn as a square of `scale`, on a middle grey.
pub fn contact_sheet(images: &[Image], columns: usize, scale: usize) -> Result<Image> {
    let columns = columns.clamp(1, images.len().max(1));
    let scale = scale.max(1);
    let (width, height) =
        images.first().map_or((1, 1), |image| (image.width * scale + GAP, image.height * scale + GAP));
    let rows = images.len().div_ceil(columns).max(1);
    let (full_width, full_height) = (columns * width + GAP, rows * height + GAP);
    let mut sheet = Image::new(full_width, full_height, 3, vec![128; full_width * full_height * 3])?;
    for (position, image) in images.iter().enumerate() {
        let image = picture::to_channels(image, 3)?;
        let (left, top) = (position % columns * width + GAP, position / columns * height + GAP);
        for y in 0..image.height * scale {
            for x in 0..image.width * scale {
                let from = (y / scale * image.width + x / scale) * 3;
                let to = ((top + y) * sheet.width + left + x) * 3;
                sheet.pixels[to..to + 3].copy_from_slice(&image.pixels[from..from + 3]);
            }
        }
    }
    Ok(sheet)
}
