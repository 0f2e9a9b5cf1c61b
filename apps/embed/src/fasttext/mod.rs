//! `fasttext`: classification of lines, vectors of words and sub-words.
//!
//! In reading order: this file (settings, and training in a run directory), [`supervised`] and [`vectors`], the commands; [`program`],
//! fastText's own command lines.

mod program;
mod supervised;
mod vectors;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;
use ognivo_core::device;
use ognivo_core::run::RunDirectory;
use ognivo_embeddings::fasttext::train::{self, Place, Standing, Trained};
use ognivo_embeddings::fasttext::{Config, Model};
use ognivo_embeddings::train::{Engine, Progress};
pub(crate) use program::flags;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::FASTTEXT_MODEL;
use crate::run::{CHECKPOINT_SECONDS, EngineKind, RunArgs, given, seconds};
use crate::sources;
use crate::train::{Course, Keeping, Saved, Training};

#[derive(Subcommand)]
pub(crate) enum FasttextCommand {
    /// Train vectors of words and of their character n-grams, and write a report
    Train(Box<vectors::TrainArgs>),
    /// Train a classifier of lines that have labels, and write a report
    Supervised(Box<supervised::SupervisedArgs>),
}

impl FasttextCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => Kind::Train.command(),
            Self::Supervised(_) => Kind::Supervised.command(),
        }
    }

    pub(crate) fn run(self, output: &Output) -> anyhow::Result<Ended> {
        match self {
            Self::Train(args) => vectors::train(&args, output),
            Self::Supervised(args) => supervised::supervised(&args, output),
        }
    }
}

/// Settings of both under this program's names.
#[derive(clap::Args, Clone, Debug)]
struct Settings {
    /// Numbers in a vector [default: 100]
    #[arg(long)]
    dim: Option<usize>,
    /// negative, hierarchical or softmax; of labels also one-vs-all [default: negative for words, softmax for labels]
    #[arg(long)]
    loss: Option<String>,
    /// Drawn words or labels for each true one [default: 5]
    #[arg(long)]
    negative: Option<usize>,
    /// Rarer words are left out [default: 5 for vectors, 1 for a classifier]
    #[arg(long)]
    min_count: Option<u64>,
    /// Shortest n-gram of characters [default: 3 for vectors, none for a classifier]
    #[arg(long)]
    min_n: Option<usize>,
    /// Longest n-gram of characters; 0 for none [default: 6 for vectors, 0 for a classifier]
    #[arg(long)]
    max_n: Option<usize>,
    /// Rows that all n-grams share, told apart by hash [default: 2000000]
    #[arg(long)]
    buckets: Option<usize>,
    /// Passes over the text [default: 5]
    #[arg(long)]
    epochs: Option<usize>,
    /// At the start; it falls to 0 in a straight line [default: 0.05 for vectors, 0.1 for a classifier]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Everything random follows from it [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// All threads write to the same tables: another result every time
    #[arg(long)]
    hogwild: bool,
}

impl Settings {
    /// The flags given, below `fasttext`.
    fn overlay(&self) -> Vec<(String, Value)> {
        given([
            ("fasttext.dim", self.dim.map(Value::from)),
            ("fasttext.loss", self.loss.as_deref().map(loss_name).map(Value::from)),
            ("fasttext.neg", self.negative.map(Value::from)),
            ("fasttext.minCount", self.min_count.map(Value::from)),
            ("fasttext.minn", self.min_n.map(Value::from)),
            ("fasttext.maxn", self.max_n.map(Value::from)),
            ("fasttext.bucket", self.buckets.map(Value::from)),
            ("fasttext.epoch", self.epochs.map(Value::from)),
            ("fasttext.lr", self.learning_rate.map(Value::from)),
            ("fasttext.seed", self.seed.map(Value::from)),
            ("fasttext.hogwild", self.hogwild.then(|| true.into())),
        ])
    }
}

/// fastText's short names of losses.
fn loss_name(name: &str) -> &str {
    match name {
        "negative" => "ns",
        "hierarchical" => "hs",
        "one-vs-all" => "ova",
        other => other,
    }
}

/// Refuses the configuration of another kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "fasttext train")]
    Train,
    #[serde(rename = "fasttext supervised")]
    Supervised,
}

impl Kind {
    fn command(self) -> &'static str {
        match self {
            Self::Train => "fasttext train",
            Self::Supervised => "fasttext supervised",
        }
    }
}

/// Everything that a run follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunConfig {
    task: Kind,
    data: String,
    /// Lines to measure the labels with.
    test: Option<PathBuf>,
    checkpoint_seconds: f64,
    engine: EngineKind,
    fasttext: Config,
}

impl RunConfig {
    fn new(task: Kind, fasttext: Config) -> Self {
        let (data, test) = (String::new(), None);
        let fasttext = Config { seed: 1, ..fasttext };
        Self { task, data, test, checkpoint_seconds: CHECKPOINT_SECONDS, engine: EngineKind::Cpu, fasttext }
    }
}

/// Settings, text and run directory of a command.
struct Opened {
    config: RunConfig,
    data: PathBuf,
    name: String,
    run: RunDirectory,
    resume: bool,
}

/// Resolves the settings, finds the text, and makes the run directory or opens the one to go on with.
fn open(
    args: &RunArgs,
    defaults: &RunConfig,
    flags: Vec<(String, Value)>,
    check: impl FnOnce(&RunConfig) -> anyhow::Result<()>,
    output: &Output,
) -> anyhow::Result<Opened> {
    let args = args.below("fasttext", &["task", "data", "test", "checkpoint_seconds", "engine"]);
    let (mut config, saved): (RunConfig, _) = args.resolve(defaults, flags)?;
    config.fasttext = Config { thread: device::threads(), ..config.fasttext.checked()? };
    check(&config)?;
    if config.data.is_empty() {
        return Err(ognivo_core::Error::Config("--data: found none; expected a text".into()).into());
    }
    seconds(config.checkpoint_seconds)?;
    let data = sources::file(&config.data, &["train"], output)?;
    let name = sources::name_of(&config.data);
    // A text that cannot be read leaves no folder behind.
    train::open(&data)?;
    let resume = saved.is_some();
    let run = saved.map_or_else(|| args.create(&name, &config), Ok)?;
    Ok(Opened { config, data, name, run, resume })
}

impl Opened {
    /// Trains in the run directory.
    fn train(&self, engine: &Engine, output: &Output) -> anyhow::Result<(Trained, Course)> {
        let every = seconds(self.config.checkpoint_seconds)?;
        let keeping = Some(Keeping { run: &self.run, resume: self.resume, every });
        trained(engine, &self.config.fasttext, &self.data, keeping, output)
    }
}

/// Trains with a bar, Ctrl-C and, if it is kept, records and checkpoints.
fn trained(
    engine: &Engine,
    config: &Config,
    data: &Path,
    keeping: Option<Keeping<'_>>,
    output: &Output,
) -> anyhow::Result<(Trained, Course)> {
    Training { epochs: config.epoch as u64, unit: "words", keeping }.run(
        |folder, place, _| {
            let place: Option<Place> = place.map(serde_json::from_value).transpose()?;
            let mut model = Model::read(&folder.join(FASTTEXT_MODEL))?;
            model.set_label_prefix(&config.label);
            Ok(Trained { model, finished: place.is_none(), place })
        },
        |earlier, watch| {
            let earlier = match earlier {
                Some(Trained { model, place: Some(place), .. }) => Some((model, place)),
                Some(finished) => return Ok(finished),
                None => None,
            };
            train::train(engine, config.clone(), data, earlier, |at, standing| {
                let learning_rate = at.learning_rate as f32;
                let at = Progress { tokens: at.tokens, of: at.of, loss: at.loss, learning_rate };
                watch(&at, standing) == ControlFlow::Continue(())
            })
        },
        output,
    )
}

impl Saved for Trained {
    fn is_finished(&self) -> bool {
        self.finished
    }

    fn place(&self) -> anyhow::Result<Option<Value>> {
        Ok(self.place.as_ref().map(serde_json::to_value).transpose()?)
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        Ok(self.model.write(&folder.join(FASTTEXT_MODEL))?)
    }
}

impl Saved for Standing<'_> {
    fn is_finished(&self) -> bool {
        Standing::is_finished(self)
    }

    fn place(&self) -> anyhow::Result<Option<Value>> {
        Ok(Standing::place(self).map(serde_json::to_value).transpose()?)
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        Ok(Standing::write(self, &folder.join(FASTTEXT_MODEL))?)
    }
}
