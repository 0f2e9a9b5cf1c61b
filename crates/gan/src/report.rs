//! What the reports of all games share.

use std::fs;
use std::path::PathBuf;

use ognivo_core::Error;
use ognivo_core::data::Image;
use ognivo_core::data::picture::decode_file;
use ognivo_core::report::{LineChart, Picture, PictureGrid, Report, Series};
use ognivo_core::run::RunDirectory;
use ognivo_core::train::metrics_log::{Record, read_metrics};
use ognivo_core::train::recorder::Recorder;
use serde_json::{Value, json};

use crate::Result;
use crate::train::{Outcome, Stopped};

/// Adds what training came to to the figures of a result line.
pub fn add_outcome(figures: &mut Value, outcome: &Outcome) {
    figures["steps"] = json!(outcome.steps);
    figures["collapse_alarms"] = json!(outcome.alarms);
    figures["first_alarm"] = json!(outcome.first_alarm);
    figures["stopped_by_alarm"] = json!(outcome.stopped == Stopped::Collapsed);
    figures["training_seconds"] = json!(outcome.seconds);
    figures["steps_per_second"] = json!(outcome.steps_per_second);
}

/// Says in the report that the detector raised an alarm, if it did.
pub fn warn_of_alarms(page: &mut Report, outcome: &Outcome) {
    if let Some(first) = outcome.first_alarm {
        let end = if outcome.stopped == Stopped::Collapsed { "; training stopped there" } else { "" };
        page.warning(format!(
            "The collapse detector raised {} alarm{}, the first at step {first}{end}.",
            outcome.alarms,
            if outcome.alarms == 1 { "" } else { "s" }
        ));
    }
}

/// Charts of a run's metrics.
pub struct Charts(Vec<Record>);

impl Charts {
    /// Reads the log.
    ///
    /// # Errors
    /// A log that is damaged.
    pub fn read(run: &RunDirectory) -> Result<Self> {
        Ok(Self(read_metrics(run.file(Recorder::FILE))?))
    }

    /// What the discriminator thinks of real and generated items.
    pub fn opinions(&self) -> LineChart {
        self.chart(
            "The discriminator's opinion",
            "mean over an epoch",
            &[("train/d_real", "D(x)"), ("train/d_fake", "D(G(z))")],
        )
    }

    /// Both losses.
    pub fn losses(&self) -> LineChart {
        self.chart("Losses", "mean over an epoch", &[("train/d_loss", "discriminator"), ("train/g_loss", "generator")])
    }

    /// Some figures over epochs: names in the log and in the chart.
    pub fn chart(&self, title: &str, y_label: &str, figures: &[(&str, &str)]) -> LineChart {
        let chart = LineChart::new(title).x_label("epoch").y_label(y_label);
        figures.iter().fold(chart, |chart, (name, shown)| {
            let point = |record: &Record| Some(((record.epoch + 1) as f64, record.value(name)?));
            chart.series(Series::new(*shown, self.0.iter().filter_map(point).collect()))
        })
    }
}

/// Adds to `grid` the pictures that training kept in `folder` of about `count` of its moments, the last among them; `picture` makes them as large
/// as the grid shows them.
///
/// # Errors
/// The system's; pictures that are damaged.
pub fn moments(
    run: &RunDirectory,
    folder: &str,
    count: usize,
    mut grid: PictureGrid,
    picture: fn(&Image, String) -> ognivo_core::Result<Picture>,
) -> Result<PictureGrid> {
    let kept = kept(run, folder, "png")?;
    let every = kept.len().div_ceil(count).max(1);
    for (index, (epoch, path)) in kept.iter().enumerate() {
        if index.is_multiple_of(every) || index + 1 == kept.len() {
            grid.push(picture(&decode_file(path)?, format!("epoch {epoch}"))?);
        }
    }
    Ok(grid)
}

/// Files `epoch-NUMBER.EXTENSION` of a folder of the run, in order; none where there is no folder.
///
/// # Errors
/// The system's.
pub fn kept(run: &RunDirectory, folder: &str, extension: &str) -> Result<Vec<(u64, PathBuf)>> {
    let folder = run.file(folder);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&folder).map_err(Error::io(&folder, "read"))?;
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.strip_prefix("epoch-")?.parse().ok();
    let paths = entries.flatten().map(|entry| entry.path());
    let paths = paths.filter(|path| path.extension().is_some_and(|own| own == extension));
    let mut kept: Vec<(u64, PathBuf)> = paths.filter_map(|path| Some((number(&path)?, path))).collect();
    kept.sort();
    Ok(kept)
}
