//! Data formats: labelled images from IDX, CIFAR and folder-per-class, and tables with a label column.

mod cifar;
mod folder;
mod idx;
mod picture;
mod table;

use crate::Result;

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
