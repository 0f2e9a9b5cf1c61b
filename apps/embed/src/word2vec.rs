//! `word2vec`: vectors of words.

use clap::Subcommand;
use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;
use ognivo_core::report::{Tile, percent};
use ognivo_core::train::interrupt;
use ognivo_embeddings::corpus::{Corpus, Room, Vocabulary, planted};
use ognivo_embeddings::train::{Architecture, Loss};
use ognivo_embeddings::word2vec::{self, Word2VecConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::plot::overview;
use crate::run::{CHECKPOINT_SECONDS, EngineArgs, EngineKind, RunArgs, Summary, given, seconds};
use crate::sources;
use crate::train::{self, Keeping, Training};

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
  embed word2vec train --data corpus.txt --engine burn --device gpu
  embed word2vec train --run runs/embed/corpus-001 --resume

Defaults: --dim 100 --window 5 --negative 5 --sample 0.001 --epochs 5. A word is what stands between white space, a line is a sentence. The
result does not depend on --threads, unless --hogwild is given.")]
pub(crate) struct TrainArgs {
    /// Text: a file, a folder, the name of a data set, - for standard input, or several with commas between; gzip is read directly
    /// [default: planted, a generated text whose topics are known]
    #[arg(long)]
    data: Option<String>,
    /// What is predicted: skipgram, the words around from each word; cbow, a word from those around it [default: skipgram]
    #[arg(long, value_parser = ["skipgram", "skip-gram", "cbow"])]
    model: Option<String>,
    /// negative, hierarchical or softmax [default: negative]
    #[arg(long)]
    loss: Option<Loss>,
    /// Rarer words are left out [default: 5]
    #[arg(long)]
    min_count: Option<u64>,
    /// Words of a text that are kept in memory, 4 bytes each; a longer one goes to a temporary file (in $TMPDIR) of that size
    #[arg(long, value_name = "WORDS", default_value_t = Room::default().tokens)]
    words_in_memory: usize,
    #[command(flatten)]
    vectors: VectorArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// Settings of vectors, whatever they are of.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct VectorArgs {
    /// Numbers in a vector
    #[arg(long)]
    dim: Option<usize>,
    /// Words or nodes to each side, at most
    #[arg(long)]
    window: Option<u32>,
    /// Drawn words or nodes for each true one [default: 5]
    #[arg(long)]
    negative: Option<usize>,
    /// What is more frequent than this share is thinned out; 0 for none
    #[arg(long)]
    sample: Option<f64>,
    /// Passes over the data
    #[arg(long)]
    epochs: Option<u64>,
    /// At the start; it falls to 0 in a straight line
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Everything random follows from it [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// All threads write to the same tables: somewhat faster, another result every time
    #[arg(long)]
    hogwild: bool,
}

impl VectorArgs {
    /// The flags given, below `vectors`.
    pub(crate) fn overlay(&self) -> Vec<(String, Value)> {
        given([
            ("vectors.dim", self.dim.map(Value::from)),
            ("vectors.window", self.window.map(Value::from)),
            ("vectors.negative", self.negative.map(Value::from)),
            ("vectors.sample", self.sample.map(Value::from)),
            ("vectors.epochs", self.epochs.map(Value::from)),
            ("vectors.learning_rate", self.learning_rate.map(Value::from)),
            ("vectors.seed", self.seed.map(Value::from)),
            ("vectors.hogwild", self.hogwild.then(|| true.into())),
        ])
    }
}

/// Refuses the configuration of another kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Word2vec,
}

/// Everything that a run of word2vec follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunConfig {
    task: Kind,
    data: String,
    checkpoint_seconds: f64,
    #[serde(default)]
    engine: EngineKind,
    vectors: Word2VecConfig,
}

fn train(args: &TrainArgs, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    // Both spellings are common.
    let model = args.model.as_deref().map(|model| model.replace("skipgram", "skip-gram"));
    let vectors = Word2VecConfig::default();
    // As word2vec.c has it.
    let learning_rate = if model.as_deref() == Some("cbow") { 0.05 } else { vectors.learning_rate };
    let defaults = RunConfig {
        task: Kind::Word2vec,
        data: PLANTED.into(),
        checkpoint_seconds: CHECKPOINT_SECONDS,
        engine: EngineKind::Cpu,
        vectors: Word2VecConfig { learning_rate, ..vectors },
    };
    let mut flags = args.vectors.overlay();
    flags.extend(args.engine.overlay());
    flags.extend(given([
        ("data", args.data.as_deref().map(Value::from)),
        ("vectors.architecture", model.map(Value::from)),
        ("vectors.loss", args.loss.map(|loss| json!(loss))),
        ("vectors.min_count", args.min_count.map(Value::from)),
    ]));
    let (config, saved): (RunConfig, _) = args.run.resolve(&defaults, flags)?;
    config.vectors.validate()?;
    let engine = args.engine.open(config.engine)?;
    engine.check(config.vectors.loss, config.vectors.hogwild)?;
    let every = seconds(config.checkpoint_seconds)?;
    let (corpus, vocabulary, name) = open(&config, args.words_in_memory, output)?;
    let resume = saved.is_some();
    let run = saved.map_or_else(|| args.run.create(&name, &config), Ok)?;
    let about = format!("{} words of which {} are different", vocabulary.tokens(), vocabulary.len());
    output.line(&format!("{name}: {about}\n"));
    let keeping = Some(Keeping { run: &run, resume, every });
    let training = Training { epochs: config.vectors.epochs, unit: "words", keeping };
    let (vectors, course) = train::vectors(
        training,
        &vocabulary,
        |earlier, watch| word2vec::train(&engine, &config.vectors, &corpus, &vocabulary, earlier, watch),
        output,
    )?;
    let mut metrics = Map::new();
    let (mut tile, mut lines) = (None, Vec::new());
    let planted = config.data == PLANTED;
    if planted && !course.interrupted {
        let score = planted::score(&vectors, NEAR);
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
    let map = if course.interrupted { None } else { overview(&vectors, MAPPED, &label) };
    let summary = Summary {
        command: "word2vec train",
        title: format!("{name}: vectors of words"),
        subtitle: format!("word2vec, {}, {about}", described(&config.vectors)),
        unit: "word",
        vectors: &vectors,
        course: &course,
        tile,
        lines,
        metrics,
        map,
        configuration: serde_json::to_string_pretty(&config)?,
    };
    summary.finish(&run, args.run.save_text, output)
}

/// The text, its vocabulary, and a name for the run.
fn open(config: &RunConfig, tokens: usize, output: &Output) -> anyhow::Result<(Corpus, Vocabulary, String)> {
    let (min_count, room) = (config.vectors.min_count, Room { tokens, ..Room::default() });
    let ((corpus, vocabulary), name) = match config.data.as_str() {
        PLANTED => {
            let text = planted::planted(PLANTED_WORDS, config.vectors.seed);
            (Corpus::from_text(&text, min_count)?, PLANTED.into())
        }
        "-" => (Corpus::read(&["-".into()], min_count, &room)?, "stdin".into()),
        data => {
            let (files, name) = sources::files(data, output)?;
            (Corpus::read(&files, min_count, &room)?, name)
        }
    };
    Ok((corpus, vocabulary, name))
}

/// The settings in a few words, for people.
pub(crate) fn described(config: &Word2VecConfig) -> String {
    let model = match config.architecture {
        Architecture::SkipGram => "skip-gram",
        Architecture::Cbow => "CBOW",
    };
    let loss = match config.loss {
        Loss::Negative => format!("{} negatives", config.negative),
        Loss::Hierarchical => "hierarchical softmax".into(),
        Loss::Softmax => "softmax".into(),
        Loss::OneVsAll => "one-vs-all".into(),
    };
    format!("{model}, {} numbers, window {}, {loss}, {} passes", config.dim, config.window, config.epochs)
}
