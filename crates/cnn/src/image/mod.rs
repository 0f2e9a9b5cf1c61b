//! Image classification: a picture goes in, a class comes out.
//!
//! Reading order: [`model`] (the networks), [`inspect`] (what is in them).

pub mod inspect;
pub mod model;
