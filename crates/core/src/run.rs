//! The run directory: everything one training run leaves behind, in one folder that can be copied elsewhere.
//!
//! Every write is atomic: a reader sees the old file or the new one, never half of one, and a full disk leaves the old one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

pub use crate::file::{sha256, write_atomic};
use crate::{Error, Result, file};

/// The resolved configuration of the run.
pub const CONFIG: &str = "config.json";
/// The weights to use: the best by validation, else the last.
pub const MODEL: &str = "model.safetensors";
/// What resuming needs.
pub const CHECKPOINT: &str = "checkpoint/last.safetensors";
/// The self-contained report.
pub const REPORT: &str = "report.html";

/// A folder `runs/<task>/<name>/`.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
}

/// Keeps a second process from training in the same folder; released when dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunDirectory {
    /// Makes the folder, and `checkpoint/` in it.
    ///
    /// # Errors
    /// When it holds a run already, or cannot be made.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if path.join(CONFIG).exists() {
            return Err(Error::Config(format!(
                "{} holds a run already; add --resume to go on with it, or name another --run",
                path.display()
            )));
        }
        let checkpoint = path.join("checkpoint");
        fs::create_dir_all(&checkpoint).map_err(Error::io(&checkpoint, "create"))?;
        Ok(Self { path })
    }

    /// Opens a folder that holds a run.
    ///
    /// # Errors
    /// When there is no `config.json` in it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if !path.join(CONFIG).is_file() {
            return Err(Error::Config(format!("{} is not a run directory: it has no {CONFIG}", path.display())));
        }
        Ok(Self { path })
    }

    /// `runs/<task>/<name>-<n>` with the first `n` that is free.
    pub fn next_path(task: &str, name: &str) -> PathBuf {
        let base = Path::new("runs").join(task);
        let free = (1..).map(|n| base.join(format!("{name}-{n:03}"))).find(|path| !path.exists());
        free.unwrap_or(base)
    }

    /// The newest run of a task under `runs/`, by the time its configuration was written.
    pub fn newest(task: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(Path::new("runs").join(task)).ok()?;
        let runs = entries.flatten().filter_map(|entry| {
            let written = fs::metadata(entry.path().join(CONFIG)).ok()?.modified().ok()?;
            Some((written, entry.path()))
        });
        runs.max().map(|(_, path)| path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Takes the run for this process.
    ///
    /// # Errors
    /// When another process trains in it.
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.file("checkpoint/lock");
        let file = File::create(&path).map_err(Error::io(&path, "create"))?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => {
                Err(Error::Config(format!("{}: another process is training in this run", self.path.display())))
            }
            Err(fs::TryLockError::Error(source)) => Err(Error::io(&path, "lock")(source)),
        }
    }

    /// Writes a value as indented JSON, atomically.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let path = self.file(name);
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|e| Error::format(&path, "JSON", e.to_string(), "values JSON can hold"))?;
        text.push('\n');
        write_atomic(&path, |file| file.write_all(text.as_bytes()))
    }

    /// Reads a JSON file of the run.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        read_json(&self.file(name))
    }
}

/// The longest JSON file that is read, in bytes.
const JSON_LIMIT: u64 = 64 << 20;

/// Reads a JSON file of at most 64 MiB.
///
/// # Errors
/// The system's; a longer file; [`Error::Format`] that names the line and column where the file is not JSON or not a `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = file::read_at_most(path, JSON_LIMIT)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        Error::format(path, place, e.to_string(), "a valid file of this kind")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_created_once_and_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        assert!(RunDirectory::open(&path).unwrap_err().to_string().contains("not a run directory"));
        let run = RunDirectory::create(&path).unwrap();
        run.write_json(CONFIG, &serde_json::json!({"seed": 1})).unwrap();
        assert!(RunDirectory::create(&path).unwrap_err().to_string().contains("--resume"));
        let held = run.lock().unwrap();
        assert!(run.lock().unwrap_err().to_string().contains("another process"));
        drop(held);
        run.lock().unwrap();
    }

    #[test]
    fn broken_json_names_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        fs::write(&path, "{\n\"a\": }").unwrap();
        let error = read_json::<serde_json::Value>(&path).unwrap_err().to_string();
        assert!(error.contains("c.json") && error.contains("line 2"), "{error}");
    }
}
