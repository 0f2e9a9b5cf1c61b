//! `fasttext train`: vectors of words and of their character n-grams.

use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;
use ognivo_core::train::interrupt;
use ognivo_embeddings::fasttext::{Config, LossKind, ModelKind};
use ognivo_embeddings::train::Loss;
use serde_json::{Map, Value, json};

use super::{Kind, RunConfig, Settings, open};
use crate::model::computed;
use crate::plot::overview;
use crate::run::{EngineArgs, RunArgs, Summary, given};

/// Words on the report's map.
const MAPPED: usize = 200;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed fasttext train --data corpus.txt --dim 200 --window 8
  embed fasttext train --data corpus.txt.gz --model cbow --min-n 2 --max-n 5 --buckets 500000
  embed fasttext train --run runs/embed/corpus-001 --resume
  embed vector unseenword --run runs/embed/corpus-001

A word is what stands between white space, a line is a sentence. A word's vector is the mean of its own row and those of its n-grams, so that
unseen words have one. The result does not depend on --threads, unless --hogwild is given.")]
pub(crate) struct TrainArgs {
    /// Text: a file, plain or gzip, or the name of a data set
    #[arg(long)]
    data: Option<String>,
    /// What is predicted: skipgram, the words around from each word; cbow, a word from those around it [default: skipgram]
    #[arg(long, value_parser = ["skipgram", "skip-gram", "cbow"])]
    model: Option<String>,
    /// Words to each side, at most [default: 5]
    #[arg(long)]
    window: Option<usize>,
    /// Words more frequent than this share are thinned out [default: 0.0001]
    #[arg(long)]
    sample: Option<f64>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn train(args: &TrainArgs, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let mut flags = args.settings.overlay();
    flags.extend(args.engine.overlay());
    flags.extend(given([
        ("data", args.data.as_deref().map(Value::from)),
        ("fasttext.model", args.model.as_deref().map(|model| model.replace('-', "").into())),
        ("fasttext.ws", args.window.map(Value::from)),
        ("fasttext.t", args.sample.map(Value::from)),
    ]));
    let check = |config: &RunConfig| {
        if config.fasttext.model == ModelKind::Supervised {
            let message = "setting `model`: found supervised; expected skipgram or cbow";
            return Err(ognivo_core::Error::Config(message.into()).into());
        }
        let loss = match config.fasttext.loss {
            LossKind::NegativeSampling => Loss::Negative,
            LossKind::HierarchicalSoftmax => Loss::Hierarchical,
            LossKind::Softmax => Loss::Softmax,
            LossKind::OneVersusAll => Loss::OneVsAll,
        };
        Ok(args.engine.open(config.engine)?.check(loss, config.fasttext.hogwild)?)
    };
    let opened = open(&args.run, &RunConfig::new(Kind::Train, Config::skipgram()), flags, check, output)?;
    let engine = args.engine.open(opened.config.engine)?;
    let (trained, course) = opened.train(&engine, output)?;
    let dictionary = trained.model.dictionary();
    let config = &opened.config.fasttext;
    let model = if config.model == ModelKind::Cbow { "CBOW" } else { "skip-gram" };
    let ngrams =
        if config.maxn == 0 { "no n-grams".into() } else { format!("n-grams of {} to {}", config.minn, config.maxn) };
    let about = format!("{} words of which {} are different", dictionary.tokens(), dictionary.words());
    let vectors = computed(&trained.model)?;
    let summary = Summary {
        command: Kind::Train.command(),
        title: format!("{}: vectors of words and sub-words", opened.name),
        subtitle: format!("fastText, {model}, {ngrams}, {} passes; {about}", config.epoch),
        unit: "word",
        vectors: &vectors,
        course: &course,
        tile: None,
        lines: Vec::new(),
        metrics: Map::from_iter([("buckets".into(), json!(config.bucket))]),
        map: if course.interrupted { None } else { overview(&vectors, MAPPED, &|_| None) },
        configuration: serde_json::to_string_pretty(&opened.config)?,
    };
    summary.finish(&opened.run, args.run.save_text, output)
}
