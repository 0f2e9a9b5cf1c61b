//! Lines of a text file, gzip or plain.

use std::io::{self, BufRead, Cursor, Read};
use std::path::{Path, PathBuf};

use ognivo_core::Error;

use crate::Result;
use crate::format::input::Input;

/// No line is longer: the neighbours of a node with ten million of them fit.
const LONGEST: u64 = 256 << 20;

/// The lines of a file or pipe, numbered from 1, in memory one at a time.
pub(crate) struct Lines {
    input: Box<dyn BufRead>,
    path: PathBuf,
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file; gzip is recognised by its first two bytes.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self { input: Box::new(Input::open(path)?), path: path.to_path_buf(), number: 0, line: Vec::new() })
    }

    /// What `look` makes of the first lines, at most `count` of them, which are read again afterwards: a pipe cannot be opened twice.
    ///
    /// # Errors
    /// Of [`next`](Self::next).
    pub(crate) fn peek(mut self, count: u64, mut look: impl FnMut(u64, &str)) -> Result<Self> {
        let mut seen = Vec::new();
        while self.number < count {
            let Some((number, line)) = self.next()? else { break };
            look(number, line);
            seen.extend_from_slice(&self.line);
        }
        Ok(Self { input: Box::new(Cursor::new(seen).chain(self.input)), number: 0, ..self })
    }

    /// The next line without its end, and its number; nothing at the end of the file.
    ///
    /// # Errors
    /// The system's; damaged gzip, a line that is not UTF-8 or longer than 256 MiB.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &str)>> {
        self.line.clear();
        self.number += 1;
        let read = self.input.as_mut().take(LONGEST + 1).read_until(b'\n', &mut self.line);
        match read {
            Ok(0) => return Ok(None),
            Ok(count) if count as u64 > LONGEST => {
                return Err(self.error("a longer line", format!("at most {LONGEST} bytes")));
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
                return Err(self.error(error.to_string(), "undamaged gzip"));
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.error("the end of the file", "the rest of the gzip data"));
            }
            Err(error) => return Err(Error::io(&self.path, "read")(error).into()),
        }
        let text = std::str::from_utf8(&self.line).map_err(|_| self.error("bytes that are not UTF-8", "text"))?;
        let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        Ok(Some((self.number, text.trim_end_matches(['\n', '\r']))))
    }

    fn error(&self, found: impl Into<String>, expected: impl Into<String>) -> crate::Error {
        error(&self.path, self.number, found, expected)
    }
}

/// A fault in line `number` of a file.
pub(crate) fn error(path: &Path, number: u64, found: impl Into<String>, expected: impl Into<String>) -> crate::Error {
    Error::format(path, format!("line {number}"), found, expected).into()
}

/// A piece of the user's text for a message: quoted, and not too long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
