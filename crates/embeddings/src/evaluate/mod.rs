//! What vectors are worth: word analogies and similarities, classification of nodes, prediction of links, clusters.

pub mod clusters;
mod labels;
pub mod links;
mod logistic;
pub mod nodes;

pub use labels::Labels;
pub use logistic::LogisticRegression;
