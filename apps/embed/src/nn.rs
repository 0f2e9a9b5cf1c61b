//! `nn`: nearest neighbours.

use std::path::Path;

use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::device;
use ognivo_embeddings::query::{Graph, GraphConfig, Index, Neighbour, Query};
use serde_json::{Value, json};

use crate::model::{ModelArgs, Opened};
use crate::queries::Queries;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed nn violin                     of the newest run
  embed nn --interactive              asks for words until Ctrl-D (so does a terminal without words)
  embed nn --vectors glove.txt --top 20 < words.txt
  embed nn model.bin 10               as fastText takes it: the first word is a file

Similarity is the cosine. --approximate searches a graph (HNSW) instead of comparing with every word; building it takes minutes.")]
pub(crate) struct Args {
    /// Words or nodes [default: asked for, or the lines of standard input]
    words: Vec<String>,
    #[command(flatten)]
    model: ModelArgs,
    /// Neighbours of each
    #[arg(long, value_name = "K", default_value_t = 10)]
    top: usize,
    /// Ask for words after those given, too
    #[arg(long, short)]
    interactive: bool,
    /// Search a graph of neighbours, which is nearly exact and fast in large tables
    #[arg(long)]
    approximate: bool,
    /// Threads [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    device::set_threads(args.threads);
    let Asked { opened, words, top, .. } = asked(&args.words, &args.model, args.top)?;
    let index = Index::new(opened.lookup())?;
    let graph = args.approximate.then(|| Graph::build(&index, &GraphConfig::default())).transpose()?;
    let mut queries = Queries::new(words, args.interactive, "Query word? ");
    let (mut questions, mut unknown) = (0u64, 0u64);
    loop {
        let lines = queries.at_hand()?;
        if lines.is_empty() {
            break;
        }
        let asked: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|word| !word.is_empty()).collect();
        let (mut known, mut all) = (Vec::new(), Vec::new());
        for word in &asked {
            all.push(Query::word(opened.lookup(), word).map(|query| known.push(query)));
        }
        let mut found = match &graph {
            Some(graph) => known.iter().map(|query| graph.nearest(query, top)).collect(),
            None => index.nearest(&known, top),
        }
        .into_iter();
        for (word, query) in asked.into_iter().zip(all) {
            questions += 1;
            if let Err(error) = query {
                unknown += 1;
                output.warn(&error.to_string());
                continue;
            }
            let found = found.next().unwrap_or_default();
            if words.len() > 1 {
                output.line(&format!("{word}:"));
            }
            answer(&found, opened.lookup().words(), output);
            output.event("neighbours", json!({ "word": word, "neighbours": listed(&found, opened.lookup().words()) }));
        }
    }
    output.result("nn", json!({ "asked": questions, "unknown": unknown }), None);
    Ok(if questions > 0 && questions == unknown { Ended::Failed } else { Ended::Done })
}

/// What is asked, of which model.
pub(crate) struct Asked<'a> {
    pub(crate) opened: Opened,
    pub(crate) words: &'a [String],
    pub(crate) top: usize,
    /// Whether it is fastText's `nn MODEL [K]`: the first word is a file.
    pub(crate) fasttext: bool,
}

/// Opens the model: the first of the words, if that is a file and no flag names another.
pub(crate) fn asked<'a>(words: &'a [String], model: &ModelArgs, top: usize) -> anyhow::Result<Asked<'a>> {
    let named = model.run.is_some() || model.vectors.is_some();
    Ok(match words {
        [path, rest @ ..] if !named && Path::new(path).is_file() => {
            let opened = Opened::open(path.as_ref())?;
            match rest.split_first().and_then(|(k, rest)| Some((k.parse().ok()?, rest))) {
                Some((top, words)) => Asked { opened, words, top, fasttext: true },
                None => Asked { opened, words: rest, top, fasttext: true },
            }
        }
        _ => Asked { opened: model.open()?, words, top, fasttext: false },
    })
}

/// Prints neighbours: name and similarity.
pub(crate) fn answer(found: &[Neighbour], names: &ognivo_embeddings::Names, output: &Output) {
    for neighbour in found {
        output.answer(&format!("{} {:.6}", names.name(neighbour.id), neighbour.similarity));
    }
}

pub(crate) fn listed(found: &[Neighbour], names: &ognivo_embeddings::Names) -> Value {
    let of = |near: &Neighbour| json!({ "word": names.name(near.id), "similarity": near.similarity });
    found.iter().map(of).collect()
}
