//! node2vec: vectors of the nodes of a graph from random walks (Grover and Leskovec 2016; DeepWalk, Perozzi, Al-Rfou and Skiena 2014,
//! is the case `p = q = 1`).
//!
//! In reading order: [`Graph`] and how it is [read](Graph::read), [`Walker`].

mod alias;
mod gml;
mod graph;
mod lines;
mod order;
mod read;
mod walks;

pub use graph::{Graph, GraphBuilder};
pub(crate) use lines::{Lines, error as line_error};
pub(crate) use read::fields;
pub use read::{GraphFormat, ReadOptions};
pub use walks::{WalkConfig, Walker};
