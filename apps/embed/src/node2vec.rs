//! `node2vec`: vectors of the nodes of a graph.

use std::path::PathBuf;

use ognivo_core::cli::events::Output;
use ognivo_embeddings::node2vec::{Graph, GraphFormat, ReadOptions};

use crate::sources;

/// The graph that ships.
pub(crate) const KARATE: &str = "karate";

/// A graph and how it is read.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct GraphArgs {
    /// Graph: a file with `from to [weight]` or `node neighbour ...` a line, or GML, plain or gzip; or the name of a data set
    /// [default: karate, which ships]
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// How the file is written: auto, edges, adjacency, gml
    #[arg(long, default_value = "auto", value_parser = ["auto", "edges", "adjacency", "gml"])]
    pub(crate) format: String,
    /// Edges have weights: the third field, or `weight` or `value` in GML
    #[arg(long)]
    pub(crate) weighted: bool,
    /// Edges lead one way
    #[arg(long)]
    pub(crate) directed: bool,
}

impl GraphArgs {
    /// The graph, and a name for what is made of it.
    pub(crate) fn read(&self, output: &Output) -> anyhow::Result<(Graph, String)> {
        let data = self.data.as_deref().unwrap_or(KARATE);
        let format = match self.format.as_str() {
            "edges" => GraphFormat::Edges,
            "adjacency" => GraphFormat::Adjacency,
            "gml" => GraphFormat::Gml,
            _ => GraphFormat::Auto,
        };
        let options = ReadOptions { format, weighted: self.weighted, directed: self.directed };
        Ok((read(data, &options, output)?, sources::name_of(data)))
    }
}

/// Reads the graph that `data` names.
pub(crate) fn read(data: &str, options: &ReadOptions, output: &Output) -> anyhow::Result<Graph> {
    let path = sources::file(data, &["edge", "adj", ".gml", "graph"], output)?;
    Ok(Graph::read(&path, options)?)
}

/// The file of labels that `labels` names: a path, or a data set that has one.
pub(crate) fn labels_path(labels: &str, output: &Output) -> anyhow::Result<PathBuf> {
    sources::file(labels, &["label"], output)
}
