use std::collections::HashMap;

use super::super::graph::tests::graph;
use super::*;

fn walker(graph: &Graph, p: f64, q: f64, length: u32) -> Walker<'_> {
    Walker::new(graph, WalkConfig { p, q, length, walks: 3, seed: 5 }).unwrap()
}

/// Made by `tests/reference/node2vec_walks.py` with PecanPy.
#[derive(Deserialize)]
struct Reference {
    edges: Vec<(u32, u32, f32)>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    weighted: bool,
    directed: bool,
    p: f64,
    q: f64,
    steps: Vec<Step>,
}

/// From where, where, and the probability of each node to go to.
type Step = (u32, u32, Vec<(u32, f64)>);

/// By how many standard deviations the statistic of a chi-square test is above its mean.
fn excess(counts: &[(f64, f64)]) -> f64 {
    let total: f64 = counts.iter().map(|(count, _)| count).sum();
    let chi: f64 = counts.iter().map(|(count, share)| (count - share * total).powi(2) / (share * total)).sum();
    let free = (counts.len() - 1) as f64;
    // Wilson and Hilferty 1931.
    ((chi / free).cbrt() - 1.0 + 2.0 / (9.0 * free)) / (2.0 / (9.0 * free)).sqrt()
}

#[test]
fn steps_have_the_probabilities_of_pecanpy() {
    let Reference { edges, cases } =
        serde_json::from_str(include_str!("../../tests/reference/node2vec_walks.json")).unwrap();
    assert_eq!(cases.len(), 24);
    let mut tested = 0;
    for Case { weighted, directed, p, q, steps } in cases {
        let graph = graph(10, &edges, weighted, directed);
        let walker = walker(&graph, p, q, 200);
        let mut counts: HashMap<[u32; 3], f64> = HashMap::new();
        let mut walk = Vec::new();
        for number in 0..5000 {
            walker.walk(number, &mut walk);
            walk.windows(3).for_each(|step| *counts.entry([step[0], step[1], step[2]]).or_default() += 1.0);
        }
        let mut known = 0.0;
        for (before, node, nexts) in steps {
            let step: Vec<_> = nexts
                .iter()
                .map(|&(next, share)| (counts.get(&[before, node, next]).copied().unwrap_or(0.0), share))
                .collect();
            let total: f64 = step.iter().map(|(count, _)| count).sum();
            known += total;
            if step.len() < 2 || step.iter().any(|(_, share)| share * total < 5.0) {
                continue;
            }
            tested += 1;
            let excess = excess(&step);
            assert!(excess < 4.5, "p {p}, q {q}, {before} {node}: {excess}, {step:?}");
        }
        assert_eq!(known, counts.values().sum::<f64>(), "only steps that PecanPy knows");
    }
    assert!(tested > 400, "{tested}");
}

#[test]
fn first_steps_follow_the_weights() {
    let graph = graph(4, &[(0, 1, 1.0), (0, 2, 2.0), (0, 3, 5.0)], true, true);
    let walker = walker(&graph, 0.5, 2.0, 2);
    let mut counts = [0.0; 4];
    let mut walk = Vec::new();
    for number in 0..40_000 {
        walker.walk(number, &mut walk);
        match walk[..] {
            [0, next] => counts[next as usize] += 1.0,
            [other] => assert!(other > 0),
            _ => unreachable!("{walk:?}"),
        }
    }
    assert_eq!(counts.iter().sum::<f64>(), 10_000.0, "each round begins once at each node");
    assert!(excess(&[(counts[1], 0.125), (counts[2], 0.25), (counts[3], 0.625)]) < 4.0, "{counts:?}");
}

#[test]
fn a_walk_depends_on_its_number_alone() {
    let edges: Vec<_> = (0..300).map(|i| (i * 7 % 100, i * i % 99, 1.0)).collect();
    let graph = graph(101, &edges, false, false);
    let walker = walker(&graph, 0.25, 4.0, 20);
    let text = |threads| {
        let mut text = Vec::new();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let tokens = pool.install(|| walker.write(1, &mut text)).unwrap();
        let counts = pool.install(|| walker.counts(1));
        assert_eq!(counts.iter().sum::<u64>(), tokens);
        (text, counts)
    };
    let (one, counts) = text(1);
    assert_eq!((&one, &counts), (&text(4).0, &text(3).1));
    // Backwards, and alone.
    let mut walk = Vec::new();
    let lines: Vec<&str> = std::str::from_utf8(&one).unwrap().lines().collect();
    assert_eq!(lines.len(), 303);
    for (number, line) in lines.iter().enumerate().rev() {
        walker.walk(303 + number as u64, &mut walk);
        let names: Vec<_> = walk.iter().map(|node| node.to_string()).collect();
        assert_eq!(names.join(" "), *line);
        let alone = graph.degree(walk[0]) == 0;
        assert_eq!(walk.len(), if alone { 1 } else { 20 });
        assert!(walk.windows(2).all(|step| graph.has_edge(step[0], step[1])));
    }
    assert!(lines.contains(&"100"), "a node without edges is a walk of its own");
    let other = Walker::new(&graph, WalkConfig { seed: 6, ..walker.config }).unwrap();
    other.walk(303, &mut walk);
    assert_ne!(walk.iter().map(|node| node.to_string()).collect::<Vec<_>>().join(" "), lines[0]);
}

#[test]
fn settings_without_meaning_are_refused() {
    let graph = graph(2, &[(0, 1, 1.0)], false, false);
    let config = WalkConfig::default();
    for (key, config) in [
        ("p", WalkConfig { p: 0.0, ..config }),
        ("q", WalkConfig { q: f64::NAN, ..config }),
        ("q", WalkConfig { q: -1.0, ..config }),
        ("p", WalkConfig { p: f64::INFINITY, ..config }),
        ("p", WalkConfig { p: 1e-320, ..config }),
        ("walks", WalkConfig { walks: 0, ..config }),
        ("length", WalkConfig { length: 0, ..config }),
    ] {
        let said = Walker::new(&graph, config).unwrap_err().to_string();
        assert!(said.contains(&format!("`{key}`")), "{said}");
    }
    let mut walk = Vec::new();
    for (p, q) in [(1e-300, 1.0), (1.0, 1e300), (1e300, 1e300), (1e300, 1e-300)] {
        walker(&graph, p, q, 50).walk(0, &mut walk);
        assert_eq!(walk.len(), 50, "{p} {q}");
    }
}
