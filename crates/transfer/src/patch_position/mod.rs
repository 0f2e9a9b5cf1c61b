//! Learning without labels from where patches lie (Doersch, Gupta and Efros 2015, "Unsupervised visual representation learning by context
//! prediction", arXiv 1505.05192): of two patches of a picture, in which of eight directions does the second lie from the first?
//!
//! Whoever knows what is in the patches can tell; so to learn to tell is to learn what things look like. But there are ways around it: edges
//! that go on from one patch to the next, colours that change slowly, and lenses that shift colours towards the border of a picture. [`data`]
//! closes them as the paper does, [`shortcuts`] measures how far they would lead.
//!
//! Reading order: [`data`] (pairs of patches), [`model`], [`train`], [`shortcuts`]. What the network has learnt is a network for pictures like any
//! other ([`train::write_trunk`]): it is fine-tuned, searched and probed as those are.

pub mod data;
pub mod model;
pub mod shortcuts;
pub mod train;

pub use data::{Colour, PairBatcher, PairConfig};
pub use model::PatchPosition;
pub use train::{PatchConfig, PatchLearner};
