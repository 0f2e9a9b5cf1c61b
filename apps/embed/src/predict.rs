//! `predict` and fastText's `predict-prob`: the labels of lines.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::device;
use ognivo_embeddings::fasttext::digits;
use serde_json::json;

use crate::model::{open_fasttext, run_or_newest};
use crate::queries::open_text;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed predict --data lines.txt --top 3 --probabilities     with the newest run
  echo 'which bread is best' | embed predict --run runs/embed/reviews-001
  embed predict model.bin lines.txt 3 0.5                    as fastText takes it
  embed predict-prob model.ftz -

A line for each line of the text: its labels, likeliest first.")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) classifier: ClassifierArgs,
    /// Print the probability after each label
    #[arg(long)]
    pub(crate) probabilities: bool,
}

/// A classifier and a text: by flags, or by place as fastText takes them.
#[derive(clap::Args)]
pub(crate) struct ClassifierArgs {
    /// A fastText model (.bin, .ftz) or a run directory [default: the newest run]
    #[arg(conflicts_with_all = ["run", "vectors"])]
    model: Option<PathBuf>,
    /// The text, - for standard input
    #[arg(conflicts_with = "data")]
    text: Option<String>,
    /// Labels for each line, at most
    #[arg(conflicts_with = "top")]
    k: Option<usize>,
    /// Least probability of a label
    #[arg(conflicts_with = "least")]
    threshold: Option<f32>,
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// A fastText model instead of a run
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    vectors: Option<PathBuf>,
    /// The text, a line for each example [default: standard input]
    #[arg(long, value_name = "FILE")]
    data: Option<String>,
    /// Labels for each line, at most
    #[arg(long, value_name = "K", default_value_t = 1)]
    top: usize,
    /// Least probability of a label
    #[arg(long = "threshold", value_name = "PROBABILITY", default_value_t = 0.0)]
    least: f32,
    /// Threads [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

impl ClassifierArgs {
    pub(crate) fn model(&self) -> anyhow::Result<PathBuf> {
        device::set_threads(self.threads);
        match self.model.as_ref().or(self.vectors.as_ref()) {
            Some(path) => Ok(path.clone()),
            None => run_or_newest(&self.run),
        }
    }

    /// The text, if one was named.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref().or(self.data.as_deref())
    }

    pub(crate) fn k(&self) -> usize {
        self.k.unwrap_or(self.top)
    }

    pub(crate) fn threshold(&self) -> f32 {
        self.threshold.unwrap_or(self.least)
    }
}

pub(crate) fn run(args: &Args, probabilities: bool, output: &Output) -> anyhow::Result<Ended> {
    let classifier = &args.classifier;
    let model = open_fasttext(&classifier.model()?)?;
    let name = classifier.text().unwrap_or("-");
    if name == "-" && io::stdin().is_terminal() && !output.is_silent() {
        output.line("a line for each example; Ctrl-D ends");
    }
    let mut text = open_text(name)?;
    let (mut lines, mut stdout) = (0u64, io::BufWriter::new(io::stdout().lock()));
    let mut closed = false;
    let label = |label| model.dictionary().label(label).unwrap_or_default();
    model
        .predict_lines(&mut text, classifier.k(), classifier.threshold(), |_, found| {
            lines += 1;
            let written = if output.json {
                let found: Vec<_> =
                    found.iter().map(|p| json!({ "label": label(p.label), "probability": p.probability })).collect();
                writeln!(stdout, "{}", json!({ "event": "line", "line": lines, "labels": found }))
            } else {
                let shown = found.iter().map(|p| match probabilities {
                    true => format!("{} {}", label(p.label), digits(p.probability, 6)),
                    false => label(p.label),
                });
                writeln!(stdout, "{}", shown.collect::<Vec<_>>().join(" "))
            };
            written.map_err(|error| {
                closed = error.kind() == ErrorKind::BrokenPipe;
                ognivo_core::Error::io("standard output", "write")(error).into()
            })
        })
        .or_else(|error| if closed { Ok(()) } else { Err(error) })?;
    if closed {
        return Ok(Ended::Done);
    }
    stdout.flush().map_err(ognivo_core::Error::io("standard output", "write"))?;
    drop(stdout);
    output.result("predict", json!({ "lines": lines }), None);
    Ok(Ended::Done)
}
