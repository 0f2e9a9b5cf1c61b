//! `convert`: vectors in another format.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, events::Output};
use ognivo_embeddings::Lookup;
use ognivo_embeddings::format::{Format, read_vectors_as, write_vectors};
use serde_json::json;

use crate::model::{ModelArgs, Opened};

#[derive(clap::Args)]
#[command(after_help = "Formats (by the ending of --to, or --format):
  word2vec         .txt .vec .w2v   `words dim`, then `word number number ...` a line; fastText's .vec too
  word2vec-binary  .bin             the same with 32-bit floats
  glove            .glove           as word2vec, no header
  npy              .npy             a NumPy array, and the names in a .words.txt beside it
  safetensors      .safetensors     any names
  projector        .tsv             for the TensorBoard projector, with metadata.tsv beside it

Examples:
  embed convert --to vectors.txt                               the newest run
  embed convert --vectors GoogleNews.bin.gz --to news.npy
  embed convert --vectors model.ftz --to words.vec             the words of a fastText model, computed")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// What --vectors is [default: what its first bytes say]
    #[arg(long, value_name = "FORMAT", requires = "vectors")]
    from: Option<Format>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Its format [default: by the ending of its name]
    #[arg(long)]
    format: Option<Format>,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let format = args.format.map_or_else(|| Format::of_name(&args.to), Ok)?;
    let path = args.model.path()?;
    let opened = match args.from {
        Some(from) => Opened::Vectors(read_vectors_as(&path, from)?),
        None => Opened::open(&path)?,
    };
    let vectors = opened.lookup();
    write_vectors(&args.to, format, vectors)?;
    let (words, dim) = (vectors.words().len(), Lookup::dim(vectors));
    output.answer(&format!("{words} vectors of {dim} numbers written to {} ({})", args.to.display(), format.name()));
    let metrics = json!({ "words": words, "dim": dim, "file": args.to, "format": format.name() });
    output.result("convert", metrics, None);
    Ok(Ended::Done)
}
