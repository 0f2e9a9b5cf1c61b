//! Image classification: a picture goes in, a class comes out.
//!
//! Reading order: [`data`] (opening a set), [`preprocess`] (any picture to a network's input), [`augment`], [`fitted`], [`batch`],
//! [`model`] (the networks), [`train`] (configuration, loss, validation), [`recipe`], [`session`] (one run), [`evaluate`],
//! [`trained`] (a run in use), [`report`], [`inspect`] and [`exciting`] (what is in a network).

pub mod augment;
pub mod batch;
pub mod data;
pub mod evaluate;
pub mod exciting;
pub mod fitted;
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
