//! Images as vectors: what a layer of a network makes of pictures, and which pictures are near each other in it.
//!
//! A picture with its name is a word with its vector, so that files, neighbours and maps are those of [`ognivo_embeddings`]. Reading order:
//! [`extractor`] (a network cut after a layer), [`files`] (which pictures), [`index`] (their vectors in a folder, brought up to date),
//! [`recall`] (whether neighbours are of one class).

pub mod extractor;
pub mod files;
pub mod index;
pub mod recall;

pub use extractor::{Extractor, Maker};
pub use files::PictureFiles;
pub use index::{Source, VectorIndex};
