//! `evaluate`: a trained network on a data set's test part.

use std::path::PathBuf;
use std::sync::Arc;

use ognivo_cnn::image::{data, report, trained::Trained};
use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_core::data::ImageSet;
use serde_json::json;

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Example:
  evaluate --run runs/classify-images/mnist-001 --part valid")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Another data set than the one trained on, with the same classes
    #[arg(long)]
    data: Option<String>,
    /// Which part of it
    #[arg(long, default_value = "test", value_parser = ["train", "valid", "test"])]
    part: String,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    let mut config = trained.config.clone();
    if let Some(data) = &args.data {
        config.data.clone_from(data);
    }
    let splits = data::open(&config, output)?;
    let part: Arc<dyn ImageSet> = match args.part.as_str() {
        "train" => splits.train.clone(),
        "valid" => splits.valid.clone().ok_or_else(|| anyhow::anyhow!("{} has no validation part", config.data))?,
        _ => splits.test.clone(),
    };
    anyhow::ensure!(
        part.classes() == trained.classes,
        "{}: its classes are {}; the network was trained on {}",
        config.data,
        part.classes().join(", "),
        trained.classes.join(", ")
    );
    let scores = trained.evaluate(&part)?;
    let accuracy = scores.confusion.accuracy();
    output.answer(&report::class_lines(&scores.confusion, &trained.classes));
    output.answer(&format!(
        "{} accuracy {:.2} %  (95 % interval {:.2} to {:.2})   top-5 {:.2} %   loss {:.4}   {} pictures",
        args.part,
        100.0 * accuracy.value,
        100.0 * accuracy.low,
        100.0 * accuracy.high,
        100.0 * scores.top5.accuracy().value,
        scores.loss.mean(),
        part.len()
    ));
    let metrics = json!({
        format!("{}_accuracy", args.part): accuracy.value,
        format!("{}_accuracy_low", args.part): accuracy.low,
        format!("{}_accuracy_high", args.part): accuracy.high,
        format!("{}_loss", args.part): scores.loss.mean(),
        format!("{}_top5_accuracy", args.part): scores.top5.accuracy().value,
        "baseline_accuracy": data::majority_share(&*splits.train, &*part),
    });
    output.result("evaluate", metrics, Some(trained.run.path()));
    Ok(Ended::Done)
}
