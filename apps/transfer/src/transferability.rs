//! `transferability`: which layers of a network are general (Yosinski et al. 2014).

use anyhow::Context;
use ognivo_cnn::image::model::NetworkConfig;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::metrics::Interval;
use ognivo_core::report::{LineChart, Report, Series, Table};
use ognivo_core::run::{REPORT, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_transfer::experiment::Ledger;
use ognivo_transfer::experiment::transferability::{self, Condition, Transferability};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::experiment::{self, ExperimentArgs, TRIALS, figures, mean};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer transferability --data fashion-mnist --limit 2500
  transfer transferability --data cifar10-jpeg --network resnet20 --limit 5000 --epochs 15

The classes are divided at random into halves A and B, and a network is trained on each. Then the first n stages of one are kept, the others drawn anew, and
the whole is trained on B: AnB and BnB keep those stages as they are, AnB+ and BnB+ let them learn too. The report has the table and the figure of
Yosinski, Clune, Bengio and Lipson 2014. The default network is AlexNet with a quarter of its channels, for pictures of 28 or 32 pixels.")]
pub(crate) struct Args {
    /// The data set: a name, or a folder with a folder of pictures per class; at least four classes
    #[arg(long, required_unless_present = "resume")]
    data: Option<String>,
    /// The network, which must have stages [default: a small AlexNet]
    #[arg(long)]
    network: Option<String>,
    /// Use at most so many training pictures of each half
    #[arg(long)]
    limit: Option<usize>,
    /// Passes over the training pictures, of every training
    #[arg(long, default_value_t = 10)]
    epochs: u64,
    #[command(flatten)]
    experiment: ExperimentArgs,
}

/// Everything that decides the experiment.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    seeds: u64,
    test: usize,
    classifier: ClassifierConfig,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.experiment.device.open()?.autodiff();
    let name = args.data.clone().unwrap_or_default();
    let (run, setup) = args.experiment.begin("transferability", &name, || setup(args))?;
    let _lock = run.lock()?;
    let Setup { seeds, test, classifier } = &setup;
    let opened = experiment::open(classifier, output)?;
    output.line(&format!(
        "{}: {} classes in two halves, {}\n",
        classifier.data,
        opened.train.classes().len(),
        classifier.network.name()
    ));
    let mut ledger = Ledger::open(&run.file(TRIALS))?;
    let folder = run.file("working");
    let mut told = |name: &str, share, done, all| experiment::told(output, name, share, done, all);
    let found = transferability::run(classifier, &opened, *seeds, *test, &folder, &mut ledger, &device, &mut told)?;
    let Some(found) = found else { return Ok(experiment::interrupted(&run, "transferability", output)) };
    finish(&run, &setup, &found, output)
}

fn setup(args: &Args) -> anyhow::Result<Setup> {
    let Some(data) = &args.data else {
        return Err(ognivo_core::Error::Config("--data is needed to begin".into()).into());
    };
    let mut base = experiment::base_config(data, None);
    base.network = match &args.network {
        Some(name) => NetworkConfig::named(name)?,
        None => serde_json::from_value(
            json!({ "network": "alexnet", "stem": "cifar", "width": 0.25, "hidden": 128, "dropout": 0.0 }),
        )?,
    };
    base.limit = args.limit;
    base.fit.epochs = args.epochs;
    let classifier = args.experiment.classifier(base)?;
    Ok(Setup { seeds: args.experiment.seeds, test: args.experiment.test, classifier })
}

fn finish(run: &RunDirectory, setup: &Setup, found: &Transferability, output: &Output) -> anyhow::Result<Ended> {
    let base = Interval::of_mean(&found.base);
    let mut table = Table::new("Accuracy on B: mean and 95 % interval over the seeds").text("stages kept");
    let mut header = format!("{:>3} {:<10}", "n", "up to");
    for condition in Condition::ALL {
        table = table.number(condition.name());
        header += &format!(" {:>16}", condition.name());
    }
    output.answer(&format!("\nbase B, from random weights: {}\n{header}", mean(&base)));
    let mut listed = Vec::new();
    for (index, stage) in found.stages.iter().enumerate() {
        let of = Condition::ALL.map(|condition| Interval::of_mean(&found.accuracies[condition as usize][index]));
        let cells = of.each_ref().map(mean);
        let line = cells.iter().map(|cell| format!(" {cell:>16}")).collect::<String>();
        output.answer(&format!("{:>3} {stage:<10}{line}", index + 1));
        table.push(std::iter::once(format!("{} ({stage})", index + 1)).chain(cells));
        let accuracy: serde_json::Map<_, _> = Condition::ALL
            .iter()
            .zip(&of)
            .map(|(condition, interval)| (condition.name().to_owned(), figures(interval)))
            .collect();
        listed.push(json!({ "n": index + 1, "stage": stage, "accuracy": accuracy }));
    }
    let mut chart = LineChart::new("Accuracy on B").x_label("stages kept, n").y_label("accuracy").y_percent();
    for condition in Condition::ALL {
        let rows = &found.accuracies[condition as usize];
        let runs: Vec<Vec<(f64, f64)>> = (0..found.base.len())
            .map(|seed| {
                let kept = rows.iter().enumerate().map(|(index, row)| ((index + 1) as f64, row[seed]));
                std::iter::once((0.0, found.base[seed])).chain(kept).collect()
            })
            .collect();
        chart = chart.series(Series::mean_of_runs(condition.name(), &runs));
    }
    let mut report =
        Report::new(format!("How transferable: {} on {}", setup.classifier.network.name(), setup.classifier.data));
    report.subtitle(format!(
        "{} random divisions of the classes; at n = 0 stands the network trained on B from random weights",
        setup.seeds
    ));
    let section = report.section("Stage by stage");
    section.text("AnB falls where stages are specific to the other classes, BnB where stages had grown together with those above them; the bands are one standard deviation over the seeds.");
    section.chart(&chart).table(table);
    report.command(std::env::args().collect::<Vec<_>>().join(" "));
    report.configuration(serde_json::to_string_pretty(setup).unwrap_or_default());
    report.write(run.file(REPORT)).context("the figures are kept, the report is not")?;
    output.line(&format!("\nreport   {}", run.file(REPORT).display()));
    output.result("transferability", json!({ "base": figures(&base), "rows": listed }), Some(run.path()));
    Ok(Ended::Done)
}
