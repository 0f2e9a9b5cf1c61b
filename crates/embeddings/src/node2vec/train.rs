//! Training on walks.

use std::ops::{ControlFlow, Range};

use serde::{Deserialize, Serialize};

use super::walks::{WalkConfig, Walker};
use crate::Result;
use crate::corpus::Vocabulary;
use crate::train::{Architecture, Engine, Loss, Progress, Sentences, Trainer};
use crate::word2vec::{self, Trained, Word2VecConfig};

/// Everything that the vectors of a graph follow from. Whether edges have weights and directions, the graph knows.
///
/// The defaults are a recipe that reaches the figures of the paper on BlogCatalog; [`for_graph`](Self::for_graph) has those of small graphs. With one epoch and `sample` 0.001 they are the
/// settings of the reference implementation, whose trainer is gensim.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Node2VecConfig {
    /// As in [`WalkConfig`].
    pub p: f64,
    /// As in [`WalkConfig`].
    pub q: f64,
    /// Walks from each node in an epoch.
    pub walks: u32,
    /// Nodes in a walk.
    pub length: u32,
    /// Numbers in a vector.
    pub dim: usize,
    /// Nodes to each side of a node that are to be predicted, at most.
    pub window: u32,
    /// Negative examples for each node.
    pub negative: usize,
    /// Nodes that are more than this share of the walks are thinned out, as words are in word2vec; 0 for none. Without a number
    /// those that are visited more than ten times as often as the mean: near the 0.001 of word2vec in a graph of ten thousand
    /// nodes, of no effect in a small one, where each node is more than a thousandth.
    pub sample: Option<f64>,
    /// Passes; each has walks of its own.
    pub epochs: u64,
    /// At the start; it falls to almost 0 in a straight line.
    pub learning_rate: f32,
    /// What chance depends on.
    pub seed: u64,
    /// Whether threads write to the same vectors: a little faster, never twice the same.
    pub hogwild: bool,
}

impl Default for Node2VecConfig {
    fn default() -> Self {
        let WalkConfig { p, q, walks, length, seed } = WalkConfig::default();
        Self {
            p,
            q,
            walks,
            length,
            dim: 128,
            window: 10,
            negative: 5,
            sample: None,
            epochs: 5,
            learning_rate: 0.025,
            seed,
            hogwild: false,
        }
    }
}

/// Graphs of fewer nodes are small.
const SMALL: usize = 1000;

impl Node2VecConfig {
    /// The defaults for a graph of so many nodes. A walk of 80 nodes that goes far sees all of a small graph, wherever it began, and tells nothing
    /// of where that was; so below a thousand nodes walks stay near, with p = 1 and q = 2.
    pub fn for_graph(nodes: usize) -> Self {
        let (p, q) = if nodes < SMALL { (1.0, 2.0) } else { (WalkConfig::default().p, WalkConfig::default().q) };
        Self { p, q, ..Self::default() }
    }

    /// How to walk.
    pub fn walk(&self) -> WalkConfig {
        let Self { p, q, walks, length, seed, .. } = *self;
        WalkConfig { p, q, walks, length, seed }
    }

    /// Skip-gram with negative sampling on the walks of a graph of so many nodes, in whose eyes a walk is a sentence.
    pub fn word2vec(&self, nodes: usize) -> Word2VecConfig {
        Word2VecConfig {
            architecture: Architecture::SkipGram,
            dim: self.dim,
            window: self.window,
            loss: Loss::Negative,
            negative: self.negative,
            sample: self.sample.unwrap_or(10.0 / nodes.max(1) as f64),
            min_count: 1,
            epochs: self.epochs,
            learning_rate: self.learning_rate,
            hogwild: self.hogwild,
            seed: self.seed,
        }
    }
}

/// Vectors of the nodes of a graph: those that the vocabulary of `walks` names, in its order. The result does not depend on the number of
/// threads, except with `hogwild`. `earlier` and `watch` are as in [`word2vec::train`].
///
/// # Errors
/// Settings without meaning; a loss that is no longer finite.
pub fn train(
    engine: &Engine,
    config: &Node2VecConfig,
    walks: &WalkSentences<'_>,
    vocabulary: &Vocabulary,
    earlier: Option<Trained>,
    watch: &mut dyn FnMut(&Progress, &Trainer) -> ControlFlow<()>,
) -> Result<Trained> {
    word2vec::train(engine, &config.word2vec(vocabulary.len()), walks, vocabulary, earlier, watch)
}

/// The walks of a graph as sentences of rows, made when they are read: nothing is stored. Each epoch has walks of its own.
#[derive(Debug)]
pub struct WalkSentences<'a> {
    walker: &'a Walker<'a>,
    /// The row of each node.
    rows: Vec<u32>,
}

impl<'a> WalkSentences<'a> {
    /// Sentences, and the nodes in the order of their rows: sorted by how often the walks of the first epoch visit them.
    ///
    /// # Errors
    /// For a graph without nodes.
    pub fn new(walker: &'a Walker<'a>) -> Result<(Self, Vocabulary)> {
        let names = walker.graph().names();
        let vocabulary = Vocabulary::new(names, &walker.counts(0), 1)?;
        let rows = names.iter().filter_map(|name| vocabulary.names().get(name)).collect();
        Ok((Self { walker, rows }, vocabulary))
    }
}

impl Sentences for WalkSentences<'_> {
    /// As if no walk ended early.
    fn tokens(&self) -> u64 {
        self.walker.walks().saturating_mul(self.walker.config().length.into())
    }

    fn part(&self, part: usize, parts: usize) -> Range<u64> {
        let at = |part: usize| (u128::from(self.walker.walks()) * part as u128 / parts as u128) as u64;
        at(part)..at(part + 1)
    }

    fn read(&self, epoch: u64, position: u64, _: u64, sentence: &mut Vec<u32>) -> (u64, u64) {
        self.walker.walk(epoch * self.walker.walks() + position, sentence);
        sentence.iter_mut().for_each(|node| *node = self.rows[*node as usize]);
        (position + 1, self.walker.config().length.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::graph;
    use super::*;

    #[test]
    fn every_walk_is_read_once_an_epoch() {
        let graph = graph(6, &[(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (1, 3, 1.0), (4, 0, 1.0)], false, false);
        let config = Node2VecConfig { walks: 3, length: 7, ..Node2VecConfig::default() };
        let walker = Walker::new(&graph, config.walk()).unwrap();
        let (walks, vocabulary) = WalkSentences::new(&walker).unwrap();
        assert_eq!(walks.tokens(), 6 * 3 * 7);
        assert!(vocabulary.counts().is_sorted_by(|a, b| a >= b), "the most visited first");
        let visits = |name: &str| walker.counts(0)[graph.names().get(name).unwrap() as usize];
        assert!(vocabulary.names().iter().map(visits).eq(vocabulary.counts().iter().copied()));
        assert_eq!(vocabulary.names().name(5), "5", "a node without edges has a row");
        assert_eq!(vocabulary.counts()[5], 3);
        let (mut sentence, mut expected) = (Vec::new(), Vec::new());
        for (epoch, parts) in [(0, 1), (2, 4), (1, 40)] {
            let mut number = epoch * 18;
            for part in 0..parts {
                let Range { start, end } = walks.part(part, parts);
                let mut position = start;
                while position < end {
                    let (next, tokens) = walks.read(epoch, position, end, &mut sentence);
                    assert_eq!((next, tokens), (position + 1, 7));
                    walker.walk(number, &mut expected);
                    let names = sentence.iter().map(|&row| vocabulary.names().name(row));
                    assert!(names.eq(expected.iter().map(|&node| graph.names().name(node))));
                    (position, number) = (next, number + 1);
                }
            }
            assert_eq!(number, epoch * 18 + 18);
        }
    }
}
