//! Texts to learn from.

pub mod planted;
