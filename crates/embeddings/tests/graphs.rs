//! Graphs and labels as they ship, and real ones where they lie on this machine.

use std::path::{Path, PathBuf};

use ognivo_embeddings::evaluate::Labels;
use ognivo_embeddings::node2vec::{Graph, ReadOptions};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/karate").join(name)
}

fn real(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("OGNIVO_DATA")?).join(name);
    path.exists().then_some(path).or_else(|| {
        eprintln!("skipped: {name} is not in OGNIVO_DATA");
        None
    })
}

#[test]
fn the_karate_club_has_all_its_edges() {
    let graph = Graph::read(&shipped("karate.edges"), &ReadOptions::default()).unwrap();
    assert_eq!((graph.nodes(), graph.edges()), (34, 78));
    let node = |name: &str| graph.names().get(name).unwrap();
    assert!(graph.has_edge(node("9"), node("31")) && graph.has_edge(node("9"), node("33")));
    assert_eq!((graph.degree(node("1")), graph.degree(node("34"))), (16, 17));
    let labels = Labels::read(&shipped("karate.labels")).unwrap();
    assert_eq!(labels.nodes().len(), 34);
    let hi = labels.names().get("hi").unwrap();
    assert_eq!((0..34).filter(|&node| labels.of(node) == [hi]).count(), 17);
    assert!(graph.names().iter().all(|name| labels.nodes().get(name).is_some()));
}

#[test]
fn an_edge_given_twice_counts_once() {
    let Some(path) = real("karate/karate.edgelist") else { return };
    let graph = Graph::read(&path, &ReadOptions::default()).unwrap();
    assert_eq!((graph.nodes(), graph.edges()), (34, 77), "the copy that has 9 33 twice and lacks 9 31");
}

#[test]
fn blogcatalog_is_read() {
    let Some(folder) = real("blogcatalog") else { return };
    let graph = Graph::read(&folder.join("bc_adjlist.txt.gz"), &ReadOptions::default()).unwrap();
    assert_eq!((graph.nodes(), graph.edges()), (10_312, 333_983));
    let labels = Labels::read(&folder.join("bc_labels.txt")).unwrap();
    assert_eq!((labels.nodes().len(), labels.names().len()), (10_312, 39));
    assert_eq!((0..10_312).map(|node| labels.of(node).len()).sum::<usize>(), 14_476);
}

#[test]
fn les_miserables_is_read() {
    let Some(path) = real("les-miserables/lesmis.gml") else { return };
    let graph = Graph::read(&path, &ReadOptions { weighted: true, ..ReadOptions::default() }).unwrap();
    assert_eq!((graph.nodes(), graph.edges()), (77, 254));
    let node = |name: &str| graph.names().get(name).unwrap();
    let (valjean, cosette) = (node("Valjean"), node("Cosette"));
    let place = graph.neighbors(valjean).binary_search(&cosette).unwrap();
    assert_eq!(graph.weights(valjean)[place], 31.0);
}
