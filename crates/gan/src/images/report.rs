//! The report of a run on pictures.

use std::time::Duration;

use ognivo_core::report::{Cell, Picture, PictureGrid, Report, Table, Tile, percent};
use serde_json::{Value, json};

use super::evaluate::Evaluation;
use super::game::{ANIMATION, COLUMNS, PROGRESS, sheet};
use super::sample::{Draw, Trained};
use crate::measure::{FeatureMeasures, Measures};
use crate::train::Outcome;
use crate::{Result, report};

/// Moments shown.
const SHOWN: usize = 12;
/// Ways between samples, and pictures on each.
const WAYS: (usize, usize) = (4, COLUMNS);

/// The figures of an evaluation's result line.
pub fn figures(evaluation: &Evaluation) -> Value {
    let mut figures = json!({
        "count": evaluation.count,
        "sliced_wasserstein": evaluation.generated.sliced_wasserstein,
        "sliced_wasserstein_floor": evaluation.floor.sliced_wasserstein,
        "nearest_training": evaluation.nearest_training[0],
        "nearest_training_floor": evaluation.nearest_training[1],
        "conditional_accuracy": evaluation.conditional_accuracy,
    });
    if let Some((network, sha256, accuracy)) = &evaluation.classifier {
        figures["classifier"] = json!(network);
        figures["classifier_sha256"] = json!(sha256);
        figures["classifier_accuracy"] = json!(accuracy);
    }
    for (suffix, measures) in
        [("", &evaluation.generated), ("_floor", &evaluation.floor), ("_training", &evaluation.training)]
    {
        let Some(features) = &measures.features else { continue };
        let FeatureMeasures { frechet, kernel, precision, recall, classes } = features;
        let own = [("frechet", *frechet), ("kernel", *kernel), ("precision", *precision), ("recall", *recall)];
        for (name, value) in own {
            figures[format!("{name}{suffix}")] = json!(value);
        }
        figures[format!("class_entropy{suffix}")] = json!(classes.entropy);
        if suffix.is_empty() {
            figures["coverage_classes"] = json!(classes.covered);
            figures["classes_total"] = json!(classes.total);
        }
    }
    figures["frechet_untrained"] = json!(evaluation.untrained_frechet);
    figures
}

/// The same as lines for people.
pub fn lines(evaluation: &Evaluation) -> String {
    let mut lines = vec![format!("{:<22} {:>10} {:>10} {:>10}", "", "generated", "training", "floor")];
    lines.extend(
        rows(evaluation)
            .into_iter()
            .map(|(name, values)| format!("{name:<22} {:>10} {:>10} {:>10}", values[0], values[1], values[2])),
    );
    if let Some(features) = &evaluation.generated.features {
        lines.push(format!("classes covered        {} of {}", features.classes.covered, features.classes.total));
    }
    if let Some(untrained) = evaluation.untrained_frechet {
        lines.push(format!(
            "untrained              {untrained:.2}, the Frechet distance of a fully connected generator before training"
        ));
    }
    if let Some(accuracy) = evaluation.conditional_accuracy {
        lines.push(format!("classified as asked    {:.1} %", 100.0 * accuracy));
    }
    if let Some((network, sha256, accuracy)) = &evaluation.classifier {
        lines.push(format!("in the features of     {network}, accuracy {:.2} %, sha256 {sha256}", 100.0 * accuracy));
    }
    lines.join("\n")
}

/// Each measure of generated pictures, of training pictures, and of the floor.
fn rows(evaluation: &Evaluation) -> Vec<(&'static str, [String; 3])> {
    let all = [&evaluation.generated, &evaluation.training, &evaluation.floor];
    let mut rows = Vec::new();
    let mut row = |name, digits: usize, value: fn(&FeatureMeasures) -> f64| {
        let values = all.map(|measures| measures.features.as_ref().map(value));
        if values.iter().all(Option::is_some) {
            rows.push((name, values.map(|value| format!("{:.digits$}", value.unwrap_or(f64::NAN)))));
        }
    };
    row("Frechet distance", 2, |features| features.frechet);
    row("kernel distance", 4, |features| features.kernel);
    row("precision", 3, |features| features.precision);
    row("recall", 3, |features| features.recall);
    row("entropy of classes", 3, |features| features.classes.entropy);
    let sliced = |measures: &Measures| format!("{:.4}", measures.sliced_wasserstein);
    rows.push(("sliced Wasserstein", all.map(sliced)));
    let [own, floor] = evaluation.nearest_training.map(|distance| format!("{distance:.4}"));
    rows.push(("nearest in training", [own, "0".into(), floor]));
    rows
}

/// The page of a finished run; without an evaluation where there were too few pictures for one.
///
/// # Errors
/// Files of the run that are missing or damaged.
pub fn page(trained: &Trained, evaluation: Option<&Evaluation>, outcome: &Outcome) -> Result<Report> {
    let shape = &trained.networks.shape;
    let mut page = Report::new(format!("Generated pictures: {}", trained.config.data));
    page.subtitle(format!(
        "{}, {} x {} pixels, {}",
        trained.config.model.name(),
        shape.side,
        shape.side,
        if shape.channels == 1 { "grey" } else { "colour" }
    ));
    if let Some(evaluation) = evaluation {
        tiles(&mut page, evaluation);
    }
    report::warn_of_alarms(&mut page, outcome);
    moments(&mut page, trained)?;
    let charts = report::Charts::read(&trained.run)?;
    let section = page.section("Training");
    section.charts(&[&charts.opinions(), &charts.losses()]);
    if evaluation.is_some_and(|evaluation| evaluation.classifier.is_some()) {
        let chart = |title: &str, names: &[(&str, &str)]| charts.chart(title, "of 1000 samples", names);
        section.charts(&[
            &chart("Frechet distance from training pictures", &[("valid/frechet", "generated")]),
            &chart("Precision and recall", &[("valid/precision", "precision"), ("valid/recall", "recall")]),
        ]);
    }
    if let Some(evaluation) = evaluation {
        measures(&mut page, evaluation)?;
    }
    ways(&mut page, trained)?;
    page.surroundings(&trained.device, Duration::from_secs_f64(outcome.seconds));
    Ok(page)
}

fn tiles(page: &mut Report, evaluation: &Evaluation) {
    if let (Some(own), Some(floor)) = (&evaluation.generated.features, &evaluation.floor.features) {
        let mut tile = Tile::new("Frechet distance", format!("{:.2}", own.frechet))
            .detail(format!("{:.2} between halves of real pictures", floor.frechet));
        if let Some(untrained) = evaluation.untrained_frechet {
            tile = tile.detail(format!("{untrained:.1} before any training"));
        }
        page.tile(tile);
        page.tile(
            Tile::new("Classes", format!("{} of {}", own.classes.covered, own.classes.total))
                .detail("with at least a tenth of their share among real pictures"),
        );
        page.tile(
            Tile::new("Precision", format!("{:.2}", own.precision))
                .detail(format!("{:.2} of real pictures", floor.precision)),
        );
        page.tile(
            Tile::new("Recall", format!("{:.2}", own.recall)).detail(format!("{:.2} of real pictures", floor.recall)),
        );
    }
    if let Some(accuracy) = evaluation.conditional_accuracy {
        page.tile(Tile::new("Classified as asked", percent(accuracy)));
    }
}

/// Samples from the same noise at the moments that training kept.
fn moments(page: &mut Report, trained: &Trained) -> Result<()> {
    let grid = report::moments(
        &trained.run,
        PROGRESS,
        SHOWN,
        PictureGrid::large("The same noise, after so many epochs"),
        Picture::large,
    )?;
    let section = page.section("Samples through training");
    section.pictures(grid);
    let rows = if trained.networks.classes() > 0 { " Each row is of one class." } else { "" };
    section.text(format!("All moments are in {PROGRESS}/, and follow each other in the animation {ANIMATION}.{rows}"));
    Ok(())
}

/// The measures beside the floor, the classes, and the samples that are nearest to training pictures.
fn measures(page: &mut Report, evaluation: &Evaluation) -> Result<()> {
    let half = if evaluation.unseen { "the test part" } else { "the training part" };
    let mut table = Table::new(format!("{} pictures each, against as many of {half}", evaluation.count))
        .text("measure")
        .number("generated")
        .number("training pictures")
        .number("other half: the floor");
    for (name, [own, training, floor]) in rows(evaluation) {
        table.push([Cell::from(name), own.into(), training.into(), floor.into()]);
    }
    let section = page.section("Measures");
    section.table(table);
    if let Some((network, sha256, accuracy)) = &evaluation.classifier {
        section.text(format!(
            "Distances, precision and recall are in the features of a classifier, {network}, that was trained on real pictures: accuracy {} on \
             the test part, SHA-256 of its weights {sha256}. Figures in other features cannot be compared with these.",
            percent(*accuracy)
        ));
    }
    if let (Some(own), Some(floor)) = (&evaluation.generated.features, &evaluation.floor.features) {
        let mut table = Table::new("What samples are taken for").text("class").number("generated").number("real");
        for (class, name) in evaluation.classes.iter().enumerate() {
            let (own, floor) = (own.classes.shares[class], floor.classes.shares[class]);
            table.push([Cell::from(name.as_str()), percent(own).into(), percent(floor).into()]);
        }
        section.table(table);
    }
    let mut grid = PictureGrid::new("The samples nearest to a training picture, each with that picture");
    for (sample, real, distance) in &evaluation.nearest_pairs {
        let caption = format!("distance {distance:.3}");
        grid.push(Picture::new(&sheet(&[sample.clone(), real.clone()], 2)?, caption)?);
    }
    section.pictures(grid);
    let [own, floor] = evaluation.nearest_training;
    section.text(format!(
        "Left the sample, right the training picture nearest in pixels (root of the mean squared difference). The middle sample is {own:.3} \
         from the nearest training picture, the middle real picture of the other half {floor:.3}: samples that are much nearer have been \
         learnt by heart."
    ));
    Ok(())
}

/// What lies between samples.
fn ways(page: &mut Report, trained: &Trained) -> Result<()> {
    let (count, steps) = WAYS;
    let draw = Draw { count, seed: trained.config.seed, class: None, truncation: None };
    let way = Picture::large(&sheet(&trained.interpolate(&draw, steps)?, steps)?, "on the way from noise to noise")?;
    let section = page.section("Between samples");
    section.pictures(PictureGrid::large("Each row goes from one noise to that of the next").picture(way));
    section.text(
        "Changes that are smooth, and pictures that look real all the way, speak against a generator that has learnt pictures by heart.",
    );
    Ok(())
}
