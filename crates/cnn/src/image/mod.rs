//! Image classification.

pub mod augment;
