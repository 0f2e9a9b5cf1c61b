//! What can go wrong in transfer learning.

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of `ognivo-transfer`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a data set, a device, a setting: whatever the parts in `ognivo-core` report.
    #[error(transparent)]
    Core(#[from] ognivo_core::Error),
    /// A network that cannot be built or has no such layer.
    #[error(transparent)]
    Network(#[from] ognivo_cnn::Error),
    /// A file of vectors, or what is asked of vectors.
    #[error(transparent)]
    Vectors(#[from] ognivo_embeddings::Error),
}

impl From<Error> for ognivo_core::Error {
    /// For loops of `ognivo-core` and for exit codes: a wrong setting is a wrong setting there too.
    fn from(error: Error) -> Self {
        match error {
            Error::Core(error) => error,
            Error::Network(error) => error.into(),
            Error::Vectors(error) => error.into(),
        }
    }
}
