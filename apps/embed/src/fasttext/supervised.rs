//! `fasttext supervised`: classification of lines.

use std::path::{Path, PathBuf};

use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;
use ognivo_core::device;
use ognivo_core::report::{LineChart, Report, Series, Table, Tile, duration, number};
use ognivo_core::run::REPORT;
use ognivo_core::train::interrupt;
use ognivo_core::train::metrics_log::read_metrics;
use ognivo_core::train::recorder::Recorder;
use ognivo_embeddings::fasttext::{Config, Meter, Model, ModelKind, train};
use ognivo_embeddings::train::Engine;
use serde_json::{Value, json};

use super::{Kind, Opened, RunConfig, Settings, open};
use crate::TASK;
use crate::run::{EngineKind, RunArgs, given};
use crate::train::Course;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed fasttext supervised --data reviews.txt --test held-out.txt
  embed fasttext supervised --data reviews.txt --word-ngrams 2 --loss one-vs-all --buckets 500000
  embed fasttext supervised --run runs/embed/reviews-001 --resume

A line is an example: its labels, which begin with __label__, and its words, in any order. The result does not depend on --threads.")]
pub(crate) struct SupervisedArgs {
    /// The text: a file, plain or gzip
    #[arg(long)]
    data: Option<String>,
    /// Lines to measure the labels with, after training
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// Longest n-gram of words [default: 1]
    #[arg(long)]
    word_ngrams: Option<usize>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn supervised(args: &SupervisedArgs, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let mut flags = args.settings.overlay();
    flags.extend(given([
        ("data", args.data.as_deref().map(Value::from)),
        ("test", args.test.as_deref().map(|path| json!(path))),
        ("fasttext.wordNgrams", args.word_ngrams.map(Value::from)),
    ]));
    let check = |config: &RunConfig| {
        if config.fasttext.model != ModelKind::Supervised || config.engine != EngineKind::Cpu {
            let message = "found another model or engine; expected `model` supervised and `engine` cpu";
            return Err(ognivo_core::Error::Config(message.into()).into());
        }
        Ok(())
    };
    let opened = open(&args.run, &RunConfig::new(Kind::Supervised, Config::supervised()), flags, check, output)?;
    let (trained, course) = opened.train(&Engine::Cpu, output)?;
    let Opened { run, config, data, .. } = &opened;
    let model = &trained.model;
    if args.run.save_text {
        model.write_vectors(&run.file("vectors.txt"))?;
    }
    if course.interrupted {
        let at = run.path().display();
        let how = match trained.place {
            Some(_) => format!("go on with: {TASK} {} --run {at} --resume", Kind::Supervised.command()),
            None => "with --hogwild a classifier starts anew, it cannot be resumed".into(),
        };
        output.warn(&format!("stopped; the model so far is in {at}; {how}"));
        return Ok(Ended::Interrupted);
    }
    let measure = |path: &Path| model.test(&mut train::open(path)?, 1, 0.0);
    let test = config.test.as_deref().map(measure).transpose()?;
    let training = measure(data)?;
    report(&opened, model, &course, &training, test.as_ref())?;
    let mut metrics = json!({
        "train_f1": training.all.f1(),
        "train_accuracy": training.all.precision(),
        "loss": course.loss,
        "labels": model.dictionary().labels(),
        "words": model.dictionary().words(),
        "words_per_second": course.tokens_per_second(),
        "training_seconds": course.time.as_secs_f64(),
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
        course.time.as_secs_f64(),
        course.tokens_per_second(),
        run.file(REPORT).display(),
        run.path().display(),
    ));
    output.result(Kind::Supervised.command(), metrics, Some(run.path()));
    Ok(Ended::Done)
}

/// The share of lines with the commonest label: what always answering it gets right.
fn commonest(meter: &Meter) -> f64 {
    let most = meter.labels.iter().map(|counts| counts.gold).max().unwrap_or(0);
    most as f64 / meter.examples.max(1) as f64
}

fn report(
    opened: &Opened,
    model: &Model,
    course: &Course,
    training: &Meter,
    test: Option<&Meter>,
) -> anyhow::Result<()> {
    let dictionary = model.dictionary();
    let mut report = Report::new(format!("{}: classifier of lines", opened.name));
    report.subtitle(format!("fastText: {} labels, {} words", dictionary.labels(), dictionary.words()));
    if let Some(test) = test {
        let share = ognivo_core::metrics::Interval::wilson(test.all.right, test.examples);
        report.tile(Tile::proportion("Test lines right", share).baseline("commonest label", commonest(test)));
    }
    let speed = number(course.tokens_per_second().round());
    report.tile(
        Tile::new("Training lines right", format!("{:.4}", training.all.precision())).detail("of lines it has seen"),
    );
    report.tile(Tile::new("Words per second", speed).detail(duration(course.time)));
    let points = read_metrics(opened.run.file(Recorder::FILE))?;
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
    report.configuration(serde_json::to_string_pretty(&opened.config).unwrap_or_default());
    report.environment("Threads", device::threads().to_string()).environment("Ognivo", env!("CARGO_PKG_VERSION"));
    Ok(report.write(opened.run.file(REPORT))?)
}
