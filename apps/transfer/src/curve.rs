//! `curve`: how much transfer is worth, by the number of examples of the new task.

use std::path::PathBuf;

use anyhow::Context;
use ognivo_cnn::image::data;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::metrics::Interval;
use ognivo_core::report::{LineChart, Report, Series, Table};
use ognivo_core::run::{REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_transfer::experiment::Ledger;
use ognivo_transfer::experiment::curve::{self, Crossing, CurveConfig, Method, Row};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::experiment::{self, ExperimentArgs, TRIALS, figures, mean};
use crate::train::origin;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer curve --from resnet18 --data photos/
  transfer curve --from runs/transfer/digits-001 --data mnist --sizes 5,20,100,500,2000
  transfer curve --from runs/transfer/cifar-half-001 --data cifar10-jpeg --classes deer,dog,frog,horse,ship

For every number of examples three networks are trained on the same pictures: a classifier on the origin's features (frozen), all of the origin (fine-tuned),
and the same network from random weights (scratch). A table, and a figure in the report, say what each reaches, with 95 % intervals over the
seeds, and with how many examples learning from scratch overtakes.")]
pub(crate) struct Args {
    /// What to transfer: published weights by name, or a run directory of this program or of classify-images
    #[arg(long, required_unless_present = "resume")]
    from: Option<String>,
    /// A file of weights for the published network in --from [default: the published file, fetched and checked]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The new task: a data set's name, or a folder with a folder of pictures per class
    #[arg(long, required_unless_present = "resume")]
    data: Option<String>,
    /// Of these classes alone
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    classes: Vec<String>,
    /// Numbers of examples; those that the training part does not have are left out
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_values_t = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000])]
    sizes: Vec<usize>,
    /// A training has at least so many steps, however few examples there are
    #[arg(long, default_value_t = 200)]
    steps: u64,
    /// And sees every example at least so many times
    #[arg(long, default_value_t = 10)]
    epochs: u64,
    /// Peak learning rate of classifiers on frozen features
    #[arg(long, default_value_t = 0.01)]
    head_learning_rate: f64,
    #[command(flatten)]
    experiment: ExperimentArgs,
}

/// Everything that decides the experiment.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    from: String,
    weights: Option<PathBuf>,
    test: usize,
    curve: CurveConfig,
    classifier: ClassifierConfig,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.experiment.device.open()?.autodiff();
    let name = args.data.clone().unwrap_or_default();
    let (run, setup) = args.experiment.begin("curve", &name, || setup(args, output))?;
    let _lock = run.lock()?;
    let Setup { from, weights, test, curve, classifier } = &setup;
    let origin = origin(from, weights.as_deref(), "", output)?;
    let splits = experiment::splits(classifier, &origin, *test, output)?;
    output.line(&format!(
        "{from} to {}: up to {} of {} pictures of {} classes to learn from, {} to measure on\n",
        classifier.data,
        curve.sizes.iter().filter(|&&size| size <= splits.train.len()).max().unwrap_or(&0),
        splits.train.len(),
        splits.train.classes().len(),
        splits.test.len()
    ));
    let mut ledger = Ledger::open(&run.file(TRIALS))?;
    let working = run.file("working");
    let mut told = |name: &str, share, done, all| experiment::told(output, name, share, done, all);
    let rows = curve::run(curve, classifier, &origin, &splits, &working, &mut ledger, &device, &mut told)?;
    let Some(rows) = rows else { return Ok(experiment::interrupted(&run, "curve", output)) };
    let baseline = data::majority_share(&*splits.train, &*splits.test);
    finish(&run, &setup, &rows, baseline, output)
}

fn setup(args: &Args, output: &Output) -> anyhow::Result<Setup> {
    let (Some(from), Some(data)) = (&args.from, &args.data) else {
        return Err(ognivo_core::Error::Config("--from and --data are needed to begin".into()).into());
    };
    anyhow::ensure!(from != "scratch", ognivo_core::Error::Config("--from scratch has nothing to transfer".into()));
    let origin = origin(from, args.weights.as_deref(), "", output)?;
    let classes = (!args.classes.is_empty()).then(|| args.classes.clone());
    let classifier = args.experiment.classifier(experiment::base_config_of(&origin, data, classes))?;
    let mut sizes = args.sizes.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let curve = CurveConfig {
        sizes,
        seeds: args.experiment.seeds,
        steps: args.steps,
        epochs: args.epochs,
        head_learning_rate: args.head_learning_rate,
    };
    Ok(Setup { from: from.clone(), weights: args.weights.clone(), test: args.experiment.test, curve, classifier })
}

fn finish(run: &RunDirectory, setup: &Setup, rows: &[Row], baseline: f64, output: &Output) -> anyhow::Result<Ended> {
    let columns = ["examples", "frozen", "fine-tuned", "scratch", "frozen - scratch", "fine-tuned - scratch"];
    let mut table = Table::new("Accuracy on the test part: mean and 95 % interval over the seeds").number(columns[0]);
    table = columns[1..].iter().fold(table, |table, column| table.number(*column));
    output.answer(&format!(
        "\n{:>8} {:>16} {:>16} {:>16} {:>18} {:>20}",
        columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]
    ));
    let mut listed = Vec::new();
    for row in rows {
        let of = Method::ALL.map(|method| Interval::of_mean(row.of(method)));
        let gains = [Method::Frozen, Method::FineTuned].map(|method| row.gain(method));
        let cells: Vec<String> = of.iter().chain(&gains).map(mean).collect();
        output.answer(&format!(
            "{:>8} {:>16} {:>16} {:>16} {:>18} {:>20}",
            row.size, cells[0], cells[1], cells[2], cells[3], cells[4]
        ));
        table.push(std::iter::once(row.size.to_string()).chain(cells));
        listed.push(json!({
            "examples": row.size, "frozen": figures(&of[0]), "fine_tuned": figures(&of[1]), "scratch": figures(&of[2]),
            "frozen_gain": figures(&gains[0]), "fine_tuned_gain": figures(&gains[1]),
        }));
    }
    let crossings = [Method::Frozen, Method::FineTuned].map(|method| (method, Crossing::of(rows, method)));
    let mut chart = LineChart::new("Accuracy on the test part")
        .x_label("examples of the new task")
        .y_label("accuracy")
        .x_log()
        .y_percent();
    for method in Method::ALL {
        let point = |row: &Row| (row.size as f64, Interval::of_mean(row.of(method)));
        let points = rows.iter().map(point);
        let band = points.clone().filter(|(_, interval)| interval.high.is_finite());
        let band = band.map(|(x, interval)| (x, interval.low.max(0.0), interval.high.min(1.0))).collect();
        chart = chart
            .series(Series::new(method.name(), points.map(|(x, interval)| (x, interval.value)).collect()).band(band));
    }
    let title = format!("{} to {}", setup.from, setup.classifier.data);
    let mut report = Report::new(format!("Transfer from {title}"));
    report.subtitle(format!("{} seeds; always the commonest class: {:.1} %", setup.curve.seeds, 100.0 * baseline));
    let section = report.section("What transfer is worth");
    output.answer("");
    for (method, crossing) in &crossings {
        let text = crossing.map_or(String::new(), |crossing| format!("{}: {crossing}", method.name()));
        output.answer(&text);
        section.text(text);
    }
    section.chart(&chart).table(table);
    report.command(std::env::args().collect::<Vec<_>>().join(" "));
    report.configuration(serde_json::to_string_pretty(setup).unwrap_or_default());
    report.write(run.file(REPORT)).context("the figures are kept, the report is not")?;
    output.line(&format!(
        "\nbaseline {:.1} % (always the commonest class)\nreport   {}",
        100.0 * baseline,
        run.file(REPORT).display()
    ));
    let crossing = |crossing: &Option<Crossing>| match crossing {
        Some(Crossing::At(place, ..)) => json!(place),
        _ => json!(null),
    };
    let metrics = json!({
        "rows": listed, "baseline_accuracy": baseline,
        "frozen_crossing": crossing(&crossings[0].1), "fine_tuned_crossing": crossing(&crossings[1].1),
    });
    output.result("curve", metrics, Some(run.path()));
    Ok(Ended::Done)
}
