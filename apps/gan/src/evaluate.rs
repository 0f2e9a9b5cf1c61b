//! `evaluate`: a trained generator measured against real pictures.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_gan::images::data::{Pictures, limited, open};
use ognivo_gan::images::evaluate::Evaluation;
use ognivo_gan::images::report;
use ognivo_gan::images::sample::Trained;
use ognivo_gan::measure::classifier::{Classifier, FOLDER};

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan evaluate
  gan evaluate --run runs/gan/mnist-001 --count 2000
  gan evaluate --classifier runs/classify-images/mnist-001

Figures can be compared where the classifier (its sha256 is printed), the data and the count are the same.")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// A run of classify-images in whose features to measure [default: the run's own classifier]
    #[arg(long, value_name = "DIR")]
    classifier: Option<PathBuf>,
    /// Pictures to generate, and real ones to compare with; at most half as many as there are real ones
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    count: u32,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let device = args.device.open()?;
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &device)?;
    let own = trained.run.file(FOLDER);
    let classifier = args.classifier.clone().or_else(|| own.exists().then_some(own));
    let classifier = classifier.map(|path| Classifier::open(&path, &device)).transpose()?;
    let opened = open(&trained.config.data, output)?;
    let training = Pictures::read(&*limited(&opened.train, trained.config.limit)?, &trained.networks.shape)?;
    let evaluation = Evaluation::of(&trained, &training, &opened, classifier.as_ref(), args.count as usize)?;
    output.answer(&report::lines(&evaluation));
    output.result("evaluate", report::figures(&evaluation), Some(trained.run.path()));
    Ok(Ended::Done)
}
