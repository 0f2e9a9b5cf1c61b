//! node2vec: vectors of the nodes of a graph from random walks (Grover and Leskovec 2016; DeepWalk, Perozzi, Al-Rfou and Skiena 2014,
//! is the case `p = q = 1`).
//!
//! In reading order: [`Graph`] and how it is [read](Graph::read), [`Walker`], [`train`] and its [`Node2VecConfig`].
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use ognivo_embeddings::train::Engine;
//! use ognivo_embeddings::node2vec::{GraphBuilder, Node2VecConfig, WalkSentences, Walker, train};
//!
//! let mut builder = GraphBuilder::new(false, false);
//! let (a, b) = (builder.node("a"), builder.node("b"));
//! builder.edge(a, b, 1.0)?;
//! let graph = builder.build()?;
//! let config = Node2VecConfig::default();
//! let walker = Walker::new(&graph, config.walk())?;
//! let (walks, vocabulary) = WalkSentences::new(&walker)?;
//! let trained = train(&Engine::Cpu, &config, &walks, &vocabulary, None, &mut |_, _| ControlFlow::Continue(()))?;
//! assert_eq!((trained.inputs.rows(), trained.inputs.dim()), (2, 128));
//! # Ok::<(), ognivo_embeddings::Error>(())
//! ```

mod alias;
mod gml;
mod graph;
mod lines;
mod order;
mod read;
mod train;
mod walks;

pub use graph::{Graph, GraphBuilder};
pub(crate) use lines::{Lines, error as line_error};
pub(crate) use read::fields;
pub use read::{GraphFormat, ReadOptions};
pub use train::{Node2VecConfig, WalkSentences, train};
pub use walks::{WalkConfig, Walker};
