//! `embed`: vectors of words, sub-words and nodes from your text or graph.
//!
//! ```text
//! cargo run --release -p embed -- word2vec train                      # a generated text whose topics are known
//! cargo run --release -p embed -- word2vec train --data corpus.txt    # or several, a folder, gzip, - for standard input
//! cargo run --release -p embed -- nn violin
//! cargo run --release -p embed -- node2vec train --data graph.edges --p 0.5 --q 2
//! cargo run --release -p embed -- supervised -input train.txt -output model -lr 0.5    # fastText's own command lines
//! ```
//!
//! What each reaches, in how much time, is in docs/results.md.

mod analogy;
mod convert;
mod evaluate;
mod fasttext;
mod flags;
mod model;
mod nn;
mod node2vec;
mod phrases;
mod plot;
mod predict;
mod print;
mod quantize;
mod queries;
mod run;
mod similarity;
mod sources;
mod test;
mod train;
mod vector;
mod walks;
mod word2vec;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ognivo_core::cli::args::OutputArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, as_core, devices, exit};
use ognivo_core::dataset::commands::DatasetCommand;
use ognivo_embeddings::fasttext::Config;

use crate::flags::Flags;

/// The task's folder under `runs/`.
const TASK: &str = "embed";

/// Vectors of words, sub-words and nodes from your text or graph.
#[derive(Parser)]
#[command(
    version,
    args_override_self = true,
    after_help = "Examples:
  embed word2vec train                               a generated text whose topics are known
  embed word2vec train --data corpus.txt.gz --dim 200 --window 8
  embed fasttext supervised --data reviews.txt --word-ngrams 2
  embed node2vec train --data graph.edges --p 0.25 --q 0.25
  embed nn violin piano
  embed plot --most 300 --to map.svg
  embed convert --vectors vectors.bin --to vectors.npy
fastText's own command lines work as they are:
  embed supervised -input train.txt -output model -lr 0.5 -epoch 25 -wordNgrams 2
  embed test model.bin test.txt 5"
)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Vectors of words: skip-gram and CBOW
    #[command(subcommand)]
    Word2vec(word2vec::Word2vecCommand),
    /// Vectors of words and of their parts, and classification of lines
    #[command(subcommand)]
    Fasttext(fasttext::FasttextCommand),
    /// Vectors of the nodes of a graph, from random walks
    #[command(subcommand)]
    Node2vec(node2vec::Node2vecCommand),
    /// Nearest neighbours of words or nodes
    Nn(nn::Args),
    /// A is to B as C is to what
    #[command(visible_alias = "analogies")]
    Analogy(analogy::Args),
    /// How similar two words or nodes are
    Similarity(similarity::Args),
    /// The vectors of words, unseen ones too where the model has sub-words
    Vector(vector::Args),
    /// The labels of lines, by a classifier
    Predict(predict::Args),
    /// What a classifier's labels are worth
    Test(test::Args),
    /// Random walks through a graph, as text
    Walks(walks::Args),
    /// Join words that often stand side by side (word2phrase)
    Phrases(phrases::Args),
    /// Write vectors in another format
    Convert(convert::Args),
    /// Make a classifier of fastText small
    Quantize(quantize::Args),
    /// What vectors are worth
    #[command(subcommand)]
    Evaluate(evaluate::EvaluateCommand),
    /// Draw a map of words or nodes: t-SNE or principal components
    Plot(plot::Args),
    /// fastText: train vectors of words and sub-words, each word telling those around it
    Skipgram(Flags),
    /// fastText: train vectors of words and sub-words, each word told by those around it
    Cbow(Flags),
    /// fastText: train a classifier
    Supervised(Flags),
    /// fastText: `test` for each label
    TestLabel(test::Args),
    /// fastText: `predict` with probabilities
    PredictProb(predict::Args),
    /// fastText: vectors of the words on standard input
    PrintWordVectors(print::ModelArgs),
    /// fastText: vectors of the lines on standard input
    PrintSentenceVectors(print::ModelArgs),
    /// fastText: the n-grams of a word and their vectors
    PrintNgrams(print::NgramsArgs),
    /// fastText: settings, words or tables of a model
    Dump(print::DumpArgs),
    /// List, fetch and verify data sets
    #[command(subcommand)]
    Data(DatasetCommand),
    /// List the devices this build can compute on, and how to get others
    Devices,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output.output();
    let name = cli.command.name();
    exit(run(cli.command, &output).map_err(as_core::<ognivo_embeddings::Error>), name, &output)
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Word2vec(command) => command.name(),
            Self::Fasttext(command) => command.name(),
            Self::Node2vec(command) => command.name(),
            Self::Nn(_) => "nn",
            Self::Analogy(_) => "analogy",
            Self::Similarity(_) => "similarity",
            Self::Quantize(_) => "quantize",
            Self::Skipgram(_) => "skipgram",
            Self::Cbow(_) => "cbow",
            Self::Supervised(_) => "supervised",
            Self::Vector(_) => "vector",
            Self::Predict(_) => "predict",
            Self::Test(_) => "test",
            Self::Walks(_) => "walks",
            Self::Phrases(_) => "phrases",
            Self::Convert(_) => "convert",
            Self::Evaluate(command) => command.name(),
            Self::Plot(_) => "plot",
            Self::TestLabel(_) => "test-label",
            Self::PredictProb(_) => "predict-prob",
            Self::PrintWordVectors(_) => "print-word-vectors",
            Self::PrintSentenceVectors(_) => "print-sentence-vectors",
            Self::PrintNgrams(_) => "print-ngrams",
            Self::Dump(_) => "dump",
            Self::Data(_) => "data",
            Self::Devices => "devices",
        }
    }
}

fn run(command: Command, output: &Output) -> anyhow::Result<Ended> {
    match command {
        Command::Word2vec(command) => command.run(output),
        Command::Fasttext(command) => command.run(output),
        Command::Node2vec(command) => command.run(output),
        Command::Nn(args) => nn::run(&args, output),
        Command::Analogy(args) => analogy::run(&args, output),
        Command::Similarity(args) => similarity::run(&args, output),
        Command::Quantize(args) => quantize::run(&args, output),
        Command::Skipgram(flags) => fasttext::flags(Config::skipgram(), &flags, output),
        Command::Cbow(flags) => fasttext::flags(Config::cbow(), &flags, output),
        Command::Supervised(flags) => fasttext::flags(Config::supervised(), &flags, output),
        Command::Vector(args) => vector::run(&args, output),
        Command::Predict(args) => predict::run(&args, args.probabilities, output),
        Command::Test(args) => test::run(&args, args.labels, output),
        Command::Walks(args) => walks::run(&args, output),
        Command::Phrases(args) => phrases::run(&args, output),
        Command::Convert(args) => convert::run(&args, output),
        Command::Evaluate(command) => command.run(output),
        Command::Plot(args) => plot::run(&args, output),
        Command::TestLabel(args) => test::run(&args, true, output),
        Command::PredictProb(args) => predict::run(&args, true, output),
        Command::PrintWordVectors(args) => print::word_vectors(&args),
        Command::PrintSentenceVectors(args) => print::sentence_vectors(&args),
        Command::PrintNgrams(args) => print::ngrams(&args),
        Command::Dump(args) => print::dump(&args),
        Command::Data(command) => Ok(command.execute(output)?),
        Command::Devices => Ok(devices(output)),
    }
}
