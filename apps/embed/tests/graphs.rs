//! Commands that work with graphs.

mod common;

use std::fs;

use common::{bench, figure, stdout, with_input};

#[test]
fn walks_are_text_and_the_same_on_any_number_of_threads() {
    let bench = bench();
    let text = stdout(bench.run(&["walks", "--walks", "3", "--length", "7", "--threads", "1"]));
    assert_eq!(text.lines().count(), 3 * 34);
    assert!(text.lines().all(|line| line.split(' ').count() == 7));
    let result = bench.result(&["walks", "--walks", "3", "--length", "7", "--threads", "3", "--to", "w.txt"]);
    assert_eq!((figure(&result, "walks"), figure(&result, "nodes")), (102.0, 714.0));
    assert_eq!(fs::read_to_string(bench.path("w.txt")).unwrap(), text);
    let other = stdout(bench.run(&["walks", "--walks", "3", "--length", "7", "--seed", "2"]));
    assert_ne!(other, text);

    let walks = ["walks", "--walks", "2", "--length", "3", "--data"];
    let read = |data, input: &str| stdout(with_input(&bench, &[&walks[..], &[data]].concat(), input.as_bytes()));
    let edges = "a b\nb c\nc a\n";
    fs::write(bench.path("triangle.edges"), edges).unwrap();
    assert_eq!(read("-", edges), read("triangle.edges", ""), "a graph from a pipe");

    fs::write(bench.path("g.edges"), "a b 1\nb c nan\n").unwrap();
    let said = bench.failure(&["walks", "--data", "g.edges", "--weighted"], 1);
    assert!(said.contains("g.edges") && said.contains("line 2"), "{said}");
    let said = bench.failure(&["walks", "--p", "0"], 2);
    assert!(said.contains("setting `p`"), "{said}");
    let said = bench.failure(&["walks", "--data", "missing.edges"], 2);
    assert!(said.contains("missing.edges"), "{said}");
}

#[test]
fn nodes_are_classified_by_their_vectors() {
    let bench = bench();
    // Each node's label is its vector.
    let labels =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/karate/karate.labels")).unwrap();
    let lines = labels.lines().filter(|line| !line.starts_with('#')).map(str::split_whitespace);
    let nodes: Vec<(&str, &str)> = lines.map(|mut fields| (fields.next().unwrap(), fields.next().unwrap())).collect();
    let side = |label: &str| if label == nodes[0].1 { "1 0" } else { "0 1" };
    let vectors: String = nodes.iter().map(|(node, label)| format!("{node} {}\n", side(label))).collect();
    fs::write(bench.path("k.txt"), format!("{} 2\n{vectors}", nodes.len())).unwrap();
    let result = bench.result(&["evaluate", "nodes", "--vectors", "k.txt", "--shares", "0.3,0.5"]);
    assert_eq!((figure(&result, "macro_f1"), figure(&result, "micro_f1"), figure(&result, "share")), (1.0, 1.0, 0.5));
    assert!(figure(&result, "baseline_micro_f1") < 0.8);
    assert_eq!(result["metrics"]["shares"].as_array().unwrap().len(), 2);
    let said = bench.failure(&["evaluate", "nodes", "--vectors", "v.txt"], 1);
    assert!(!said.is_empty());
    let said = bench.failure(&["evaluate", "nodes", "--vectors", "k.txt", "--shares", "1.5"], 2);
    assert!(said.contains("share"), "{said}");
}
