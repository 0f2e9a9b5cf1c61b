//! The report of a mixture game.

use std::time::Duration;

use ognivo_core::data::picture;
use ognivo_core::report::{Cell, LineChart, Picture, PictureGrid, Report, Series, Table, Tile, percent};
use ognivo_core::run::{RunDirectory, read_json};
use serde_json::{Value, json};

use super::game::{Curves, MixtureGame, PROGRESS, Summary};
use crate::train::Outcome;
use crate::{Result, report};

/// The value of the game where the generator's density is the data's.
pub const EQUILIBRIUM: f64 = -2.0 * std::f64::consts::LN_2;

/// The figures of the result line.
pub fn figures(game: &MixtureGame, summary: &Summary, outcome: &Outcome) -> Value {
    let error = |index: usize| summary.distances.map(|distances| distances[index].mean);
    let mut figures = json!({
        "modes_covered": summary.coverage.covered,
        "modes_total": game.mixture.centres.len(),
        "within_3_sigma": summary.coverage.within_3_sigma,
        "within_3_sigma_of_data": game.mixture.share_within_3_sigma(),
        "discriminator_error": error(0),
        "settled_discriminator_error": error(1),
        "settled_discriminator_error_95": summary.distances.map(|distances| distances[1].percentile_95),
        "value": summary.value,
        "value_at_equilibrium": EQUILIBRIUM,
    });
    report::add_outcome(&mut figures, outcome);
    figures
}

/// The page of a finished run.
///
/// # Errors
/// Files of the run that are missing or damaged.
pub fn page(
    game: &MixtureGame,
    name: &str,
    run: &RunDirectory,
    summary: &Summary,
    outcome: &Outcome,
) -> Result<Report> {
    let mut page = Report::new(format!("Adversarial game: {name}"));
    let modes = game.mixture.centres.len();
    let dimensions = game.mixture.dimensions();
    page.subtitle(format!(
        "{modes} modes of standard deviation {} in {dimensions} dimension{}",
        game.mixture.deviation,
        if dimensions == 1 { "" } else { "s" }
    ));
    page.tile(
        Tile::new("Modes covered", format!("{} of {modes}", summary.coverage.covered))
            .detail("with at least a tenth of their due share of 10 000 samples"),
    );
    page.tile(
        Tile::new("Within 3 sigma", percent(summary.coverage.within_3_sigma))
            .detail(format!("{} of the data itself", percent(game.mixture.share_within_3_sigma()))),
    );
    if let Some([left, settled]) = summary.distances {
        page.tile(
            Tile::new("Discriminator's error", format!("{:.3}", settled.mean))
                .detail("mean of |D - p/(p+q)| over data, of one settled against the fixed generator")
                .detail(format!("{:.3} as training left it", left.mean)),
        );
    }
    if let Some(value) = summary.value {
        page.tile(
            Tile::new("Value of the game", format!("{value:.3}")).detail(format!("{EQUILIBRIUM:.3} where q = p")),
        );
    }
    report::warn_of_alarms(&mut page, outcome);
    let charts = report::Charts::read(run)?;
    let section = page.section("Training");
    section.charts(&[&charts.opinions(), &charts.losses()]);
    section.charts(&[
        &charts.chart("Modes covered", "modes", &[("valid/modes_covered", "covered")]),
        &charts.chart("Samples within 3 sigma", "share", &[("valid/within_3_sigma", "generated")]).y_percent(),
    ]);
    if summary.distances.is_some() {
        let chart = charts.chart(
            "Distance from the best discriminator",
            "mean of |D - p/(p+q)|",
            &[("valid/discriminator_error", "error")],
        );
        section.chart(&chart);
    }
    moments(page.section("Densities and discriminator through training"), game, run)?;
    slice(&mut page, game, summary);
    let mut table = Table::new("Modes, by 10 000 samples")
        .text("at")
        .number("share within 3 sigma")
        .number("width, in deviations (1 is right)");
    for (mode, centre) in game.mixture.centres.iter().enumerate() {
        let place: Vec<String> = centre.iter().map(|x| format!("{x:.2}")).collect();
        let share = summary.coverage.shares[mode];
        table.push([
            Cell::from(place.join(", ")),
            Cell::bar(percent(share), share * modes as f64 / 2.0),
            format!("{:.2}", summary.coverage.widths[mode]).into(),
        ]);
    }
    page.section("Modes").table(table);
    page.surroundings(&game.device, Duration::from_secs_f64(outcome.seconds));
    Ok(page)
}

/// The moments that training kept.
fn moments(section: &mut ognivo_core::report::Section, game: &MixtureGame, run: &RunDirectory) -> Result<()> {
    let plane = game.mixture.dimensions() == 2;
    let mut grid = PictureGrid::new("The plane, after so many epochs");
    for (epoch, path) in report::kept(run, PROGRESS, if plane { "png" } else { "json" })? {
        if plane {
            grid.push(Picture::new(&picture::decode_file(&path)?, format!("epoch {epoch}"))?);
            continue;
        }
        let Curves(curves) = read_json(&path)?;
        let series =
            |name: &str, column: usize| Series::new(name, curves.iter().map(|row| (row[0], row[column])).collect());
        let chart = LineChart::new(format!("Epoch {epoch}")).x_label("x").series(series("data, p", 1));
        section.chart(&chart.series(series("generator, q", 2)).series(series("D", 3)));
    }
    if plane {
        section.pictures(grid);
        section.text(
            "Blue: real items. Red: generated ones. Grey: the discriminator's opinion of the place, the brighter, the likelier real.",
        );
    }
    Ok(())
}

/// The settled discriminator beside the best one.
fn slice(page: &mut Report, game: &MixtureGame, summary: &Summary) {
    if summary.slice.is_empty() {
        return;
    }
    let series =
        |name: &str, column: usize| Series::new(name, summary.slice.iter().map(|row| (row[0], row[column])).collect());
    let section = page.section("The discriminator against p/(p+q)");
    let exact = game.config.latent == 1 && game.mixture.dimensions() == 1;
    section.text(if exact {
        "The generator's density q follows from the change of variables. A new discriminator had 3000 steps against the generator that \
         was kept."
    } else {
        "The generator's density q is estimated by normal kernels, a fifth of the modes' deviation wide, on 100 000 samples, and p is \
         blurred by the same kernel. A new discriminator had 3000 steps against the generator that was kept. Where neither \
         density has mass, p/(p+q) says nothing."
    });
    let opinions = LineChart::new("Along a line through the first mode").x_label("x").series(series("p/(p+q)", 3));
    let densities = LineChart::new("Densities there").x_label("x").series(series("data, p", 1));
    section.charts(&[&opinions.series(series("D", 4)), &densities.series(series("generator, q", 2))]);
}
