//! `plot`: a map of words or nodes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::report::{MapChart, Report};
use ognivo_core::train::interrupt;
use ognivo_embeddings::WordVectors;
use ognivo_embeddings::corpus::planted;
use ognivo_embeddings::evaluate::Labels;
use ognivo_embeddings::plot::map::{Map, Method};
use ognivo_embeddings::plot::tsne::{Init, TsneConfig, tsne};
use serde_json::{Value, json};

use crate::model::{ModelArgs, chosen};
use crate::node2vec::labels_path;

/// Pixels that the file is drawn wide.
const WIDTH: f64 = 1000.0;
/// Words that are drawn when nobody says which.
const MOST: usize = 200;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed plot                                          the 200 most frequent words of the newest run, by t-SNE
  embed plot --words cat,dog,oak,pine --method pca
  embed plot --labels karate --to karate.svg          coloured by what a file says of each: `name label` a line
  embed plot --vectors glove.txt --words-file my-words.txt --perplexity 15

Writes an SVG file, and beside it a page with the map and how it was made. Both follow the reader's light or dark theme.")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The words or nodes to draw
    #[arg(long, value_delimiter = ',')]
    words: Vec<String>,
    /// A file with these, one a line
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    words_file: Option<PathBuf>,
    /// Else so many of the first, which are the most frequent [default: 200, or all that have labels]
    #[arg(long, conflicts_with_all = ["words", "words_file"])]
    most: Option<usize>,
    /// Colours: a file with `name label` a line, or a data set that has one (karate); `topics` for those of the generated text
    #[arg(long, value_name = "FILE")]
    labels: Option<String>,
    /// tsne or pca
    #[arg(long, default_value = "tsne", value_parser = ["tsne", "pca"])]
    method: String,
    /// t-SNE: how many neighbours a point has, about [default: 30, or a third of the points]
    #[arg(long)]
    perplexity: Option<f64>,
    /// t-SNE: steps
    #[arg(long)]
    iterations: Option<usize>,
    /// t-SNE: step size [default: by the number of points]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// t-SNE: how roughly far points are taken together, 0 for not at all [default: 0.5 above 500 points, else 0]
    #[arg(long)]
    theta: Option<f64>,
    /// t-SNE: where points begin, pca or random
    #[arg(long, default_value = "pca", value_parser = ["pca", "random"])]
    init: String,
    /// What a random beginning follows from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The SVG file to write; the page beside it ends in .html [default: map.svg in the run directory]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let opened = args.model.open()?;
    let labels = args.labels.as_deref().map(|labels| Colours::open(labels, output)).transpose()?;
    let words = words(args, opened.lookup().words(), labels.as_ref())?;
    let (vectors, unknown) = chosen(opened.lookup(), &words)?;
    if !unknown.is_empty() {
        let shown: Vec<&str> = unknown.iter().take(10).map(String::as_str).collect();
        output.warn(&format!("{} of {} have no vector: {}", unknown.len(), words.len(), shown.join(", ")));
    }
    let map = Map::make(vectors.table(), &method(args, vectors.table().rows()), output)?;
    let title = format!("Map of {} vectors", vectors.words().len());
    let chart = chart(&title, &map, &vectors, labels.as_ref());
    let path = match (&args.to, args.model.folder()?) {
        (Some(path), _) => path.clone(),
        (None, Some(folder)) => folder.join("map.svg"),
        (None, None) => PathBuf::from("map.svg"),
    };
    chart.write(&path, WIDTH)?;
    let page = path.with_extension("html");
    write_page(&page, &title, &chart, &map)?;
    output.answer(&format!("{}\n{}\n{}", map.about, path.display(), page.display()));
    let mut metrics = json!({ "points": vectors.words().len(), "unknown": unknown.len(), "file": path, "page": page });
    if let Value::Object(figures) = &map.figures {
        figures.iter().for_each(|(name, value)| metrics[name] = value.clone());
    }
    output.result("plot", metrics, args.model.folder()?.as_deref());
    Ok(if interrupt::requested() { Ended::Interrupted } else { Ended::Done })
}

/// The words to draw: those asked for, else those with labels, else the first.
fn words(args: &Args, known: &ognivo_embeddings::Names, labels: Option<&Colours>) -> anyhow::Result<Vec<String>> {
    if !args.words.is_empty() {
        return Ok(args.words.clone());
    }
    if let Some(path) = &args.words_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
        return Ok(text.lines().map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect());
    }
    let all = known.iter().filter(|word| labels.is_none_or(|labels| labels.of(word).is_some()));
    let most = args.most.unwrap_or(if labels.is_some() { usize::MAX } else { MOST });
    let words: Vec<String> = all.take(most).map(str::to_owned).collect();
    if words.is_empty() {
        bail!("no word has a label; the file of --labels is about others");
    }
    Ok(words)
}

/// What colours the points.
pub(crate) enum Colours {
    /// Those of the generated text.
    Topics,
    /// By name.
    Labels(HashMap<String, String>),
}

impl Colours {
    fn open(labels: &str, output: &Output) -> anyhow::Result<Self> {
        if labels == "topics" {
            return Ok(Self::Topics);
        }
        let labels = Labels::read(&labels_path(labels, output)?)?;
        let of = |(node, name): (usize, &str)| {
            let label = labels.of(node as u32).first()?;
            Some((name.to_owned(), labels.names().name(*label).to_owned()))
        };
        Ok(Self::Labels(labels.nodes().iter().enumerate().filter_map(of).collect()))
    }

    fn of(&self, word: &str) -> Option<&str> {
        match self {
            Self::Topics => planted::topic(word),
            Self::Labels(labels) => labels.get(word).map(String::as_str),
        }
    }
}

/// How the arguments want it drawn.
fn method(args: &Args, points: usize) -> Method {
    if args.method == "pca" {
        return Method::Components;
    }
    let usual = TsneConfig::of_points(points);
    Method::Tsne(TsneConfig {
        perplexity: args.perplexity.unwrap_or(usual.perplexity),
        iterations: args.iterations.unwrap_or(usual.iterations),
        learning_rate: args.learning_rate,
        theta: args.theta.unwrap_or(usual.theta),
        init: if args.init == "pca" { Init::Pca } else { Init::Random },
        seed: args.seed,
        ..usual
    })
}

fn chart(title: &str, map: &Map, vectors: &WordVectors, labels: Option<&Colours>) -> MapChart {
    let [x, y] = &map.axes;
    let empty = MapChart::new(title).x_label(x).y_label(y);
    let points = vectors.words().iter().zip(&map.points);
    points.fold(empty, |chart, (word, &point)| chart.point(word, point, labels.and_then(|labels| labels.of(word))))
}

/// The vectors of a trained run on two components, for its report.
pub(crate) fn overview(vectors: &WordVectors, most: usize, label: &dyn Fn(&str) -> Option<String>) -> Option<MapChart> {
    let words: Vec<String> = vectors.words().iter().take(most).map(str::to_owned).collect();
    let (first, _) = chosen(vectors, &words).ok()?;
    let config = TsneConfig { iterations: 500, ..TsneConfig::of_points(words.len()) };
    let map = tsne(first.table(), &config, &mut |_| !interrupt::requested()).ok()?;
    let empty = MapChart::new(format!("t-SNE of the first {}", words.len()));
    Some(words.iter().zip(map.points).fold(empty, |chart, (word, point)| {
        let label = label(word);
        chart.point(word, point, label.as_deref())
    }))
}

fn write_page(path: &Path, title: &str, chart: &MapChart, map: &Map) -> anyhow::Result<()> {
    let mut report = Report::new(title);
    report.subtitle(&map.about).command(std::env::args().collect::<Vec<_>>().join(" "));
    report.section("Map").chart(chart);
    Ok(report.write(path)?)
}
