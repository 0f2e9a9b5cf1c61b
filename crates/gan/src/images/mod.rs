//! Generators of pictures: the fully connected networks of the first paper (Goodfellow et al. 2014), DCGAN (Radford et al. 2016), and a
//! conditional DCGAN that is told the class (Mirza and Osindero 2014).
//!
//! Reading order: [`data`] (pictures as the networks see them), [`shape`] (what a run generates), [`mlp`] and [`dcgan`] (the networks),
//! [`model`] (which of them), [`game`] (training), [`sample`] (a trained generator in use), [`evaluate`] (measured), [`animation`],
//! [`report`].

pub mod animation;
pub mod data;
pub mod dcgan;
pub mod evaluate;
pub mod game;
pub mod mlp;
pub mod model;
pub mod report;
pub mod sample;
pub mod shape;
