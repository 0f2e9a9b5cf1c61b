//! Showing bytes as UTF-8.

use std::io::Write;

use ognivo_core::Error;

use crate::Result;

/// U+FFFD, the replacement character.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Writes complete characters only, whatever bytes it is given and however they are divided. A byte that belongs to no character
/// becomes U+FFFD, by the rule of `String::from_utf8_lossy` (Unicode 16, section 3.9, "maximal subparts").
pub(super) struct Screen<'a> {
    output: &'a mut dyn Write,
    /// The beginning of a character, at most 3 bytes.
    partial: Vec<u8>,
    /// What can be written.
    ready: Vec<u8>,
}

impl<'a> Screen<'a> {
    pub(super) fn new(output: &'a mut dyn Write) -> Self {
        Self { output, partial: Vec::with_capacity(4), ready: Vec::with_capacity(256) }
    }

    /// Takes bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        // A character begun before: byte by byte.
        while let [byte, others @ ..] = rest
            && !self.partial.is_empty()
        {
            self.partial.push(*byte);
            match std::str::from_utf8(&self.partial) {
                Ok(_) => {
                    self.ready.append(&mut self.partial);
                    rest = others;
                }
                Err(error) if error.error_len().is_none() => rest = others,
                // The byte does not go on with the character, and may begin another.
                Err(_) => {
                    self.ready.extend_from_slice(REPLACEMENT);
                    self.partial.clear();
                }
            }
        }
        let mut chunks = rest.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.ready.extend_from_slice(chunk.valid().as_bytes());
            let incomplete = || std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
            match chunk.invalid() {
                [] => {}
                invalid if chunks.peek().is_none() && incomplete() => self.partial.extend_from_slice(invalid),
                _ => self.ready.extend_from_slice(REPLACEMENT),
            }
        }
        Ok(())
    }

    /// Writes all complete characters.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.ready.is_empty() {
            return Ok(());
        }
        let written = self.output.write_all(&self.ready).and_then(|()| self.output.flush());
        // The closure keeps the path from being copied for every token.
        written.map_err(|error| Error::io("standard output", "write")(error))?;
        self.ready.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(parts: &[&[u8]]) -> String {
        let mut output = Vec::new();
        let mut screen = Screen::new(&mut output);
        for part in parts {
            screen.write(part).unwrap();
            screen.flush().unwrap();
        }
        String::from_utf8(output).expect("only UTF-8 is written")
    }

    #[test]
    fn characters_are_complete() {
        assert_eq!(shown(&[b"a\xd0", b"\x96b"]), "aЖb");
        assert_eq!(shown(&[b"\xf0", b"\x9f", b"\x98", b"\x80"]), "😀");
        assert_eq!(shown(&[b"\xf0\x9f", b"x"]), "\u{fffd}x");
        assert_eq!(shown(&[b"\xd0", b"\xd0\x96"]), "\u{fffd}Ж");
        assert_eq!(shown(&[b"\xff\x80a"]), "\u{fffd}\u{fffd}a");
        assert_eq!(shown(&[b"a\xf0\x9f\x98"]), "a", "what is cut off at the end is not shown");
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_lossy_conversion_of_the_whole(
            pieces in proptest::collection::vec(prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..5),
                "[aé日😀]{0,3}".prop_map(String::into_bytes),
                proptest::collection::vec(0xe0u8..0xf8, 0..3),
                proptest::collection::vec(0x80u8..0xc0, 0..3),
            ], 0..10),
            size in 1usize..7,
        ) {
            // The end of the text has no part of a character.
            let text = [pieces.concat(), b".".to_vec()].concat();
            let parts: Vec<_> = text.chunks(size).collect();
            prop_assert_eq!(shown(&parts), String::from_utf8_lossy(&text));
        }
    }
}
