//! What every training of vectors does around the training itself: settings, the run directory, the report.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::device;
use ognivo_core::report::{LineChart, MapChart, Report, Series, Table, Tile, duration, number};
use ognivo_core::run::{self, CONFIG, REPORT, RunDirectory};
use ognivo_core::train::metrics_log::read_metrics;
use ognivo_core::train::recorder::Recorder;
use ognivo_embeddings::WordVectors;
use ognivo_embeddings::format::{Format, write_vectors};
use ognivo_embeddings::query::{Index, Query};
use ognivo_embeddings::train::Engine;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::TASK;
use crate::train::Course;

/// Between two checkpoints, if nobody says otherwise.
pub(crate) const CHECKPOINT_SECONDS: f64 = 60.0;
/// Words whose neighbours the report shows, and neighbours of each.
const SHOWN: usize = 12;
const NEAR: usize = 6;

/// What computes, by its name in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EngineKind {
    /// The processor, row by row: the fastest there is on one
    #[default]
    Cpu,
    /// Any device, in batches
    Burn,
}

/// What computes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct EngineArgs {
    /// What computes [default: cpu]
    #[arg(long, value_enum)]
    engine: Option<EngineKind>,
    /// Device of the engine burn: auto, cpu, gpu, or a backend with an index such as cuda:1 (`devices` lists them) [default: auto]
    #[arg(long)]
    device: Option<String>,
}

impl EngineArgs {
    /// The flag given.
    pub(crate) fn overlay(&self) -> Vec<(String, Value)> {
        given([("engine", self.engine.map(|engine| json!(engine)))])
    }

    /// The engine that a configuration names, on the device asked for.
    pub(crate) fn open(&self, kind: EngineKind) -> anyhow::Result<Engine> {
        match (kind, self.device.as_deref()) {
            (EngineKind::Burn, device) => Ok(Engine::Burn(device::parse(device.unwrap_or("auto"))?)),
            (EngineKind::Cpu, None | Some("cpu" | "auto")) => Ok(Engine::Cpu),
            (EngineKind::Cpu, Some(device)) => {
                let message = format!(
                    "--device {device}: found the engine cpu; expected --engine burn, which computes on devices"
                );
                Err(ognivo_core::Error::Config(message).into())
            }
        }
    }
}

/// Those of the flags that have a value.
pub(crate) fn given<const N: usize>(flags: [(&str, Option<Value>); N]) -> Vec<(String, Value)> {
    flags.into_iter().filter_map(|(path, value)| Some((path.to_owned(), value?))).collect()
}

/// Flags of every training.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct RunArgs {
    /// The run directory itself [default: the next free runs/embed/DATA-NUMBER]
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
    /// Go on with the run in --run where it stopped (a directory that does not exist yet starts a new run)
    #[arg(long, requires = "run")]
    resume: bool,
    /// Read settings from a JSON file such as a run's config.json; flags beat it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any setting by its path, e.g. --set checkpoint_seconds=600 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Write the vectors as vectors.txt (word2vec's text), too
    #[arg(long)]
    pub(crate) save_text: bool,
    /// Threads; the result does not depend on it [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

impl RunArgs {
    /// The configuration, and the run to go on with, if it is one: `defaults`, the file, the task's flags, `--set`.
    pub(crate) fn resolve<C: Serialize + DeserializeOwned>(
        &self,
        defaults: &C,
        flags: Vec<(String, Value)>,
    ) -> anyhow::Result<(C, Option<RunDirectory>)> {
        device::set_threads(self.threads);
        let mut overlay = json!({});
        for (path, value) in flags {
            config::set(&mut overlay, &path, value)?;
        }
        for setting in &self.settings {
            let (path, value) = config::parse_setting(setting)?;
            config::set(&mut overlay, &path, value)?;
        }
        let saved = self.run.as_ref().filter(|path| self.resume && path.join(CONFIG).exists());
        if let Some(saved) = saved.map(RunDirectory::open).transpose()? {
            let config = config::resumed(&saved.read_json(CONFIG)?, &overlay)?;
            return Ok((config, Some(saved)));
        }
        let file = self.config.as_deref().map(run::read_json::<Value>).transpose()?.unwrap_or(json!({}));
        Ok((config::resolve(defaults, &[file, overlay])?, None))
    }

    /// The same, with `--set KEY=VALUE` for a key below `group`, unless the key begins with one of `outer`.
    pub(crate) fn below(&self, group: &str, outer: &[&str]) -> Self {
        let first = |setting: &str| setting.split(['.', '=']).next().unwrap_or_default().to_owned();
        let moved = |setting: &String| match outer.contains(&&*first(setting)) || first(setting) == group {
            true => setting.clone(),
            false => format!("{group}.{setting}"),
        };
        Self { settings: self.settings.iter().map(moved).collect(), ..self.clone() }
    }

    /// A new run directory with its configuration.
    pub(crate) fn create(&self, name: &str, config: &impl Serialize) -> anyhow::Result<RunDirectory> {
        let path = self.run.clone().unwrap_or_else(|| RunDirectory::next_path(TASK, name));
        let run = RunDirectory::create(path)?;
        run.write_json(CONFIG, config)?;
        Ok(run)
    }
}

/// What a finished run says of itself.
pub(crate) struct Summary<'a> {
    /// The command, for the result line.
    pub(crate) command: &'static str,
    /// Title and second line of the report.
    pub(crate) title: String,
    pub(crate) subtitle: String,
    /// What a row is: word, node.
    pub(crate) unit: &'static str,
    pub(crate) vectors: &'a WordVectors,
    pub(crate) course: &'a Course,
    /// The most important figure, if there is one, beside speed and loss.
    pub(crate) tile: Option<Tile>,
    /// Lines for people.
    pub(crate) lines: Vec<String>,
    /// More figures of the result line.
    pub(crate) metrics: Map<String, Value>,
    pub(crate) map: Option<MapChart>,
    pub(crate) configuration: String,
}

impl Summary<'_> {
    /// Writes the report and the text file, and says what came of the run.
    pub(crate) fn finish(self, run: &RunDirectory, save_text: bool, output: &Output) -> anyhow::Result<Ended> {
        let (course, vectors) = (self.course, self.vectors);
        if save_text && let Err(error) = write_vectors(&run.file("vectors.txt"), Format::Word2vec, vectors) {
            output.warn(&format!("the vectors are saved in {}, but not as text", run.path().display()));
            return Err(error.into());
        }
        if course.interrupted {
            let at = run.path().display();
            output.warn(&format!(
                "stopped; the vectors so far are in {at}; go on with: {TASK} {} --run {at} --resume",
                self.command
            ));
            return Ok(Ended::Interrupted);
        }
        self.report(run).context("the vectors are saved, the report is not")?;
        let (words, speed) = (vectors.words().len(), course.tokens_per_second());
        self.lines.iter().for_each(|line| output.answer(line));
        output.line(&format!(
            "trained in     {}, {speed:.0} {}s/s, loss {:.4}\nvectors        {words} of {} numbers\nreport         {}\nnow try        {TASK} nn --run {}",
            duration(course.time),
            self.unit,
            course.loss,
            vectors.table().dim(),
            run.file(REPORT).display(),
            run.path().display(),
        ));
        let mut metrics = self.metrics;
        let mut add = |name: &str, value: Value| metrics.insert(name.into(), value);
        add("vectors", words.into());
        add("dim", vectors.table().dim().into());
        add("loss", json!(course.loss));
        add("words_per_second", json!(speed));
        add("training_seconds", json!(course.time.as_secs_f64()));
        output.result(self.command, metrics.into(), Some(run.path()));
        Ok(Ended::Done)
    }

    fn report(&self, run: &RunDirectory) -> anyhow::Result<()> {
        let (course, vectors) = (self.course, self.vectors);
        let mut report = Report::new(&self.title);
        report.subtitle(&self.subtitle);
        if let Some(tile) = &self.tile {
            report.tile(tile.clone());
        }
        let speed = number(course.tokens_per_second().round());
        report.tile(Tile::new(format!("{}s per second", self.unit), speed).detail(duration(course.time)));
        report.tile(Tile::new("Loss at the end", format!("{:.4}", course.loss)));
        let records = read_metrics(run.file(Recorder::FILE))?;
        let points = records.iter().filter_map(|record| Some((record.step as f64, record.value("loss")?)));
        let label = format!("{}s read", self.unit);
        let chart = LineChart::new("Loss").x_label(label).series(Series::new("loss", points.collect()));
        report.section("Training").chart(&chart);
        report.section("Neighbours").table(neighbours(vectors, self.unit)?);
        if let Some(map) = &self.map {
            report.section("Map").chart(map);
        }
        report.command(std::env::args().collect::<Vec<_>>().join(" ")).configuration(&self.configuration);
        report.environment("Threads", device::threads().to_string());
        report.environment("System", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
        report.environment("Ognivo", env!("CARGO_PKG_VERSION"));
        Ok(report.write(run.file(REPORT))?)
    }
}

/// The nearest neighbours of words from frequent to rare.
fn neighbours(vectors: &WordVectors, unit: &str) -> anyhow::Result<Table> {
    let words = vectors.words();
    let count = SHOWN.min(words.len());
    // Evenly by the logarithm of the rank: the first, and some of each order.
    let rank = |place: usize| match count {
        0 | 1 => 0,
        _ => ((words.len() as f64).powf(place as f64 / (count - 1) as f64) - 1.0).round() as u32,
    };
    let mut ranks: Vec<u32> = (0..count).map(rank).collect();
    ranks.dedup();
    let chosen: Vec<&str> = ranks.iter().map(|&rank| words.name(rank)).collect();
    let queries = chosen.iter().map(|word| Query::word(vectors, word)).collect::<Result<Vec<_>, _>>()?;
    let found = Index::new(vectors)?.nearest(&queries, NEAR);
    let mut table = Table::new(format!("Nearest {unit}s by the cosine")).text(unit).text("nearest");
    for (word, near) in chosen.iter().zip(found) {
        let near = near.iter().map(|near| format!("{} {:.2}", words.name(near.id), near.similarity));
        table.push([word.to_string(), near.collect::<Vec<_>>().join(", ")]);
    }
    Ok(table)
}

/// Seconds between two checkpoints.
pub(crate) fn seconds(seconds: f64) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        let message = format!("setting `checkpoint_seconds`: found {seconds}; expected seconds, not negative");
        ognivo_core::Error::Config(message).into()
    })
}
