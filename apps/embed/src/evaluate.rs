//! `evaluate`: what vectors are worth.

use clap::Subcommand;
use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::device;
use ognivo_core::report::percent;
use ognivo_embeddings::evaluate::Labels;
use ognivo_embeddings::evaluate::nodes::{NodesConfig, classify_nodes};
use serde_json::json;

use crate::model::ModelArgs;
use crate::node2vec;

#[derive(Subcommand)]
pub(crate) enum EvaluateCommand {
    /// Classify nodes by their vectors: Macro-F1 and Micro-F1 at given shares of labelled nodes
    Nodes(NodesArgs),
}

impl EvaluateCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nodes(_) => "evaluate nodes",
        }
    }

    pub(crate) fn run(&self, output: &Output) -> anyhow::Result<Ended> {
        match self {
            Self::Nodes(args) => nodes(args, output),
        }
    }
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed evaluate nodes --labels bc_labels.txt
  embed evaluate nodes --labels karate --shares 0.1,0.5,0.9 --shuffles 10

The protocol of DeepWalk and node2vec: one-vs-rest logistic regression on the vectors of a share of the labelled nodes; each other node is
given as many labels as it has, the likeliest; F1 as scikit-learn computes it, mean over several random splits.")]
pub(crate) struct NodesArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// A file with `node label label ...` a line, or karate
    #[arg(long, value_name = "FILE", default_value = "karate")]
    labels: String,
    /// Shares of the labelled nodes that are learned from
    #[arg(long, value_delimiter = ',', default_value = "0.5")]
    shares: Vec<f64>,
    /// Random splits for each share
    #[arg(long, default_value_t = NodesConfig::default().shuffles)]
    shuffles: u32,
    /// Weight of errors against the penalty (LIBLINEAR's C)
    #[arg(long, default_value_t = NodesConfig::default().c)]
    c: f64,
    /// What the splits follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

fn nodes(args: &NodesArgs, output: &Output) -> anyhow::Result<Ended> {
    device::set_threads(args.threads);
    let labels = Labels::read(&node2vec::labels_path(&args.labels, output)?)?;
    let vectors = args.model.open()?.into_vectors()?;
    let config = NodesConfig { shares: args.shares.clone(), shuffles: args.shuffles, c: args.c, seed: args.seed };
    let scores = classify_nodes(&vectors, &labels, &config)?;
    output.line(&format!("{} nodes, {} labels; {} splits each", scores.nodes, scores.labels, config.shuffles));
    if scores.without_vector > 0 {
        output.warn(&format!("{} nodes with labels have no vector", scores.without_vector));
    }
    output.answer("share    Macro-F1           Micro-F1           most frequent labels: Macro-F1   Micro-F1");
    for at in &scores.shares {
        output.answer(&format!(
            "{:<8} {:.4} +- {:.4}   {:.4} +- {:.4}                         {:.4}     {:.4}",
            percent(at.share),
            at.macro_f1.mean,
            at.macro_f1.deviation,
            at.micro_f1.mean,
            at.micro_f1.deviation,
            at.baseline_macro_f1.mean,
            at.baseline_micro_f1.mean,
        ));
    }
    // The figures of the share nearest to a half, of which papers speak; all of them stand below.
    let main = scores.shares.iter().min_by(|a, b| (a.share - 0.5).abs().total_cmp(&(b.share - 0.5).abs()));
    let metrics = json!({
        "macro_f1": main.map(|at| at.macro_f1.mean),
        "micro_f1": main.map(|at| at.micro_f1.mean),
        "share": main.map(|at| at.share),
        "baseline_macro_f1": main.map(|at| at.baseline_macro_f1.mean),
        "baseline_micro_f1": main.map(|at| at.baseline_micro_f1.mean),
        "nodes": scores.nodes,
        "coverage": scores.nodes as f64 / (scores.nodes + scores.without_vector).max(1) as f64,
        "shares": scores.shares,
    });
    output.result("evaluate nodes", metrics, args.model.folder()?.as_deref());
    Ok(Ended::Done)
}
