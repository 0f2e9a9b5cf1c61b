//! What can go wrong, said so that the reader knows which file, where in it, what was found and what was expected.

use std::io;
use std::path::{Path, PathBuf};

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of `ognivo-core`. Task crates wrap it in an enum of their own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused: missing file, full disk, no permission.
    #[error("{}: cannot {action}: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done, as a verb: "read", "create".
        action: &'static str,
        /// The system's own error.
        cause: io::Error,
    },
    /// A file is not what its format demands.
    #[error("{}: {place}: found {found}; expected {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in it: "line 3", "byte 16", "header", "tensor conv1.weight".
        place: String,
        /// What stands there.
        found: String,
        /// What should.
        expected: String,
    },
    /// Data that is well formed but cannot be used: one class only, a label out of range.
    #[error("{0}")]
    Data(String),
    /// A setting that cannot be used.
    #[error("{0}")]
    Config(String),
    /// A device that is unknown, not compiled in, or not usable on this machine.
    #[error("{0}")]
    Device(String),
    /// A download that did not succeed; says what to do by hand.
    #[error("{0}")]
    Download(String),
    /// Training stopped because a loss was not finite.
    #[error("{0}")]
    NotFinite(String),
    /// What a task's own code reports, passed through a loop of this crate.
    #[error(transparent)]
    Task(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps an I/O error: `.map_err(Error::io(path, "read"))`.
    pub fn io(path: impl AsRef<Path>, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |cause| Self::Io { path, action, cause }
    }

    /// A file that breaks its format at `place`.
    pub fn format(
        path: impl AsRef<Path>,
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Format {
            path: path.as_ref().to_path_buf(),
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }
}
