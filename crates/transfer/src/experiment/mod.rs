//! When transfer helps: experiments of many trainings, each of which a figure is wanted of and nothing else.
//!
//! [`curve`]: accuracy against the number of examples of the new task. [`transferability`]: which layers are general (Yosinski et al. 2014).
//! [`worth`]: what features are worth to a linear classifier, a nearest neighbour, and fine-tuning with few labels. All are made of [`trial`] (one training) and [`ledger`] (the figures so far, so that an experiment that was stopped goes on).

pub mod curve;
pub mod ledger;
pub mod transferability;
pub mod trial;
pub mod worth;

pub use ledger::{Ledger, Share};
pub use trial::Trial;
