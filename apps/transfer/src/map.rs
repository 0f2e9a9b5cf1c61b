//! `map`: pictures on the plane, near ones near each other.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::data::picture;
use ognivo_core::random;
use ognivo_core::report::{MapChart, Report};
use ognivo_core::train::interrupt;
use ognivo_embeddings::Table;
use ognivo_embeddings::plot::map::{Map, Method};
use ognivo_embeddings::plot::tsne::TsneConfig;
use ognivo_transfer::vectors::files::class_of;
use serde_json::json;

use crate::search::IndexArgs;

/// Pixels that the file is drawn wide.
const WIDTH: f64 = 1200.0;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer map                                          of the newest index, by t-SNE
  transfer map --index photos.vectors --method pca --most 500
  transfer map --to photos.svg

Writes an SVG file with the pictures in it, framed in the colours of their classes, and beside it a page with the same and how it was made.")]
pub(crate) struct Args {
    #[command(flatten)]
    index: IndexArgs,
    /// tsne or pca
    #[arg(long, default_value = "tsne", value_parser = ["tsne", "pca"])]
    method: String,
    /// Draw so many of the pictures, chosen at random
    #[arg(long, default_value_t = 300)]
    most: usize,
    /// t-SNE: how many neighbours a picture has, about [default: 30, or a third of the pictures]
    #[arg(long)]
    perplexity: Option<f64>,
    /// t-SNE: steps
    #[arg(long)]
    iterations: Option<usize>,
    /// Decides which pictures are drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The SVG file to write; the page beside it ends in .html [default: map.svg in the index]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let (index, folder) = args.index.open()?;
    let (all, words) = (index.vectors.table(), index.vectors.words());
    let mut rows = random::permutation(args.seed, 0, all.rows());
    rows.truncate(args.most);
    rows.sort_unstable();
    // As in a search, the length of a vector says nothing.
    let mut table = Table::zeros(rows.len(), all.dim())?;
    for (to, &row) in rows.iter().enumerate() {
        let length = all.row(row).iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        table.row_mut(to).iter_mut().zip(all.row(row)).for_each(|(to, value)| *to = value / length);
    }
    let usual = TsneConfig::of_points(table.rows());
    let method = match args.method.as_str() {
        "pca" => Method::Components,
        _ => Method::Tsne(TsneConfig {
            perplexity: args.perplexity.unwrap_or(usual.perplexity),
            iterations: args.iterations.unwrap_or(usual.iterations),
            ..usual
        }),
    };
    let Map { points, axes, about, figures } = Map::make(&table, &method, output)?;
    let title = format!("{} of {} pictures: {} of {}", rows.len(), all.rows(), index.maker.layer, index.source.from);
    let [x, y] = &axes;
    let mut chart = MapChart::new(&title).x_label(x).y_label(y);
    for (&row, &place) in rows.iter().zip(&points) {
        let name = words.name(row as u32);
        let image = picture::decode_file(&index.files.path(name))?;
        chart = chart.picture(name, place, class_of(name), &image)?;
    }
    let path = args.to.clone().unwrap_or_else(|| folder.join("map.svg"));
    chart.write(&path, WIDTH)?;
    let page = path.with_extension("html");
    let mut report = Report::new(&title);
    report.subtitle(&about).command(std::env::args().collect::<Vec<_>>().join(" ")).section("Map").chart(&chart);
    report.write(&page)?;
    output.answer(&format!("{about}\n{}\n{}", path.display(), page.display()));
    let mut metrics = json!({ "pictures": rows.len(), "file": path, "page": page });
    if let serde_json::Value::Object(figures) = figures {
        figures.into_iter().for_each(|(name, value)| metrics[name] = value);
    }
    output.result("map", metrics, None);
    Ok(if interrupt::requested() { Ended::Interrupted } else { Ended::Done })
}
