//! One picture into another, learnt from pairs (Isola, Zhu, Zhou and Efros 2017): a drawing into a photograph, a pose into a frame.
//!
//! The generator is given a picture in place of noise, and two things draw it to the picture that belongs to it: the mean absolute difference,
//! and a discriminator that sees input and output side by side and judges every patch of them. Items of the game are such pairs, one after the
//! other along the channels.
//!
//! Reading order: [`pairs`] (what is learnt from), [`edges`] and [`sprites`] (pairs that are made here), [`unet`] and [`patch`] (the networks),
//! [`model`] (their settings), [`game`] (training), [`translator`] (a trained generator in use), [`evaluate`] (measured), [`report`].

pub mod edges;
pub mod evaluate;
pub mod game;
pub mod model;
pub mod pairs;
pub mod patch;
pub mod report;
pub mod sprites;
pub mod translator;
pub mod unet;
