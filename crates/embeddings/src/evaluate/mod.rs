//! What vectors are worth: word analogies and similarities, classification of nodes, prediction of links, clusters.

pub mod analogies;
pub mod clusters;
mod folded;
mod labels;
pub mod links;
mod logistic;
pub mod nodes;
pub mod similarity;

pub use labels::Labels;
pub use logistic::LogisticRegression;
