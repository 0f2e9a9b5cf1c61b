//! `train`: from a text to a trained model and its report.

use anyhow::Context;
use ognivo_core::cli::args::TrainArgs;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::fit::Stopped;
use ognivo_core::train::interrupt;
use ognivo_sequence::cell::CellConfig;
use ognivo_sequence::language_model::corpus::{self, Corpus, GRAMMAR};
use ognivo_sequence::language_model::recipe;
use ognivo_sequence::language_model::report::Summary;
use ognivo_sequence::language_model::session::Session;
use ognivo_sequence::language_model::train::LanguageModelConfig;
use ognivo_sequence::language_model::trained::Trained;
use ognivo_sequence::language_model::vocabulary::Unit;
use serde_json::{Value, json};

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  language-model train
  language-model train --data tiny-shakespeare
  language-model train --data novel.txt.gz --cell gru --layers 2 --hidden 512 --dropout 0.3
  language-model train --data ptb --unit words --set network.tied=true --set network.embedding=256
  language-model train --data sources/ --bytes
  language-model train --data novel.txt --run runs/novel --resume")]
pub(crate) struct Args {
    /// Text: a name (`data list` shows them), a file, a folder, or several with commas between; gzip is read directly
    /// [default: what --config says, else grammar: generated sentences]
    #[arg(long)]
    data: Option<String>,
    /// What a token is: characters, bytes, words, words:MOST, subwords, subwords:MOST, subwords:FILE [default: characters]
    #[arg(long)]
    unit: Option<Unit>,
    /// Take any file as it is, byte by byte: the same as --unit bytes
    #[arg(long, conflicts_with = "unit")]
    bytes: bool,
    /// Cell: rnn, lstm, peephole-lstm, gru, with settings after colons such as lstm:forget_bias=1 [default: lstm]
    #[arg(long)]
    cell: Option<CellConfig>,
    /// Size of the hidden state [default: by the size of the text]
    #[arg(long)]
    hidden: Option<usize>,
    /// Recurrent layers
    #[arg(long)]
    layers: Option<usize>,
    /// Tokens that gradients go back [default: by the size of the text]
    #[arg(long)]
    sequence_length: Option<usize>,
    /// Dropout between layers and after the last one [default: by the size of the text]
    #[arg(long)]
    dropout: Option<f64>,
    #[command(flatten)]
    common: TrainArgs,
}

pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.common.device.open()?.autodiff();
    let overlay = overlay(&args)?;
    let asked = args.common.run.as_ref();
    let saved = asked.filter(|path| args.common.resume && path.join(CONFIG).exists());
    let saved = saved.map(RunDirectory::open).transpose()?;
    let (config, corpus) = match &saved {
        Some(run) => {
            let config = config::resumed(&run.read_json(CONFIG)?, &overlay)?;
            let corpus = open(&config, output)?;
            (config, corpus)
        }
        None => fresh_config(&args, &overlay, output)?,
    };
    corpus.notes.iter().for_each(|note| output.warn(note));
    let session = match &saved {
        Some(run) => Session::resumed(run, &config, &corpus, &device)?,
        None => Session::new(&config, &corpus, &device)?,
    };
    let run = match saved {
        Some(run) => run,
        None => {
            let path = asked.cloned().unwrap_or_else(|| RunDirectory::next_path(TASK, &corpus.name));
            RunDirectory::create(path)?
        }
    };
    output.line(&format!(
        "{}: {} characters to learn from, {} held out, {} {} in all\n{}: {} parameters on {:?}\n",
        corpus.name,
        session.split().train.characters,
        session.split().valid.characters,
        session.vocabulary().len(),
        session.vocabulary().unit().name(),
        config.network.rnn.cell.name(),
        session.parameters(),
        device.clone().inner(),
    ));
    let outcome = session.fit(&run, output)?;
    if outcome.stopped == Stopped::Interrupted {
        let path = run.path().display();
        output.warn(&format!("stopped and saved; go on with: {TASK} train --run {path} --resume"));
        return Ok(Ended::Interrupted);
    }
    let summary = Summary::measure(Trained::open(run.path(), &device.inner())?, &corpus, outcome)?;
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    summary.write_report(&corpus, &command).context("the weights are saved, the report is not")?;
    show(&summary, &run, output);
    output.result("train", summary.figures().into(), Some(run.path()));
    Ok(Ended::Done)
}

fn show(summary: &Summary, run: &RunDirectory, output: &Output) {
    let (valid, baselines) = (&summary.valid, &summary.baselines);
    output.answer(&format!(
        "\nvalidation     {:.4} nats per character, {:.4} bits per byte, perplexity {:.2}\nbaselines      {:.4} (how often each token occurs), {:.4} (after the one before)",
        valid.nats_per_character(),
        valid.bits_per_byte(),
        valid.perplexity(),
        baselines.unigram,
        baselines.bigram,
    ));
    if let Some(entropy) = summary.trained.split.entropy {
        output.answer(&format!("true entropy   {entropy:.4} nats per character"));
    }
    if let Some(test) = &summary.test {
        let (nats, perplexity) = (test.nats_per_character(), test.perplexity());
        output.answer(&format!("test           {nats:.4} nats per character, perplexity {perplexity:.2}"));
    }
    output.line(&format!(
        "trained in     {:.1} s, {:.0} tokens/s\nreport         {}\nnow try        {TASK} generate --run {}",
        summary.outcome.seconds,
        summary.tokens_per_second,
        run.file(REPORT).display(),
        run.path().display(),
    ));
}

/// What the command line sets, for [`config::resolve`].
fn overlay(args: &Args) -> anyhow::Result<Value> {
    let mut overlay = json!({});
    let unit = if args.bytes { Some(&Unit::Bytes) } else { args.unit.as_ref() };
    let flags = [
        ("data", args.data.as_ref().map(|data| json!(data))),
        ("unit", unit.map(|unit| json!(unit))),
        ("sequence_length", args.sequence_length.map(Value::from)),
        ("network.dropout", args.dropout.map(Value::from)),
        ("network.rnn.dropout", args.dropout.map(Value::from)),
        ("network.rnn.cell", args.cell.as_ref().map(|cell| json!(cell))),
        ("network.rnn.hidden", args.hidden.map(Value::from)),
        ("network.rnn.layers", args.layers.map(Value::from)),
    ];
    for (path, value) in flags {
        if let Some(value) = value {
            config::set(&mut overlay, path, value)?;
        }
    }
    // `--set` comes after the task's own flags, so that it beats them.
    Ok(config::merged(overlay, &args.common.overlay("fit")?))
}

/// The recipe of the text, then the configuration file, then the command line; with the opened text it was made for.
fn fresh_config(args: &Args, overlay: &Value, output: &Output) -> anyhow::Result<(LanguageModelConfig, Corpus)> {
    let file = args.common.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
    let overlays = [file, overlay.clone()];
    let opening: LanguageModelConfig = config::resolve(&recipe::base_config(GRAMMAR), &overlays)?;
    opening.validate()?;
    let corpus = open(&opening, output)?;
    let recipe = recipe::recipe(&opening.data, &opening.unit, corpus.train.text.len());
    let config: LanguageModelConfig = config::resolve(&recipe, &overlays)?;
    config.validate()?;
    Ok((config, corpus))
}

fn open(config: &LanguageModelConfig, output: &Output) -> anyhow::Result<Corpus> {
    Ok(corpus::open(&config.data, &config.corpus_options(), config.seed, output)?)
}
