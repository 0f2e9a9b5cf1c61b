//! `evaluate`: how well a trained model predicts a text.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_core::run::sha256;
use ognivo_sequence::language_model::baseline::Baselines;
use ognivo_sequence::language_model::corpus::{self, Corpus};
use ognivo_sequence::language_model::report;
use ognivo_sequence::language_model::trained::Trained;
use serde_json::{Value, json};

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  language-model evaluate --run runs/language-model/tiny-shakespeare-001
  language-model evaluate --data another-book.txt

Every token of the part but the first is scored, each once, with all that stands before it (of a long text, which is read
in 64 streams side by side, at least the 128 tokens before).")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Another text than the one trained on
    #[arg(long)]
    data: Option<String>,
    /// Which part of it: train, valid, test, or all but the test part [default: valid, of --data all]
    #[arg(long, value_parser = Corpus::PARTS)]
    part: Option<String>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    let config = &trained.config;
    let data = args.data.as_ref().unwrap_or(&config.data);
    let corpus = corpus::open(data, &config.corpus_options(), config.seed, output)?;
    corpus.notes.iter().for_each(|note| output.warn(note));
    if args.data.is_none() {
        trained.split.require(&corpus)?;
    }
    let part = args.part.as_deref().unwrap_or(if args.data.is_some() { "all" } else { "valid" });
    let text = corpus.part(part)?;
    let hash = sha256(&text);
    let scores = trained.evaluate(&text).map_err(|error| error.about(format_args!("{data}, part {part}")))?;
    let share = config.valid_fraction;
    output.answer(&format!(
        "{} nats per character {:.4}   bits per character {:.4}   bits per byte {:.4}   perplexity {:.2}\n\
         {data}, part {} (where the text has no parts of its own, valid is its last {share}):\n\
         {} of its {} tokens were scored, {} characters, {} bytes, SHA-256 of the part {hash}",
        part,
        scores.nats_per_character(),
        scores.bits_per_character(),
        scores.bits_per_byte(),
        scores.perplexity(),
        part,
        scores.loss.items(),
        scores.loss.items() + 1,
        scores.characters,
        scores.bytes,
    ));
    let mut metrics = report::figures(part, &scores);
    let mut add = |name: &str, value: Value| metrics.insert(name.into(), value);
    add("tokens", scores.loss.items().into());
    add("sha256", hash.into());
    if args.data.is_none() {
        let Baselines { unigram, bigram } = trained.baselines(&corpus.train.text, &text)?;
        output.answer(&format!(
            "baselines {unigram:.4} (how often each token occurs), {bigram:.4} (after the one before) nats per character"
        ));
        add("unigram_nats_per_char", json!(unigram));
        add("bigram_nats_per_char", json!(bigram));
        if let Some(entropy) = trained.split.entropy {
            output.answer(&format!("true entropy {entropy:.4} nats per character"));
            add("true_nats_per_char", json!(entropy));
        }
    }
    output.result("evaluate", Value::Object(metrics), Some(trained.run.path()));
    Ok(Ended::Done)
}
