//! `fasttext`: classification of lines; and fastText's own `supervised`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Subcommand;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::device;
use ognivo_core::report::{LineChart, Report, Series, Table, Tile, duration, number};
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_core::train::metrics_log::{MetricsLog, read_metrics};
use ognivo_core::train::progress::Progress;
use ognivo_core::train::recorder::Recorder;
use ognivo_embeddings::fasttext::{Autotune, Config, Meter, Model, ModelKind, train};
use serde_json::{Value, json};

use crate::flags::{Flags, Parsed};
use crate::model::FASTTEXT_MODEL;
use crate::{TASK, sources};

/// Parts of the training after which a figure is recorded.
const RECORDS: f64 = 200.0;

#[derive(Subcommand)]
pub(crate) enum FasttextCommand {
    /// Train a classifier of lines that have labels, and write a report
    Supervised(Box<SupervisedArgs>),
}

impl FasttextCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Supervised(_) => "fasttext supervised",
        }
    }

    pub(crate) fn run(self, output: &Output) -> anyhow::Result<Ended> {
        match self {
            Self::Supervised(args) => supervised(&args, output),
        }
    }
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed fasttext supervised --data reviews.txt --test held-out.txt
  embed fasttext supervised --data reviews.txt --word-ngrams 2 --loss one-vs-all --set bucket=500000

A line is an example: its labels, which begin with __label__, and its words, in any order. The result does not depend on --threads.")]
pub(crate) struct SupervisedArgs {
    /// The text: a file, plain or gzip
    #[arg(long)]
    data: String,
    /// Lines to measure the labels with, after training
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// Settings of fastText under this program's names.
#[derive(clap::Args)]
struct Settings {
    /// The run directory itself [default: the next free runs/embed/DATA-NUMBER]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Read settings from a JSON file such as a run's config.json; flags beat it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any setting by fastText's name for it, e.g. --set minn=2 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Numbers in a vector
    #[arg(long)]
    dim: Option<usize>,
    /// ns, hs, softmax, one-vs-all
    #[arg(long)]
    loss: Option<String>,
    /// Negative samples for each example
    #[arg(long)]
    negative: Option<usize>,
    /// Rarer words are left out
    #[arg(long)]
    min_count: Option<u64>,
    /// Longest n-gram of words
    #[arg(long)]
    word_ngrams: Option<usize>,
    /// Passes over the text
    #[arg(long)]
    epochs: Option<usize>,
    /// At the start; it falls to 0 in a straight line
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Everything random follows from it
    #[arg(long)]
    seed: Option<u64>,
    /// Threads [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// All threads write to the same tables: another result every time
    #[arg(long)]
    hogwild: bool,
    /// Write the words' vectors as vectors.txt, too
    #[arg(long)]
    save_text: bool,
}

impl Settings {
    fn resolve(&self, defaults: &Config) -> anyhow::Result<Config> {
        device::set_threads(self.threads);
        let file = self.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
        // Of a run's own file, where its data was is none of the settings.
        let file = file.get("fasttext").cloned().unwrap_or(file);
        let mut overlay = json!({});
        let flags = [
            ("dim", self.dim.map(Value::from)),
            ("loss", self.loss.as_deref().map(loss_name).map(Value::from)),
            ("neg", self.negative.map(Value::from)),
            ("minCount", self.min_count.map(Value::from)),
            ("wordNgrams", self.word_ngrams.map(Value::from)),
            ("epoch", self.epochs.map(Value::from)),
            ("lr", self.learning_rate.map(Value::from)),
            ("seed", self.seed.map(Value::from)),
            ("hogwild", self.hogwild.then(|| true.into())),
        ];
        for (path, value) in flags {
            if let Some(value) = value {
                config::set(&mut overlay, path, value)?;
            }
        }
        for setting in &self.sets {
            let (path, value) = config::parse_setting(setting)?;
            config::set(&mut overlay, &path, value)?;
        }
        let resolved: Config = config::resolve(defaults, &[file, overlay])?;
        Ok(Config { thread: device::threads(), ..resolved.checked()? })
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

fn supervised(args: &SupervisedArgs, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let defaults = Config { seed: 1, ..Config::supervised() };
    let config = args.settings.resolve(&defaults)?;
    let data = sources::file(&args.data, &["train"], output)?;
    let name = sources::name_of(&args.data);
    let path = args.settings.run.clone().unwrap_or_else(|| RunDirectory::next_path(TASK, &name));
    // A text that cannot be read leaves no folder behind.
    train::open(&data)?;
    let run = RunDirectory::create(path)?;
    let _lock = run.lock()?;
    run.write_json(CONFIG, &json!({ "task": "fasttext supervised", "data": args.data, "fasttext": config }))?;
    let mut log = MetricsLog::create(run.file(Recorder::FILE))?;
    let trained = watched(config, &data, Some(&mut log), output)?;
    let model = &trained.model;
    model.write(&run.file(FASTTEXT_MODEL))?;
    if args.settings.save_text {
        model.write_vectors(&run.file("vectors.txt"))?;
    }
    if trained.interrupted {
        let at = run.path().display();
        output.warn(&format!("stopped; the model so far is in {at}: a classifier starts anew, it cannot be resumed"));
        return Ok(Ended::Interrupted);
    }
    let measure = |path: &Path| model.test(&mut train::open(path)?, 1, 0.0);
    let test = args.test.as_deref().map(measure).transpose()?;
    let training = measure(&data)?;
    report(&run, &name, &trained, &training, test.as_ref())?;
    let mut metrics = json!({
        "train_f1": training.all.f1(),
        "train_accuracy": training.all.precision(),
        "loss": trained.loss,
        "labels": model.dictionary().labels(),
        "words": model.dictionary().words(),
        "words_per_second": trained.words_per_second(),
        "training_seconds": trained.seconds,
    });
    output.answer(&format!("training lines {:.4} right (of lines it has seen)", training.all.precision(),));
    if let Some(test) = &test {
        metrics["f1"] = json!(test.all.f1());
        metrics["accuracy"] = json!(test.all.precision());
        metrics["baseline_accuracy"] = json!(commonest(test));
        output.answer(&format!(
            "test lines     {:.4} right, commonest label {:.4}",
            test.all.precision(),
            commonest(test)
        ));
    }
    output.line(&format!(
        "trained in     {:.1} s, {:.0} words/s\nreport         {}\nnow try        {TASK} predict --run {}",
        trained.seconds,
        trained.words_per_second(),
        run.file(REPORT).display(),
        run.path().display(),
    ));
    output.result("fasttext supervised", metrics, Some(run.path()));
    Ok(Ended::Done)
}

/// The share of lines with the commonest label: what always answering it gets right.
fn commonest(meter: &Meter) -> f64 {
    let most = meter.labels.iter().map(|counts| counts.gold).max().unwrap_or(0);
    most as f64 / meter.examples.max(1) as f64
}

/// Searches for settings, and says of each that is tried what it came to.
fn searched(search: &Autotune, start: &Config, input: &Path, output: &Output) -> anyhow::Result<Trained> {
    let begun = Instant::now();
    let bar = Progress::new(search.duration.as_secs(), 0, "s", output.is_silent());
    let (mut tokens, mut before, mut loss) = (0, 0, f64::NAN);
    let watch = |at: &train::Progress| {
        tokens += at.tokens.saturating_sub(if at.tokens < before { 0 } else { before });
        (before, loss) = (at.tokens, at.loss);
        !interrupt::requested()
    };
    let mut seconds = 0;
    let tuned = search.run(start, input, watch, |trial| {
        let best = if trial.best { "  best so far" } else { "" };
        output.line(&format!("trial {:>3}  {:.6}{best}", trial.number, trial.score));
        let details =
            json!({ "number": trial.number, "score": trial.score, "best": trial.best, "settings": trial.config });
        output.event("trial", details);
        let now = begun.elapsed().as_secs();
        bar.step(now - seconds, format!("trial {}", trial.number));
        seconds = now;
    })?;
    bar.finish();
    output.line(&format!("best of {} trials: {:.6}", tuned.trials, tuned.trial.score));
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Trained { model: tuned.model, interrupted: interrupt::requested(), tokens, seconds, loss })
}

/// A model and how it came to be.
struct Trained {
    model: Model,
    interrupted: bool,
    tokens: u64,
    seconds: f64,
    loss: f64,
}

impl Trained {
    fn words_per_second(&self) -> f64 {
        self.tokens as f64 / self.seconds.max(1e-9)
    }
}

/// Trains with a bar, Ctrl-C and, if there is a log, records.
fn watched(config: Config, input: &Path, mut log: Option<&mut MetricsLog>, output: &Output) -> anyhow::Result<Trained> {
    let epochs = config.epoch as u64;
    let (mut bar, mut shown, mut recorded, mut last, mut failed) = (None, 0, 0.0, None, None);
    let watch = |at: &train::Progress| {
        let epoch = ((at.done * epochs as f64) as u64).min(epochs - 1);
        // How many words there are to be read, the first report tells.
        let total = (at.tokens as f64 / at.done.max(1e-9)) as u64;
        let bar = bar.get_or_insert_with(|| Progress::new(total, 0, "words", output.is_silent()));
        bar.advance(at.tokens.saturating_sub(shown), epoch, epochs, at.loss);
        shown = at.tokens;
        if at.done * RECORDS >= recorded {
            recorded = (at.done * RECORDS).floor() + 1.0;
            if let Some(log) = &mut log {
                let values = [("loss", at.loss), ("learning_rate", at.learning_rate)];
                failed = log.append(at.tokens, epoch, &values).err();
            }
            output.event("progress", json!({ "done": at.done, "tokens": at.tokens, "loss": at.loss }));
        }
        last = Some(*at);
        failed.is_none() && !interrupt::requested()
    };
    let model = match config.model {
        ModelKind::Supervised => train::supervised(config, input, watch)?,
        ModelKind::Skipgram | ModelKind::Cbow => train::unsupervised(config, input, watch)?,
    };
    bar.iter().for_each(Progress::finish);
    if let Some(error) = failed {
        return Err(error.into());
    }
    let (tokens, seconds, loss) = last.map_or((0, 0.0, f64::NAN), |at| (at.tokens, at.seconds, at.loss));
    Ok(Trained { model, interrupted: interrupt::requested(), tokens, seconds, loss })
}

fn report(
    run: &RunDirectory,
    name: &str,
    trained: &Trained,
    training: &Meter,
    test: Option<&Meter>,
) -> anyhow::Result<()> {
    let dictionary = trained.model.dictionary();
    let mut report = Report::new(format!("{name}: classifier of lines"));
    report.subtitle(format!("fastText: {} labels, {} words", dictionary.labels(), dictionary.words()));
    if let Some(test) = test {
        let share = ognivo_core::metrics::Interval::wilson(test.all.right, test.examples);
        report.tile(Tile::proportion("Test lines right", share).baseline("commonest label", commonest(test)));
    }
    let speed = number(trained.words_per_second().round());
    report.tile(
        Tile::new("Training lines right", format!("{:.4}", training.all.precision())).detail("of lines it has seen"),
    );
    report.tile(Tile::new("Words per second", speed).detail(duration(Duration::from_secs_f64(trained.seconds))));
    let points = read_metrics(run.file(Recorder::FILE))?;
    let points = points.iter().filter_map(|record| Some((record.step as f64, record.value("loss")?)));
    let chart = LineChart::new("Loss").x_label("words read").series(Series::new("loss", points.collect()));
    report.section("Training").chart(&chart);
    let meter = test.unwrap_or(training);
    let mut table = Table::new(if test.is_some() { "Labels, test lines" } else { "Labels, training lines" });
    table = table.text("Label").number("Lines").number("Precision").number("Recall").number("F1");
    for (label, counts) in meter.labels.iter().enumerate() {
        let share = |value: f64| if value.is_finite() { format!("{value:.4}") } else { "-".into() };
        let name = dictionary.label(label).unwrap_or_default();
        table.push([
            name,
            counts.gold.to_string(),
            share(counts.precision()),
            share(counts.recall()),
            share(counts.f1()),
        ]);
    }
    report.section("Labels").table(table);
    report.command(std::env::args().collect::<Vec<_>>().join(" "));
    report.configuration(serde_json::to_string_pretty(trained.model.config()).unwrap_or_default());
    report.environment("Threads", device::threads().to_string()).environment("Ognivo", env!("CARGO_PKG_VERSION"));
    Ok(report.write(run.file(REPORT))?)
}

/// fastText's `supervised`, `skipgram` and `cbow -input FILE -output PREFIX ...`.
pub(crate) fn flags(defaults: Config, flags: &Flags, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let command = match defaults.model {
        ModelKind::Supervised => "supervised",
        ModelKind::Skipgram => "skipgram",
        ModelKind::Cbow => "cbow",
    };
    let Parsed { config, input, output: prefix, verbose, autotune, .. } = flags.parse(defaults)?;
    let (Some(input), Some(prefix)) = (input, prefix) else {
        let message = "expected -input FILE and -output PREFIX, and any of fastText's other flags";
        return Err(ognivo_core::Error::Config(message.into()).into());
    };
    // More threads than cores only wait for each other, and the result does not depend on them.
    let config = Config { thread: config.thread.min(device::threads()), ..config };
    let save_output = config.save_output;
    let quiet = Output { quiet: output.quiet || verbose == 0, ..*output };
    let trained = match &autotune {
        Some(search) => searched(search, &config, &input, &quiet)?,
        None => watched(config, &input, None, &quiet)?,
    };
    let with = |ending: &str| PathBuf::from(format!("{}.{ending}", prefix.display()));
    // Of a search for a size comes a quantised model.
    let file = if trained.model.is_quantized() { with("ftz") } else { with("bin") };
    trained.model.write(&file)?;
    trained.model.write_vectors(&with("vec"))?;
    if save_output {
        trained.model.write_output(&with("output"))?;
    }
    let metrics = json!({
        "loss": trained.loss,
        "words": trained.model.dictionary().words(),
        "labels": trained.model.dictionary().labels(),
        "words_per_second": trained.words_per_second(),
        "training_seconds": trained.seconds,
        "file": file,
    });
    quiet.line(&format!(
        "{:.1} s, {:.0} words/s, loss {:.6}",
        trained.seconds,
        trained.words_per_second(),
        trained.loss
    ));
    output.result(command, metrics, None);
    Ok(if trained.interrupted { Ended::Interrupted } else { Ended::Done })
}
