//! Image classification: a picture goes in, a class comes out.
//!
//! Reading order: [`data`] (opening a set), [`preprocess`] (any picture to a network's input), [`augment`], [`batch`],
//! [`model`] (the networks), [`train`] (configuration, loss, validation), [`session`] (one run), [`evaluate`], [`report`], [`trained`]
//! (a run in use), [`inspect`] and [`exciting`] (what is in a network).

pub mod augment;
pub mod batch;
pub mod data;
pub mod evaluate;
pub mod exciting;
pub mod inspect;
pub mod model;
pub mod preprocess;
pub mod preview;
pub mod recipe;
pub mod report;
pub mod session;
pub mod sheet;
pub mod train;
pub mod trained;
