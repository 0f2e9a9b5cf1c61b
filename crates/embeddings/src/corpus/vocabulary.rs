//! Words and how often they occur, the most frequent first.

use crate::{Error, Names, Result};

/// The words of a corpus. Sorted by falling count; words of the same count stand in the order of their first occurrence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vocabulary {
    names: Names,
    counts: Vec<u64>,
}

impl Vocabulary {
    /// Sorts names by count and leaves out those with fewer than `min_count`.
    ///
    /// # Errors
    /// When nothing is left: says how many there were and what the highest count is.
    pub fn new(names: &Names, counts: &[u64], min_count: u64) -> Result<Self> {
        let mut order: Vec<u32> =
            (0..names.len() as u32).filter(|&id| counts[id as usize] >= min_count.max(1)).collect();
        order.sort_by_key(|&id| std::cmp::Reverse(counts[id as usize]));
        if order.is_empty() {
            let highest = counts.iter().max().copied().unwrap_or(0);
            let found = match names.len() {
                0 => "no words at all".to_string(),
                1 => format!("one word, which occurs {highest} times: fewer than min_count {min_count}"),
                n => format!(
                    "{n} words, of which none occurs {min_count} times; the most frequent occurs {highest} times"
                ),
            };
            let expected = if names.is_empty() {
                "words, divided by spaces and line ends".to_string()
            } else {
                format!("a min_count of at most {highest}")
            };
            return Err(Error::data("the corpus", found, expected));
        }
        let counts = order.iter().map(|&id| counts[id as usize]).collect();
        Ok(Self { names: order.iter().map(|&id| names.name(id)).collect(), counts })
    }

    /// The words.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// How often each occurs.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Words in the corpus, of those in the vocabulary.
    pub fn tokens(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// With what probability (of `2^32`) an occurrence of each word is kept when frequent ones are thinned out, `sqrt(t / f) + t / f`. None when
    /// `sample` is 0.
    pub fn keep(&self, sample: f64) -> Option<Vec<u32>> {
        (sample > 0.0).then(|| kept(&self.counts, self.tokens(), sample))
    }
}

/// With what probability (of `2^32`) an occurrence of each word is kept: `sqrt(t / f) + t / f` for a word that makes up the part `f` of
/// all `tokens` (the rule in word2vec.c and fastText, which differs from the paper's).
pub(crate) fn kept(counts: &[u64], tokens: u64, t: f64) -> Vec<u32> {
    let share = |&count: &u64| {
        let ratio = t * tokens as f64 / count.max(1) as f64;
        ((ratio.sqrt() + ratio).min(1.0) * f64::from(u32::MAX)) as u32
    };
    counts.iter().map(share).collect()
}
