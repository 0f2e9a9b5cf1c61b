//! The report of a classifier: figures, curves, confusion matrix, mistakes.

use std::time::Duration;

use ognivo_core::data::ImageSet;
use ognivo_core::metrics::{ConfusionMatrix, Interval};
use ognivo_core::report::{
    BarChart, Cell, ConfusionChart, LineChart, Picture, PictureGrid, Report, Series, Table, Tile, Tone, duration,
    percent,
};
use ognivo_core::run::REPORT;
use ognivo_core::train::fit::Outcome;
use ognivo_core::train::metrics_log::{Record, read_metrics};
use ognivo_core::train::recorder::Recorder;
use serde_json::{Value, json};

use super::data::{Splits, majority_share};
use super::evaluate::Scores;
use super::inspect;
use super::trained::Trained;
use crate::Result;

/// Test pictures shown with their predictions.
const SAMPLES: usize = 24;

/// What a finished run came to.
pub struct Summary {
    /// The network, as it can be opened from the run directory.
    pub trained: Trained,
    /// On the test part, measured once.
    pub scores: Scores,
    /// The share of the test part that always guessing the training part's commonest class gets right.
    pub baseline: f64,
    /// How training went.
    pub outcome: Outcome,
}

impl Summary {
    /// Measures the kept weights on the test part.
    pub fn measure(trained: Trained, splits: &Splits, outcome: Outcome) -> Result<Self> {
        let scores = trained.evaluate(&splits.test)?;
        let baseline = majority_share(&*splits.train, &*splits.test);
        Ok(Self { trained, scores, baseline, outcome })
    }

    /// The figures of the result line.
    pub fn figures(&self) -> Value {
        let accuracy = self.scores.confusion.accuracy();
        json!({
            "test_accuracy": accuracy.value,
            "test_accuracy_low": accuracy.low,
            "test_accuracy_high": accuracy.high,
            "baseline_accuracy": self.baseline,
            "test_loss": self.scores.loss.mean(),
            "test_top5_accuracy": self.scores.top5.accuracy().value,
            "valid_accuracy": self.outcome.best.map(|best| best.score),
            "epoch": self.outcome.best.map(|best| best.epoch + 1),
            "steps": self.outcome.steps,
            "training_seconds": self.outcome.seconds,
            "pictures_per_second": self.outcome.items_per_second,
        })
    }

    /// Writes `report.html` into the run directory.
    pub fn write_report(&self, splits: &Splits, command: &str) -> Result<()> {
        Ok(self.report(splits, command)?.write(self.trained.run.file(REPORT))?)
    }

    /// The report, to which a task may add sections of its own.
    pub fn report(&self, splits: &Splits, command: &str) -> Result<Report> {
        let config = &self.trained.config;
        let mut report = Report::new(format!("{}: {}", config.data, config.network.name()));
        report.subtitle(format!(
            "{} training, {} validation and {} test pictures of {} classes",
            splits.train.len(),
            splits.valid.as_ref().map_or(0, |valid| valid.len()),
            splits.test.len(),
            self.trained.classes.len()
        ));
        self.tiles(&mut report);
        splits.notes.iter().for_each(|note| {
            report.warning(note);
        });
        curves(
            &mut report,
            &read_metrics(self.trained.run.file(Recorder::FILE))?,
            self.outcome.best.map(|best| best.epoch),
        );
        self.classes(&mut report);
        self.pictures(&mut report, &*splits.test)?;
        let section = report.section("Network");
        section.table(network_table(&self.trained.network.summary(self.trained.preprocessing.input())?));
        report.command(command).configuration(serde_json::to_string_pretty(config).unwrap_or_default());
        report.surroundings(&self.trained.device, Duration::from_secs_f64(self.outcome.seconds));
        Ok(report)
    }

    fn tiles(&self, report: &mut Report) {
        let accuracy = self.scores.confusion.accuracy();
        report.tile(Tile::proportion("Test accuracy", accuracy).baseline("always the commonest class", self.baseline));
        report
            .tile(Tile::new("Test loss", format!("{:.4}", self.scores.loss.mean())).detail("mean cross-entropy, nats"));
        if self.trained.classes.len() > 5 {
            report.tile(Tile::proportion("Test top-5 accuracy", self.scores.top5.accuracy()));
        }
        if let Some(best) = self.outcome.best {
            let tile = Tile::new("Validation accuracy", percent(best.score));
            report.tile(tile.detail(format!("best of the epochs: {}", best.epoch + 1)));
        }
        let time = Tile::new("Training time", duration(Duration::from_secs_f64(self.outcome.seconds)));
        report.tile(time.detail(format!("{:.0} pictures a second", self.outcome.items_per_second)));
    }

    fn classes(&self, report: &mut Report) {
        let (confusion, names) = (&self.scores.confusion, &self.trained.classes);
        let section = report.section("Classes");
        section.chart(&ConfusionChart::new("Confusion matrix of the test part", confusion, names));
        let mut recall = BarChart::new("Recall by class").percent();
        for (class, scores) in confusion.scores().iter().enumerate() {
            recall.push_interval(&names[class], Interval::wilson(confusion.count(class, class), scores.support));
        }
        section.chart(&recall);
        section.table(class_table(confusion, names));
    }

    fn pictures(&self, report: &mut Report, test: &dyn ImageSet) -> Result<()> {
        let section = report.section("Pictures");
        let names = &self.trained.classes;
        let mut worst = PictureGrid::new("The most confident mistakes");
        for mistake in &self.scores.mistakes {
            let image = self.trained.preprocessing.fit(&test.image(mistake.index)?)?;
            let caption = format!("{}, not {}", names[mistake.predicted], names[mistake.target]);
            let detail = format!("{} · {}", percent(f64::from(mistake.probability)), test.origin(mistake.index));
            worst.push(Picture::new(&image, caption)?.detail(detail).tone(Tone::Bad));
        }
        let mut samples = PictureGrid::new("Test pictures and what the network says");
        for index in (0..test.len()).step_by(test.len().div_ceil(SAMPLES).max(1)) {
            let image = self.trained.preprocessing.fit(&test.image(index)?)?;
            let probabilities = self.trained.classify(std::slice::from_ref(&image)).pop().unwrap_or_default();
            let predicted = super::evaluate::argmax(&probabilities);
            let tone = if predicted == test.label(index) { Tone::Good } else { Tone::Bad };
            let share = probabilities.get(predicted).map_or(f64::NAN, |&share| f64::from(share));
            samples.push(Picture::new(&image, names[predicted].clone())?.detail(percent(share)).tone(tone));
        }
        if !self.scores.mistakes.is_empty() {
            section.pictures(worst);
        }
        section.pictures(samples);
        Ok(())
    }
}

/// Precision, recall and F1 of every class, with the averages.
pub fn class_table(confusion: &ConfusionMatrix, names: &[String]) -> Table {
    let mut table = Table::new("Scores by class")
        .text("Class")
        .number("Precision")
        .number("Recall")
        .number("F1")
        .number("Pictures");
    let share = |value: f64| Cell::bar(percent(value), value);
    let rows = confusion.scores().into_iter().zip(names.iter().map(String::as_str));
    let averages =
        [(confusion.macro_average(), "mean over classes"), (confusion.weighted_average(), "mean over pictures")];
    for (scores, name) in rows.chain(averages) {
        table.push([
            Cell::from(name),
            share(scores.precision),
            share(scores.recall),
            share(scores.f1),
            Cell::from(scores.support.to_string()),
        ]);
    }
    table
}

/// Precision, recall and F1 of every class, as lines of text.
pub fn class_lines(confusion: &ConfusionMatrix, names: &[String]) -> String {
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(5);
    let mut text = format!("{:<width$} precision  recall      F1  pictures\n", "class");
    for (scores, name) in confusion.scores().iter().zip(names) {
        let [precision, recall, f1] = [scores.precision, scores.recall, scores.f1].map(|share| 100.0 * share);
        text += &format!("{name:<width$} {precision:>9.2} {recall:>7.2} {f1:>7.2} {:>9}\n", scores.support);
    }
    text
}

fn network_table(summary: &inspect::Summary) -> Table {
    let mut table = Table::new("Layers, parameters and multiply-adds of one picture");
    table = table
        .text("Layer")
        .text("Kind")
        .text("Output")
        .number("Parameters")
        .number("Multiply-adds")
        .number("Receptive field");
    for layer in &summary.layers {
        let ([channels, height, width], [rows, columns]) = (layer.output, layer.receptive_field.size);
        table.push([
            layer.name.clone(),
            layer.kind.clone(),
            format!("{channels} × {height} × {width}"),
            layer.parameters.to_string(),
            layer.multiply_adds.to_string(),
            format!("{rows} × {columns}"),
        ]);
    }
    table.push([
        "all".to_string(),
        String::new(),
        String::new(),
        summary.parameters().to_string(),
        summary.multiply_adds().to_string(),
        String::new(),
    ]);
    table
}

fn curves(report: &mut Report, records: &[Record], best: Option<u64>) {
    let points = |name: &str| -> Vec<(f64, f64)> {
        let value = |record: &Record| Some((record.epoch as f64 + 1.0, record.value(name)?));
        records.iter().filter_map(value).collect()
    };
    let chart = |title: &str, figure: &str| {
        let (train, valid) = (points(&format!("train/{figure}")), points(&format!("valid/{figure}")));
        let mut chart = LineChart::new(title).x_label("epoch").series(Series::new("training", train));
        if let Some(&(x, y)) = valid.iter().find(|(x, _)| Some(*x as u64) == best.map(|epoch| epoch + 1)) {
            chart = chart.mark(x, y, "kept");
        }
        if valid.is_empty() { chart } else { chart.series(Series::new("validation", valid)) }
    };
    let (loss, accuracy) = (chart("Loss", "loss"), chart("Accuracy", "accuracy").y_percent());
    report.section("Training").charts(&[&loss, &accuracy]);
}
