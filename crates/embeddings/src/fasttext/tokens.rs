//! Text as the reference program cuts it into words.

use std::io::BufRead;

use ognivo_core::Error as CoreError;

/// The word that stands for the end of a line.
pub const END_OF_LINE: &[u8] = b"</s>";

/// Longest word, in bytes: what has no spaces for so long is not text.
const MOST_WORD: usize = 1 << 20;

/// Whether a byte ends a word.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0b | 0x0c | 0)
}

/// The words of a text: what stands between spaces, tabs, line ends, vertical tabs, form feeds and zeros; at the end of
/// each line that has one, [`END_OF_LINE`].
pub struct Tokens<R> {
    reader: R,
    name: String,
    /// Spaces are being skipped, and the next line end is a word of its own.
    at_line: u64,
}

impl<R: BufRead> Tokens<R> {
    /// Over a text; `name` is what errors name.
    pub fn new(reader: R, name: impl Into<String>) -> Self {
        Self { reader, name: name.into(), at_line: 1 }
    }

    /// The number of the line that the next word is on, from 1.
    pub fn line(&self) -> u64 {
        self.at_line
    }

    /// Puts the next word into `word`; false at the end of the text.
    ///
    /// # Errors
    /// When the text cannot be read, or a word has more than 2^20 bytes.
    pub fn next(&mut self, word: &mut Vec<u8>) -> crate::Result<bool> {
        word.clear();
        loop {
            let bytes = self.reader.fill_buf().map_err(CoreError::io(&self.name, "read"))?;
            if bytes.is_empty() {
                return Ok(!word.is_empty());
            }
            if word.is_empty() {
                let spaces = bytes.iter().take_while(|&&byte| is_space(byte) && byte != b'\n').count();
                if bytes.get(spaces) == Some(&b'\n') {
                    self.reader.consume(spaces + 1);
                    self.at_line += 1;
                    word.extend_from_slice(END_OF_LINE);
                    return Ok(true);
                }
                if spaces > 0 {
                    self.reader.consume(spaces);
                    continue;
                }
            }
            let length = bytes.iter().position(|&byte| is_space(byte)).unwrap_or(bytes.len());
            word.extend_from_slice(&bytes[..length]);
            let ended = length < bytes.len();
            self.reader.consume(length);
            if word.len() > MOST_WORD {
                let place = format!("line {}", self.at_line);
                let found = format!("a word of more than {MOST_WORD} bytes");
                return Err(CoreError::format(&self.name, place, found, "text with spaces between words").into());
            }
            if ended {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
pub(super) fn all(text: &[u8]) -> Vec<Vec<u8>> {
    // A buffer of 3 bytes, so that words cross its ends.
    let mut tokens = Tokens::new(std::io::BufReader::with_capacity(3, text), "text");
    let (mut words, mut word) = (Vec::new(), Vec::new());
    while tokens.next(&mut word).unwrap() {
        words.push(word.clone());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_the_reference_ends_them() {
        let words = all(b" one\ttwo\n\n \x0bthree\x0c\0\r\nfour five");
        let expected: [&[u8]; 8] = [b"one", b"two", b"</s>", b"</s>", b"three", b"</s>", b"four", b"five"];
        assert_eq!(words, expected);
        assert!(all(b"").is_empty());
        assert!(all(b" \t ").is_empty());
    }

    #[test]
    fn a_word_without_end_is_refused() {
        let text = vec![b'a'; (1 << 20) + 2];
        let error = Tokens::new(&text[..], "long.txt").next(&mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("long.txt") && error.contains("line 1"), "{error}");
    }
}
