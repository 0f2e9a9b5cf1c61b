//! Words as tokens.

use std::collections::HashMap;

use super::pieces::Pieces;
use super::unit::{LARGEST, Words as Settings};
use crate::{Error, Result};

/// Every word that is not in the vocabulary.
pub(super) const UNKNOWN: &str = "<unk>";
/// The end of a line.
pub(super) const END: &str = "<eos>";

/// Words: `<unk>`, `<eos>`, then the others, most frequent first, equally frequent ones in the order of their bytes.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: Vec<String>,
    tokens: HashMap<String, u32>,
    /// What each writes: a space and the word, or the line break.
    pub(super) pieces: Pieces,
}

impl Words {
    /// The words of a text.
    pub(super) fn build(settings: &Settings, text: &str) -> Result<Self> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        text.split_whitespace().for_each(|word| *counts.entry(word).or_default() += 1);
        if counts.is_empty() {
            return Err(ognivo_core::Error::Data("the text has no words to learn".into()).into());
        }
        let special = [UNKNOWN, END];
        let frequent = |&(word, count): &(&str, usize)| count >= settings.min_count && !special.contains(&word);
        let mut words: Vec<_> = counts.into_iter().filter(frequent).collect();
        words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let limit = settings.limit.unwrap_or(LARGEST);
        words.truncate(limit.saturating_sub(special.len()));
        let words = special.into_iter().chain(words.into_iter().map(|(word, _)| word)).map(String::from).collect();
        Self::new(words).map_err(|found| Error::setting("unit", found, "a text to read as words"))
    }

    /// A list of words that begins with `<unk>`, `<eos>`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(words: Vec<String>) -> Result<Self, String> {
        if words.get(..2).is_none_or(|first| first != [UNKNOWN, END]) {
            return Err(format!("a beginning other than {UNKNOWN:?}, {END:?}"));
        }
        if words.len() > LARGEST {
            return Err(format!("{} words", words.len()));
        }
        let mut tokens = HashMap::with_capacity(words.len());
        for (word, token) in words.iter().zip(0..) {
            if word.is_empty() || word.contains(char::is_whitespace) {
                return Err(format!("{word:?}, which is no word"));
            }
            if tokens.insert(word.clone(), token).is_some() {
                return Err(format!("{word:?} twice"));
            }
        }
        let piece = |word: &String| if word == END { "\n".into() } else { format!(" {word}") };
        let pieces = words.iter().map(piece).collect();
        Ok(Self { words, tokens, pieces })
    }

    pub(super) fn all(&self) -> &[String] {
        &self.words
    }

    /// The tokens of a text.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let [unknown, end] = [0, 1];
        let mut tokens = Vec::new();
        for line in text.split_inclusive('\n') {
            tokens.extend(line.split_whitespace().map(|word| self.tokens.get(word).copied().unwrap_or(unknown)));
            tokens.extend(line.ends_with('\n').then_some(end));
        }
        tokens
    }
}
