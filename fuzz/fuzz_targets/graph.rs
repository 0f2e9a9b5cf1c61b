//! Graphs: edge lists, adjacency lists, GML.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use ognivo_embeddings::node2vec::{Graph, GraphFormat, ReadOptions};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph");
    fs::write(&path, bytes).unwrap();
    for format in [GraphFormat::Edges, GraphFormat::Adjacency, GraphFormat::Gml] {
        for weighted in [false, true] {
            if let Ok(graph) = Graph::read(&path, &ReadOptions { format, weighted, directed: weighted }) {
                assert!(graph.edges() > 0 && graph.names().len() == graph.nodes());
            }
        }
    }
});
