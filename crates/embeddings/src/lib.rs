//! Vectors of words, sub-words and nodes: word2vec, fastText and node2vec on one trainer.
//!
//! Words that keep the same company become neighbours:
//!
//! ```
//! use std::ops::ControlFlow;
//! use ognivo_embeddings::corpus::{Corpus, planted};
//! use ognivo_embeddings::query::{Index, Query};
//! use ognivo_embeddings::train::Engine;
//! use ognivo_embeddings::word2vec::{Word2VecConfig, train};
//! use ognivo_embeddings::WordVectors;
//!
//! let (corpus, vocabulary) = Corpus::from_text(&planted::planted(100_000, 1), 5)?;
//! let config = Word2VecConfig { dim: 32, ..Word2VecConfig::default() };
//! let trained = train(&Engine::Cpu, &config, &corpus, &vocabulary, None, &mut |_, _| ControlFlow::Continue(()))?;
//! let vectors = WordVectors::new(vocabulary.names().clone(), trained.inputs)?;
//!
//! let nearest = Index::new(&vectors)?.nearest(&[Query::word(&vectors, "violin")?], 3);
//! assert!(nearest[0].iter().all(|near| planted::topic(vectors.words().name(near.id)) == Some("music")));
//! # Ok::<(), ognivo_embeddings::Error>(())
//! ```
//!
//! Reading order: [`corpus`] and [`train`]; [`word2vec`], [`fasttext`] and [`node2vec`] on top of them; [`format`](mod@format), [`query`],
//! [`evaluate`] and [`plot`] for what comes of it.

pub mod corpus;
mod error;
pub mod evaluate;
pub mod fasttext;
pub mod format;
mod names;
pub mod node2vec;
pub mod plot;
pub mod query;
mod table;
pub mod train;
mod vectors;
pub mod word2vec;

pub use error::{Error, Result};
pub use names::Names;
pub use table::Table;
pub use vectors::{Lookup, WordVectors};
