//! A language model.

pub mod corpus;
pub mod grammar;
