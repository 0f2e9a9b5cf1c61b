//! Words and their vectors: what every format holds and every question is asked of.

use crate::{Error, Names, Result, Table};

/// A vector for each of a list of words (or nodes, or labels).
#[derive(Clone, Debug, PartialEq)]
pub struct WordVectors {
    words: Names,
    table: Table,
}

impl WordVectors {
    /// Row `i` of the table is the vector of word `i`.
    ///
    /// # Errors
    /// When there are not as many rows as words.
    pub fn new(words: Names, table: Table) -> Result<Self> {
        if words.len() != table.rows() {
            let found = format!("{} words and {} vectors", words.len(), table.rows());
            return Err(Error::data("vectors of words", found, "one vector a word"));
        }
        Ok(Self { words, table })
    }

    /// The words, in the order of the rows.
    pub fn words(&self) -> &Names {
        &self.words
    }

    /// The vectors.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The vector of a word that is in the list.
    pub fn get(&self, word: &str) -> Option<&[f32]> {
        self.words.get(word).map(|id| self.table.row(id as usize))
    }
}

/// What gives vectors for words: a list, or a model that makes them from sub-words.
pub trait Lookup {
    /// The words it knows, by which neighbours are named.
    fn words(&self) -> &Names;

    /// Numbers in a vector.
    fn dim(&self) -> usize;

    /// Writes the vector of `word` to `vector`; false, and nothing written, when there is none.
    fn vector(&self, word: &str, vector: &mut [f32]) -> bool;

    /// The table of which row `i` is the vector of word `i`, where there is one: questions need no copy of it then.
    fn table(&self) -> Option<&Table> {
        None
    }
}

impl Lookup for WordVectors {
    fn words(&self) -> &Names {
        &self.words
    }

    fn dim(&self) -> usize {
        self.table.dim()
    }

    fn vector(&self, word: &str, vector: &mut [f32]) -> bool {
        self.get(word).map(|found| vector.copy_from_slice(found)).is_some()
    }

    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }
}
