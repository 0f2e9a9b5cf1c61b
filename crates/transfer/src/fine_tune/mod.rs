//! Fine-tuning: a network that was trained on one set of pictures learns the classes of another.
//!
//! The lecture's two objectives are [`Train::Head`] (the features' parameters alpha stay, the classifier's beta' are learned) and
//! [`Train::All`] (both are learned, alpha from where it was). Reading order: [`origin`] (where the network comes from), [`settings`] (what of
//! it learns when), [`freeze`], [`features`] (what frozen stages put out, computed once), [`learner`], [`session`] (one run).
//!
//! A run directory is that of image classification with one file more, `transfer.json`.

pub mod features;
pub mod freeze;
pub mod learner;
pub mod origin;
pub mod session;
pub mod settings;

pub use settings::{Settings, Train};
