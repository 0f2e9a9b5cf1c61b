//! `phrases`: joins words that often stand side by side.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::run::write_atomic;
use ognivo_embeddings::corpus::phrases::{Phrases, PhrasesConfig};
use ognivo_embeddings::fasttext::train::open;
use serde_json::json;

use crate::sources;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed phrases --data corpus.txt --to joined.txt
  embed phrases --data joined.txt --threshold 50 --to longer.txt       once more, for phrases of three and four words

The score of a pair is (n(a b) - min_count) / (n(a) n(b)) times the words of the text, as in word2phrase; pairs within a line count. The text
is read twice.")]
pub(crate) struct Args {
    /// Text: a file, a folder, the name of a data set, or several with commas between; gzip is read directly
    #[arg(long)]
    data: String,
    /// Words and pairs that occur less often are no part of a phrase
    #[arg(long, default_value_t = PhrasesConfig::default().min_count)]
    min_count: u64,
    /// The score from which on a pair is joined
    #[arg(long, default_value_t = PhrasesConfig::default().threshold, allow_negative_numbers = true)]
    threshold: f64,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let (files, _) = sources::files(&args.data, output)?;
    let config = PhrasesConfig { min_count: args.min_count, threshold: args.threshold };
    let mut phrases = Phrases::new(config)?;
    for file in &files {
        phrases.count(&mut open(file)?)?;
    }
    let mut failure = None;
    let mut joined = 0;
    let mut write = |to: &mut dyn Write| -> io::Result<()> {
        for file in &files {
            match open(file).and_then(|mut text| phrases.join(&mut text, &mut &mut *to)) {
                Ok(count) => joined += count,
                Err(error) => {
                    failure = Some(error);
                    return Err(io::ErrorKind::Other.into());
                }
            }
        }
        to.flush()
    };
    let written = match &args.to {
        Some(path) => write_atomic(path, |file| write(file)),
        None if output.json => write(&mut io::sink()).map_err(ognivo_core::Error::io("nothing", "write")),
        None => {
            write(&mut BufWriter::new(io::stdout().lock())).map_err(ognivo_core::Error::io("standard output", "write"))
        }
    };
    match failure {
        // Who reads the text has enough of it.
        Some(error) if args.to.is_none() && is_broken_pipe(&error) => return Ok(Ended::Done),
        Some(error) => return Err(error.into()),
        None => written?,
    }
    if args.to.is_some() {
        output.answer(&format!("{joined} pairs joined"));
    }
    output.result("phrases", json!({ "joined": joined, "file": args.to }), None);
    Ok(Ended::Done)
}

fn is_broken_pipe(error: &ognivo_embeddings::Error) -> bool {
    use ognivo_core::Error::Io;
    matches!(error, ognivo_embeddings::Error::Core(Io { cause, .. }) if cause.kind() == io::ErrorKind::BrokenPipe)
}
