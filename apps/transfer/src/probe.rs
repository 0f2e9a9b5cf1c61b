//! `probe`: what a network's features are worth for a task.

use std::path::PathBuf;

use anyhow::Context;
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::metrics::Interval;
use ognivo_core::report::{Report, Table, percent};
use ognivo_core::run::{REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_transfer::experiment::Ledger;
use ognivo_transfer::experiment::worth::{self, FewLabels, Worth};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::experiment::{self, ExperimentArgs, TRIALS, figures, mean};
use crate::train::origin;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer probe --from runs/patch-position/tiny-imagenet-10-001/trunk --data tiny-imagenet-10
  transfer probe --from resnet18 --data photos/ --labels 20,100

The same network is measured three times: with the features in question, with random weights, and trained on all labels of the training part. A linear
classifier learns from the means of a stage's channels (the stage is chosen on the validation part), the nearest neighbour is found there, and
the whole network is fine-tuned with few labels.")]
pub(crate) struct Args {
    /// Whose features: published weights by name, or a run directory
    #[arg(long, required_unless_present = "resume")]
    from: Option<String>,
    /// A file of weights for the published network in --from [default: the published file, fetched and checked]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The task: a data set's name, or a folder with a folder of pictures per class
    #[arg(long, required_unless_present = "resume")]
    data: Option<String>,
    /// Use at most so many training pictures
    #[arg(long)]
    limit: Option<usize>,
    /// Numbers of labels to fine-tune with
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_values_t = [50, 200])]
    labels: Vec<usize>,
    /// Steps of such a training
    #[arg(long, default_value_t = 200)]
    steps: u64,
    /// Epochs of the supervised network
    #[arg(long, default_value_t = 15)]
    epochs: u64,
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
    few: FewLabels,
    classifier: ClassifierConfig,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.experiment.device.open()?.autodiff();
    let name = args.data.clone().unwrap_or_default();
    let (run, setup) = args.experiment.begin("probe", &name, || setup(args, output))?;
    let _lock = run.lock()?;
    let Setup { from, weights, test, few, classifier } = &setup;
    let origin = origin(from, weights.as_deref(), "", output)?;
    let splits = experiment::splits(classifier, &origin, *test, output)?;
    let preprocessing = match &origin.preprocessing {
        Some(preprocessing) => preprocessing.clone(),
        None => Preprocessing::measure(&*splits.train, classifier.image_size)?,
    };
    let mut ledger = Ledger::open(&run.file(TRIALS))?;
    let mut told = |name: &str, share, done, all| experiment::told(output, name, share, done, all);
    let working = run.file("working");
    let found =
        worth::run(classifier, &origin, &preprocessing, &splits, few, &working, &mut ledger, &device, &mut told)?;
    let Some(found) = found else { return Ok(experiment::interrupted(&run, "probe", output)) };
    finish(&run, &setup, &found, output)
}

fn setup(args: &Args, output: &Output) -> anyhow::Result<Setup> {
    let (Some(from), Some(data)) = (&args.from, &args.data) else {
        return Err(ognivo_core::Error::Config("--from and --data are needed to begin".into()).into());
    };
    let origin = origin(from, args.weights.as_deref(), "resnet20", output)?;
    let mut base = experiment::base_config_of(&origin, data, None);
    base.limit = args.limit;
    base.fit.epochs = args.epochs;
    let mut classifier = args.experiment.classifier(base)?;
    // The stage is chosen on it.
    classifier.valid_fraction = 0.1;
    let few = FewLabels { sizes: args.labels.clone(), steps: args.steps, seeds: args.experiment.seeds };
    Ok(Setup { from: from.clone(), weights: args.weights.clone(), test: args.experiment.test, few, classifier })
}

fn finish(run: &RunDirectory, setup: &Setup, found: &[Worth], output: &Output) -> anyhow::Result<Ended> {
    let mut columns =
        vec!["features".to_string(), "stage".into(), "linear classifier".into(), "nearest neighbour".into()];
    columns.extend(setup.few.sizes.iter().map(|size| format!("fine-tuned with {size}")));
    let mut table = Table::new("Accuracy on the test part").text(&columns[0]).text(&columns[1]);
    table = columns[2..].iter().fold(table, |table, column| table.number(column));
    let line = |cells: &[String]| {
        let numbers: String = cells[2..].iter().map(|cell| format!(" {cell:>26}")).collect();
        format!("{:<12} {:<10}{numbers}", cells[0], cells[1])
    };
    output.answer(&format!("\n{}", line(&columns)));
    let mut stages =
        Table::new("Accuracy on the validation part of a linear classifier of each stage").text("features");
    if let Some(first) = found.first() {
        stages = first.stages.iter().fold(stages, |table, (stage, _)| table.number(stage));
    }
    let share = |interval: &Interval| {
        format!("{} ({} to {})", percent(interval.value), percent(interval.low), percent(interval.high))
    };
    let mut listed = Vec::new();
    for worth in found {
        let name = if worth.name == "own" { setup.from.as_str() } else { worth.name };
        let short = if worth.name == "own" { "in question" } else { worth.name };
        let few: Vec<_> = worth.few.iter().map(|(size, values)| (size, Interval::of_mean(values))).collect();
        let mut cells = vec![short.to_string(), worth.stage.clone(), share(&worth.linear), share(&worth.nearest)];
        cells.extend(few.iter().map(|(_, interval)| mean(interval)));
        output.answer(&line(&cells));
        cells[0] = name.into();
        table.push(cells);
        stages.push(std::iter::once(name.to_string()).chain(worth.stages.iter().map(|(_, value)| percent(*value))));
        let few: Vec<_> =
            few.iter().map(|(size, interval)| json!({ "labels": size, "accuracy": figures(interval) })).collect();
        listed.push(json!({
            "features": worth.name, "stage": worth.stage, "linear": figures(&worth.linear),
            "nearest": figures(&worth.nearest), "few_labels": few, "stages": worth.stages,
        }));
    }
    let mut report = Report::new(format!("What the features of {} are worth", setup.from));
    report.subtitle(format!("for {}; intervals are of 95 %", setup.classifier.data));
    report.section("Figures").table(table).table(stages);
    report.command(std::env::args().collect::<Vec<_>>().join(" "));
    report.configuration(serde_json::to_string_pretty(setup).unwrap_or_default());
    report.write(run.file(REPORT)).context("the figures are kept, the report is not")?;
    output.line(&format!("\nreport   {}", run.file(REPORT).display()));
    output.result("probe", json!({ "rows": listed }), Some(run.path()));
    Ok(Ended::Done)
}
