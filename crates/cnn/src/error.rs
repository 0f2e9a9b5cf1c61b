//! What can go wrong in a convolutional network: the layer, what was found, what was expected.

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of `ognivo-cnn`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a data set, a device: whatever the parts in `ognivo-core` report.
    #[error(transparent)]
    Core(#[from] ognivo_core::Error),
    /// A layer that cannot be built or cannot take its input: a picture too small, channels that do not divide.
    #[error("layer {layer}: found {found}; expected {expected}")]
    Layer {
        /// The layer, by its name in the network ("conv2", "blocks.1.pool") or, alone, by its kind.
        layer: String,
        /// What was found.
        found: String,
        /// What the layer needs.
        expected: String,
    },
    /// A setting of a network that has no meaning.
    #[error("network setting `{key}`: found {found}; expected {expected}")]
    Setting {
        /// The key in the network's configuration.
        key: String,
        /// Its value.
        found: String,
        /// What values it may have.
        expected: String,
    },
    /// A layer name the network does not have.
    #[error("no layer `{name}`; the layers are {known}")]
    UnknownLayer {
        /// The name asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
}

impl From<Error> for ognivo_core::Error {
    /// For loops of `ognivo-core` and for exit codes: a wrong setting is a wrong setting there too.
    fn from(error: Error) -> Self {
        match error {
            Error::Core(error) => error,
            Error::Setting { .. } | Error::UnknownLayer { .. } => Self::Config(error.to_string()),
            Error::Layer { .. } => Self::Task(Box::new(error)),
        }
    }
}

impl Error {
    pub(crate) fn layer(layer: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Layer { layer: layer.into(), found: found.into(), expected: expected.into() }
    }

    pub(crate) fn setting(key: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), found: found.into(), expected: expected.into() }
    }

    /// The same error with the layer called `name`: a network knows its layers by better names than the layers do.
    pub(crate) fn named(self, name: &str) -> Self {
        match self {
            Self::Layer { found, expected, .. } => Self::Layer { layer: name.into(), found, expected },
            other => other,
        }
    }
}
