//! `vector`: the vectors of words.

use ognivo_core::cli::{Ended, events::Output};
use serde_json::json;

use crate::model::ModelArgs;
use crate::queries::Queries;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed vector cat dog
  embed vector unseenword --vectors model.bin      sub-words make vectors for words that the model has not seen
  embed vector < words.txt > vectors.txt")]
pub(crate) struct Args {
    /// Words [default: those on standard input, one a line]
    words: Vec<String>,
    #[command(flatten)]
    model: ModelArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let opened = args.model.open()?;
    let model = opened.lookup();
    let mut vector = vec![0.0; model.dim()];
    let (mut found, mut unknown) = (0, 0);
    let mut queries = Queries::new(&args.words, false, "word? ");
    while let Some(word) = queries.next()? {
        let word = word.trim();
        if word.is_empty() {
            continue;
        }
        if !model.vector(word, &mut vector) {
            output.warn(&format!("{word}: no vector"));
            unknown += 1;
            continue;
        }
        found += 1;
        let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
        output.answer(&format!("{word} {}", numbers.join(" ")));
        let known = model.words().get(word).is_some();
        output.event("vector", json!({ "word": word, "in_vocabulary": known, "vector": vector }));
    }
    output.result("vector", json!({ "found": found, "unknown": unknown }), None);
    Ok(if found == 0 && unknown > 0 { Ended::Failed } else { Ended::Done })
}
