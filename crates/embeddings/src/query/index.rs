//! Exact neighbours: every row is compared with every query of a batch.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::Range;

use rayon::prelude::*;

use super::products::{WIDTH, dot, dots, panels, products};
use super::{Query, inverse_length, unit, vector};
use crate::{Error, Lookup, Names, Result, Table};

/// Rows that are compared with all queries before the next ones are fetched: with 100 numbers each they fit a second-level cache.
const BLOCK: usize = 512;
/// Queries from which on a panel of them is faster than one after the other.
const PANEL_FROM: usize = 4;

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
        let parts = if queries.len() < PANEL_FROM {
            self.blocks(start, |best, rows| {
                for ((best, query), vector) in best.iter_mut().zip(queries).zip(&vectors) {
                    self.consider_all(best, query, vector, rows.clone());
                }
            })
        } else {
            self.scan(&vectors, start, |best, panel, first, cosines| {
                let asked = panel * WIDTH..queries.len().min((panel + 1) * WIDTH);
                self.consider(&mut best[asked.clone()], &queries[asked.clone()], &vectors[asked], first, cosines);
            })
        };
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

    /// The cosine of the angle between a row and a vector of length 1: by this neighbours are ordered, whatever else is asked.
    fn cosine(&self, row: usize, vector: &[f32]) -> f32 {
        dot(self.rows.row(row), vector) * self.inverses[row]
    }

    /// Takes those of `rows` that are among the best for one query.
    fn consider_all(&self, best: &mut Best, query: &Query, vector: &[f32], rows: Range<usize>) {
        let mut products = [0.0; BLOCK];
        let products = &mut products[..rows.len()];
        dots(self.rows.rows_of(rows.clone()), self.rows.stride(), vector, products);
        for ((row, product), inverse) in rows.clone().zip(products).zip(&self.inverses[rows]) {
            let (id, similarity) = (row as u32, *product * inverse);
            if similarity > best.threshold && !query.exclude.contains(&id) {
                best.add(Neighbour { id, similarity });
            }
        }
    }

    /// The same for at most [`WIDTH`] queries, the cosines with which were computed in another order of the sums: they tell which rows
    /// are worth a look.
    fn consider(
        &self,
        best: &mut [Best],
        queries: &[Query],
        vectors: &[Vec<f32>],
        first: u32,
        cosines: &[[f32; WIDTH]],
    ) {
        // Two ways to add up n products of vectors of length 1 are no further apart (Higham 2002, section 3.1), the scaling included.
        let apart = (self.rows.dim() + 8) as f32 * f32::EPSILON;
        let mut thresholds = [f32::INFINITY; WIDTH];
        thresholds.iter_mut().zip(best.iter()).for_each(|(threshold, best)| *threshold = best.threshold - apart);
        for (id, cosines) in (first..).zip(cosines) {
            // Without a branch for each, and most rows are good for none.
            if !cosines.iter().zip(&thresholds).fold(false, |any, (cosine, threshold)| any | (cosine > threshold)) {
                continue;
            }
            for (number, (best, query)) in best.iter_mut().zip(queries).enumerate() {
                if cosines[number] > thresholds[number] && !query.exclude.contains(&id) {
                    let similarity = self.cosine(id as usize, &vectors[number]);
                    if similarity > best.threshold {
                        best.add(Neighbour { id, similarity });
                        thresholds[number] = best.threshold - apart;
                    }
                }
            }
        }
    }

    /// Calls `visit` with the cosines of some rows, the first of which is given, with a panel of vectors of length 1, until all rows
    /// have met all panels.
    fn scan<T: Send>(
        &self,
        vectors: &[Vec<f32>],
        start: impl Fn() -> T + Sync,
        visit: impl Fn(&mut T, usize, u32, &[[f32; WIDTH]]) + Sync,
    ) -> Vec<T> {
        let (dim, stride) = (self.rows.dim(), self.rows.stride());
        let panels = panels(vectors, dim);
        self.blocks(start, |state, rows| {
            let mut cosines = [[0.0; WIDTH]; BLOCK];
            let cosines = &mut cosines[..rows.len()];
            let values = self.rows.rows_of(rows.clone());
            for (number, panel) in panels.chunks_exact(WIDTH * dim).enumerate() {
                products(values, stride, panel, cosines);
                for (cosines, inverse) in cosines.iter_mut().zip(&self.inverses[rows.clone()]) {
                    cosines.iter_mut().for_each(|cosine| *cosine *= inverse);
                }
                visit(state, number, rows.start as u32, cosines);
            }
        })
    }

    /// Calls `visit` with some rows after the other. Parts of the rows are visited at the same time, each with a state of its own.
    fn blocks<T: Send>(&self, start: impl Fn() -> T + Sync, visit: impl Fn(&mut T, Range<usize>) + Sync) -> Vec<T> {
        let parts = rayon::current_num_threads().min(self.len().div_ceil(BLOCK));
        let part = self.len().div_ceil(parts.max(1));
        let work = |number: usize| {
            let (mut state, end) = (start(), self.len().min((number + 1) * part));
            for first in (number * part..end).step_by(BLOCK) {
                visit(&mut state, first..end.min(first + BLOCK));
            }
            state
        };
        (0..parts).into_par_iter().map(work).collect()
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

/// The best of all parts for each question, best first.
fn merge(parts: Vec<Vec<Best>>) -> Vec<Vec<Neighbour>> {
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, part)| part.heap.into_iter().for_each(|one| all.add(one.0)));
    }
    all.into_iter().map(|best| best.heap.into_sorted_vec().into_iter().map(|one| one.0).collect()).collect()
}
