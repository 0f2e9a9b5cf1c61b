//! The ten nearest of 100 000 words with 100 numbers each: exact for one query and for a thousand, and by a graph.
//!
//! `numpy_nearest.py` does the exact ones in NumPy. The time to build the graph and its recall are printed.

use std::sync::LazyLock;
use std::time::Instant;

use divan::Bencher;
use divan::counter::ItemsCount;
use ognivo_embeddings::query::{Graph, GraphConfig, Index, Query};
use ognivo_embeddings::{Table, WordVectors};

const ROWS: usize = 100_000;
const DIM: usize = 100;

/// Words around a thousand centres, from a formula.
static VECTORS: LazyLock<WordVectors> = LazyLock::new(|| {
    let mut state = 7u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (0..4).map(|part| ((state >> (part * 16)) & 0xffff) as f32 / 65536.0 - 0.5).sum::<f32>()
    };
    let centres: Vec<Vec<f32>> = (0..1000).map(|_| (0..DIM).map(|_| next()).collect()).collect();
    let mut table = Table::zeros(ROWS, DIM).unwrap();
    for row in 0..ROWS {
        let centre = &centres[row * 31 % centres.len()];
        table.row_mut(row).iter_mut().zip(centre).for_each(|(value, centre)| *value = 0.5 * centre + next());
    }
    WordVectors::new((0..ROWS).map(|row| row.to_string()).collect(), table).unwrap()
});
static INDEX: LazyLock<Index<'static>> = LazyLock::new(|| Index::new(&*VECTORS).unwrap());
static GRAPH: LazyLock<Graph<'static>> = LazyLock::new(|| {
    let start = Instant::now();
    let graph = Graph::build(&INDEX, &GraphConfig::default()).unwrap();
    let built = start.elapsed().as_secs_f64();
    let queries = queries(1000);
    let exact = INDEX.nearest(&queries, 10);
    let hits: usize = (queries.iter().zip(&exact))
        .map(|(query, exact)| {
            let near = graph.nearest(query, 10);
            exact.iter().filter(|one| near.iter().any(|other| one.id == other.id)).count()
        })
        .sum();
    println!("graph built in {built:.1} s, recall@10 {:.4}", hits as f64 / 10_000.0);
    graph
});

fn queries(count: usize) -> Vec<Query> {
    (0..count).map(|i| Query::word(&*VECTORS, &(i * 97 % ROWS).to_string()).unwrap()).collect()
}

#[divan::bench(args = [1, 16, 1000])]
fn exact(bencher: Bencher, count: usize) {
    let queries = queries(count);
    LazyLock::force(&INDEX);
    bencher.counter(ItemsCount::new(count)).bench(|| INDEX.nearest(&queries, 10));
}

#[divan::bench]
fn graph(bencher: Bencher) {
    let queries = queries(1000);
    LazyLock::force(&GRAPH);
    bencher
        .counter(ItemsCount::new(1000usize))
        .bench(|| queries.iter().map(|query| GRAPH.nearest(query, 10)).collect::<Vec<_>>());
}

fn main() {
    divan::main();
}
