//! Counts and encodes a text, block by block.

use std::io::{self, Read};
use std::path::Path;

use ognivo_core::Error as CoreError;
use rayon::prelude::*;

use super::LINE_END;
use super::ids::{Collector, Room};
use crate::{Error, Names, Result};

/// Bytes that a thread takes at a time. What has been freed stays with the process up to some times the largest block of it, so larger
/// ones show in the peak of training.
const BLOCK: usize = 1 << 20;

/// The words met so far, how often each was, and the text as their numbers with [`LINE_END`] where a line ends.
pub(super) struct Encoder {
    pub(super) names: Names,
    pub(super) counts: Vec<u64>,
    pub(super) ids: Collector,
    /// Whether the last of them is the end of a line, or there is none.
    ended: bool,
}

impl Encoder {
    pub(super) fn new(room: Room) -> Self {
        Self { names: Names::default(), counts: Vec::new(), ids: Collector::new(room), ended: true }
    }

    /// Adds a text; `path` is for the messages. Its end is the end of a line.
    pub(super) fn read(&mut self, mut reader: impl Read, path: &Path) -> Result<()> {
        let wave = BLOCK * rayon::current_num_threads();
        let mut bytes = Vec::with_capacity(wave);
        let (mut before, mut lines) = (0u64, 0u64);
        loop {
            let room = (wave - bytes.len().min(wave - 1)) as u64;
            let read = reader.by_ref().take(room).read_to_end(&mut bytes).map_err(|error| failure(path, error))?;
            let is_last = read == 0;
            // A word may go on in the next wave.
            let whole = if is_last {
                bytes.len()
            } else {
                bytes.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1)
            };
            if whole == 0 && !is_last {
                if bytes.len() > LONGEST_WORD {
                    let found = format!("a word of more than {LONGEST_WORD} bytes");
                    return Err(CoreError::format(
                        path,
                        format!("byte {before}"),
                        found,
                        "words divided by white space",
                    )
                    .into());
                }
                continue;
            }
            let text = std::str::from_utf8(&bytes[..whole])
                .map_err(|error| not_utf8(path, &bytes, error.valid_up_to(), before, lines))?;
            let text = if before == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
            self.encode(text)?;
            lines += text.bytes().filter(|&byte| byte == b'\n').count() as u64;
            before += whole as u64;
            bytes.drain(..whole);
            if is_last {
                break;
            }
        }
        if !self.ended {
            self.ids.extend([LINE_END])?;
            self.ended = true;
        }
        Ok(())
    }

    /// Adds a piece of text that ends with a word: threads number the words of a block each, then their numbers are made the same.
    fn encode(&mut self, text: &str) -> Result<()> {
        let mut blocks = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.as_bytes()[BLOCK.min(rest.len())..].iter().position(u8::is_ascii_whitespace);
            let (block, after) = rest.split_at(end.map_or(rest.len(), |at| BLOCK.min(rest.len()) + at));
            blocks.push(block);
            rest = after;
        }
        let encoded: Vec<Block> = blocks.into_par_iter().map(block).collect();
        for Block { names, counts, ids } in encoded {
            let mut numbers = Vec::with_capacity(names.len());
            for (name, count) in names.iter().zip(counts) {
                let (id, new) = self.names.insert(name);
                if id == LINE_END {
                    return Err(Error::data("the corpus", "2^32 different words", "fewer"));
                }
                if new {
                    self.counts.push(0);
                }
                self.counts[id as usize] += count;
                numbers.push(id);
            }
            self.ended = ids.last().map_or(self.ended, |&last| last == LINE_END);
            self.ids.extend(ids.into_iter().map(|id| if id == LINE_END { id } else { numbers[id as usize] }))?;
        }
        Ok(())
    }
}

/// No word is longer in a text that is one.
const LONGEST_WORD: usize = 1 << 20;

/// The same of a piece of text.
#[derive(Default)]
struct Block {
    names: Names,
    counts: Vec<u64>,
    ids: Vec<u32>,
}

fn block(text: &str) -> Block {
    let mut encoder = Block::default();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            encoder.ids.push(LINE_END);
        }
        for word in line.split_ascii_whitespace() {
            let (id, new) = encoder.names.insert(word);
            if new {
                encoder.counts.push(0);
            }
            encoder.counts[id as usize] += 1;
            encoder.ids.push(id);
        }
    }
    encoder
}

fn not_utf8(path: &Path, bytes: &[u8], at: usize, before: u64, lines: u64) -> Error {
    let line = 1 + lines + bytes[..at].iter().filter(|&&byte| byte == b'\n').count() as u64;
    let found = format!("byte {:#04x}, which is not UTF-8 here", bytes[at]);
    let place = format!("byte {} (line {line})", before + at as u64);
    CoreError::format(path, place, found, "text in UTF-8 (iconv -f latin1 -t utf-8 converts from Latin-1)").into()
}

fn failure(path: &Path, error: io::Error) -> Error {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | UnexpectedEof => {
            CoreError::format(path, "compressed data", error.to_string(), "a whole gzip file").into()
        }
        _ => CoreError::io(path, "read")(error).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &[u8]) -> Result<Block> {
        let mut encoder = Encoder::new(Room::default());
        encoder.read(text, Path::new("corpus.txt"))?;
        let Encoder { names, counts, ids, .. } = encoder;
        Ok(Block { names, counts, ids: ids.finish(Some)?.to_vec() })
    }

    #[test]
    fn blocks_make_no_difference() {
        let words: Vec<String> = (0..3_000_000u32).map(|i| (i.wrapping_mul(i) % 50_021).to_string()).collect();
        let text: String =
            words.iter().enumerate().map(|(i, w)| format!("{w}{}", if i % 11 == 0 { '\n' } else { ' ' })).collect();
        assert!(text.len() > 4 * BLOCK);
        let all = encoded(text.as_bytes()).unwrap();
        let alone = block(&text);
        assert_eq!((&all.names, &all.counts), (&alone.names, &alone.counts));
        assert_eq!(all.ids, [&alone.ids[..], &[LINE_END]].concat());
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let said = |bytes: &[u8]| encoded(bytes).err().unwrap().to_string();
        let latin = said(b"one\ncaf\xe9 two\n");
        assert!(latin.contains("byte 7 (line 2)") && latin.contains("0xe9") && latin.contains("iconv"), "{latin}");
        let cut = said(b"caf\xc3");
        assert!(cut.contains("byte 3 (line 1)"), "{cut}");
        let long = said(&vec![b'a'; 3 * BLOCK]);
        assert!(long.contains("a word of more than"), "{long}");
    }

    #[test]
    fn one_line_of_any_length_will_do() {
        let text = "word ".repeat(4 << 20);
        let all = encoded(text.as_bytes()).unwrap();
        assert_eq!((all.counts[0], all.ids.len()), (4 << 20, (4 << 20) + 1));
    }
}
