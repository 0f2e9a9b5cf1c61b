//! A text as numbers: its vocabulary, and the number of each word in order.
//!
//! A text is lines of words divided by white space. It is read once, in blocks that threads count and encode side by side, so a pipe
//! will do; each word of the text then takes 4 bytes, in memory or, where there is no [`Room`] for that, in a file that is mapped.

pub(crate) mod ids;
pub mod phrases;
pub mod planted;
mod read;
mod vocabulary;

use std::ops::Range;
use std::path::{Path, PathBuf};

use self::ids::Ids;
pub use self::ids::Room;
use self::read::Encoder;
pub use self::vocabulary::Vocabulary;
pub(crate) use self::vocabulary::kept;
use crate::Result;
use crate::format::input::Input;
use crate::train::Sentences;

/// Stands in the ids where a line ends.
const LINE_END: u32 = u32::MAX;

/// Words after which a longer line is cut, as in word2vec.c.
const LONGEST_SENTENCE: u64 = 1000;

/// A text as word numbers.
pub struct Corpus {
    ids: Ids,
    tokens: u64,
}

impl Corpus {
    /// Reads files one after the other (gzip is unpacked; `-` is standard input), and leaves out words that occur less than
    /// `min_count` times.
    ///
    /// # Errors
    /// For a file that cannot be read or is not UTF-8, where no words are left, and where the disk has no room for them.
    pub fn read(paths: &[PathBuf], min_count: u64, room: &Room) -> Result<(Self, Vocabulary)> {
        let mut encoder = Encoder::new(room.clone());
        for path in paths {
            let path = if path == Path::new("-") { Path::new("/dev/stdin") } else { path };
            encoder.read(Input::open(path)?, path)?;
        }
        Self::finish(encoder, min_count)
    }

    /// A text in memory.
    ///
    /// # Errors
    /// When no words are left.
    pub fn from_text(text: &str, min_count: u64) -> Result<(Self, Vocabulary)> {
        let mut encoder = Encoder::new(Room::default());
        encoder.read(text.as_bytes(), Path::new("text"))?;
        Self::finish(encoder, min_count)
    }

    fn finish(encoder: Encoder, min_count: u64) -> Result<(Self, Vocabulary)> {
        let Encoder { names, counts, ids, .. } = encoder;
        let vocabulary = Vocabulary::new(&names, &counts, min_count)?;
        let numbers: Vec<Option<u32>> = names.iter().map(|name| vocabulary.names().get(name)).collect();
        drop(names);
        let ids = ids.finish(|id| if id == LINE_END { Some(id) } else { numbers[id as usize] })?;
        Ok((Self { ids, tokens: vocabulary.tokens() }, vocabulary))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(corpus: &Corpus) -> Vec<Vec<u32>> {
        let (mut position, end) = (0, corpus.part(0, 1).end);
        let mut all = Vec::new();
        while position < end {
            let mut sentence = Vec::new();
            (position, _) = corpus.read(0, position, end, &mut sentence);
            all.push(sentence);
        }
        all
    }

    #[test]
    fn words_are_numbered_by_frequency_and_lines_are_sentences() {
        let (corpus, vocabulary) = Corpus::from_text("b a\tb\r\n\na c a  b a\nd", 2).unwrap();
        assert_eq!(vocabulary.names().iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((vocabulary.counts(), corpus.tokens()), (&[4, 3][..], 7));
        let (corpus, vocabulary) = Corpus::from_text("b a\tb\r\n\na c a  b a\nd", 1).unwrap();
        assert_eq!(vocabulary.names().iter().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(sentences(&corpus), [&[1, 0, 1][..], &[], &[0, 2, 0, 1, 0], &[3]]);
    }

    #[test]
    fn parts_cover_the_text_and_long_lines_are_cut() {
        let (corpus, _) = Corpus::from_text(&"w x y z ".repeat(700), 1).unwrap();
        let lengths: Vec<usize> = sentences(&corpus).iter().map(Vec::len).collect();
        assert_eq!(lengths, [1000, 1000, 800]);
        let parts: Vec<Range<u64>> = (0..16).map(|part| corpus.part(part, 16)).collect();
        assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((parts[0].start, parts[15].end), (0, 2801));
    }

    #[test]
    fn what_leaves_no_words_says_why() {
        let said = |text: &str, min: u64| Corpus::from_text(text, min).err().unwrap().to_string();
        assert!(said("", 1).contains("no words at all"));
        assert!(said(" \n\t\n", 5).contains("no words at all"));
        let few = said("a b a", 5);
        assert!(
            few.contains("2 words") && few.contains("the most frequent occurs 2 times") && few.contains("at most 2"),
            "{few}"
        );
    }
}
