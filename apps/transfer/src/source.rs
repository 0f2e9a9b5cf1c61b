//! Which weights a command is about.

use std::path::{Path, PathBuf};

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
        let (mut model, file) = locate(&self.model, self.weights.as_deref(), output)?;
        model.classes = self.classes.unwrap_or(model.classes);
        Ok((model, file))
    }
}

/// Published weights by name, and the file they are in: a file of the user's own, or the published one, which is fetched if need be.
pub(crate) fn locate(name: &str, own: Option<&Path>, output: &Output) -> anyhow::Result<(Published, PathBuf)> {
    let model = published(name)?;
    if let Some(file) = own {
        return Ok((model, file.to_path_buf()));
    }
    let store = Store::from_environment()?;
    let mut progress = TerminalProgress::new(output);
    let file = model.locate(&store, &mut |step| progress.show(step))?;
    Ok((model, file))
}
