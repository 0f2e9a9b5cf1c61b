//! `word2vec`: vectors of words.

use clap::Subcommand;
use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;
use ognivo_core::report::{Tile, percent};
use ognivo_core::train::interrupt;
use ognivo_embeddings::corpus::{Corpus, Vocabulary, planted};
use ognivo_embeddings::fasttext::Tokens;
use ognivo_embeddings::fasttext::train::open as open_file;
use ognivo_embeddings::train::{Architecture, Loss, Objective, Plan, Sentences, Units};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::corpus;
use crate::plot::overview;
use crate::queries::open_text;
use crate::run::{RunArgs, Summary, seconds};
use crate::sources;
use crate::train::{Keeping, Training};

/// The generated text.
const PLANTED: &str = "planted";
/// Its words.
const PLANTED_WORDS: usize = 300_000;
/// Neighbours by which topics are judged.
const NEAR: usize = 10;
/// Words on the report's map.
const MAPPED: usize = 200;

#[derive(Subcommand)]
pub(crate) enum Word2vecCommand {
    /// Train vectors of words and write a report
    Train(Box<TrainArgs>),
}

impl Word2vecCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => "word2vec train",
        }
    }

    pub(crate) fn run(self, output: &Output) -> anyhow::Result<Ended> {
        match self {
            Self::Train(args) => train(&args, output),
        }
    }
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed word2vec train                                            a generated text whose topics are known
  embed word2vec train --data corpus.txt.gz --dim 200 --window 8
  embed word2vec train --data books/,news.txt --model cbow --epochs 10
  zcat corpus.gz | embed word2vec train --data -
  embed word2vec train --run runs/embed/corpus-001 --resume

Defaults: --dim 100 --window 5 --negative 5 --sample 0.001 --epochs 5. A word is what stands between white space, a line is a sentence. The
result does not depend on --threads, unless --hogwild is given.")]
pub(crate) struct TrainArgs {
    /// Text: a file, a folder, the name of a data set, - for standard input, or several with commas between; gzip is read directly
    /// [default: planted, a generated text whose topics are known]
    #[arg(long)]
    data: Option<String>,
    /// Rarer words are left out [default: 5]
    #[arg(long)]
    min_count: Option<u64>,
    #[command(flatten)]
    vectors: VectorArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// Settings of vectors, whatever they are of.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct VectorArgs {
    /// What is predicted: skipgram, the words around from each word; cbow, a word from those around it [default: skipgram]
    #[arg(long, value_parser = ["skipgram", "skip-gram", "cbow"])]
    model: Option<String>,
    /// Numbers in a vector
    #[arg(long)]
    dim: Option<usize>,
    /// Words to each side, at most
    #[arg(long)]
    window: Option<u32>,
    /// negative, hierarchical or softmax [default: negative]
    #[arg(long)]
    loss: Option<Loss>,
    /// Drawn words for each true one [default: 5]
    #[arg(long)]
    negative: Option<usize>,
    /// Words more frequent than this share of the text are thinned out; 0 for none
    #[arg(long)]
    sample: Option<f64>,
    /// Passes over the data
    #[arg(long)]
    epochs: Option<u64>,
    /// At the start; it falls to 0 in a straight line [default: 0.025, of cbow 0.05]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Everything random follows from it [default: 1]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// All threads write to the same tables: somewhat faster, another result every time
    #[arg(long)]
    hogwild: bool,
}

impl VectorArgs {
    /// The flags given, below `vectors`.
    pub(crate) fn overlay(&self) -> Vec<(String, Value)> {
        let flags = [
            // Both spellings are common.
            ("model", self.model.as_deref().map(|model| model.replace("skipgram", "skip-gram").into())),
            ("dim", self.dim.map(Value::from)),
            ("window", self.window.map(Value::from)),
            ("loss", self.loss.map(|loss| json!(loss))),
            ("negative", self.negative.map(Value::from)),
            ("sample", self.sample.map(Value::from)),
            ("epochs", self.epochs.map(Value::from)),
            ("learning_rate", self.learning_rate.map(Value::from)),
            ("seed", self.seed.map(Value::from)),
            ("hogwild", self.hogwild.then(|| true.into())),
        ];
        flags.into_iter().filter_map(|(name, value)| Some((format!("vectors.{name}"), value?))).collect()
    }
}

/// What vectors follow from, whatever they are of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VectorConfig {
    pub(crate) model: Architecture,
    pub(crate) dim: usize,
    pub(crate) window: u32,
    pub(crate) loss: Loss,
    pub(crate) negative: usize,
    pub(crate) sample: f64,
    pub(crate) epochs: u64,
    /// Without one, what is usual for the model.
    pub(crate) learning_rate: Option<f64>,
    pub(crate) seed: u64,
    pub(crate) hogwild: bool,
    /// Between two checkpoints.
    pub(crate) checkpoint_seconds: f64,
}

impl Default for VectorConfig {
    fn default() -> Self {
        Self {
            model: Architecture::SkipGram,
            dim: 100,
            window: 5,
            loss: Loss::Negative,
            negative: 5,
            sample: 1e-3,
            epochs: 5,
            learning_rate: None,
            seed: 1,
            hogwild: false,
            checkpoint_seconds: 60.0,
        }
    }
}

/// Refuses the configuration of another kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word2vecTask {
    Word2vec,
}

/// Everything that a run of word2vec follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word2vecConfig {
    /// `word2vec`.
    task: Word2vecTask,
    data: String,
    min_count: u64,
    vectors: VectorConfig,
}

impl Default for Word2vecConfig {
    fn default() -> Self {
        Self { task: Word2vecTask::Word2vec, data: PLANTED.into(), min_count: 5, vectors: VectorConfig::default() }
    }
}

fn train(args: &TrainArgs, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let mut flags = args.vectors.overlay();
    flags.extend(args.data.as_ref().map(|data| ("data".to_string(), json!(data))));
    flags.extend(args.min_count.map(|count| ("min_count".to_string(), json!(count))));
    let (config, saved): (Word2vecConfig, _) = args.run.resolve(&Word2vecConfig::default(), flags)?;
    config.vectors.validate()?;
    let (vocabulary, corpus, name) = open(&config, output)?;
    let resume = saved.is_some();
    let run = saved.map_or_else(|| args.run.create(&name, &config), Ok)?;
    output.line(&format!("{name}: {} words of which {} are different\n", vocabulary.tokens(), vocabulary.len(),));
    let keep = vocabulary.keep(config.vectors.sample);
    let objective = config.vectors.objective(vocabulary.counts());
    let training = Training {
        plan: config.vectors.plan(&corpus, &objective, keep.as_deref()),
        vocabulary: &vocabulary,
        dim: config.vectors.dim,
        unit: "words",
    };
    let keeping = Keeping { run: &run, resume, every: seconds(config.vectors.checkpoint_seconds)? };
    let outcome = training.run(Some(keeping), output)?;
    let mut metrics = Map::new();
    let (mut tile, mut lines) = (None, Vec::new());
    let planted = config.data == PLANTED;
    if planted && !outcome.interrupted {
        let score = planted::score(&outcome.vectors, NEAR);
        let (share, chance) = (percent(score.share), percent(score.chance));
        lines.push(format!(
            "neighbours     {share} of the {NEAR} nearest are of the word's own topic, by chance {chance}"
        ));
        let detail = format!("of the {NEAR} nearest words of each; by chance {chance}");
        tile = Some(Tile::new("Neighbours of the word's own topic", share).detail(detail));
        metrics.insert("topic_share".into(), json!(score.share));
        metrics.insert("baseline_topic_share".into(), json!(score.chance));
    }
    let label = |word: &str| planted::topic(word).filter(|_| planted).map(str::to_owned);
    let map = if outcome.interrupted { None } else { overview(&outcome.vectors, MAPPED, &label) };
    let vectors = &config.vectors;
    let summary = Summary {
        command: "word2vec train",
        title: format!("{name}: vectors of words"),
        subtitle: format!(
            "word2vec, {}, {} words of which {} are different",
            vectors.describe(),
            vocabulary.tokens(),
            vocabulary.len()
        ),
        unit: "word",
        outcome: &outcome,
        tile,
        lines,
        metrics,
        map,
        configuration: serde_json::to_string_pretty(&config)?,
    };
    summary.finish(&run, args.run.save_text, output)
}

/// The text, its vocabulary, and a name for the run.
fn open(config: &Word2vecConfig, output: &Output) -> anyhow::Result<(Vocabulary, Corpus, String)> {
    let (name, (vocabulary, corpus)) = match config.data.as_str() {
        PLANTED => {
            let text = planted::planted(PLANTED_WORDS, config.vectors.seed);
            (PLANTED.into(), corpus::read([Ok(Tokens::new(text.as_bytes(), PLANTED))], config.min_count)?)
        }
        "-" => ("stdin".into(), corpus::read([Ok(open_text("-")?)], config.min_count)?),
        data => {
            let (files, name) = sources::files(data, output)?;
            (name, corpus::read(files.iter().map(|path| open_file(path)), config.min_count)?)
        }
    };
    Ok((vocabulary, corpus, name))
}

impl VectorConfig {
    /// Refuses what has no meaning, before anything is read.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        let wrong = |key: &str, found: String, expected: &str| {
            let message = format!("setting `{key}`: found {found}; expected {expected}");
            Err(ognivo_core::Error::Config(message).into())
        };
        for (key, value) in [("dim", self.dim as u64), ("window", self.window.into()), ("epochs", self.epochs)] {
            if value == 0 {
                return wrong(key, "0".into(), "at least 1");
            }
        }
        if self.loss == Loss::Negative && self.negative == 0 {
            return wrong("negative", "0".into(), "at least 1, or another loss");
        }
        if self.loss == Loss::OneVsAll {
            return wrong("loss", "one-vs-all".into(), "negative, hierarchical or softmax");
        }
        if !(self.sample.is_finite() && self.sample >= 0.0) {
            return wrong("sample", self.sample.to_string(), "a number not below 0");
        }
        seconds(self.checkpoint_seconds)?;
        match self.rate() {
            rate if rate.is_finite() && rate > 0.0 => Ok(()),
            rate => wrong("learning_rate", rate.to_string(), "a number above 0"),
        }
    }

    pub(crate) fn rate(&self) -> f64 {
        self.learning_rate.unwrap_or(match self.model {
            Architecture::SkipGram => 0.025,
            Architecture::Cbow => 0.05,
        })
    }

    pub(crate) fn objective(&self, counts: &[u64]) -> Objective {
        Objective::new(self.loss, counts, self.negative)
    }

    pub(crate) fn plan<'a>(
        &self,
        sentences: &'a dyn Sentences,
        objective: &'a Objective,
        keep: Option<&'a [u32]>,
    ) -> Plan<'a> {
        Plan {
            sentences,
            units: &Units::Tokens,
            objective,
            keep,
            architecture: self.model,
            window: self.window,
            epochs: self.epochs,
            learning_rate: self.rate() as f32,
            seed: self.seed,
            hogwild: self.hogwild,
            round: 128,
            pull: 1.0,
        }
    }

    /// In a few words, for people.
    pub(crate) fn describe(&self) -> String {
        let model = match self.model {
            Architecture::SkipGram => "skip-gram",
            Architecture::Cbow => "CBOW",
        };
        let loss = match self.loss {
            Loss::Negative => format!("{} negatives", self.negative),
            Loss::Hierarchical => "hierarchical softmax".into(),
            Loss::Softmax => "softmax".into(),
            Loss::OneVsAll => "one-vs-all".into(),
        };
        format!("{model}, {} numbers, window {}, {loss}, {} passes", self.dim, self.window, self.epochs)
    }
}
