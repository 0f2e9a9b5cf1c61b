//! Neighbours drawn by weight in constant time.

use std::ops::Range;

use super::graph::Graph;
use crate::train::sampler::alias;

/// An alias table (Walker 1977, in the construction of Vose 1991) for each row of a graph: 8 bytes for each entry.
#[derive(Debug)]
pub(super) struct Alias {
    /// For each entry the chance to stay with it, and the place in the row to go to otherwise.
    entries: Vec<(f32, u32)>,
    /// The weight of each row.
    totals: Vec<f64>,
}

impl Alias {
    pub(super) fn new(graph: &Graph) -> Self {
        let mut entries = Vec::with_capacity(graph.all_neighbors().len());
        let mut totals = Vec::with_capacity(graph.nodes());
        let mut shares = Vec::new();
        for node in 0..graph.nodes() as u32 {
            let weights = graph.weights(node);
            let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
            totals.push(total);
            shares.clear();
            shares.extend(weights.iter().map(|&weight| f64::from(weight) / total * weights.len() as f64));
            let first = entries.len();
            entries.extend((0..weights.len() as u32).map(|place| (1.0, place)));
            alias(&mut shares, |place, stay, other| entries[first + place] = (stay as f32, other));
        }
        Self { entries, totals }
    }

    /// A place in `row`, from a place drawn evenly and a number drawn evenly between 0 and 1.
    pub(super) fn draw(&self, row: Range<usize>, place: usize, chance: f32) -> usize {
        let (stay, other) = self.entries[row.start + place];
        if chance < stay { place } else { other as usize }
    }

    /// The weight of all edges from a node.
    pub(super) fn total(&self, node: u32) -> f64 {
        self.totals[node as usize]
    }
}
