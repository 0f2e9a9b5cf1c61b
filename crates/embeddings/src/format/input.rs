//! Files read as a stream, unpacked where they are gzip, that know how much they can hold at most.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::broken;
use crate::{Error, Result};

/// How a gzip file begins.
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Deflate never expands by more: a 258-byte match costs at least two bits.
const DEFLATE_RATIO: u64 = 1032;
/// Read at once.
const BUFFER: usize = 1 << 16;
/// The longest line of a list of names, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// A file, or what is packed in it.
pub(crate) struct Input {
    reader: Box<dyn BufRead>,
    path: PathBuf,
    position: u64,
    most: u64,
    is_file: bool,
}

impl Input {
    /// Opens a file; gzip is recognised by its first two bytes, not by its name.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(ognivo_core::Error::io(path, "open"))?;
        let metadata = file.metadata().map_err(ognivo_core::Error::io(path, "read"))?;
        let mut reader = BufReader::with_capacity(BUFFER, file);
        let gzip = reader.fill_buf().map_err(ognivo_core::Error::io(path, "read"))?.starts_with(&GZIP);
        let length = if metadata.is_file() { metadata.len() } else { u64::MAX };
        let most = length.saturating_mul(if gzip { DEFLATE_RATIO } else { 1 });
        let reader: Box<dyn BufRead> = if gzip {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(reader)))
        } else {
            Box::new(reader)
        };
        Ok(Self { reader, path: path.to_path_buf(), position: 0, most, is_file: metadata.is_file() })
    }

    /// Opens a file that is not packed, from byte `start` on.
    pub(crate) fn open_at(path: &Path, start: u64) -> Result<Self> {
        let mut file = File::open(path).map_err(ognivo_core::Error::io(path, "open"))?;
        let metadata = file.metadata().map_err(ognivo_core::Error::io(path, "read"))?;
        if !metadata.is_file() {
            return Err(broken(path, "kind", "a folder, pipe or device", "a file"));
        }
        file.seek(SeekFrom::Start(start)).map_err(ognivo_core::Error::io(path, "read"))?;
        let reader = Box::new(BufReader::with_capacity(BUFFER, file));
        Ok(Self { reader, path: path.to_path_buf(), position: start, most: metadata.len(), is_file: true })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes that it can hold.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// Whether it can be opened a second time and is then the same.
    pub(crate) fn is_file(&self) -> bool {
        self.is_file
    }

    /// Refuses `rows` rows of at least `bytes` bytes each where the file cannot hold them.
    pub(crate) fn check_room(&self, place: &str, rows: usize, bytes: u64) -> Result<()> {
        let left = self.most.saturating_sub(self.position);
        match (rows as u64).checked_mul(bytes).filter(|&all| all <= left) {
            Some(_) if u32::try_from(rows).is_ok() => Ok(()),
            Some(_) => Err(broken(&self.path, place, format!("{rows} names"), "fewer than 2^32")),
            None => {
                let found = format!("a file that holds at most {left} more bytes");
                Err(broken(&self.path, place, found, format!("{rows} rows of at least {bytes} bytes")))
            }
        }
    }

    /// Fills `bytes`.
    pub(crate) fn exactly(&mut self, bytes: &mut [u8], what: &str) -> Result<()> {
        let at = self.position;
        self.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => broken(
                &self.path,
                format!("byte {at}"),
                "the end of the file",
                format!("{} bytes of {what}", bytes.len()),
            ),
            _ => self.failure(error),
        })
    }

    /// Appends to `bytes` up to and including `delimiter`, but no more than `limit` bytes.
    pub(crate) fn until(&mut self, delimiter: u8, limit: u64, bytes: &mut Vec<u8>) -> Result<()> {
        self.by_ref().take(limit).read_until(delimiter, bytes).map(drop).map_err(|error| self.failure(error))
    }

    /// The next bytes, which are not taken; none at the end.
    pub(crate) fn peek(&mut self) -> Result<&[u8]> {
        // Asked twice because the borrow of a result cannot be returned on one path only.
        if let Err(error) = self.reader.fill_buf() {
            return Err(self.failure(error));
        }
        self.reader.fill_buf().map_err(|error| ognivo_core::Error::io(&self.path, "read")(error).into())
    }

    /// A failed read: broken compression is a fault of the format, anything else the system's.
    pub(crate) fn failure(&self, error: io::Error) -> Error {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            InvalidData | InvalidInput | UnexpectedEof => {
                broken(&self.path, format!("byte {}", self.position), error.to_string(), "a whole gzip file")
            }
            _ => ognivo_core::Error::io(&self.path, "read")(error).into(),
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.position += count as u64;
        self.reader.consume(count);
    }
}

/// The lines of a small text file (a list of names, questions), one after the other.
pub(crate) struct Lines {
    input: Input,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self { input: Input::open(path)?, line: Vec::new(), number: 0 })
    }

    /// The next line without its end.
    ///
    /// # Errors
    /// The system's; a line longer than 1 MiB; one that is not UTF-8.
    pub(crate) fn next(&mut self) -> Result<Option<&str>> {
        self.line.clear();
        self.number += 1;
        self.input.until(b'\n', LONGEST_LINE, &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        if self.line.len() as u64 == LONGEST_LINE && !self.line.ends_with(b"\n") {
            return Err(self.broken("a line of more than 1 MiB", "a shorter line"));
        }
        let mut line = without_end(&self.line);
        if self.number == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        utf8(line, self.input.path(), || format!("line {}", self.number)).map(Some)
    }

    /// An error about the line that was read last.
    pub(crate) fn broken(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        broken(self.input.path(), format!("line {}", self.number), found, expected)
    }
}

/// A line without `\n` or `\r\n`.
pub(crate) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Bytes as text; `place` is where they begin.
pub(crate) fn utf8<'a>(bytes: &'a [u8], path: &Path, place: impl Fn() -> String) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let place = format!("{}, byte {} of it", place(), error.valid_up_to() + 1);
        let expected = "UTF-8 (a text file in another encoding is converted by, say, `iconv -f LATIN1 -t UTF-8`)";
        broken(
            path,
            place,
            format!("bytes that are not UTF-8 after {}", shown(&bytes[..error.valid_up_to()])),
            expected,
        )
    })
}

/// Bytes for a message: quoted, readable, short.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let short: String = text.chars().take(SHOWN).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    format!("{short:?}{more}")
}
