//! Words with upper and lower case taken for the same.

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::Names;

/// Finds words as an evaluation spells them.
pub(super) struct Folded<'a> {
    words: &'a Names,
    /// How many of the first words count.
    count: u32,
    /// The rows of each spelling, in order; none where case counts.
    rows: Option<HashMap<String, Vec<u32>, ahash::RandomState>>,
}

impl<'a> Folded<'a> {
    /// The first `count` words, in which case counts unless `fold`.
    pub(super) fn new(words: &'a Names, count: usize, fold: bool) -> Self {
        let count = words.len().min(count) as u32;
        let rows = fold.then(|| {
            let mut rows = HashMap::<_, Vec<u32>, _>::default();
            for (id, word) in (0..count).zip(words.iter()) {
                rows.entry(word.to_uppercase()).or_default().push(id);
            }
            rows
        });
        Self { words, count, rows }
    }

    /// The rows of a word: the first, which is the most frequent, is the one that is meant.
    pub(super) fn rows(&self, word: &str) -> Cow<'_, [u32]> {
        match &self.rows {
            Some(rows) => rows.get(&word.to_uppercase()).map_or(Cow::Borrowed(&[]), |rows| Cow::Borrowed(rows)),
            None => Cow::Owned(self.words.get(word).filter(|&id| id < self.count).into_iter().collect()),
        }
    }

    /// The row that is meant by a word.
    pub(super) fn row(&self, word: &str) -> Option<u32> {
        self.rows(word).first().copied()
    }
}
