//! Scores of pairs of nodes by their neighbours, the baselines of the node2vec paper (section 4.4, table 3).

use crate::node2vec::Graph;

/// The score of a pair.
type Rule = fn(&Graph, u32, u32) -> f64;

/// All rules by name. In a directed graph neighbours are those that edges lead to.
pub(super) const RULES: [(&str, Rule); 4] = [
    ("common-neighbors", |graph, a, b| common(graph, a, b).count() as f64),
    ("jaccard", |graph, a, b| {
        let both = common(graph, a, b).count();
        let either = graph.degree(a) + graph.degree(b) - both;
        if either == 0 { 0.0 } else { both as f64 / either as f64 }
    }),
    ("adamic-adar", |graph, a, b| {
        // Of a neighbour that only the two have (or, with directed edges, that leads nowhere) there is no more than of one with 2.
        common(graph, a, b).map(|node| 1.0 / (graph.degree(node).max(2) as f64).ln()).sum()
    }),
    ("preferential-attachment", |graph, a, b| graph.degree(a) as f64 * graph.degree(b) as f64),
];

/// Neighbours of both.
fn common(graph: &Graph, a: u32, b: u32) -> impl Iterator<Item = u32> {
    let (few, many) = if graph.degree(a) <= graph.degree(b) { (a, b) } else { (b, a) };
    let many = graph.neighbors(many);
    graph.neighbors(few).iter().copied().filter(move |node| many.binary_search(node).is_ok())
}
