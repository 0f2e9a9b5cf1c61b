//! A language model: a recurrent network that predicts the next character, byte, word or sub-word of a text, and so writes it.
//!
//! Mikolov et al. 2010, "Recurrent neural network based language model"; on characters Sutskever et al. 2011 and Karpathy 2015.
//!
//! Reading order: [`corpus`] and [`grammar`], where texts come from; [`vocabulary`], tokens; [`batch`]; [`model`]; [`train`] and
//! [`evaluate`], the loss; [`session`], one run; [`recipe`], settings; [`trained`], the result; [`generate`] and [`sample`].

pub mod batch;
pub mod model;
