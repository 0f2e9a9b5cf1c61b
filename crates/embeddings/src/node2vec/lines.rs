//! Lines of a text file, gzip or plain.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use ognivo_core::Error;

use crate::Result;

/// No line is longer: the neighbours of a node with ten million of them fit.
const LONGEST: u64 = 256 << 20;

/// The lines of a file, numbered from 1, in memory one at a time.
pub(crate) struct Lines {
    reader: Box<dyn BufRead>,
    path: PathBuf,
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file; gzip is recognised by its first two bytes.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path, "open"))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let gzip = reader.fill_buf().map_err(Error::io(path, "read"))?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead> = match gzip {
            true => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader))),
            false => Box::new(reader),
        };
        Ok(Self { reader, path: path.to_path_buf(), number: 0, line: Vec::new() })
    }

    /// The next line without its end, and its number; nothing at the end of the file.
    ///
    /// # Errors
    /// The system's; damaged gzip, a line that is not UTF-8 or longer than 256 MiB.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &str)>> {
        self.line.clear();
        self.number += 1;
        let read = self.reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut self.line);
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
