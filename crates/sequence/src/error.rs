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
    /// Data that nothing can be done with: a text too short, a character the model does not know.
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
    /// The same error of a setting that stands below `parent` in the configuration.
    pub(crate) fn below(self, parent: &str) -> Self {
        match self {
            Self::Setting { key, found, expected } => Self::Setting { key: format!("{parent}.{key}"), found, expected },
            other => other,
        }
    }

    /// The same error of data, with what the data is before it.
    pub fn about(self, what: impl std::fmt::Display) -> Self {
        match self {
            Self::Core(ognivo_core::Error::Data(message)) => {
                ognivo_core::Error::Data(format!("{what}: {message}")).into()
            }
            Self::Data { what: part, found, expected } => {
                Self::Data { what: format!("{what}: {part}"), found, expected }
            }
            other => other,
        }
    }

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
            Error::Data { .. } => Self::Data(error.to_string()),
        }
    }
}
