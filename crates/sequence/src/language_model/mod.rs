//! A language model: a recurrent network that predicts the next character, byte, word or sub-word of a text, and so writes it.
//!
//! Mikolov et al. 2010, "Recurrent neural network based language model"; on characters Sutskever et al. 2011 and Karpathy 2015.
//!
//! Reading order: [`corpus`] and [`grammar`], where texts come from; [`vocabulary`], tokens; [`batch`]; [`model`]; [`train`] and
//! [`evaluate`], the loss; [`sample`], [`generate`] and [`next`], texts.

pub mod batch;
pub mod corpus;
pub mod evaluate;
pub mod generate;
pub mod grammar;
pub mod model;
pub mod next;
pub mod sample;
pub mod train;
pub mod vocabulary;
