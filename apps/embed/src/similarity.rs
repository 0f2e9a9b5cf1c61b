//! `similarity`: of two words or nodes.

use ognivo_core::cli::{Ended, events::Output};
use ognivo_embeddings::query::similarity;
use serde_json::json;

use crate::model::ModelArgs;
use crate::queries::Queries;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed similarity violin cello
  embed similarity < pairs.txt        two words a line

The cosine: 1 in the same direction, 0 at right angles, -1 in the opposite one.")]
pub(crate) struct Args {
    /// Pairs of words or nodes [default: the lines of standard input]
    words: Vec<String>,
    #[command(flatten)]
    model: ModelArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    if !args.words.len().is_multiple_of(2) {
        let found = format!("{} words; expected two for each similarity", args.words.len());
        return Err(ognivo_core::Error::Config(found).into());
    }
    let opened = args.model.open()?;
    let pairs: Vec<String> = args.words.chunks(2).map(|pair| pair.join(" ")).collect();
    let mut queries = Queries::new(&pairs, false, "two words? ");
    let (mut asked, mut unknown) = (0u64, 0u64);
    while let Some(line) = queries.next()? {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [a, b] = words[..] else {
            if !words.is_empty() {
                output.warn(&format!("found {} words; expected two", words.len()));
            }
            continue;
        };
        asked += 1;
        match similarity(opened.lookup(), a, b) {
            Ok(cosine) => {
                output.answer(&format!("{a} {b} {cosine:.6}"));
                output.event("similarity", json!({ "words": [a, b], "similarity": cosine }));
            }
            Err(error) => {
                unknown += 1;
                output.warn(&error.to_string());
            }
        }
    }
    output.result("similarity", json!({ "asked": asked, "unknown": unknown }), None);
    Ok(if asked > 0 && asked == unknown { Ended::Failed } else { Ended::Done })
}
