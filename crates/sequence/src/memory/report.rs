//! Reports: charts and tables of what was measured.

use ognivo_core::report::{Cell, LineChart, Report, Series, Table, Tile, duration, percent};

use super::gradient_flow::{Curve, Measured};
use super::solve::{Ended, Outcome};
use super::task::Task;

/// A cell, as it was asked for, at one length of a problem.
#[derive(Clone, Debug)]
pub struct Solved {
    /// The cell.
    pub cell: String,
    /// The length.
    pub length: usize,
    /// One for each seed.
    pub outcomes: Vec<Outcome>,
}

impl Solved {
    /// The mean share of right test sequences.
    pub fn correct(&self) -> f64 {
        mean(self.outcomes.iter().map(|outcome| outcome.correct.value))
    }

    /// The mean loss on the test sequences.
    pub fn loss(&self) -> f64 {
        mean(self.outcomes.iter().map(|outcome| outcome.loss))
    }

    /// How many of the seeds solved it.
    pub fn times_solved(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.solved()).count()
    }

    /// `yes`, `no`, or how many of the seeds.
    pub fn verdict(&self) -> String {
        match (self.times_solved(), self.outcomes.len()) {
            _ if self.outcomes.iter().any(|outcome| outcome.ended == Ended::Diverged) => "diverged".into(),
            (0, 1) => "no".into(),
            (1, 1) => "yes".into(),
            (solved, all) => format!("{solved} of {all}"),
        }
    }

    /// The training steps of the seeds that solved it.
    pub fn steps(&self) -> Option<f64> {
        let steps: Vec<f64> =
            self.outcomes.iter().filter_map(|outcome| outcome.solved_at).map(|step| step as f64).collect();
        (!steps.is_empty()).then(|| mean(steps.into_iter()))
    }

    /// Time of all seeds.
    pub fn seconds(&self) -> f64 {
        self.outcomes.iter().map(|outcome| outcome.seconds).sum()
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// The report of a problem: which cell solves which length.
pub fn solve_report(task: Task, results: &[Solved]) -> Report {
    let mut report = Report::new(format!("{task}: which cell remembers how long"));
    report.subtitle(format!("To {}", task.about()));
    let mut cells: Vec<&str> = Vec::new();
    let mut lengths: Vec<usize> = Vec::new();
    for result in results {
        if !cells.contains(&result.cell.as_str()) {
            cells.push(&result.cell);
        }
        if !lengths.contains(&result.length) {
            lengths.push(result.length);
        }
    }
    for cell in &cells {
        let solved =
            results.iter().filter(|result| result.cell == *cell && result.times_solved() == result.outcomes.len());
        let longest = solved.map(|result| result.length).max();
        let longest = longest.map_or("none".into(), |length| length.to_string());
        report.tile(Tile::new(*cell, longest).detail("longest length solved"));
    }
    let chart =
        LineChart::new("Sequences that are right").x_label("length").y_label("of 1000 unseen sequences").y_percent();
    let chart = cells.iter().fold(chart, |chart, cell| {
        let own = results.iter().filter(|result| result.cell == *cell);
        chart.series(Series::new(*cell, own.map(|result| (result.length as f64, result.correct())).collect()))
    });
    let constant = lengths.iter().map(|&length| (length as f64, task.baseline_correct(length))).collect();
    let section = report.section("Results");
    if lengths.len() > 1 {
        section.chart(&chart.series(Series::new("best constant answer", constant)));
    }
    section.table(table(task, results));
    for &length in &lengths {
        let mut chart =
            LineChart::new(format!("Length {length}")).x_label("training step").y_label("validation loss").y_log();
        for result in results.iter().filter(|result| result.length == length) {
            let runs: Vec<Vec<(f64, f64)>> = result
                .outcomes
                .iter()
                .map(|outcome| outcome.curve.iter().map(|point| (point.step as f64, point.loss)).collect())
                .collect();
            chart = chart.series(Series::mean_of_runs(&result.cell, &runs));
        }
        let steps = results.iter().flat_map(|result| &result.outcomes).flat_map(|outcome| &outcome.curve);
        let last = steps.map(|point| point.step).max().unwrap_or(0) as f64;
        let baseline = task.baseline_loss(length);
        chart = chart.series(Series::new("best constant answer", vec![(0.0, baseline), (last, baseline)]));
        report.section(format!("Training at length {length}")).chart(&chart);
    }
    report
}

fn table(task: Task, results: &[Solved]) -> Table {
    let mut table = Table::new("Right in all answers, of 1000 unseen sequences")
        .text("cell")
        .number("length")
        .text("solved (99\u{202f}%)")
        .number("right")
        .number("by a constant")
        .number("loss")
        .number("of a constant")
        .number("steps to solve")
        .number("parameters")
        .number("time");
    for result in results {
        table.push([
            Cell::from(result.cell.as_str()),
            result.length.to_string().into(),
            result.verdict().into(),
            Cell::bar(percent(result.correct()), result.correct()),
            percent(task.baseline_correct(result.length)).into(),
            format!("{:.4}", result.loss()).into(),
            format!("{:.4}", task.baseline_loss(result.length)).into(),
            result.steps().map_or("\u{2013}".into(), |steps| format!("{steps:.0}")).into(),
            result.outcomes.first().map_or(String::new(), |outcome| outcome.parameters.to_string()).into(),
            duration(std::time::Duration::from_secs_f64(result.seconds())).into(),
        ]);
    }
    table
}

/// Distances that a table of `steps` shows.
pub fn shown_distances(steps: usize) -> Vec<usize> {
    let scale = (0..).map(|power| 10usize.pow(power)).flat_map(|unit| [unit, 2 * unit, 5 * unit]);
    let mut shown: Vec<usize> = std::iter::once(0).chain(scale.take_while(|&distance| distance < steps)).collect();
    shown.push(steps);
    shown
}

/// The report of gradients: norms against distance.
pub fn flow_report(results: &[(String, Measured)]) -> Report {
    let mut report = Report::new("How far back gradients reach");
    report
        .subtitle("Spectral norm of the derivative of the last hidden state by the states before, of untrained cells");
    for (name, measured) in results {
        let factor = format!("{:.3}", measured.hidden.factor());
        let mut tile = Tile::new(name.as_str(), factor).detail("factor per step of dh_t/dh_k");
        if let Some(cell) = &measured.cell {
            tile = tile.detail(format!("{:.3} through the memory cell, dh_t/dc_k", cell.factor()));
        }
        report.tile(tile);
    }
    report.note(
        "A factor below 1 makes what happened some ten steps ago invisible to training; one above 1 makes gradients explode. \
         A memory cell keeps the share f of what it holds at each step, so its factor is near the forget gate's value.",
    );
    let curves = curves(results);
    for (title, y_label, through_cell) in
        [("By the hidden state", "norm of dh_t/dh_k", false), ("By the memory cell", "norm of dh_t/dc_k", true)]
    {
        let mut chart = LineChart::new(title).x_label("steps back, t - k").y_label(y_label).y_log();
        let own = curves.iter().filter(|curve| curve.1 == through_cell);
        let mut count = 0;
        for (name, _, curve) in own {
            let along = |values: &[f64]| -> Vec<(f64, f64)> {
                values.iter().enumerate().map(|(distance, &norm)| (distance as f64, norm)).collect()
            };
            let band = curve.low.iter().zip(&curve.high).enumerate();
            let band = band.map(|(distance, (&low, &high))| (distance as f64, low, high)).collect();
            chart = chart.series(Series::new(*name, along(&curve.mean)).band(band));
            count += 1;
        }
        if count > 0 {
            report.section(title).chart(&chart);
        }
    }
    let steps = curves.iter().map(|(_, _, curve)| curve.mean.len()).max().unwrap_or(1) - 1;
    let mut table = Table::new("Geometric mean over the sequences").number("t - k");
    for (name, through_cell, _) in &curves {
        table = table.number(if *through_cell { format!("{name}, dh/dc") } else { (*name).to_string() });
    }
    for distance in shown_distances(steps) {
        let norms =
            curves.iter().map(|(_, _, curve)| curve.mean.get(distance).map_or(String::new(), |n| scientific(*n)));
        table.push(std::iter::once(distance.to_string()).chain(norms));
    }
    report.section("Table").table(table);
    report
}

/// All curves: name, whether through the memory cell, norms.
fn curves(results: &[(String, Measured)]) -> Vec<(&str, bool, &Curve)> {
    let hidden = results.iter().map(|(name, measured)| (name.as_str(), false, &measured.hidden));
    let cells = results.iter().filter_map(|(name, measured)| Some((name.as_str(), true, measured.cell.as_ref()?)));
    hidden.chain(cells).collect()
}

/// Three digits, as a power of ten where it is far from 1.
pub fn scientific(value: f64) -> String {
    if value == 0.0 || (1e-3..1e4).contains(&value.abs()) { format!("{value:.4}") } else { format!("{value:.2e}") }
}
