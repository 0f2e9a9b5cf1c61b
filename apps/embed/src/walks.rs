//! `walks`: random walks through a graph, as text.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::device;
use ognivo_core::run::write_atomic;
use ognivo_embeddings::node2vec::{Node2VecConfig, WalkConfig, Walker};
use serde_json::json;

use crate::node2vec::GraphArgs;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed walks --data graph.edges --to walks.txt
  embed walks --data graph.edges --p 1 --q 1 --walks 5 --length 40 | head

A line a walk, names of nodes between spaces: any trainer of word vectors reads it. node2vec train needs no such file.")]
pub(crate) struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// Return parameter: the larger, the more seldom a walk goes straight back [default: 0.25; of fewer than 1000 nodes 1]
    #[arg(long)]
    p: Option<f64>,
    /// In-out parameter: above 1 walks stay near, below 1 they go far [default: 0.25; of fewer than 1000 nodes 2]
    #[arg(long)]
    q: Option<f64>,
    /// Walks from each node
    #[arg(long, default_value_t = WalkConfig::default().walks)]
    walks: u32,
    /// Nodes in a walk
    #[arg(long, default_value_t = WalkConfig::default().length)]
    length: u32,
    /// Everything random follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; the walks do not depend on it [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    device::set_threads(args.threads);
    let graph = args.graph.read(output)?;
    let defaults = Node2VecConfig::for_graph(graph.nodes());
    let (p, q) = (args.p.unwrap_or(defaults.p), args.q.unwrap_or(defaults.q));
    let config = WalkConfig { p, q, walks: args.walks, length: args.length, seed: args.seed };
    let walker = Walker::new(&graph, config)?;
    let mut nodes = 0;
    match &args.to {
        Some(path) => write_atomic(path, |file| {
            nodes = walker.write(0, file)?;
            Ok(())
        })?,
        None if output.json => nodes = walker.write(0, &mut io::sink()).unwrap_or_default(),
        None => {
            let mut stdout = BufWriter::new(io::stdout().lock());
            match walker.write(0, &mut stdout).and_then(|count| stdout.flush().map(|()| count)) {
                Ok(count) => nodes = count,
                // Who reads the walks has enough of them.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Ended::Done),
                Err(error) => return Err(ognivo_core::Error::io("standard output", "write")(error).into()),
            }
        }
    }
    output.result("walks", json!({ "walks": walker.walks(), "nodes": nodes, "file": args.to }), None);
    Ok(Ended::Done)
}
