//! What all code here does to files: reads them up to a limit, writes them in one step, writes checksums as text.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The bytes of a file, a pipe too, of which no more than `limit` are ever read.
///
/// # Errors
/// The system's, naming the file; [`Error::Format`] for more than `limit` bytes.
pub(crate) fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(Error::io(path, "read"))?;
    let length = file.metadata().map_err(Error::io(path, "read"))?.len();
    let mut bytes = Vec::new();
    if length <= limit {
        bytes.reserve_exact(length as usize);
        file.take(limit + 1).read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    }
    match length.max(bytes.len() as u64) {
        found if found > limit => Err(Error::format(path, "size", "more bytes", format!("at most {limit} bytes"))),
        _ => Ok(bytes),
    }
}

/// Writes a file through a temporary one beside it: filled, flushed to the disk, renamed.
///
/// # Errors
/// When the disk is full or the folder read-only; a file that was there before is then untouched.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_and_sync(&temporary, fill).and_then(|()| fs::rename(&temporary, path));
    if let Err(source) = written {
        let _ = fs::remove_file(&temporary);
        return Err(Error::io(path, "write")(source));
    }
    sync_folder(path);
    Ok(())
}

fn write_and_sync(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    fill(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Makes the rename itself survive a power cut, where folders can be opened (Unix).
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
}

/// The SHA-256 of `bytes` as 64 small hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_failed_write_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, |f| f.write_all(b"old")).unwrap();
        let full = write_atomic(&path, |f| {
            f.write_all(b"ne")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(full.unwrap_err().to_string().contains("cannot write"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is removed");
    }

    #[test]
    fn no_more_is_read_than_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_at_most(&path, 5).unwrap(), b"12345");
        let said = read_at_most(&path, 4).unwrap_err().to_string();
        assert_eq!(said, format!("{}: size: found more bytes; expected at most 4 bytes", path.display()));
        assert!(read_at_most(folder.path(), 4096).unwrap_err().to_string().contains("cannot read"));
    }

    /// Its length is said to be 0, and it never ends.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_endless_file_is_refused() {
        assert!(read_at_most(Path::new("/dev/zero"), 1000).unwrap_err().to_string().contains("more bytes"));
    }

    #[test]
    fn sha256_of_a_known_text() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn hexadecimal_digits_are_small_and_two_a_byte() {
        assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
    }
}
