//! Exact neighbours: every row is compared with every query of a batch.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::products::{WIDTH, panels, products};
use super::{Query, inverse_length, unit, vector};
use crate::{Error, Lookup, Names, Result, Table};

/// Rows that are compared with all queries before the next ones are fetched: with 100 numbers each they fit a second-level cache.
const BLOCK: usize = 512;

/// A word near a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The row of the word.
    pub id: u32,
    /// The cosine of the angle between it and the query, or another score by which neighbours are ordered.
    pub similarity: f32,
}

impl Eq for Neighbour {}

impl Ord for Neighbour {
    /// The better one is greater: more similar, then of a smaller number.
    fn cmp(&self, other: &Self) -> Ordering {
        self.similarity.total_cmp(&other.similarity).then(other.id.cmp(&self.id))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The vectors of all words that a [`Lookup`] knows, made ready to be compared.
///
/// Vectors that stand in a table stay there; others are collected once.
pub struct Index<'a> {
    lookup: &'a (dyn Lookup + Sync),
    rows: Cow<'a, Table>,
    /// 1 / the length of each row.
    inverses: Vec<f32>,
}

impl<'a> Index<'a> {
    /// An index of all words.
    ///
    /// # Errors
    /// When the memory for collected vectors cannot be had.
    pub fn new(lookup: &'a (dyn Lookup + Sync)) -> Result<Self> {
        let rows = match lookup.table() {
            Some(table) => Cow::Borrowed(table),
            None => Cow::Owned(collect(lookup)?),
        };
        let inverses = (0..lookup.words().len()).into_par_iter().map(|row| inverse_length(rows.row(row))).collect();
        Ok(Self { lookup, rows, inverses })
    }

    /// An index of the first `count` words alone: the most frequent ones, as trained models order theirs.
    pub fn first(mut self, count: usize) -> Self {
        self.inverses.truncate(count);
        self
    }

    /// How many words are compared.
    pub fn len(&self) -> usize {
        self.inverses.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inverses.is_empty()
    }

    /// What gives the vectors of words.
    pub fn lookup(&self) -> &'a (dyn Lookup + Sync) {
        self.lookup
    }

    /// The words by which neighbours are named.
    pub fn words(&self) -> &'a Names {
        self.lookup.words()
    }

    /// A row, and 1 / its length.
    pub(super) fn row(&self, row: usize) -> (&[f32], f32) {
        (self.rows.row(row), self.inverses[row])
    }

    /// The `count` nearest rows of each query by cosine, best first; of equally near ones the first. What else is asked at the same time
    /// changes no answer; memory is bounded by the queries and answers.
    ///
    /// # Panics
    /// When a query has not as many numbers as a row.
    pub fn nearest(&self, queries: &[Query], count: usize) -> Vec<Vec<Neighbour>> {
        let vectors: Vec<_> = queries.iter().map(|query| unit(query.vector.clone())).collect();
        let start = || vec![Best::new(count); queries.len()];
        let parts = self.scan(&vectors, start, |best, panel, first, cosines| {
            let asked = panel * WIDTH..queries.len().min((panel + 1) * WIDTH);
            consider(&mut best[asked.clone()], &queries[asked], first, cosines);
        });
        let none = vec![Vec::new(); queries.len()];
        if parts.is_empty() { none } else { merge(parts) }
    }

    /// Analogies by the product and quotient of similarities (3CosMul; Levy and Goldberg 2014), for which an answer must be near to all
    /// positive words, not to one of them alone.
    ///
    /// # Errors
    /// As [`vector`]; more than 16 words.
    pub fn analogy_by_product(&self, positive: &[&str], negative: &[&str], count: usize) -> Result<Vec<Neighbour>> {
        // The constant of the authors' program.
        const NEAR_ZERO: f32 = 1e-6;
        let words: Vec<&str> = positive.iter().chain(negative).copied().collect();
        if words.len() > WIDTH {
            return Err(Error::data("words of an analogy", words.len().to_string(), format!("at most {WIDTH}")));
        }
        let vectors = words.iter().map(|word| Ok(unit(vector(self.lookup, word)?))).collect::<Result<Vec<_>>>()?;
        let exclude: Vec<_> = words.iter().filter_map(|word| self.words().get(word)).collect();
        // Cosines are shifted to 0..1.
        let product = |cosines: &[f32]| cosines.iter().map(|cosine| f32::midpoint(1.0, *cosine)).product::<f32>();
        let parts = self.scan(
            &vectors,
            || Best::new(count),
            |best, _, first, cosines| {
                for (id, cosines) in (first..).zip(cosines) {
                    let (near, far) = cosines[..words.len()].split_at(positive.len());
                    let similarity = product(near) / (product(far) + NEAR_ZERO);
                    if similarity > best.threshold && !exclude.contains(&id) {
                        best.add(Neighbour { id, similarity });
                    }
                }
            },
        );
        Ok(merge(parts.into_iter().map(|best| vec![best]).collect()).pop().unwrap_or_default())
    }

    /// Calls `visit` with the cosines of some rows, the first of which is given, with a panel of vectors of length 1, until all rows
    /// have met all panels. Parts of the rows are scanned at the same time, each with a state of its own.
    fn scan<T: Send>(
        &self,
        vectors: &[Vec<f32>],
        start: impl Fn() -> T + Sync,
        visit: impl Fn(&mut T, usize, u32, &[[f32; WIDTH]]) + Sync,
    ) -> Vec<T> {
        let (dim, stride) = (self.rows.dim(), self.rows.stride());
        let panels = panels(vectors, dim);
        let parts = rayon::current_num_threads().min(self.len().div_ceil(BLOCK));
        let part = self.len().div_ceil(parts.max(1));
        let scan = |number: usize| {
            let (mut state, end) = (start(), self.len().min((number + 1) * part));
            let mut cosines = [[0.0; WIDTH]; BLOCK];
            for first in (number * part..end).step_by(BLOCK) {
                let rows = first..end.min(first + BLOCK);
                let cosines = &mut cosines[..rows.len()];
                let values = self.rows.rows_of(rows.clone());
                for (number, panel) in panels.chunks_exact(WIDTH * dim).enumerate() {
                    products(values, stride, panel, cosines);
                    for (cosines, inverse) in cosines.iter_mut().zip(&self.inverses[rows.clone()]) {
                        cosines.iter_mut().for_each(|cosine| *cosine *= inverse);
                    }
                    visit(&mut state, number, rows.start as u32, cosines);
                }
            }
            state
        };
        (0..parts).into_par_iter().map(scan).collect()
    }
}

/// The vectors of all words, in a table.
fn collect(lookup: &(dyn Lookup + Sync)) -> Result<Table> {
    let mut table = Table::zeros(lookup.words().len(), lookup.dim())?;
    let (stride, dim) = (table.stride(), table.dim());
    let rows = table.rows_mut(0..lookup.words().len());
    // A word without a vector stays 0, which is near to nothing.
    rows.par_chunks_mut(stride).enumerate().for_each(|(id, row)| {
        lookup.vector(lookup.words().name(id as u32), &mut row[..dim]);
    });
    Ok(table)
}

/// The best neighbours found so far.
#[derive(Clone)]
struct Best {
    count: usize,
    /// What a neighbour must exceed to be one of the best.
    threshold: f32,
    heap: BinaryHeap<Reverse<Neighbour>>,
}

impl Best {
    fn new(count: usize) -> Self {
        let threshold = if count == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
        Self { count, threshold, heap: BinaryHeap::new() }
    }

    fn add(&mut self, neighbour: Neighbour) {
        self.heap.push(Reverse(neighbour));
        if self.heap.len() > self.count {
            self.heap.pop();
        }
        if self.heap.len() == self.count {
            self.threshold = self.heap.peek().map_or(self.threshold, |worst| worst.0.similarity);
        }
    }
}

/// Takes those of some rows that are among the best for one of at most [`WIDTH`] queries.
fn consider(best: &mut [Best], queries: &[Query], first: u32, cosines: &[[f32; WIDTH]]) {
    let mut thresholds = [f32::INFINITY; WIDTH];
    thresholds.iter_mut().zip(best.iter()).for_each(|(threshold, best)| *threshold = best.threshold);
    for (id, cosines) in (first..).zip(cosines) {
        // Without a branch for each, and most rows are good for none.
        if !cosines.iter().zip(&thresholds).fold(false, |any, (cosine, threshold)| any | (cosine > threshold)) {
            continue;
        }
        for (number, (best, query)) in best.iter_mut().zip(queries).enumerate() {
            if cosines[number] > thresholds[number] && !query.exclude.contains(&id) {
                best.add(Neighbour { id, similarity: cosines[number] });
                thresholds[number] = best.threshold;
            }
        }
    }
}

/// The best of all parts for each question, best first.
fn merge(parts: Vec<Vec<Best>>) -> Vec<Vec<Neighbour>> {
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, part)| part.heap.into_iter().for_each(|one| all.add(one.0)));
    }
    all.into_iter().map(|best| best.heap.into_sorted_vec().into_iter().map(|one| one.0).collect()).collect()
}
