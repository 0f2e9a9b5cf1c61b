//! Data formats: labelled images from IDX, CIFAR and folder-per-class, and tables with a label column.
//!
//! [`open_images`] is the front door: it recognises by content which layout a path holds and returns
//! [`ImageSplits`]. Every set behind it is an [`ImageSet`]. [`digits()`] is the set that ships with the code.
//! [`read_bytes`] reads any other file, gzip or plain.
//!
//! ```
//! use ognivo_core::data::{self, ImageSet};
//!
//! let splits = data::digits()?;
//! assert_eq!(splits.train.len() + splits.test.as_ref().map_or(0, |test| test.len()), 1797);
//! let picture = splits.train.image(0)?;
//! assert_eq!((picture.width, picture.height, picture.channels), (8, 8, 1));
//! # Ok::<(), ognivo_core::Error>(())
//! ```

pub mod cifar;
mod digits;
pub mod folder;
pub mod idx;
mod open;
pub mod picture;
mod sets;
mod source;
pub mod table;
mod tiny_imagenet;

use crate::{Error, Result};

pub(crate) use digits::DIGITS;
pub use digits::digits;
pub use open::{ImageOptions, ImageSplits, Layout, open_images, open_pictures};
pub use sets::{ClassSubset, MemoryImages, Subset, split_stratified};
pub use source::read_bytes;

/// A picture: 8 bits a channel, rows from the top, channels interleaved (H, W, C).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `height * width * channels` bytes.
    pub pixels: Vec<u8>,
}

impl Image {
    /// A picture from its parts.
    ///
    /// # Errors
    /// A side of zero, channels other than 1 or 3, or `pixels` not of `height * width * channels` bytes.
    pub fn new(width: usize, height: usize, channels: usize, pixels: Vec<u8>) -> Result<Self> {
        let image = Self { width, height, channels, pixels };
        image.check()?;
        Ok(image)
    }

    /// Says whether the fields agree with each other, which the type cannot promise: they are public.
    pub(crate) fn check(&self) -> Result<()> {
        let size = pixel_bytes(self.width, self.height, self.channels);
        if size == Some(self.pixels.len()) && size != Some(0) && matches!(self.channels, 1 | 3) {
            return Ok(());
        }
        Err(Error::Data(format!(
            "a picture of {} x {} pixels with {} channels cannot stand on {} bytes",
            self.width,
            self.height,
            self.channels,
            self.pixels.len()
        )))
    }
}

/// `width * height * channels`, if that fits.
pub(crate) fn pixel_bytes(width: usize, height: usize, channels: usize) -> Option<usize> {
    width.checked_mul(height)?.checked_mul(channels)
}

/// Labelled pictures with random access; what a loader's worker threads read from.
///
/// Pictures may differ in size and number of channels: whoever batches them adapts them.
pub trait ImageSet: Send + Sync {
    /// How many pictures there are.
    fn len(&self) -> usize;
    /// The class of picture `index`, below `classes().len()`.
    fn label(&self, index: usize) -> usize;
    /// Reads or decodes picture `index`.
    fn image(&self, index: usize) -> Result<Image>;
    /// Class names, in the order of their labels.
    fn classes(&self) -> &[String];
    /// Where picture `index` comes from, for messages and reports: a path, or `name[index]`.
    fn origin(&self, index: usize) -> String;
    /// Whether there is nothing in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
