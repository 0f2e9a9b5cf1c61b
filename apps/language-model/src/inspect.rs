//! `inspect`: the layers of a trained model, which cells follow what in a text, and the text coloured by them.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_sequence::language_model::corpus::{self, Corpus};
use ognivo_sequence::language_model::inspect::{CellIndex, Inspection, first_characters};
use ognivo_sequence::language_model::trained::Trained;
use serde_json::{Map, Value, json};

use crate::TASK;

/// The page.
const PAGE: &str = "inspect.html";

#[derive(clap::Args)]
#[command(after_help = "Examples:
  language-model inspect                                       the newest run: tables, and inspect.html in its folder
  language-model inspect --cell 0:17 --cell 1:203              these cells too (layer and number, from 0)
  language-model inspect --data src/main.rs --characters 50000 how it reads another text")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Another text than the one trained on
    #[arg(long)]
    data: Option<String>,
    /// Which part of it: train, valid, test, or all but the test part [default: valid, of --data all]
    #[arg(long, value_parser = Corpus::PARTS)]
    part: Option<String>,
    /// Characters of the text to read
    #[arg(long, default_value_t = 20_000)]
    characters: usize,
    /// A cell to show, by its layer and number (repeatable)
    #[arg(long = "cell", value_name = "LAYER:NUMBER")]
    cells: Vec<CellIndex>,
    /// Characters to colour for each cell
    #[arg(long, default_value_t = 2000)]
    shown: usize,
    /// The page to write [default: inspect.html in the run directory]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    let config = &trained.config;
    let data = args.data.as_ref().unwrap_or(&config.data);
    let corpus = corpus::open(data, &config.corpus_options(), config.seed, output)?;
    if args.data.is_none() {
        trained.split.require(&corpus)?;
    }
    let part = args.part.as_deref().unwrap_or(if args.data.is_some() { "all" } else { "valid" });
    let text = corpus.part(part)?;
    let text = first_characters(&text, args.characters);
    let inspection = Inspection::new(&trained.model, &trained.vocabulary, text)
        .map_err(|error| error.about(format_args!("{data}, part {part}")))?;
    output.answer(&inspection.parameters.to_string());
    output.answer(&inspection.relation_lines());

    let run = trained.run.path().display().to_string();
    let subtitle = format!("{run}, reading {} characters of {data}, part {part}", inspection.characters());
    let mut page = inspection.page("What the cells follow", &subtitle, &args.cells, args.shown)?;
    page.command(std::env::args().collect::<Vec<_>>().join(" "));
    page.environment("Device", format!("{:?}", trained.device));
    let file = args.to.clone().unwrap_or_else(|| trained.run.file(PAGE));
    page.write(&file)?;
    output.answer(&format!("coloured texts: {}", file.display()));
    output.result("inspect", Value::Object(figures(&inspection)), Some(trained.run.path()));
    Ok(Ended::Done)
}

/// For each property that varies: the best cell, its correlation, what chance reaches, and p.
fn figures(inspection: &Inspection) -> Map<String, Value> {
    let mut figures = Map::new();
    figures.insert("parameters".into(), inspection.parameters.count().into());
    figures.insert("characters".into(), inspection.characters().into());
    for (property, relation) in &inspection.relations {
        let Some((relation, (cell, r))) = relation.as_ref().and_then(|found| Some((found, found.cells.first()?)))
        else {
            continue;
        };
        let name = property.name.replace(' ', "_");
        figures.insert(name, json!({ "cell": cell.to_string(), "r": r, "chance": relation.chance, "p": relation.p }));
    }
    figures
}
