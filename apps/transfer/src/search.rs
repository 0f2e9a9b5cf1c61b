//! `search`: the pictures nearest to a picture.

use std::path::{Path, PathBuf};

use anyhow::Context;
use ognivo_core::cli::{Ended, args::DeviceArgs, events::Output};
use ognivo_core::data::picture;
use ognivo_core::report::{Picture, PictureGrid, Report};
use ognivo_embeddings::query::{Graph, GraphConfig, Index, Neighbour, Query};
use ognivo_transfer::vectors::{VectorIndex, files::class_of, index};
use serde_json::json;

use crate::extractor;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer search cat.jpg
  transfer search cats/17.jpg --index photos.vectors --top 5      a picture of the index itself, by its name there
  transfer search cat.jpg --page near.html                        a page with the pictures

Nearness is the cosine of the angle between vectors. --approximate searches a graph (HNSW) instead of comparing with every picture: for
hundreds of thousands of pictures and many questions.")]
pub(crate) struct Args {
    /// Picture files, or names of pictures in the index
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    index: IndexArgs,
    /// How many pictures to show for each
    #[arg(long, value_name = "K", default_value_t = 10)]
    top: usize,
    /// Search a graph of neighbours, which is nearly exact and fast in large indices
    #[arg(long)]
    approximate: bool,
    /// Write a page with the pictures found
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

/// A folder that `vectorise` wrote.
#[derive(clap::Args)]
pub(crate) struct IndexArgs {
    /// The folder that `vectorise` wrote [default: the newest under runs/vectors]
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
}

impl IndexArgs {
    /// The index, and its folder.
    pub(crate) fn open(&self) -> anyhow::Result<(VectorIndex, PathBuf)> {
        let folder = self.index.clone().or_else(index::newest);
        let folder = folder.context("no vectors yet: `transfer vectorise` makes them, --index names them")?;
        Ok((VectorIndex::open(&folder)?, folder))
    }
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let device = args.device.open()?;
    let (opened, _) = args.index.open()?;
    let index = Index::new(&opened.vectors)?;
    let graph = args.approximate.then(|| Graph::build(&index, &GraphConfig::default())).transpose()?;
    let mut report = Report::new("Pictures that are near");
    report.subtitle(format!("{} of {}", opened.maker.layer, opened.source.from));
    // Opened for the first picture that is not in the index.
    let mut network = None;
    for image in &args.images {
        let query = match image.to_str().filter(|name| opened.vectors.words().get(name).is_some()) {
            Some(name) => Query::word(&opened.vectors, name)?,
            None => {
                let picture = picture::decode_file(image)?;
                let extractor = match &network {
                    Some(extractor) => extractor,
                    None => network.insert(extractor::again(&opened.source, &opened.maker, &device, output)?),
                };
                Query { vector: extractor.vector(&picture)?, exclude: Vec::new() }
            }
        };
        let found = match &graph {
            Some(graph) => graph.nearest(&query, args.top),
            None => index.nearest(&[query], args.top).pop().unwrap_or_default(),
        };
        if args.images.len() > 1 {
            output.line(&format!("{}:", image.display()));
        }
        let name = |near: &Neighbour| opened.vectors.words().name(near.id);
        for near in &found {
            output.answer(&format!("{:.4}  {}", near.similarity, opened.files.path(name(near)).display()));
        }
        let listed: Vec<_> = found
            .iter()
            .map(|near| json!({ "name": name(near), "class": class_of(name(near)), "similarity": near.similarity }))
            .collect();
        output.event("neighbours", json!({ "image": image, "neighbours": listed }));
        if args.page.is_some() {
            add(&mut report, image, &found, &opened)?;
        }
    }
    if let Some(page) = &args.page {
        report.command(std::env::args().collect::<Vec<_>>().join(" ")).write(page)?;
        output.line(&format!("\n{}", page.display()));
    }
    output.result("search", json!({ "asked": args.images.len(), "among": opened.vectors.words().len() }), None);
    Ok(Ended::Done)
}

/// A section with the picture asked about and those found.
fn add(report: &mut Report, image: &Path, found: &[Neighbour], opened: &VectorIndex) -> anyhow::Result<()> {
    let asked = if image.exists() { image.to_path_buf() } else { opened.files.path(&image.to_string_lossy()) };
    let mut grid = PictureGrid::new("Nearest first");
    for near in found {
        let name = opened.vectors.words().name(near.id);
        let shown = Picture::new(&picture::decode_file(&opened.files.path(name))?, name)?;
        grid.push(shown.detail(format!("{:.4}", near.similarity)));
    }
    let name = image.display().to_string();
    let asked = PictureGrid::new("Asked about").picture(Picture::new(&picture::decode_file(&asked)?, &name)?);
    report.section(name).pictures(asked).pictures(grid);
    Ok(())
}
