//! Reads files as text.

use std::path::{Path, PathBuf};

use ognivo_core::Error as CoreError;
use ognivo_core::data::read_bytes;

use crate::Result;

/// A corpus may have so many bytes, all its parts together, after unpacking.
pub(super) const LIMIT: u64 = 4 << 30;

/// The files one after another, of no more than `room` bytes, which become fewer.
///
/// Takes time in proportion to the bytes and little memory beyond them, whatever the lines are like.
pub(super) fn join(paths: &[PathBuf], bytes: bool, room: &mut u64, notes: &mut Vec<String>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for path in paths {
        let mut more = read_bytes(path, *room)?;
        *room -= more.len() as u64;
        if !bytes {
            check_utf8(path, &more)?;
            notes.extend(tidy(path, &mut more));
        }
        if text.is_empty() {
            text = more;
            continue;
        }
        if !bytes && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.append(&mut more);
    }
    Ok(text)
}

fn check_utf8(path: &Path, text: &[u8]) -> Result<()> {
    let instead = "text in UTF-8 (use --bytes to learn from bytes of any kind)";
    let refuse = |at: usize, found: String, expected: &str| {
        let line = 1 + text[..at].iter().filter(|&&byte| byte == b'\n').count();
        Err(CoreError::format(path, format!("byte {at} (line {line})"), found, expected).into())
    };
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return refuse(0, "a byte order mark of UTF-16".into(), "text converted to UTF-8");
    }
    // Archives may be valid UTF-8 as far as their first files go.
    for (at, magic, kind) in [(257, &b"ustar"[..], "tar"), (0, b"PK\x03\x04", "zip")] {
        if text.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
            return refuse(0, format!("a {kind} archive"), "text; unpack the archive and give the folder");
        }
    }
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let at = error.valid_up_to();
            let found = match error.error_len() {
                Some(_) => format!("byte {:#04x}, which is not UTF-8 here", text[at]),
                None => "a character that is cut off by the end of the file".into(),
            };
            refuse(at, found, instead)
        }
    }
}

/// Drops a byte order mark and the `\r` of `\r\n`, and says so.
fn tidy(path: &Path, text: &mut Vec<u8>) -> Vec<String> {
    let mut notes = Vec::new();
    let name = path.display();
    if text.starts_with(b"\xef\xbb\xbf") {
        text.drain(..3);
        notes.push(format!("{name}: the byte order mark at the beginning is dropped"));
    }
    let before = text.len();
    // Most texts have none, and this search is fast.
    let first = text.iter().position(|&byte| byte == b'\r').unwrap_or(before);
    let mut kept = first;
    for at in first..before {
        if !text[at..].starts_with(b"\r\n") {
            text[kept] = text[at];
            kept += 1;
        }
    }
    text.truncate(kept);
    match before - kept {
        0 => {}
        1 => notes.push(format!("{name}: one line end \\r\\n is read as \\n")),
        count => notes.push(format!("{name}: {count} line ends \\r\\n are read as \\n")),
    }
    notes
}
