//! Convolutional networks.

pub mod image;
