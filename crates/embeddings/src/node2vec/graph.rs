//! A graph as sorted rows of neighbours.

use std::ops::Range;

use crate::{Error, Names, Result};

/// A graph of named nodes: for each the numbers of its neighbours in ascending order, and the weights of the edges if it
/// has any, in about 4 bytes (8 with weights) for each direction of an edge and 8 for a node.
///
/// - An edge that is given again counts once; in a weighted graph its weights are added. In an undirected graph `v u` is `u v`.
/// - Edges from a node to itself are kept: a walk may stay where it is.
/// - Nodes without edges are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    names: Names,
    /// Where the neighbours of each node begin, and the end of the last one's.
    offsets: Vec<usize>,
    neighbors: Vec<u32>,
    /// Beside `neighbors`; empty without weights.
    weights: Vec<f32>,
    weighted: bool,
    directed: bool,
    edges: usize,
}

impl Graph {
    /// The names of the nodes, by number.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Nodes.
    pub fn nodes(&self) -> usize {
        self.names.len()
    }

    /// Edges, each counted once.
    pub fn edges(&self) -> usize {
        self.edges
    }

    /// Whether edges lead one way.
    pub fn directed(&self) -> bool {
        self.directed
    }

    /// Whether edges have weights.
    pub fn weighted(&self) -> bool {
        self.weighted
    }

    /// How many neighbours a node has (in a directed graph: those that its edges lead to).
    ///
    /// # Panics
    /// As all below, when there is no such node.
    pub fn degree(&self, node: u32) -> usize {
        self.row(node).len()
    }

    /// The neighbours of a node, in ascending order.
    pub fn neighbors(&self, node: u32) -> &[u32] {
        &self.neighbors[self.row(node)]
    }

    /// The weights of the edges to [`neighbors`](Self::neighbors); empty in a graph without weights.
    pub fn weights(&self, node: u32) -> &[f32] {
        if self.weighted { &self.weights[self.row(node)] } else { &[] }
    }

    /// Whether an edge leads from `from` to `to`.
    pub fn has_edge(&self, from: u32, to: u32) -> bool {
        // Both rows of an undirected graph know the edge: the shorter one is searched.
        let (row, sought) = match self.directed || self.degree(from) <= self.degree(to) {
            true => (self.neighbors(from), to),
            false => (self.neighbors(to), from),
        };
        row.binary_search(&sought).is_ok()
    }

    /// Every edge once, with its weight (1 in a graph without weights): from, to. In an undirected graph `from <= to`.
    pub fn iter_edges(&self) -> impl Iterator<Item = (u32, u32, f32)> {
        (0..self.nodes() as u32).flat_map(move |from| {
            let weights = self.weights(from);
            let row = self.neighbors(from).iter().enumerate();
            row.filter(move |&(_, &to)| self.directed || from <= to)
                .map(move |(place, &to)| (from, to, weights.get(place).copied().unwrap_or(1.0)))
        })
    }

    /// Where the row of a node lies among all [neighbours](Self::neighbors).
    pub(crate) fn row(&self, node: u32) -> Range<usize> {
        self.offsets[node as usize]..self.offsets[node as usize + 1]
    }

    /// All rows of neighbours, one after the other.
    pub(crate) fn all_neighbors(&self) -> &[u32] {
        &self.neighbors
    }
}

/// Collects nodes and edges for a [`Graph`].
#[derive(Debug)]
pub struct GraphBuilder {
    names: Names,
    edges: Vec<(u32, u32)>,
    weights: Vec<f32>,
    weighted: bool,
    directed: bool,
}

impl GraphBuilder {
    /// No nodes yet.
    pub fn new(weighted: bool, directed: bool) -> Self {
        Self { names: Names::default(), edges: Vec::new(), weights: Vec::new(), weighted, directed }
    }

    /// No edges yet between nodes of these names.
    pub fn with_nodes(names: Names, weighted: bool, directed: bool) -> Self {
        Self { names, ..Self::new(weighted, directed) }
    }

    /// The number of the node of this name, which is new if it was not known.
    pub fn node(&mut self, name: &str) -> u32 {
        self.names.insert(name).0
    }

    /// Nodes so far.
    pub fn nodes(&self) -> usize {
        self.names.len()
    }

    /// An edge between nodes that are there. A graph without weights does not look at the weight.
    ///
    /// # Errors
    /// When the weight is not a finite number above 0.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn edge(&mut self, from: u32, to: u32, weight: f32) -> Result<()> {
        assert!((from.max(to) as usize) < self.names.len(), "nodes of the graph");
        if self.weighted {
            if !(weight.is_finite() && weight > 0.0) {
                return Err(Error::data("weight of an edge", weight.to_string(), "a finite number above 0"));
            }
            self.weights.push(weight);
        }
        self.edges.push((from, to));
        Ok(())
    }

    /// The graph.
    ///
    /// # Errors
    /// When the weights of an edge that was given several times add up to more than a number can hold.
    pub fn build(self) -> Result<Graph> {
        let Self { names, edges, weights, weighted, directed } = self;
        let nodes = names.len();
        // Both directions of an undirected edge stand in the rows; of an edge from a node to itself there is one.
        let twice = |from: u32, to: u32| !directed && from != to;
        let mut offsets = vec![0usize; nodes + 1];
        for &(from, to) in &edges {
            offsets[from as usize + 1] += 1;
            offsets[to as usize + 1] += usize::from(twice(from, to));
        }
        for node in 0..nodes {
            offsets[node + 1] += offsets[node];
        }
        let entries = offsets[nodes];
        let mut rows = vec![0u32; entries];
        let mut row_weights = vec![0f32; if weighted { entries } else { 0 }];
        let mut next = offsets.clone();
        for (index, &(from, to)) in edges.iter().enumerate() {
            let mut put = |from: u32, to: u32| {
                let place = &mut next[from as usize];
                rows[*place] = to;
                if weighted {
                    row_weights[*place] = weights[index];
                }
                *place += 1;
            };
            put(from, to);
            if twice(from, to) {
                put(to, from);
            }
        }
        drop((edges, weights, next));

        let mut kept = 0;
        let mut loops = 0;
        let mut pairs = Vec::new();
        for node in 0..nodes {
            let row = offsets[node]..offsets[node + 1];
            let start = kept;
            if weighted {
                pairs.clear();
                pairs.extend(rows[row.clone()].iter().copied().zip(row_weights[row].iter().copied()));
                // Stable, so that weights are added in the order in which they were given.
                pairs.sort_by_key(|&(to, _)| to);
                for &(to, weight) in &pairs {
                    if kept > start && rows[kept - 1] == to {
                        row_weights[kept - 1] += weight;
                    } else {
                        (rows[kept], row_weights[kept]) = (to, weight);
                        kept += 1;
                    }
                }
            } else {
                rows[row.clone()].sort_unstable();
                for place in row {
                    if kept == start || rows[kept - 1] != rows[place] {
                        rows[kept] = rows[place];
                        kept += 1;
                    }
                }
            }
            loops += usize::from(rows[start..kept].binary_search(&(node as u32)).is_ok());
            offsets[node] = start;
        }
        offsets[nodes] = kept;
        rows.truncate(kept);
        rows.shrink_to_fit();
        row_weights.truncate(kept);
        row_weights.shrink_to_fit();
        if row_weights.iter().any(|weight| !weight.is_finite()) {
            return Err(Error::data("an edge that is given several times", "weights that add up to infinity", "a sum"));
        }
        let edges = if directed { kept } else { (kept - loops) / 2 + loops };
        Ok(Graph { names, offsets, neighbors: rows, weights: row_weights, weighted, directed, edges })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A graph of the nodes `0..nodes`.
    pub(crate) fn graph(nodes: u32, edges: &[(u32, u32, f32)], weighted: bool, directed: bool) -> Graph {
        let mut builder = GraphBuilder::new(weighted, directed);
        for node in 0..nodes {
            builder.node(&node.to_string());
        }
        for &(from, to, weight) in edges {
            builder.edge(from, to, weight).unwrap();
        }
        builder.build().unwrap()
    }

    const EDGES: [(u32, u32, f32); 6] = [(3, 1, 1.0), (0, 1, 0.5), (1, 0, 0.25), (2, 2, 4.0), (3, 1, 2.0), (0, 3, 8.0)];

    #[test]
    fn repeated_edges_and_loops_follow_the_rule() {
        let undirected = graph(5, &EDGES, true, false);
        assert_eq!((undirected.nodes(), undirected.edges()), (5, 4));
        let rows: Vec<_> = (0..5).map(|node| (undirected.neighbors(node), undirected.weights(node))).collect();
        let expected: [(&[u32], &[f32]); 5] =
            [(&[1, 3], &[0.75, 8.0]), (&[0, 3], &[0.75, 3.0]), (&[2], &[4.0]), (&[0, 1], &[8.0, 3.0]), (&[], &[])];
        assert_eq!(rows, expected);
        let directed = graph(5, &EDGES, true, true);
        assert_eq!(directed.edges(), 5);
        assert_eq!(
            directed.iter_edges().collect::<Vec<_>>(),
            [(0, 1, 0.5), (0, 3, 8.0), (1, 0, 0.25), (2, 2, 4.0), (3, 1, 3.0)]
        );
        let plain = graph(5, &EDGES, false, false);
        assert_eq!(plain.iter_edges().collect::<Vec<_>>(), [(0, 1, 1.0), (0, 3, 1.0), (1, 3, 1.0), (2, 2, 1.0)]);
        assert!(plain.weights(1).is_empty());
    }

    #[test]
    fn edges_are_found_in_their_direction() {
        let (undirected, directed) = (graph(5, &EDGES, false, false), graph(5, &EDGES, false, true));
        for from in 0..5 {
            for to in 0..5 {
                let given = EDGES.iter().any(|&(a, b, _)| (a, b) == (from, to));
                let reverse = EDGES.iter().any(|&(a, b, _)| (b, a) == (from, to));
                assert_eq!(directed.has_edge(from, to), given, "{from} {to}");
                assert_eq!(undirected.has_edge(from, to), given || reverse, "{from} {to}");
            }
        }
    }

    #[test]
    fn weights_that_are_none_are_refused() {
        let mut builder = GraphBuilder::new(true, false);
        builder.node("a");
        for weight in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(builder.edge(0, 0, weight).is_err(), "{weight}");
        }
        builder.edge(0, 0, f32::MAX).unwrap();
        builder.edge(0, 0, f32::MAX).unwrap();
        assert!(builder.build().unwrap_err().to_string().contains("infinity"));
    }
}
