//! To be written.

pub mod suggest;
