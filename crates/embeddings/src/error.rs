//! What can go wrong with embeddings.

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of `ognivo-embeddings`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a data set, a device: whatever the parts in `ognivo-core` report.
    #[error(transparent)]
    Core(#[from] ognivo_core::Error),
    /// A setting that has no meaning.
    #[error("setting `{key}`: found {found}; expected {expected}")]
    Setting {
        /// The key in the configuration.
        key: String,
        /// Its value.
        found: String,
        /// What values it may have.
        expected: String,
    },
    /// Data that nothing can be done with: an empty corpus, a word the model does not know.
    #[error("{what}: found {found}; expected {expected}")]
    Data {
        /// What it is, and where.
        what: String,
        /// What was found.
        found: String,
        /// What is needed.
        expected: String,
    },
}

impl Error {
    /// A setting that has no meaning.
    pub(crate) fn setting(key: impl Into<String>, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), found: found.to_string(), expected: expected.into() }
    }

    /// Data that nothing can be done with.
    pub(crate) fn data(what: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Data { what: what.into(), found: found.into(), expected: expected.into() }
    }
}

impl From<Error> for ognivo_core::Error {
    /// For exit codes.
    fn from(error: Error) -> Self {
        match error {
            Error::Core(error) => error,
            Error::Setting { .. } => Self::Config(error.to_string()),
            Error::Data { .. } => Self::Data(error.to_string()),
        }
    }
}
