//! Watching for the stop string.

use crate::Result;

/// Passes bytes on until the stop string comes, also when it comes in parts. Knuth, Morris and Pratt 1977: what is held back is
/// always a beginning of the stop string, so that no byte needs to be stored.
pub(super) struct Watch<'a> {
    stop: &'a [u8],
    /// `fallback[n]`: the longest beginning of the stop string, shorter than `n + 1`, with which its first `n + 1` bytes end.
    fallback: Vec<usize>,
    matched: usize,
}

impl<'a> Watch<'a> {
    /// An empty stop string never comes.
    pub(super) fn new(stop: &'a [u8]) -> Self {
        let mut fallback = vec![0; stop.len()];
        for end in 1..stop.len() {
            let mut length: usize = fallback[end - 1];
            while length > 0 && stop[length] != stop[end] {
                length = fallback[length - 1];
            }
            fallback[end] = length + usize::from(stop[length] == stop[end]);
        }
        Self { stop, fallback, matched: 0 }
    }

    /// Takes bytes, passes on those that are no part of the stop string, and tells whether it is complete.
    pub(super) fn pass(&mut self, bytes: &[u8], mut on: impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        if self.stop.is_empty() {
            on(bytes)?;
            return Ok(false);
        }
        for byte in bytes {
            while self.matched > 0 && self.stop[self.matched] != *byte {
                let shorter = self.fallback[self.matched - 1];
                on(&self.stop[..self.matched - shorter])?;
                self.matched = shorter;
            }
            if self.stop[self.matched] == *byte {
                self.matched += 1;
            } else {
                on(&[*byte])?;
            }
            if self.matched == self.stop.len() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is held back: the beginning of the stop string that has come.
    pub(super) fn held(&self) -> &'a [u8] {
        &self.stop[..self.matched]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is passed on, with what is held back at the end; the place of the stop string.
    fn watched(stop: &[u8], parts: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut watch = Watch::new(stop);
        let mut passed = Vec::new();
        for part in parts {
            let stopped = watch.pass(part, |bytes| {
                passed.extend_from_slice(bytes);
                Ok(())
            });
            if stopped.unwrap() {
                return (passed, true);
            }
        }
        passed.extend_from_slice(watch.held());
        (passed, false)
    }

    #[test]
    fn the_stop_string_is_found_across_parts() {
        assert_eq!(watched(b"END", &[b"the E", b"N", b"D of"]), (b"the ".to_vec(), true));
        assert_eq!(watched(b"END", &[b"the EN", b"EN"]), (b"the ENEN".to_vec(), false));
        assert_eq!(watched(b"aab", &[b"aa", b"a", b"ab", b"x"]), (b"aa".to_vec(), true));
        assert_eq!(watched(b"", &[b"aa", b""]), (b"aa".to_vec(), false));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_search_of_the_whole(
            text in proptest::collection::vec(0u8..2, 0..60),
            stop in proptest::collection::vec(0u8..2, 1..6),
            size in 1usize..7,
        ) {
            let at = text.windows(stop.len()).position(|window| window == stop);
            let parts: Vec<_> = text.chunks(size).collect();
            prop_assert_eq!(watched(&stop, &parts), (text[..at.unwrap_or(text.len())].to_vec(), at.is_some()));
        }
    }
}
