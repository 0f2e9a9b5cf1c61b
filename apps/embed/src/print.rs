//! fastText's commands that print: vectors of words and lines, n-grams, the parts of a model. What they write is what that program writes.

use std::io::{self, BufRead, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use ognivo_core::cli::Ended;
use ognivo_embeddings::fasttext::print_vector;

use crate::model::open_fasttext;

#[derive(clap::Args)]
pub(crate) struct ModelArgs {
    /// A fastText model (.bin, .ftz) or a run directory
    model: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct NgramsArgs {
    /// A fastText model (.bin, .ftz) or a run directory
    model: PathBuf,
    /// The word
    word: String,
}

#[derive(clap::Args)]
pub(crate) struct DumpArgs {
    /// A fastText model (.bin) or a run directory
    model: PathBuf,
    /// args, dict, input or output
    #[arg(value_parser = ["args", "dict", "input", "output"])]
    part: String,
}

pub(crate) fn word_vectors(args: &ModelArgs) -> anyhow::Result<Ended> {
    let model = open_fasttext(&args.model)?;
    let mut vector = vec![0.0; model.config().dim];
    lines(|line, mut to| {
        for word in line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()) {
            model.word_vector(word, &mut vector);
            to.write_all(word)?;
            to.write_all(b" ")?;
            print_vector(&mut to, &vector)?;
        }
        Ok(())
    })
}

pub(crate) fn sentence_vectors(args: &ModelArgs) -> anyhow::Result<Ended> {
    let model = open_fasttext(&args.model)?;
    let mut vector = vec![0.0; model.config().dim];
    lines(|line, mut to| {
        model.sentence_vector(line, &mut vector);
        print_vector(&mut to, &vector)
    })
}

pub(crate) fn ngrams(args: &NgramsArgs) -> anyhow::Result<Ended> {
    let model = open_fasttext(&args.model)?;
    let mut vector = vec![0.0; model.config().dim];
    printed(|mut to| {
        for (ngram, row) in model.ngrams(args.word.as_bytes()) {
            model.row_vector(row, &mut vector);
            write!(to, "{ngram} ")?;
            print_vector(&mut to, &vector)?;
        }
        Ok(())
    })
}

pub(crate) fn dump(args: &DumpArgs) -> anyhow::Result<Ended> {
    let model = open_fasttext(&args.model)?;
    let mut stdout = BufWriter::new(io::stdout().lock());
    model.dump(&args.part, &mut stdout)?;
    printed(|_| stdout.flush())
}

/// Answers the lines of standard input, each at once.
fn lines(mut answer: impl FnMut(&[u8], &mut dyn Write) -> io::Result<()>) -> anyhow::Result<Ended> {
    let (mut input, mut line) = (io::stdin().lock(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(ognivo_core::Error::io("standard input", "read"))? == 0 {
            return Ok(Ended::Done);
        }
        let mut closed = false;
        printed(|to| {
            let written = answer(&line, to);
            closed = written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
            written
        })?;
        if closed {
            return Ok(Ended::Done);
        }
    }
}

/// Writes to standard output; who closes it has enough.
fn printed(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<Ended> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(ognivo_core::Error::io("standard output", "write")(error).into())
        }
        _ => Ok(Ended::Done),
    }
}
