//! Reads zip files with stored or deflated entries, which is what data sets come in.
//!
//! After PKWARE's application note 6.3.10: the directory at the end of the file (sections 4.3.12 and 4.3.16) says what is
//! in it. Not supported, and refused: encryption, other compression, several volumes, files beyond 4 GiB (zip64).

use std::io::{Read, Seek, SeekFrom};

use flate2::CrcReader;
use flate2::read::DeflateDecoder;

use super::archive::Writer;
use crate::Result;

/// Length of the end record without its comment.
const END: usize = 22;
/// Longest comment behind it.
const COMMENT: u64 = 0xffff;
/// Fixed part of a directory entry and of the header before each entry's data.
const ENTRY: usize = 46;
const LOCAL: usize = 30;

/// An entry of the directory.
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u32,
    plain: u32,
    /// Made on Unix: its mode, with the file type.
    mode: u32,
    /// Where its local header starts.
    at: u32,
}

/// A file that lies in a zip file as it is, without compression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name, with `/` between folders.
    pub name: String,
    /// Where in the zip file its content begins.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// The checksum that the directory gives for it.
    pub crc: u32,
}

/// The files in the zip file `source`, all of which must be stored without compression, as those of PyTorch's are. Their content is not
/// read.
///
/// # Errors
/// A damaged directory; an entry that is compressed or encrypted, or whose name is not UTF-8; what the system reports.
pub fn stored_files(source: &mut (impl Read + Seek)) -> std::io::Result<Vec<StoredFile>> {
    let refuse = |what: String| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
    let length = source.seek(SeekFrom::End(0))?;
    let (directory, count) = directory(source, length)?;
    let (mut rest, mut files) = (directory.as_slice(), Vec::new());
    for _ in 0..count {
        let entry = next_entry(&mut rest).ok_or_else(|| refuse("a directory that is cut off".into()))?;
        let name = String::from_utf8(entry.name).map_err(|_| refuse("a name that is not UTF-8".into()))?;
        if entry.flags & 1 != 0 || entry.method != 0 || entry.packed != entry.plain {
            return Err(refuse(format!("a compressed or encrypted entry {name:.200}")));
        }
        seek_to_data(source, entry.at)?;
        let start = source.stream_position()?;
        if start.saturating_add(entry.plain.into()) > length {
            return Err(refuse(format!("an entry {name:.200} that goes beyond the end")));
        }
        files.push(StoredFile { name, start, length: entry.plain.into(), crc: entry.crc });
    }
    Ok(files)
}

/// Writes the entries of the zip file `source`, which is `length` bytes long.
pub(super) fn unpack(mut source: impl Read + Seek, length: u64, writer: &mut Writer<'_>) -> Result<()> {
    let (directory, count) = directory(&mut source, length).map_err(|error| writer.damaged(error))?;
    let mut rest = directory.as_slice();
    for _ in 0..count {
        writer.count()?;
        let Some(entry) = next_entry(&mut rest) else { return Err(writer.damaged("a directory that is cut off")) };
        if entry.flags & 1 != 0 || !matches!(entry.method, 0 | 8) {
            return Err(writer.refuse("an encrypted or unknown compression", "stored or deflated"));
        }
        if !matches!(entry.mode & 0o170_000, 0 | 0o040_000 | 0o100_000) {
            return Err(writer.refuse("a link or device", "files and folders only"));
        }
        let name = String::from_utf8(entry.name).map_err(|_| writer.refuse("a name that is not UTF-8", "UTF-8"))?;
        let Some(path) = writer.path(&name)? else { continue };
        if name.ends_with('/') {
            writer.folder(&path)?;
            continue;
        }
        seek_to_data(&mut source, entry.at).map_err(|error| writer.damaged(error))?;
        let packed = (&mut source).take(entry.packed.into());
        let plain: Box<dyn Read> =
            if entry.method == 0 { Box::new(packed) } else { Box::new(DeflateDecoder::new(packed)) };
        // One byte more than declared is enough to notice a longer one.
        let mut plain = CrcReader::new(plain.take(u64::from(entry.plain) + 1));
        writer.file(&path, &mut plain)?;
        let (found, expected) = ((plain.crc().sum(), plain.crc().amount()), (entry.crc, entry.plain));
        if found != expected {
            return Err(writer.damaged(format!("{name}: checksum {:08x} of {} bytes", found.0, found.1)));
        }
    }
    Ok(())
}

/// The bytes of the directory and the number of its entries.
fn directory(source: &mut (impl Read + Seek), length: u64) -> std::io::Result<(Vec<u8>, u16)> {
    let damaged = |what| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
    let start = length.saturating_sub(END as u64 + COMMENT);
    source.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    source.take(END as u64 + COMMENT).read_to_end(&mut tail)?;
    // The record may be followed by a comment of the length that it tells.
    let end = tail.windows(END).enumerate().rev().find(|(at, record)| {
        record.starts_with(b"PK\x05\x06") && at + END + usize::from(short(record, 20)) == tail.len()
    });
    let Some((at, record)) = end else { return Err(damaged("no end record of a zip file")) };
    let (count, size, offset) = (short(record, 10), u64::from(long(record, 12)), u64::from(long(record, 16)));
    if short(record, 4) != 0 || short(record, 8) != count || offset + size > start + at as u64 {
        return Err(damaged("an end record that points elsewhere"));
    }
    source.seek(SeekFrom::Start(offset))?;
    let mut directory = Vec::new();
    // No longer than the file, as was just found.
    source.take(size).read_to_end(&mut directory)?;
    Ok((directory, count))
}

/// Takes one entry off the front of the directory.
fn next_entry(rest: &mut &[u8]) -> Option<Entry> {
    let (fixed, behind) = rest.split_at_checked(ENTRY)?;
    if !fixed.starts_with(b"PK\x01\x02") {
        return None;
    }
    let (name, behind) = behind.split_at_checked(short(fixed, 28).into())?;
    let (_, behind) = behind.split_at_checked(usize::from(short(fixed, 30)) + usize::from(short(fixed, 32)))?;
    *rest = behind;
    let on_unix = fixed[5] == 3;
    Some(Entry {
        name: name.to_vec(),
        flags: short(fixed, 8),
        method: short(fixed, 10),
        crc: long(fixed, 16),
        packed: long(fixed, 20),
        plain: long(fixed, 24),
        mode: if on_unix { long(fixed, 38) >> 16 } else { 0 },
        at: long(fixed, 42),
    })
}

/// Moves behind the local header at `at`, whose name and extra field have lengths of their own.
fn seek_to_data(source: &mut (impl Read + Seek), at: u32) -> std::io::Result<()> {
    source.seek(SeekFrom::Start(at.into()))?;
    let mut header = [0; LOCAL];
    source.read_exact(&mut header)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "no entry where the directory says"));
    }
    source.seek(SeekFrom::Current(i64::from(short(&header, 26)) + i64::from(short(&header, 28))))?;
    Ok(())
}

/// The little-endian number at `at`, which is within the fixed part that `bytes` holds.
fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | u32::from(short(bytes, at + 2)) << 16
}
