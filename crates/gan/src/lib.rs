//! Generative adversarial networks: a generator turns noise into items, a discriminator tells them from real ones, and each learns from the
//! other (Goodfellow et al. 2014).
//!
//! Reading order: [`objective`] (what the players want), [`game`] (what training needs to know of a game), [`config`], [`train`] (the
//! loop), [`mixture`] (the game whose answer is known exactly), [`images`] (pictures), [`measure`] (of pictures), [`recipe`],
//! [`translation`] (one picture into another), [`texture`] (like one picture); beside them [`lipschitz`] and [`spectral`] (two ways to bound the
//! discriminator's slope), [`average`] (of the generator's weights), [`collapse`] (when training has failed), [`noise`], [`report`].
//!
//! ```
//! use ognivo_gan::mixture::target::Mixture;
//! use ognivo_gan::objective::Objective;
//!
//! // Eight Gaussians on a circle. Where the generator makes as many points as there are, the best discriminator says one half.
//! let ring = Mixture::named("ring", Some(0.02))?;
//! let p = ring.density(&[2.0, 0.0]);
//! assert!(p > 0.1);
//! assert_eq!(Objective::Minimax.optimum(p, p, 0.0), Some(0.5));
//! // Which is a logit of 0.
//! assert_eq!(Objective::Minimax.opinion(0.0), 0.5);
//! # Ok::<(), ognivo_gan::Error>(())
//! ```

pub mod average;
pub mod collapse;
pub mod config;
mod error;
pub mod game;
pub mod images;
pub mod lipschitz;
pub mod measure;
pub mod mixture;
pub mod noise;
pub mod objective;
mod passes;
pub mod recipe;
pub mod report;
pub mod spectral;
pub mod texture;
pub mod train;
pub mod translation;

pub use error::{Error, Result};
