use std::collections::BTreeMap;

use super::*;

/// Made by `tests/reference/links.py` with scikit-learn and NetworkX.
#[derive(Deserialize)]
struct Reference {
    areas: Vec<(Vec<f64>, Vec<f64>, f64)>,
    edges: Vec<(u32, u32)>,
    scores: BTreeMap<String, Vec<f64>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../tests/reference/links.json")).unwrap()
}

fn graph(nodes: u32, edges: &[(u32, u32)], directed: bool) -> Graph {
    let names = (0..nodes).map(|node| node.to_string()).collect();
    let mut builder = GraphBuilder::with_nodes(names, false, directed);
    edges.iter().for_each(|&(from, to)| builder.edge(from, to, 1.0).unwrap());
    builder.build().unwrap()
}

#[test]
fn areas_are_scikit_learns() {
    for (high, low, area) in reference().areas {
        assert!((auc(&high, &low) - area).abs() < 1e-12, "{area}");
    }
    assert_eq!((auc(&[], &[1.0]), auc(&[0.0], &[-0.0])), (0.5, 0.5));
}

#[test]
fn rules_for_neighbors_are_networkxs() {
    let Reference { edges, scores, .. } = reference();
    let graph = graph(12, &edges, false);
    for (method, rule) in neighborhood::RULES {
        let pairs = (0..12).flat_map(|a| (a + 1..12).map(move |b| (a, b)));
        for ((a, b), expected) in pairs.zip(&scores[method]) {
            assert!((rule(&graph, a, b) - expected).abs() < 1e-12, "{method} {a} {b}");
        }
    }
}

#[test]
fn no_part_of_the_graph_falls_apart() {
    // Two parts: a ring with chords, and a path of which nothing can be taken.
    let mut edges: Vec<_> = (0..60).map(|node| (node, (node + 1) % 60)).collect();
    edges.extend((0..60).step_by(2).map(|node| (node, (node * 7 + 11) % 60)));
    edges.extend([(60, 61), (61, 62), (62, 62)]);
    for directed in [false, true] {
        let whole = graph(64, &edges, directed);
        for seed in 0..20 {
            let config = LinksConfig { seed, share: 0.4, ..LinksConfig::default() };
            let split = LinkSplit::new(&whole, &config).unwrap();
            let mut parts = Parts::new(64);
            split.graph.iter_edges().for_each(|(from, to, _)| _ = parts.join(from, to));
            let mut roots: Vec<_> = (0..64).map(|node| parts.root(node)).collect();
            roots.sort_unstable();
            roots.dedup();
            assert_eq!(roots.len(), 3, "two parts and a node by itself");
            assert!(split.edges.len() <= split.wanted && split.edges.len() >= 20, "{}", split.edges.len());
            assert_eq!(split.graph.edges() + split.edges.len(), whole.edges());
            assert!(split.edges.iter().all(|&(from, to)| whole.has_edge(from, to) && !split.graph.has_edge(from, to)));
            assert_eq!(split.others.len(), split.edges.len());
            let none: HashSet<_> = split.others.iter().chain(&split.examples).collect();
            assert_eq!(none.len(), split.others.len() + split.examples.len(), "each pair once");
            assert!(none.iter().all(|&&(from, to)| from != to && !whole.has_edge(from, to)));
        }
    }
}

#[test]
fn pairs_without_an_edge_are_drawn_evenly() {
    let graph = graph(40, &[(0, 1), (1, 2), (3, 3)], false);
    let mut counts = BTreeMap::new();
    for seed in 0..4000 {
        for pair in non_edges(&graph, 20, &mut random::stream(seed, &[])) {
            *counts.entry(pair).or_insert(0.0) += 1.0;
        }
    }
    assert_eq!(counts.len(), 40 * 39 / 2 - 2);
    let mean = 80_000.0 / 778.0;
    let chi: f64 = counts.values().map(|count: &f64| (count - mean).powi(2) / mean).sum();
    // 777 degrees of freedom, plus or minus five standard deviations of 39.
    assert!((chi - 777.0).abs() < 200.0, "{chi}");
}

/// Two groups of nodes, edges within, vectors that say the group.
#[test]
fn vectors_that_know_the_groups_predict_links() {
    let edges: Vec<_> = (0..60u32)
        .flat_map(|a| (0..a).map(move |b| (a, b)))
        .filter(|(a, b)| a % 2 == b % 2 && (a * a * 31 + b * b * 17 + a * b * 7) % 97 < 45)
        .collect();
    let graph = graph(60, &edges, false);
    let config = LinksConfig { share: 0.3, ..LinksConfig::default() };
    let split = LinkSplit::new(&graph, &config).unwrap();
    let values: Vec<f32> =
        (0..60).flat_map(|node| [(node % 2 * 2 - 1) as f32, 0.5, (node % 7) as f32 * 0.01]).collect();
    let vectors = WordVectors::new(graph.names().clone(), Table::from_values(3, &values).unwrap()).unwrap();
    let scores = predict_links(&vectors, &split, &config).unwrap();
    let area = |method: &str| scores.iter().find(|score| score.method == method).unwrap().auc;
    assert_eq!(scores.len(), 10);
    for method in ["dot", "cosine", "hadamard", "l1", "l2", "common-neighbors", "jaccard", "adamic-adar"] {
        assert!(area(method) > 0.75, "{method} {}", area(method));
    }
    assert!((area("average") - 0.5).abs() < 0.15, "{}", area("average"));
    assert_eq!(scores, predict_links(&vectors, &split, &config).unwrap());

    let few = WordVectors::new(["1"].into_iter().collect(), Table::zeros(1, 3).unwrap()).unwrap();
    assert!(predict_links(&few, &split, &config).unwrap_err().to_string().contains("node 0: found no vector"));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let config = LinksConfig::default();
    let path = graph(4, &[(0, 1), (1, 2), (2, 3)], false);
    let said = |graph: &Graph, config: &LinksConfig| LinkSplit::new(graph, config).unwrap_err().to_string();
    assert!(said(&path, &config).contains("3 edges, of which none of 2 can be taken away"));
    assert!(said(&path, &LinksConfig { share: 1.5, ..config.clone() }).contains("`share`"));
    assert!(said(&path, &LinksConfig { examples: 0, ..config.clone() }).contains("`examples`"));
    let whole: Vec<_> = (0..6).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
    assert!(said(&graph(6, &whole, false), &config).contains("0 pairs of nodes without an edge"));
}
