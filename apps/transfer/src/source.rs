//! Which weights a command is about.

use std::path::PathBuf;

use ognivo_core::cli::events::Output;
use ognivo_core::dataset::{Store, TerminalProgress};
use ognivo_transfer::weights::{Published, published};

/// Published weights, or a file of them.
#[derive(clap::Args)]
pub(crate) struct SourceArgs {
    /// The network and how its pictures are prepared, by the name of its published weights (`models` lists them)
    #[arg(long, value_name = "NAME")]
    pub(crate) model: String,
    /// A file of weights for it, .pth or safetensors [default: the published file, fetched and checked]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Outputs of the network in --weights [default: as published]
    #[arg(long, value_name = "NUMBER", requires = "weights")]
    classes: Option<usize>,
}

impl SourceArgs {
    /// The description of the weights, and the file they are in, which is fetched if need be.
    pub(crate) fn locate(&self, output: &Output) -> anyhow::Result<(Published, PathBuf)> {
        let mut model = published(&self.model)?;
        model.classes = self.classes.unwrap_or(model.classes);
        if let Some(file) = &self.weights {
            return Ok((model, file.clone()));
        }
        let store = Store::from_environment()?;
        let mut progress = TerminalProgress::new(output);
        let file = model.locate(&store, &mut |step| progress.show(step))?;
        Ok((model, file))
    }
}
