//! What each token writes.

/// A list of byte strings, one after the other in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The piece of that number, empty if there is none.
    pub(super) fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(number).map_or(&[], |&end| &self.bytes[start..end])
    }
}

impl<P: AsRef<[u8]>> FromIterator<P> for Pieces {
    fn from_iter<I: IntoIterator<Item = P>>(pieces: I) -> Self {
        let mut all = Self::default();
        for piece in pieces {
            all.bytes.extend_from_slice(piece.as_ref());
            all.ends.push(all.bytes.len());
        }
        all
    }
}
