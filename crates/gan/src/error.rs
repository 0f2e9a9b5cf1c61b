//! What can go wrong in an adversarial game.

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of `ognivo-gan`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a data set, a device: whatever the parts in `ognivo-core` report.
    #[error(transparent)]
    Core(#[from] ognivo_core::Error),
    /// A layer of a network.
    #[error(transparent)]
    Layer(#[from] ognivo_cnn::Error),
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
}

impl Error {
    pub(crate) fn setting(key: impl Into<String>, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), found: found.to_string(), expected: expected.into() }
    }
}

impl From<Error> for ognivo_core::Error {
    /// For exit codes: a wrong setting is a wrong setting there too.
    fn from(error: Error) -> Self {
        match error {
            Error::Core(error) => error,
            Error::Layer(error) => error.into(),
            Error::Setting { .. } => Self::Config(error.to_string()),
        }
    }
}

/// Refuses a setting that is not sound.
pub(crate) fn require(key: &str, found: f64, sound: bool, expected: &str) -> Result<()> {
    if sound && found.is_finite() { Ok(()) } else { Err(Error::setting(key, found, expected)) }
}
