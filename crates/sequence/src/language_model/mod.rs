//! A language model: a recurrent network that predicts the next character, byte, word or sub-word of a text, and so writes it.
//!
//! Mikolov et al. 2010, "Recurrent neural network based language model"; on characters Sutskever et al. 2011 and Karpathy 2015.
//!
//! Reading order: [`corpus`] and [`grammar`], where texts come from; [`vocabulary`], tokens; [`split`], what a run was trained on;
//! [`batch`]; [`model`]; [`train`] and [`evaluate`], the loss; [`recipe`], settings; [`session`], one run; [`trained`], the result;
//! [`sample`], [`generate`] and [`next`], texts; [`baseline`] and [`report`], what it is worth; [`inspect`],
//! what is inside.

pub mod baseline;
pub mod batch;
pub mod corpus;
pub mod evaluate;
pub mod generate;
pub mod grammar;
pub mod inspect;
pub mod model;
pub mod next;
pub mod recipe;
pub mod report;
pub mod sample;
pub mod session;
pub mod split;
pub mod train;
pub mod trained;
pub mod vocabulary;
