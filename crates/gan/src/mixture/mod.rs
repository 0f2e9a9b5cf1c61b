//! The exactly known game: mixtures of normal distributions, whose density is given.
//!
//! Whatever a generator for pictures hides can be looked up here: which modes it has found, how far its samples lie from them, and how near
//! the discriminator comes to `p / (p + q)`, the best there is against a generator of density `q` (Goodfellow et al. 2014,
//! proposition 1), and the game's value to `-ln 4`, which it takes where `q = p` (theorem 1).
//!
//! Reading order: [`target`] (the mixtures), [`model`] (the two networks), [`density`] (what a generator's density is), [`measure`],
//! [`settle`] (the discriminator against a fixed generator), [`game`] (training), [`picture`], [`report`].

pub mod density;
pub mod game;
pub mod measure;
pub mod model;
pub mod picture;
pub mod report;
pub mod settle;
pub mod target;
