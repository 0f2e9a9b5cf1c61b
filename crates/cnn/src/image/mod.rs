//! Image classification: a picture goes in, a class comes out.
//!
//! Reading order: [`augment`] (variants of a picture), [`model`] (the networks), [`inspect`] (what is in them).

pub mod augment;
pub mod inspect;
pub mod model;
