//! The report of a run on a style.

use std::time::Duration;

use burn::tensor::Device;
use ognivo_core::report::{Cell, Picture, PictureGrid, Report, Table, Tile};
use ognivo_core::run::RunDirectory;
use serde_json::{Value, json};

use super::measure::{Evaluation, Likeness};
use super::model::TextureConfig;
use super::style::Plane;
use crate::images::game::{ANIMATION, PROGRESS};
use crate::train::Outcome;
use crate::{Result, report};

/// Moments shown.
const SHOWN: usize = 8;

/// The figures of an evaluation's result line.
pub fn figures(evaluation: &Evaluation) -> Value {
    let Evaluation { texture, start, plain, floor, seam } = evaluation;
    json!({
        "gram": texture.gram,
        "gram_start": start.gram,
        "gram_plain": plain.gram,
        "gram_floor": floor.map(|floor| floor.gram),
        "gram_nearer": start.gram / texture.gram.max(f64::MIN_POSITIVE),
        "patch": texture.patch,
        "patch_start": start.patch,
        "patch_plain": plain.patch,
        "patch_floor": floor.map(|floor| floor.patch),
        "patch_nearer": start.patch / texture.patch.max(f64::MIN_POSITIVE),
        "seam": seam,
    })
}

/// Each measure: of the texture, the start, a plain picture and the floor, and how many times nearer the texture is than the start.
fn rows(evaluation: &Evaluation) -> Vec<(&'static str, [String; 5])> {
    let Evaluation { texture, start, plain, floor, .. } = evaluation;
    let row = |name, value: fn(&Likeness) -> f64| {
        let shown = |likeness: &Likeness| format!("{:.4}", value(likeness));
        let nearer = format!("{:.1}", value(start) / value(texture).max(f64::MIN_POSITIVE));
        let floor = floor.as_ref().map_or("-".into(), shown);
        (name, [shown(texture), shown(start), shown(plain), floor, nearer])
    };
    vec![row("Gram distance", |likeness| likeness.gram), row("distance of patches", |likeness| likeness.patch)]
}

/// The same as lines for people.
pub fn lines(evaluation: &Evaluation) -> String {
    let line = |name: &str, [a, b, c, d, e]: [&str; 5]| format!("{name:<22} {a:>9} {b:>9} {c:>9} {d:>9} {e:>13}\n");
    let head = line("", ["texture", "start", "plain", "floor", "times nearer"]);
    let rows = rows(evaluation);
    let rows: String = rows.iter().map(|(name, values)| line(name, values.each_ref().map(String::as_str))).collect();
    format!("{head}{rows}seam                   {:>9.2}   1 where the texture fits to itself", evaluation.seam)
}

/// The page of a finished run.
///
/// # Errors
/// Files of the run that are missing or damaged.
pub fn page(
    config: &TextureConfig,
    run: &RunDirectory,
    [style, texture]: [&Plane; 2],
    evaluation: &Evaluation,
    encoder: &str,
    (outcome, device): (&Outcome, &Device),
) -> Result<Report> {
    let mut page = Report::new(format!("Texture: {}", config.style));
    page.subtitle(format!("features of {encoder}; crops of {} pixels", config.crop));
    for (name, [own, start, _, floor, nearer]) in rows(evaluation) {
        page.tile(Tile::new(name, own).detail(format!("{start} at the start, {nearer} times as much; floor {floor}")));
    }
    report::warn_of_alarms(&mut page, outcome);
    let mut grid = PictureGrid::large("The style and the texture");
    grid.push(Picture::large(&style.image()?, "style")?);
    grid.push(Picture::large(&texture.image()?, "texture")?);
    page.section("Result").pictures(grid);

    let mut table = Table::new("Distances from the style, whatever lies where")
        .text("measure")
        .number("texture")
        .number("noise of the style's colours: the start")
        .number("its mean colour: plain")
        .number("half of the style from the other: the floor")
        .number("times nearer than the start");
    for (name, values) in rows(evaluation) {
        table.push(std::iter::once(Cell::from(name)).chain(values.map(Cell::from)));
    }
    page.section("Measures").table(table);

    let charts = report::Charts::read(run)?;
    let section = page.section("Training");
    section.charts(&[&charts.opinions(), &charts.losses()]);
    section.charts(&[&charts.chart("Gram distance", "of the texture of a moment", &[("valid/gram", "texture")])]);
    let grid = report::moments(run, PROGRESS, SHOWN, PictureGrid::new("After so many epochs"), Picture::new)?;
    section.pictures(grid);
    section.text(format!("All moments are in {PROGRESS}/, and follow each other in the animation {ANIMATION}."));
    page.surroundings(device, Duration::from_secs_f64(outcome.seconds));
    Ok(page)
}
