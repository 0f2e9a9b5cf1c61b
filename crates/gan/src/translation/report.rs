//! The report of a run on pairs.

use std::time::Duration;

use ognivo_core::report::{Cell, Picture, PictureGrid, Report, Table, Tile, percent};
use serde_json::{Value, json};

use super::evaluate::Evaluation;
use super::game::compared;
use super::pairs::Pairs;
use super::translator::Translator;
use crate::images::game::{ANIMATION, PROGRESS};
use crate::train::Outcome;
use crate::{Result, report};

/// Moments shown.
const SHOWN: usize = 6;

/// The figures of an evaluation's result line.
pub fn figures(evaluation: &Evaluation) -> Value {
    let mut figures = json!({
        "count": evaluation.count,
        "l1": evaluation.l1,
        "l1_of_mean": evaluation.l1_of_mean,
        "sharpness": evaluation.sharpness,
        "sliced_wasserstein": evaluation.sliced_wasserstein,
        "frechet": evaluation.features.as_ref().map(|features| features.frechet),
    });
    if let Some(recognised) = &evaluation.recognised {
        figures["accuracy"] = json!(recognised.made);
        figures["accuracy_real"] = json!(recognised.target);
        figures["accuracy_input"] = json!(recognised.input);
        figures["classifier"] = json!(recognised.classifier.0);
        figures["classifier_sha256"] = json!(recognised.classifier.1);
    }
    figures
}

/// The same as lines for people.
pub fn lines(evaluation: &Evaluation) -> String {
    rows(evaluation)
        .into_iter()
        .map(|(name, value, beside)| format!("{name:<22} {value:>8}   {beside}\n"))
        .collect::<String>()
        + &format!("on                     {:>8}   pairs that were not learnt from", evaluation.count)
}

/// Each measure with what stands beside it.
fn rows(evaluation: &Evaluation) -> Vec<(&'static str, String, String)> {
    let mut rows = Vec::new();
    if let Some(recognised) = &evaluation.recognised {
        let (network, sha256) = &recognised.classifier;
        let [made, target, input] = [recognised.made, recognised.target, recognised.input].map(percent);
        let beside =
            format!("{target} of the pictures they were to be, {input} of those given; by {network}, sha256 {sha256}");
        rows.push(("taken for what it is", made, beside));
    }
    let mean = format!("{:.4} of the mean picture, whatever is given", evaluation.l1_of_mean);
    rows.push(("absolute difference", format!("{:.4}", evaluation.l1), mean));
    rows.push((
        "sharpness",
        format!("{:.3}", evaluation.sharpness),
        "1 is as sharp as the pictures they were to be".into(),
    ));
    let between = "between the pictures made and those they were to be; 0 is best";
    if let Some(features) = &evaluation.features {
        rows.push(("Frechet distance", format!("{:.2}", features.frechet), between.into()));
    }
    rows.push(("sliced Wasserstein", format!("{:.4}", evaluation.sliced_wasserstein), format!("{between}, on pixels")));
    rows
}

/// The page of a finished run.
///
/// # Errors
/// Files of the run that are missing or damaged.
pub fn page(translator: &Translator, evaluation: &Evaluation, unseen: &Pairs, outcome: &Outcome) -> Result<Report> {
    let (config, side) = (&translator.config, translator.shape.target.side);
    let mut page = Report::new(format!("Translated pictures: {}", config.data));
    let against = match config.fit.adversarial {
        true => format!(
            "against a discriminator of patches of {} pixels, weight of the difference {}",
            config.model.patch, config.model.l1
        ),
        false => "from the difference alone".to_string(),
    };
    page.subtitle(format!("{side} x {side} pixels; U-Net of {} filters, {against}", config.model.filters));
    if let Some(recognised) = &evaluation.recognised {
        let detail = format!("{} of the pictures they were to be", percent(recognised.target));
        page.tile(Tile::new("Taken for what it is", percent(recognised.made)).detail(detail));
    }
    let detail = format!("{:.4} of the mean picture", evaluation.l1_of_mean);
    page.tile(Tile::new("Absolute difference", format!("{:.4}", evaluation.l1)).detail(detail));
    page.tile(
        Tile::new("Sharpness", format!("{:.2}", evaluation.sharpness)).detail("1: as the pictures they were to be"),
    );
    report::warn_of_alarms(&mut page, outcome);

    let mut grid = PictureGrid::large("What was given, what was made, what it was to be");
    for (row, made) in evaluation.made.chunks(8).enumerate() {
        let indices: Vec<usize> = (row * 8..row * 8 + made.len()).collect();
        let pairs = Pairs { input: unseen.input.select(&indices), target: unseen.target.select(&indices) };
        grid.push(Picture::large(&compared(&pairs, made)?, "pairs that were not learnt from")?);
    }
    page.section("Translations").pictures(grid);

    let mut table = Table::new(format!("{} pairs that were not learnt from", evaluation.count))
        .text("measure")
        .number("value")
        .text("beside it");
    for (name, value, beside) in rows(evaluation) {
        table.push([Cell::from(name), value.into(), beside.into()]);
    }
    page.section("Measures").table(table);

    let charts = report::Charts::read(&translator.run)?;
    let section = page.section("Training");
    section.charts(&[&charts.opinions(), &charts.losses()]);
    section.charts(&[&charts.chart("Absolute difference", "on unseen pairs", &[("valid/l1", "made")])]);
    let grid = report::moments(
        &translator.run,
        PROGRESS,
        SHOWN,
        PictureGrid::large("The same pairs, after so many epochs"),
        Picture::large,
    )?;
    section.pictures(grid);
    section.text(format!("All moments are in {PROGRESS}/, and follow each other in the animation {ANIMATION}."));
    page.surroundings(&translator.device, Duration::from_secs_f64(outcome.seconds));
    Ok(page)
}
