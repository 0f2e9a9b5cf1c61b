//! The cache folder: where it is, how a file in it is trusted, and how two processes stay out of each other's way.
//!
//! ```text
//! <cache>/<set>/<file>                  files whose checksum was found right, and nothing else
//! <cache>/<set>/unpacked-<digest>/      its archives, unpacked; there only when complete
//! <cache>/.store/<set>/<file>.part      a download that is not finished
//! <cache>/.store/<set>/<file>.stamp     size, time and checksum of a file when it was last hashed
//! <cache>/.store/<set>/lock             held by the process that writes the set
//! ```

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::file::{hex, write_atomic};
use crate::{Error, Result};

/// The cache folder that the environment names: `$OGNIVO_CACHE`, else `ognivo` in the platform's cache folder.
///
/// # Errors
/// [`Error::Config`] if not even a home directory is known.
pub fn folder_from_environment() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    cache_folder(std::env::consts::OS, &variable).ok_or_else(|| {
        Error::Config("no place for downloaded data: set OGNIVO_CACHE to a folder that can be written".into())
    })
}

fn cache_folder(system: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(folder) = variable("OGNIVO_CACHE") {
        return Some(folder.into());
    }
    let home = || variable("HOME").map(PathBuf::from);
    let caches = match system {
        "windows" => variable("LOCALAPPDATA").map(PathBuf::from),
        "macos" => home().map(|home| home.join("Library").join("Caches")),
        // The XDG base directory specification: a relative path is to be ignored.
        _ => variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(|| home().map(|home| home.join(".cache"))),
    };
    Some(caches?.join("ognivo"))
}

/// The SHA-256 of a file as 64 small hexadecimal digits; tells `each` the bytes read so far.
pub(super) fn sha256(path: &Path, each: &mut dyn FnMut(u64)) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io(path, "open"))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut done = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                done += count as u64;
                each(done);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io(path, "read")(error)),
        }
    }
}

/// What a file was when it was last hashed, so that it need not be hashed at every start.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    path: PathBuf,
    bytes: u64,
    /// Time of the last change, in nanoseconds since 1970.
    modified: u64,
    pub(super) sha256: String,
}

impl Stamp {
    /// The stamp of the file at `path` if its checksum is `sha256`; `None` if the platform keeps no times.
    pub(super) fn new(path: &Path, metadata: &Metadata, sha256: &str) -> Option<Self> {
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        let path = path.to_path_buf();
        Some(Self { path, bytes: metadata.len(), modified: u64::try_from(modified).ok()?, sha256: sha256.into() })
    }

    /// Whether the stamp file at `at` says the same.
    pub(super) fn agrees_with(&self, at: &Path) -> bool {
        fs::read(at).ok().and_then(|text| serde_json::from_slice::<Self>(&text).ok()).is_some_and(|old| old == *self)
    }

    /// Keeps the stamp. A stamp that cannot be written costs another hashing, nothing else.
    pub(super) fn write(&self, at: &Path) {
        if let Ok(text) = serde_json::to_vec(self) {
            let _ = write(at, &text);
        }
    }
}

/// Writes a file in one step, and before it the folders above.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    write_atomic(path, |file| file.write_all(content))
}

/// `path` with `suffix` added to its last part.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    name.into()
}

/// Waits until no other process or thread holds the lock file at `path`; the lock ends with the returned file.
///
/// `waiting` is called once if there is anyone to wait for.
pub(super) fn lock(path: &Path, waiting: impl FnOnce()) -> Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = open.map_err(Error::io(path, "create"))?;
    let locked = match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            waiting();
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
    };
    match locked {
        // Some network file systems know no locks; going on without one beats not working there at all.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(Error::io(path, "lock")(error)),
        _ => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_folder_follows_the_platform() {
        let folder = |system: &str, set: &[(&str, &str)]| {
            cache_folder(system, &|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        let home = ("HOME", "/home/u");
        assert_eq!(folder("linux", &[home]), Some("/home/u/.cache/ognivo".into()));
        assert_eq!(folder("linux", &[home, ("XDG_CACHE_HOME", "/x")]), Some("/x/ognivo".into()));
        assert_eq!(folder("linux", &[home, ("XDG_CACHE_HOME", "x")]), Some("/home/u/.cache/ognivo".into()));
        assert_eq!(folder("macos", &[home]), Some("/home/u/Library/Caches/ognivo".into()));
        assert_eq!(folder("windows", &[("LOCALAPPDATA", "/l")]), Some("/l/ognivo".into()));
        assert_eq!(folder("windows", &[home, ("OGNIVO_CACHE", "/c")]), Some("/c".into()));
        assert_eq!(folder("linux", &[]), None);
    }

    #[test]
    fn sha256_of_known_texts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&path, &mut |_| {}).unwrap(), expected);
    }

    #[test]
    fn a_stamp_no_longer_agrees_once_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, at) = (folder.path().join("a"), folder.path().join("sub/a.stamp"));
        fs::write(&path, "one").unwrap();
        let stamp = |path: &Path| Stamp::new(path, &fs::metadata(path).unwrap(), "00").unwrap();
        assert!(!stamp(&path).agrees_with(&at));
        stamp(&path).write(&at);
        assert!(stamp(&path).agrees_with(&at));
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + std::time::Duration::from_secs(5)).unwrap();
        assert!(!stamp(&path).agrees_with(&at));
        fs::write(&at, "{").unwrap();
        assert!(!stamp(&path).agrees_with(&at));
    }
}
