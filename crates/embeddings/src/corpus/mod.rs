//! A text as numbers: its vocabulary, and the number of each word in order.

pub mod vocabulary;

use std::ops::Range;

pub use self::vocabulary::Vocabulary;
use crate::train::Sentences;

/// Stands in the ids where a line ends.
pub const LINE_END: u32 = u32::MAX;

/// Words after which a longer line is cut, as in word2vec.c.
pub const LONGEST_SENTENCE: u64 = 1000;

/// A text as word numbers.
pub struct Corpus {
    pub(crate) ids: Vec<u32>,
    pub(crate) tokens: u64,
}

impl Sentences for Corpus {
    fn tokens(&self) -> u64 {
        self.tokens
    }

    fn part(&self, part: usize, parts: usize) -> Range<u64> {
        let at = |part: usize| (self.ids.len() as u128 * part as u128 / parts as u128) as u64;
        at(part)..at(part + 1)
    }

    fn read(&self, _: u64, position: u64, end: u64, sentence: &mut Vec<u32>) -> (u64, u64) {
        let rest = &self.ids[position as usize..(position + LONGEST_SENTENCE).min(end) as usize];
        let length = rest.iter().position(|&id| id == LINE_END).unwrap_or(rest.len());
        sentence.extend_from_slice(&rest[..length]);
        let passed = if length < rest.len() { length + 1 } else { length };
        (position + passed as u64, length as u64)
    }
}

impl Corpus {
    /// Word numbers with [`LINE_END`] where a line ends.
    pub fn from_ids(ids: Vec<u32>) -> Self {
        let tokens = ids.iter().filter(|&&id| id != LINE_END).count() as u64;
        Self { ids, tokens }
    }
}
