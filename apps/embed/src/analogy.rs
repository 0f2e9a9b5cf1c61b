//! `analogy` and fastText's `analogies`: A is to B as C is to what?

use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::device;
use ognivo_embeddings::query::{Index, Query};
use serde_json::json;

use crate::model::ModelArgs;
use crate::nn::{Asked, answer, asked, listed};
use crate::queries::Queries;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed analogy man king woman                A is to B as C is to what: king - man + woman
  embed analogy --interactive
  embed analogies model.bin 10                as fastText takes it; it then asks for A - B + C, three words a line

The answer is nearest to B - A + C by the cosine (Mikolov, Yih and Zweig 2013), or, with --product, by 3CosMul (Levy and Goldberg 2014).")]
pub(crate) struct Args {
    /// Words A B C, or several such triples [default: asked for, or the lines of standard input]
    words: Vec<String>,
    #[command(flatten)]
    model: ModelArgs,
    /// Answers to each
    #[arg(long, value_name = "K", default_value_t = 10)]
    top: usize,
    /// Ask for triples after those given, too
    #[arg(long, short)]
    interactive: bool,
    /// Multiply similarities instead of adding vectors
    #[arg(long)]
    product: bool,
    /// Threads [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    device::set_threads(args.threads);
    let Asked { opened, words, top, fasttext } = asked(&args.words, &args.model, args.top)?;
    // fastText asks for A - B + C.
    let prompt = if fasttext { "Query triplet (A - B + C)? " } else { "A is to B as C is to what (A B C)? " };
    let index = Index::new(opened.lookup())?;
    if !words.len().is_multiple_of(3) {
        let found = format!("{} words; expected three for each question: A B C", words.len());
        return Err(ognivo_core::Error::Config(found).into());
    }
    let triples: Vec<String> = words.chunks(3).map(|triple| triple.join(" ")).collect();
    let mut queries = Queries::new(&triples, args.interactive, prompt);
    let (mut questions, mut unknown) = (0u64, 0u64);
    while let Some(line) = queries.next()? {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [a, b, c] = words[..] else {
            if !words.is_empty() {
                output.warn(&format!("found {} words; expected three", words.len()));
            }
            continue;
        };
        let (positive, negative) = if fasttext { ([a, c], [b]) } else { ([b, c], [a]) };
        questions += 1;
        let found = if args.product {
            index.analogy_by_product(&positive, &negative, top)
        } else {
            Query::analogy(opened.lookup(), &positive, &negative)
                .map(|query| index.nearest(&[query], top).pop().unwrap_or_default())
        };
        match found {
            Ok(found) => {
                answer(&found, opened.lookup().words(), output);
                let answers = listed(&found, opened.lookup().words());
                output.event("analogy", json!({ "positive": positive, "negative": negative, "answers": answers }));
            }
            Err(error) => {
                unknown += 1;
                output.warn(&error.to_string());
            }
        }
    }
    output.result("analogy", json!({ "asked": questions, "unknown": unknown }), None);
    Ok(if questions > 0 && questions == unknown { Ended::Failed } else { Ended::Done })
}
