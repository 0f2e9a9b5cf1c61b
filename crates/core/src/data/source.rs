//! Bytes of a file, gzip or plain, read so that a lying header or a gzip bomb costs no memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

/// No file is read beyond this many bytes, after decompression.
pub(crate) const MAX_BYTES: u64 = 4 << 30;
/// Deflate never expands by more (a 258-byte match costs at least two bits), so a header that asks for more lies.
pub(crate) const DEFLATE_RATIO: u64 = 1032;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Reserved at once; longer contents grow as they arrive.
const FIRST_RESERVE: u64 = 64 << 20;

/// A stream that knows its file's name, its position, and how much it can hold at most.
pub(crate) struct Source<'a> {
    reader: Box<dyn Read + 'a>,
    path: PathBuf,
    position: u64,
    most: u64,
}

impl Source<'static> {
    /// Opens a file; gzip is recognised by its first two bytes, not by its name.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path, "open"))?;
        let length = file.metadata().map_err(Error::io(path, "read"))?.len();
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let gzip = reader.fill_buf().map_err(Error::io(path, "read"))?.starts_with(&GZIP_MAGIC);
        Ok(Self::new(reader, gzip, length, path))
    }
}

impl<'a> Source<'a> {
    /// The same over bytes in memory; `path` is what errors name.
    pub(crate) fn from_bytes(bytes: &'a [u8], path: &Path) -> Self {
        Self::new(bytes, bytes.starts_with(&GZIP_MAGIC), bytes.len() as u64, path)
    }

    fn new(reader: impl BufRead + 'a, gzip: bool, length: u64, path: &Path) -> Self {
        let path = path.to_path_buf();
        if gzip {
            let most = length.saturating_mul(DEFLATE_RATIO).min(MAX_BYTES);
            Self { reader: Box::new(MultiGzDecoder::new(reader)), path, position: 0, most }
        } else {
            Self { reader: Box::new(reader), path, position: 0, most: length.min(MAX_BYTES) }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads exactly `count` bytes; a `count` that the file cannot hold is refused before anything is allocated.
    pub(crate) fn exactly(&mut self, count: u64, what: &str) -> Result<Vec<u8>> {
        let left = self.most.saturating_sub(self.position);
        if count > left {
            let found = format!("a file that holds at most {left} more bytes");
            return Err(self.error(found, format!("{count} bytes of {what}")));
        }
        let mut bytes = Vec::with_capacity(count.min(FIRST_RESERVE) as usize);
        let start = self.position;
        self.by_ref().take(count).read_to_end(&mut bytes).map_err(|error| self.failure(error, what))?;
        let missing = count - (self.position - start);
        if missing > 0 {
            return Err(self.error("the end of the file".into(), format!("{missing} more bytes of {what}")));
        }
        Ok(bytes)
    }

    /// Reads to the end, refusing more than `limit` bytes.
    pub(crate) fn rest(&mut self, limit: u64, what: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(limit.min(self.most).min(FIRST_RESERVE) as usize);
        self.by_ref().take(limit + 1).read_to_end(&mut bytes).map_err(|error| self.failure(error, what))?;
        if bytes.len() as u64 > limit {
            return Err(self.error("more bytes".into(), format!("at most {limit} bytes of {what}")));
        }
        Ok(bytes)
    }

    /// Checks that nothing follows.
    pub(crate) fn end(&mut self, what: &str) -> Result<()> {
        let at = self.position;
        let more = self.read(&mut [0; 1]).map_err(|error| self.failure(error, what))?;
        if more == 0 {
            return Ok(());
        }
        Err(Error::format(&self.path, format!("byte {at}"), "more bytes", format!("the end of the file after {what}")))
    }

    /// A failed read: broken compression is a fault of the format, anything else the system's.
    pub(crate) fn failure(&self, error: io::Error, what: &str) -> Error {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            InvalidData | InvalidInput | UnexpectedEof => self.error(error.to_string(), what.to_string()),
            _ => Error::io(&self.path, "read")(error),
        }
    }

    fn error(&self, found: String, expected: String) -> Error {
        Error::format(&self.path, format!("byte {}", self.position), found, expected)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.position += count as u64;
        if self.position > MAX_BYTES {
            let message = format!("more than {MAX_BYTES} bytes of content");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(count)
    }
}

/// The bytes of a file, unpacked if it is gzip (recognised by its first two bytes, not by its name).
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for damaged gzip, and for more than `limit` bytes (never more than 4 GiB), of which
/// no more are unpacked.
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>> {
    Source::open(path)?.rest(limit.min(MAX_BYTES), "content")
}

/// Reads a small text file (class names, annotations) of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String> {
    let bytes = Source::open(path)?.rest(limit, "text")?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::format(path, format!("byte {at}"), "bytes that are not UTF-8", "text")
    })
}
