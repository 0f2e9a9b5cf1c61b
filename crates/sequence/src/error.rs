//! What can go wrong in a recurrent network.

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of `ognivo-sequence`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a data set, a device: whatever the parts in `ognivo-core` report.
    #[error(transparent)]
    Core(#[from] ognivo_core::Error),
    /// A setting of a network that has no meaning.
    #[error("setting `{key}`: found {found}; expected {expected}")]
    Setting {
        /// The key in the configuration.
        key: String,
        /// Its value.
        found: String,
        /// What values it may have.
        expected: String,
    },
}

impl Error {
    /// A setting that has no meaning.
    pub(crate) fn setting(key: impl Into<String>, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), found: found.to_string(), expected: expected.into() }
    }
}

impl From<Error> for ognivo_core::Error {
    /// For loops of `ognivo-core` and for exit codes.
    fn from(error: Error) -> Self {
        match error {
            Error::Core(error) => error,
            Error::Setting { .. } => Self::Config(error.to_string()),
        }
    }
}
