//! Phrases: pairs of words that stand side by side more often than chance, joined to one (Mikolov et al. 2013, "Distributed
//! representations of words and phrases", section 4; `word2phrase`).

use std::io::{self, BufRead, Write};

use ahash::RandomState;
use hashbrown::HashMap;

use crate::fasttext::{END_OF_LINE, Tokens};
use crate::{Error, Names, Result};

/// When a pair is a phrase. Defaults are those of word2phrase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhrasesConfig {
    /// Words and pairs that occur less often are no part of one.
    pub min_count: u64,
    /// The score from which on a pair is joined: the higher, the fewer phrases.
    pub threshold: f64,
}

impl Default for PhrasesConfig {
    fn default() -> Self {
        Self { min_count: 5, threshold: 100.0 }
    }
}

/// How often words, and pairs of words in one line, occur.
pub struct Phrases {
    config: PhrasesConfig,
    names: Names,
    counts: Vec<u64>,
    pairs: HashMap<(u32, u32), u64, RandomState>,
    words: u64,
}

impl Phrases {
    /// Counts nothing yet.
    ///
    /// # Errors
    /// For a threshold that is not a number from 0 on.
    pub fn new(config: PhrasesConfig) -> Result<Self> {
        if config.threshold.is_nan() || config.threshold < 0.0 {
            return Err(Error::setting("threshold", config.threshold, "a number not below 0"));
        }
        let pairs = HashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4));
        Ok(Self { config, names: Names::default(), counts: Vec::new(), pairs, words: 0 })
    }

    /// Counts a text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn count(&mut self, text: &mut Tokens<impl BufRead>) -> Result<()> {
        let (mut word, mut before) = (Vec::new(), None);
        while text.next(&mut word)? {
            if word == END_OF_LINE {
                before = None;
                continue;
            }
            let (id, new) = self.names.insert(&String::from_utf8_lossy(&word));
            if new {
                self.counts.push(0);
            }
            self.counts[id as usize] += 1;
            self.words += 1;
            if let Some(before) = before {
                *self.pairs.entry((before, id)).or_default() += 1;
            }
            before = Some(id);
        }
        Ok(())
    }

    /// The score of a pair: `(n(a b) - min_count) / (n(a) n(b))` times the words of the text; none if it is too rare.
    pub fn score(&self, a: &str, b: &str) -> Option<f64> {
        self.score_of(self.names.get(a)?, self.names.get(b)?)
    }

    fn score_of(&self, a: u32, b: u32) -> Option<f64> {
        let least = self.config.min_count;
        let pair = self.pairs.get(&(a, b)).copied().unwrap_or(0);
        let (first, second) = (self.counts[a as usize], self.counts[b as usize]);
        let enough = first >= least && second >= least && pair >= least.max(1);
        enough.then(|| (pair - least) as f64 / first as f64 / second as f64 * self.words as f64)
    }

    /// Writes a text with its phrases joined by `_`, from left to right, no word in two of them; how many were joined. Words stand
    /// between single spaces.
    ///
    /// # Errors
    /// When the text cannot be read, or the writer's.
    pub fn join(&self, text: &mut Tokens<impl BufRead>, to: &mut impl Write) -> Result<u64> {
        let failed = |error: io::Error| Error::from(ognivo_core::Error::io("the text with phrases", "write")(error));
        let (mut word, mut before, mut begun, mut joined) = (Vec::new(), None, false, 0);
        while text.next(&mut word)? {
            if word == END_OF_LINE {
                to.write_all(b"\n").map_err(failed)?;
                (before, begun) = (None, false);
                continue;
            }
            let id = self.names.get(&String::from_utf8_lossy(&word));
            let score = before.zip(id).and_then(|(before, id)| self.score_of(before, id));
            let is_phrase = score.is_some_and(|score| score > self.config.threshold);
            let separator: &[u8] = if is_phrase {
                b"_"
            } else if begun {
                b" "
            } else {
                b""
            };
            to.write_all(separator).and_then(|()| to.write_all(&word)).map_err(failed)?;
            joined += u64::from(is_phrase);
            begun = true;
            // The second word of a phrase begins no other.
            before = if is_phrase { None } else { id };
        }
        if begun {
            to.write_all(b"\n").map_err(failed)?;
        }
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Tokens<&[u8]> {
        Tokens::new(text.as_bytes(), "a text")
    }

    #[test]
    fn scores_and_phrases_by_hand() {
        // 6 times `new york`, `new` 9 times, `york` 6 times, 28 words.
        let text = "new york is new\nin new york a b\n".repeat(2) + "new york new\nnew york c d e f g\n";
        let mut phrases = Phrases::new(PhrasesConfig { min_count: 2, threshold: 1.5 }).unwrap();
        phrases.count(&mut tokens(&text)).unwrap();
        assert_eq!(phrases.words, 28);
        let score = phrases.score("new", "york").unwrap();
        assert!((score - 4.0 / 9.0 / 6.0 * 28.0).abs() < 1e-12, "{score}");
        // Across the end of a line is no pair; rare ones have no score.
        assert_eq!(phrases.score("york", "new"), None);
        assert_eq!((phrases.score("new", "in"), phrases.score("c", "d"), phrases.score("x", "d")), (None, None, None));
        let mut joined = Vec::new();
        assert_eq!(phrases.join(&mut tokens("new  york\tis\n\nnew york new york a"), &mut joined).unwrap(), 3);
        assert_eq!(String::from_utf8(joined).unwrap(), "new_york is\n\nnew_york new_york a\n");
    }

    #[test]
    fn a_word_is_in_one_phrase_only() {
        let mut phrases = Phrases::new(PhrasesConfig { min_count: 1, threshold: 0.0 }).unwrap();
        phrases.count(&mut tokens(&"a b c\n".repeat(9))).unwrap();
        let mut joined = Vec::new();
        phrases.join(&mut tokens("a b c\n"), &mut joined).unwrap();
        assert_eq!(String::from_utf8(joined).unwrap(), "a_b c\n");
        assert!(Phrases::new(PhrasesConfig { threshold: f64::NAN, ..PhrasesConfig::default() }).is_err());
    }
}
