//! The numbers of a text's words: in memory, or in a file that is mapped where they do not fit.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Deref;
use std::path::PathBuf;

use memmap2::Mmap;
use ognivo_core::Error as CoreError;

use crate::Result;

/// How many words of a text stay in memory, 4 bytes each. A longer text goes to a file without a name, which is gone with the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Words, at most.
    pub tokens: usize,
    /// Where the file is made; on a disk, not in memory.
    pub folder: PathBuf,
}

impl Default for Room {
    /// 268 million words (1 GiB), and the system's folder for temporary files.
    fn default() -> Self {
        Self { tokens: 1 << 28, folder: std::env::temp_dir() }
    }
}

/// Numbers in order.
pub(crate) enum Ids {
    Memory(Vec<u32>),
    Mapped(Mmap),
}

impl Deref for Ids {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Memory(ids) => ids,
            // SAFETY: any four bytes are a number. A mapping begins on a page, so nothing stands before or after the numbers.
            Self::Mapped(map) => unsafe { map.align_to().1 },
        }
    }
}

/// Collects numbers.
pub(crate) struct Collector {
    room: Room,
    /// Those that are not in the file.
    memory: Vec<u32>,
    file: Option<File>,
}

impl Collector {
    pub(crate) fn new(room: Room) -> Self {
        Self { room, memory: Vec::new(), file: None }
    }

    /// Adds numbers.
    ///
    /// # Errors
    /// When there is no room in the file.
    pub(crate) fn extend(&mut self, ids: impl IntoIterator<Item = u32>) -> Result<()> {
        self.memory.extend(ids);
        if self.memory.len() > self.room.tokens {
            self.spill()?;
        }
        Ok(())
    }

    /// Moves what is in memory to the end of the file, which is made if there is none.
    fn spill(&mut self) -> Result<&mut File> {
        let folder = &self.room.folder;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(
                tempfile::tempfile_in(folder)
                    .map_err(CoreError::io(folder, "make a file for the words of the text in"))?,
            ),
        };
        file.write_all(bytes(&self.memory))
            .map_err(CoreError::io(folder, "write the words of the text to a file in"))?;
        self.memory.clear();
        Ok(file)
    }

    /// All numbers, each replaced by what `change` makes of it; those of which it makes nothing are left out.
    ///
    /// # Errors
    /// When there is no room in the file.
    pub(crate) fn finish(mut self, change: impl Fn(u32) -> Option<u32>) -> Result<Ids> {
        if self.file.is_none() {
            // In place: a text may fill most of the memory.
            self.memory.retain_mut(|id| change(*id).map(|new| *id = new).is_some());
            self.memory.shrink_to_fit();
            return Ok(Ids::Memory(self.memory));
        }
        let folder = self.room.folder.clone();
        let failed = || CoreError::io(&folder, "read the words of the text from a file in");
        let mut changed = Self::new(Room { tokens: BLOCK, folder: folder.clone() });
        let file = self.spill()?;
        file.seek(SeekFrom::Start(0)).map_err(failed())?;
        let left = file.metadata().map_err(failed())?.len() / 4;
        let mut reader = BufReader::with_capacity(4 * BLOCK, file);
        let mut number = [0; 4];
        for _ in 0..left {
            reader.read_exact(&mut number).map_err(failed())?;
            changed.extend(change(u32::from_ne_bytes(number)))?;
        }
        let file = changed.spill()?;
        // SAFETY: the file has no name, so that no one else writes to it.
        let map = unsafe { Mmap::map(&*file) };
        Ok(Ids::Mapped(map.map_err(failed())?))
    }
}

/// Numbers changed at a time.
const BLOCK: usize = 1 << 16;

fn bytes(ids: &[u32]) -> &[u8] {
    // SAFETY: numbers are bytes without gaps, and bytes stand anywhere.
    unsafe { ids.align_to().1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_file_hold_the_same() {
        let ids = || (0..200_000u32).map(|i| i.wrapping_mul(2_654_435_761) % 1000);
        let change = |id: u32| (!id.is_multiple_of(3)).then_some(id / 2);
        let expected: Vec<u32> = ids().filter_map(change).collect();
        for (tokens, mapped) in [(usize::MAX, false), (1000, true), (0, true)] {
            let mut all = Collector::new(Room { tokens, ..Room::default() });
            all.extend(ids().take(150_000)).unwrap();
            all.extend(ids().skip(150_000)).unwrap();
            let found = all.finish(change).unwrap();
            assert_eq!(matches!(found, Ids::Mapped(_)), mapped);
            assert!(found[..] == expected);
        }
    }

    #[test]
    fn a_folder_that_is_none_is_named() {
        let mut all = Collector::new(Room { tokens: 1, folder: "no/such/folder".into() });
        let said = all.extend([1, 2, 3]).unwrap_err().to_string();
        assert!(said.contains("no/such/folder"), "{said}");
    }
}
