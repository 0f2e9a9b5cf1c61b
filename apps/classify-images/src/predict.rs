//! `predict`: the classes of picture files.

use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;
use ognivo_cnn::image::preprocess::{Polarity, open_picture};
use ognivo_cnn::image::trained::Trained;
use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use serde_json::json;

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  predict seven.png
  predict *.jpg --run runs/classify-images/photos-001 --top 3 --json")]
pub(crate) struct Args {
    /// Picture files: PNG or JPEG, any size, grey or colour
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// How many classes to show of each
    #[arg(long, default_value_t = 5)]
    top: usize,
    /// Whether a picture is inverted: auto does it when its border is bright where the training pictures' was dark, or the reverse
    #[arg(long, value_enum, default_value = "auto")]
    polarity: PolarityArg,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum PolarityArg {
    Auto,
    Keep,
    Invert,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    let polarity = match args.polarity {
        PolarityArg::Auto => Polarity::Auto,
        PolarityArg::Keep => Polarity::Keep,
        PolarityArg::Invert => Polarity::Invert,
    };
    let mut failed = 0;
    for file in &args.files {
        // One unreadable picture does not keep the others from their answer.
        let picture = match open_picture(file, &trained.preprocessing, polarity) {
            Ok(picture) => picture,
            Err(error) => {
                output.warn(&error.to_string());
                failed += 1;
                continue;
            }
        };
        let probabilities = trained.classify(&[picture]).pop().unwrap_or_default();
        let mut order: Vec<_> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        order.truncate(args.top.max(1));
        let shown: Vec<_> = order
            .iter()
            .map(|&class| format!("{} {:.1} %", trained.classes[class], 100.0 * probabilities[class]))
            .collect();
        output.answer(&format!("{}  {}", file.display(), shown.join("   ")));
        let classes: Vec<_> = order
            .iter()
            .map(|&class| json!({ "class": trained.classes[class], "probability": probabilities[class] }))
            .collect();
        output.event("prediction", json!({ "file": file, "classes": classes }));
    }
    let metrics = json!({ "classified": args.files.len() - failed, "unreadable": failed });
    output.result("predict", metrics, Some(trained.run.path()));
    if failed > 0 {
        bail!("{failed} of {} files could not be read", args.files.len());
    }
    Ok(Ended::Done)
}
