//! What vectors are worth: word analogies and similarities, classification of nodes, prediction of links.

pub mod analogies;
mod folded;
pub mod similarity;
