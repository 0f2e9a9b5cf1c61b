//! Prediction of edges that a graph has lost.

use std::collections::HashSet;

use ognivo_core::random::{self, ChaCha8Rng};
use serde::{Deserialize, Serialize};

use super::logistic::LogisticRegression;
use crate::node2vec::{Graph, GraphBuilder};
use crate::{Error, Result, Table, WordVectors};

mod neighborhood;

/// First part of the [`random::stream`] that takes edges away and draws pairs without one: "links" in ASCII.
const LINKS: u64 = u64::from_be_bytes(*b"links\0\0\0");

/// How links are predicted. Defaults are the protocol of the node2vec paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinksConfig {
    /// The share of the edges that is taken away.
    pub share: f64,
    /// Edges that a classifier of pairs learns from, at most; and as many pairs without an edge.
    pub examples: usize,
    /// The weight of errors against the penalty of [`LogisticRegression`].
    pub c: f64,
    /// What chance depends on.
    pub seed: u64,
}

impl Default for LinksConfig {
    fn default() -> Self {
        Self { share: 0.5, examples: 20_000, c: 1.0, seed: 1 }
    }
}

/// A graph that has lost edges, which are to be told from pairs that never had one.
#[derive(Clone, Debug)]
pub struct LinkSplit {
    /// All nodes, and the edges that are left.
    pub graph: Graph,
    /// The edges that were taken away.
    pub edges: Vec<(u32, u32)>,
    /// As many pairs of different nodes without an edge.
    pub others: Vec<(u32, u32)>,
    /// How many edges were to be taken away; fewer were if it would have torn the graph.
    pub wanted: usize,
    /// Pairs without an edge to learn from, none of them in `others`.
    examples: Vec<(u32, u32)>,
}

impl LinkSplit {
    /// Takes edges away at random, but none without which a part of the graph (directions aside) would fall apart, and no edge from a
    /// node to itself.
    ///
    /// # Errors
    /// A share that is not between 0 and 1; no edge that can be taken away; too few pairs without an edge.
    pub fn new(graph: &Graph, config: &LinksConfig) -> Result<Self> {
        if !(config.share > 0.0 && config.share < 1.0) {
            return Err(Error::setting("share", config.share, "a number between 0 and 1"));
        }
        if config.examples == 0 {
            return Err(Error::setting("examples", 0, "at least 1"));
        }
        let mut rng = random::stream(config.seed, &[LINKS]);
        let all: Vec<_> = graph.iter_edges().filter(|(from, to, _)| from != to).collect();
        let order = random::shuffled(&mut rng, all.len());
        let wanted = (config.share * all.len() as f64).round() as usize;
        let mut parts = Parts::new(graph.nodes());
        let mut taken = vec![false; all.len()];
        let mut edges = Vec::new();
        // Edges that join parts come first, in this random order; what is left can go.
        let spare: Vec<usize> = order.into_iter().filter(|&edge| !parts.join(all[edge].0, all[edge].1)).collect();
        for edge in spare.into_iter().take(wanted) {
            taken[edge] = true;
            edges.push((all[edge].0, all[edge].1));
        }
        if edges.is_empty() {
            let found = format!("{} edges, of which none of {wanted} can be taken away", all.len());
            return Err(Error::data("prediction of links", found, "edges that the graph holds together without"));
        }
        let mut builder = GraphBuilder::with_nodes(graph.names().clone(), graph.weighted(), graph.directed());
        let loops = graph.iter_edges().filter(|(from, to, _)| from == to);
        let left = all.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(&edge, _)| edge);
        for (from, to, weight) in left.chain(loops) {
            builder.edge(from, to, weight)?;
        }
        let mut others = non_edges(graph, edges.len() + config.examples.min(all.len() - edges.len()), &mut rng);
        if others.len() < edges.len() + 1 {
            let found = format!("{} pairs of nodes without an edge", others.len());
            return Err(Error::data("prediction of links", found, format!("more than {}", edges.len())));
        }
        let examples = others.split_off(edges.len());
        Ok(Self { graph: builder.build()?, edges, others, wanted, examples })
    }
}

/// What came of it: the area under the curve of the receiver's characteristic, the probability that a lost edge has a higher score
/// than a pair that never had one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkScore {
    /// How pairs were scored: an operator on their vectors, or on their neighbours.
    pub method: &'static str,
    /// The area; chance has 0.5.
    pub auc: f64,
    /// Whether the score comes from the graph alone, without vectors.
    pub baseline: bool,
}

/// Scores of all ways to tell lost edges from other pairs: products and cosines of the two vectors; classifiers of the vectors
/// that the operators of the node2vec paper (table 1) make of the two, learned from edges that are left; and the four rules of
/// the paper for neighbours.
///
/// # Errors
/// A node without vector, a vector that is not finite, a `c` that is not above 0.
pub fn predict_links(vectors: &WordVectors, split: &LinkSplit, config: &LinksConfig) -> Result<Vec<LinkScore>> {
    if !(config.c.is_finite() && config.c > 0.0) {
        return Err(Error::setting("c", config.c, "a finite number above 0"));
    }
    let mut rows = Vec::with_capacity(split.graph.nodes());
    for name in split.graph.names().iter() {
        let Some(row) = vectors.words().get(name) else {
            return Err(Error::data(format!("node {name}"), "no vector", "a vector for every node of the graph"));
        };
        if !vectors.table().row(row as usize).iter().all(|value| value.is_finite()) {
            let found = "a number that is not finite";
            return Err(Error::data(format!("the vector of {name}"), found, "finite numbers"));
        }
        rows.push(row as usize);
    }
    let vector = |node: u32| vectors.table().row(rows[node as usize]);
    let mut scores = Vec::new();
    let mut score = |method, baseline, of: &dyn Fn(u32, u32) -> f64| {
        let all = |pairs: &[(u32, u32)]| pairs.iter().map(|&(from, to)| of(from, to)).collect::<Vec<_>>();
        scores.push(LinkScore { method, auc: auc(&all(&split.edges), &all(&split.others)), baseline });
    };
    score("dot", false, &|from, to| product(vector(from), vector(to)));
    let length = |of: &[f32]| product(of, of).sqrt().max(f64::MIN_POSITIVE);
    score("cosine", false, &|from, to| {
        let (from, to) = (vector(from), vector(to));
        product(from, to) / length(from) / length(to)
    });
    let mut edges: Vec<_> =
        split.graph.iter_edges().filter(|(from, to, _)| from != to).map(|(from, to, _)| (from, to)).collect();
    let order = random::shuffled(&mut random::stream(config.seed, &[LINKS, 1]), edges.len());
    edges = order.into_iter().take(split.examples.len()).map(|edge| edges[edge]).collect();
    let members: Vec<bool> = (0..edges.len() + split.examples.len()).map(|example| example < edges.len()).collect();
    let numbers: Vec<u32> = (0..members.len() as u32).collect();
    for (method, operator) in OPERATORS {
        let join = |row: &mut [f32], from: u32, to: u32| {
            row.iter_mut().zip(vector(from).iter().zip(vector(to))).for_each(|(row, (&a, &b))| *row = operator(a, b));
        };
        let mut table = Table::zeros(members.len(), vectors.table().dim())?;
        for (row, &(from, to)) in edges.iter().chain(&split.examples).enumerate() {
            join(table.row_mut(row), from, to);
        }
        let classifier = LogisticRegression::fit(&table, &numbers, &members, config.c);
        score(method, false, &|from, to| {
            let mut joined = vec![0.0; table.dim()];
            join(&mut joined, from, to);
            classifier.score(&joined)
        });
    }
    for (method, rule) in neighborhood::RULES {
        score(method, true, &|from, to| rule(&split.graph, from, to));
    }
    Ok(scores)
}

/// What one number of a pair's vector is made of.
type Operator = fn(f32, f32) -> f32;

const OPERATORS: [(&str, Operator); 4] = [
    ("average", |a, b| (a + b) / 2.0),
    ("hadamard", |a, b| a * b),
    ("l1", |a, b| (a - b).abs()),
    ("l2", |a, b| (a - b) * (a - b)),
];

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// The probability that a number drawn from `high` is above one drawn from `low`; equal ones count half. 0.5 if there are none.
pub fn auc(high: &[f64], low: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        high.iter().map(|&score| (score, true)).chain(low.iter().map(|&score| (score, false))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the pairs in the right order, so that everything is whole.
    let (mut twice, mut below) = (0u128, 0u128);
    // Equal by comparison, so that 0 and -0 are.
    for equal in all.chunk_by(|a, b| a.0 == b.0) {
        let highs = equal.iter().filter(|(_, high)| *high).count() as u128;
        let lows = equal.len() as u128 - highs;
        twice += highs * (2 * below + lows);
        below += lows;
    }
    let pairs = high.len() as f64 * low.len() as f64;
    if pairs == 0.0 { 0.5 } else { twice as f64 / 2.0 / pairs }
}

/// Different pairs of different nodes without an edge, at random; `count` of them, or all if there are no more.
fn non_edges(graph: &Graph, count: usize, rng: &mut ChaCha8Rng) -> Vec<(u32, u32)> {
    let nodes = graph.nodes() as u32;
    let loops = (0..nodes).filter(|&node| graph.has_edge(node, node)).count();
    let ways = if graph.directed() { 1.0 } else { 2.0 };
    let pairs = f64::from(nodes) * (f64::from(nodes) - 1.0) / ways;
    let without = pairs - (graph.edges() - loops) as f64;
    // Few, as the nodes are, where most pairs have an edge or are asked for.
    if (without - count as f64) * 4.0 < pairs {
        let of = |from: u32| if graph.directed() { 0..nodes } else { from + 1..nodes };
        let all: Vec<_> = (0..nodes)
            .flat_map(|from| of(from).map(move |to| (from, to)))
            .filter(|&(from, to)| from != to && !graph.has_edge(from, to))
            .collect();
        return random::shuffled(rng, all.len()).into_iter().take(count).map(|pair| all[pair]).collect();
    }
    let mut seen = HashSet::new();
    let mut found = Vec::with_capacity(count);
    while found.len() < count {
        let (from, to) = (random::below(rng, nodes as usize) as u32, random::below(rng, nodes as usize) as u32);
        let pair = if graph.directed() { (from, to) } else { (from.min(to), from.max(to)) };
        if from != to && !graph.has_edge(from, to) && seen.insert(pair) {
            found.push(pair);
        }
    }
    found
}

/// Parts of a graph that hang together (union by rank is not needed: paths are halved).
struct Parts(Vec<u32>);

impl Parts {
    fn new(nodes: usize) -> Self {
        Self((0..nodes as u32).collect())
    }

    fn root(&mut self, mut node: u32) -> u32 {
        while self.0[node as usize] != node {
            self.0[node as usize] = self.0[self.0[node as usize] as usize];
            node = self.0[node as usize];
        }
        node
    }

    /// Joins the parts of two nodes; whether they were apart.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a as usize] = b;
        a != b
    }
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
