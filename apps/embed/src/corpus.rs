//! A text as numbers, read once.

use std::io::BufRead;

use ognivo_embeddings::corpus::{Corpus, LINE_END, Vocabulary};
use ognivo_embeddings::fasttext::{END_OF_LINE, Tokens};
use ognivo_embeddings::{Error, Names};

/// Stands for a word that is left out.
const RARE: u32 = u32::MAX - 1;

/// Reads texts one after the other: their words, without the rare ones, and the text in the numbers of these. In one pass, so standard
/// input will do; four bytes a word.
///
/// # Errors
/// When a text cannot be read, or no word is frequent enough.
pub(crate) fn read<R: BufRead>(
    texts: impl IntoIterator<Item = Result<Tokens<R>, Error>>,
    min_count: u64,
) -> Result<(Vocabulary, Corpus), Error> {
    let (mut names, mut counts, mut ids) = (Names::default(), Vec::new(), Vec::new());
    let mut word = Vec::new();
    for text in texts {
        let mut text = text?;
        while text.next(&mut word)? {
            if word == END_OF_LINE {
                ids.push(LINE_END);
                continue;
            }
            let (id, new) = names.insert(&String::from_utf8_lossy(&word));
            if new {
                counts.push(0);
            }
            counts[id as usize] += 1;
            ids.push(id);
        }
        // The last line of a file is one without an end, too.
        ids.push(LINE_END);
    }
    let vocabulary = Vocabulary::new(&names, &counts, min_count)?;
    let rows: Vec<u32> = names.iter().map(|name| vocabulary.names().get(name).unwrap_or(RARE)).collect();
    drop(names);
    ids.retain_mut(|id| {
        if *id != LINE_END {
            *id = rows[*id as usize];
        }
        *id != RARE
    });
    ids.shrink_to_fit();
    Ok((vocabulary, Corpus::from_ids(ids)))
}

#[cfg(test)]
mod tests {
    use ognivo_embeddings::train::Sentences;

    use super::*;

    fn texts(texts: &[&'static [u8]], min_count: u64) -> Result<(Vocabulary, Corpus), Error> {
        read(texts.iter().map(|text| Ok(Tokens::new(*text, "a text"))), min_count)
    }

    #[test]
    fn rare_words_are_left_out_and_lines_are_sentences() {
        let (vocabulary, corpus) = texts(&[b"b a rare a\n\na b", b"\xff a\n"], 2).unwrap();
        assert_eq!(vocabulary.names().iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(vocabulary.counts(), [4, 2]);
        assert_eq!(corpus.tokens(), 6);
        let (mut position, mut sentences) = (0, Vec::new());
        let part = corpus.part(0, 1);
        while position < part.end {
            let mut sentence = Vec::new();
            position = corpus.read(0, position, part.end, &mut sentence).0;
            sentences.push(sentence);
        }
        sentences.retain(|sentence| !sentence.is_empty());
        assert_eq!(sentences, [vec![1, 0, 0], vec![0, 1], vec![0]]);
    }

    #[test]
    fn texts_without_words_are_refused() {
        for (text, hint) in [(&b""[..], "no words"), (b"\n \n", "no words"), (b"a b c\n", "min_count")] {
            let said = texts(&[text], 2).err().unwrap().to_string();
            assert!(said.contains(hint), "{said}");
        }
    }
}
