//! `evaluate`: what vectors are worth.

use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;
use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::device;
use ognivo_core::report::percent;
use ognivo_embeddings::evaluate::Labels;
use ognivo_embeddings::evaluate::analogies::{self, AnalogyConfig, Score};
use ognivo_embeddings::evaluate::links::{LinkSplit, LinksConfig, predict_links};
use ognivo_embeddings::evaluate::nodes::{NodesConfig, classify_nodes};
use ognivo_embeddings::evaluate::similarity::{self, SimilarityConfig};
use serde_json::json;

use crate::model::ModelArgs;
use crate::node2vec::{self, GraphArgs};

#[derive(Subcommand)]
pub(crate) enum EvaluateCommand {
    /// Answer questions such as `Athens Greece Baghdad Iraq`: accuracy by kind
    Analogies(AnalogiesArgs),
    /// Compare cosines with people's judgements: Spearman's rank correlation
    Similarity(SimilarityArgs),
    /// Classify nodes by their vectors: Macro-F1 and Micro-F1 at given shares of labelled nodes
    Nodes(NodesArgs),
    /// Tell held-out edges from other pairs: AUC
    Links(LinksArgs),
}

impl EvaluateCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Analogies(_) => "evaluate analogies",
            Self::Similarity(_) => "evaluate similarity",
            Self::Nodes(_) => "evaluate nodes",
            Self::Links(_) => "evaluate links",
        }
    }

    pub(crate) fn run(&self, output: &Output) -> anyhow::Result<Ended> {
        match self {
            Self::Analogies(args) => analogies(args, output),
            Self::Similarity(args) => similarity(args, output),
            Self::Nodes(args) => nodes(args, output),
            Self::Links(args) => links(args, output),
        }
    }
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed evaluate analogies --data questions-words.txt
  embed evaluate analogies --data questions-words.txt --vectors GoogleNews.bin --most-frequent 0

Lines of four words, `: name` before each group, as word2vec's questions-words.txt. Questions with an unknown word are not asked: coverage.")]
pub(crate) struct AnalogiesArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// The file of questions
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Words that count, the first in the list; 0 for all
    #[arg(long, default_value_t = AnalogyConfig::default().most_frequent)]
    most_frequent: usize,
    /// Tell small letters from capital ones
    #[arg(long)]
    case: bool,
    /// Threads [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

fn analogies(args: &AnalogiesArgs, output: &Output) -> anyhow::Result<Ended> {
    device::set_threads(args.threads);
    let groups = analogies::read(&args.data)?;
    let opened = args.model.open()?;
    let config = AnalogyConfig { most_frequent: args.most_frequent, fold_case: !args.case };
    let found = analogies::evaluate(opened.lookup(), &groups, &config)?;
    let show = |name: &str, score: &Score| {
        let accuracy = score.accuracy().map_or("-".into(), percent);
        output.answer(&format!(
            "{name:<32} {accuracy:>8}   {} of {} asked, {} in all",
            score.correct, score.asked, score.questions
        ));
    };
    found.groups.iter().for_each(|(name, score)| show(name, score));
    show("semantic", &found.semantic);
    show("syntactic", &found.syntactic);
    show("total", &found.total);
    if found.total.asked == 0 {
        bail!(
            "{}: no question has only words that have vectors; expected questions in the vectors' language",
            args.data.display()
        );
    }
    let metrics = json!({
        "accuracy": found.total.accuracy(),
        "coverage": found.total.coverage(),
        "semantic_accuracy": found.semantic.accuracy(),
        "syntactic_accuracy": found.syntactic.accuracy(),
        "asked": found.total.asked,
        "groups": found.groups,
    });
    output.result("evaluate analogies", metrics, args.model.folder()?.as_deref());
    Ok(Ended::Done)
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed evaluate similarity --data wordsim353.tsv
  embed evaluate similarity --data MEN.txt,rw.txt --vectors model.bin

Two words and a number a line, with tabs, commas or spaces between: WordSim-353, SimLex-999, MEN, RW. Pairs with a word that has no vector are
left out: coverage.")]
pub(crate) struct SimilarityArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// Files of pairs
    #[arg(long, value_name = "FILE", value_delimiter = ',', required = true)]
    data: Vec<PathBuf>,
    /// Words that count, the first in the list; 0 for all
    #[arg(long, default_value_t = SimilarityConfig::default().most_frequent)]
    most_frequent: usize,
    /// Tell small letters from capital ones
    #[arg(long)]
    case: bool,
}

fn similarity(args: &SimilarityArgs, output: &Output) -> anyhow::Result<Ended> {
    let opened = args.model.open()?;
    let config = SimilarityConfig { most_frequent: args.most_frequent, fold_case: !args.case };
    let (mut files, mut compared, mut pairs, mut sum) = (Vec::new(), 0, 0, 0.0);
    for path in &args.data {
        let read = similarity::read(path)?;
        let found = similarity::evaluate(opened.lookup(), &read, &config)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (spearman, coverage) = (found.spearman, percent(found.coverage()));
        output.answer(&format!(
            "{name:<32} Spearman {spearman:.4}   {} of {} pairs ({coverage})",
            found.compared, found.pairs
        ));
        files.push(json!({ "file": path, "spearman": spearman, "coverage": found.coverage() }));
        (compared, pairs, sum) = (compared + found.compared, pairs + found.pairs, sum + spearman);
    }
    let metrics = json!({
        "spearman": sum / args.data.len() as f64,
        "coverage": compared as f64 / pairs.max(1) as f64,
        "files": files,
    });
    output.result("evaluate similarity", metrics, args.model.folder()?.as_deref());
    Ok(Ended::Done)
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

#[derive(clap::Args)]
#[command(after_help = "Example:
  embed evaluate links --data graph.edges --share 0.5

The protocol of node2vec: a share of the edges is taken away, but none that holds the graph together; node2vec is trained on what is left,
with the settings given here; then pairs that lost their edge are told from as many that never had one.")]
pub(crate) struct LinksArgs {
    #[command(flatten)]
    graph: GraphArgs,
    #[command(flatten)]
    training: node2vec::Settings,
    /// The share of the edges that is taken away
    #[arg(long, default_value_t = LinksConfig::default().share)]
    share: f64,
    /// Edges, and pairs without one, that a classifier of pairs learns from, at most
    #[arg(long, default_value_t = LinksConfig::default().examples)]
    examples: usize,
    /// Weight of errors against the penalty (LIBLINEAR's C)
    #[arg(long, default_value_t = LinksConfig::default().c)]
    c: f64,
    /// Threads [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

fn links(args: &LinksArgs, output: &Output) -> anyhow::Result<Ended> {
    device::set_threads(args.threads);
    let graph = args.graph.read(output)?;
    let config = args.training.config(graph.nodes())?;
    let links = LinksConfig { share: args.share, examples: args.examples, c: args.c, seed: config.seed };
    let split = LinkSplit::new(&graph, &links)?;
    if split.edges.len() < split.wanted {
        let (taken, wanted) = (split.edges.len(), split.wanted);
        output.warn(&format!("{taken} edges were taken away, not {wanted}: the graph would have fallen apart"));
    }
    let Some(vectors) = node2vec::vectors(&split.graph, &config, output)? else { return Ok(Ended::Interrupted) };
    let scores = predict_links(&vectors, &split, &links)?;
    output.answer(&format!("{} edges taken away of {}; AUC (chance 0.5):", split.edges.len(), graph.edges()));
    for score in &scores {
        let kind = if score.baseline { "from the graph alone" } else { "from vectors" };
        output.answer(&format!("{:<28} {:.4}   {kind}", score.method, score.auc));
    }
    let best = |baseline: bool| {
        let of_kind = scores.iter().filter(|score| score.baseline == baseline);
        of_kind.map(|score| score.auc).max_by(f64::total_cmp)
    };
    let metrics = json!({
        "auc": best(false),
        "baseline_auc": best(true),
        "edges": split.edges.len(),
        "wanted": split.wanted,
        "methods": scores,
    });
    output.result("evaluate links", metrics, None);
    Ok(Ended::Done)
}
