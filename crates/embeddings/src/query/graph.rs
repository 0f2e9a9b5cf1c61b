//! Nearly exact neighbours from a navigable graph (HNSW; Malkov and Yashunin 2018), for tables too large to compare every row.

use instant_distance::{Builder, Heuristic, HnswMap, Point, Search};
use serde::{Deserialize, Serialize};

use super::products::dot;
use super::{Index, Neighbour, Query, unit};
use crate::{Error, Result};

/// How a graph is built and searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraphConfig {
    /// Candidates kept while a row is put in (default 100). More: a better graph, built for longer.
    pub ef_construction: usize,
    /// Candidates kept while neighbours are sought (default 100). More: more of the true neighbours, found more slowly.
    pub ef_search: usize,
    /// What the order of the rows follows from (default 1).
    pub seed: u64,
    /// Whether links go in different directions rather than to the nearest rows alone (default false).
    pub diverse: bool,
}

impl Default for GraphConfig {
    fn default() -> Self {
        Self { ef_construction: 100, ef_search: 100, seed: 1, diverse: false }
    }
}

/// A row, or a query.
#[derive(Clone)]
struct Unit<'a> {
    vector: &'a [f32],
    /// 1 / its length.
    inverse: f32,
}

impl Point for Unit<'_> {
    fn distance(&self, other: &Self) -> f32 {
        let distance = 1.0 - dot(self.vector, other.vector) * self.inverse * other.inverse;
        // A distance must be one.
        if distance.is_nan() { f32::MAX } else { distance }
    }
}

/// A graph over the rows of an [`Index`], which are not copied; some 200 bytes a row.
pub struct Graph<'a> {
    index: &'a Index<'a>,
    graph: HnswMap<Unit<'a>, u32>,
    ef_search: usize,
}

impl<'a> Graph<'a> {
    /// Builds the graph.
    ///
    /// # Errors
    /// Settings that are 0; when no thread can be had.
    pub fn build(index: &'a Index<'a>, config: &GraphConfig) -> Result<Self> {
        let GraphConfig { ef_construction, ef_search, seed, diverse } = *config;
        for (key, value) in [("ef_construction", ef_construction), ("ef_search", ef_search)] {
            if value == 0 {
                return Err(Error::setting(key, value, "at least 1"));
            }
        }
        // With more threads the order in which rows meet, and so the graph, would change from run to run.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool =
            pool.map_err(|error| Error::data("a thread to build the graph", error.to_string(), "one that starts"))?;
        let points = (0..index.len()).map(|row| index.row(row)).map(|(vector, inverse)| Unit { vector, inverse });
        let (points, ids) = (points.collect(), (0..index.len() as u32).collect());
        let builder = Builder::default().ef_construction(ef_construction).ef_search(ef_search).seed(seed);
        let builder = builder.select_heuristic(diverse.then(Heuristic::default));
        Ok(Self { index, graph: pool.install(|| builder.build(points, ids)), ef_search })
    }

    /// Nearly the `count` nearest rows by cosine, best first; exactly these when more are asked for than `ef_search` candidates give.
    ///
    /// # Panics
    /// When the query has not as many numbers as a row.
    pub fn nearest(&self, query: &Query, count: usize) -> Vec<Neighbour> {
        if count + query.exclude.len() > self.ef_search {
            return self.index.nearest(std::slice::from_ref(query), count).pop().unwrap_or_default();
        }
        let vector = unit(query.vector.clone());
        assert_eq!(vector.len(), self.index.lookup().dim(), "numbers in a query");
        let mut search = Search::default();
        let found = self.graph.search(&Unit { vector: &vector, inverse: 1.0 }, &mut search);
        let found = found.map(|item| Neighbour { id: *item.value, similarity: 1.0 - item.distance });
        let mut found: Vec<_> = found.filter(|one| !query.exclude.contains(&one.id)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(count);
        found
    }
}
