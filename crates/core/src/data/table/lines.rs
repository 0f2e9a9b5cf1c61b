//! The bytes of a table, a line at a time.

use std::io::{self, BufRead, BufReader, Read};

use super::MAX_RECORD;
use crate::data::source::Source;

/// Gives out one line at a time, so that its count is the line of the record just read (the CSV reader's own count is
/// behind after blank lines and carriage returns), and stops a record without end before it fills the memory.
pub(super) struct Lines<'a> {
    inner: BufReader<Source<'a>>,
    /// Lines begun so far.
    pub(super) line: u64,
    at_start: bool,
    since_record: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Self { inner: BufReader::with_capacity(1 << 16, source), line: 0, at_start: true, since_record: 0 }
    }

    pub(super) fn source(&self) -> &Source<'a> {
        self.inner.get_ref()
    }

    /// Which of comma, tab and semicolon the first line has most of; comma where it has none.
    pub(super) fn delimiter(&mut self) -> io::Result<u8> {
        let ahead = self.inner.fill_buf()?;
        let line = ahead.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
        // Of equal counts the last is taken.
        Ok(*[b';', b'\t', b','].iter().max_by_key(|&&delimiter| count(delimiter)).unwrap_or(&b','))
    }

    /// Says that the next record begins.
    pub(super) fn begin_record(&mut self) {
        self.since_record = 0;
    }
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.inner.fill_buf()?;
        let end = ahead.iter().position(|&byte| byte == b'\n').map_or(ahead.len(), |newline| newline + 1);
        let count = end.min(buffer.len());
        let bytes = &ahead[..count];
        buffer[..count].copy_from_slice(bytes);
        if count > 0 {
            self.line += u64::from(self.at_start);
            self.at_start = bytes.ends_with(b"\n");
        }
        self.inner.consume(count);
        self.since_record += count as u64;
        if self.since_record > MAX_RECORD {
            let message = format!("a record of more than {MAX_RECORD} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(count)
    }
}
