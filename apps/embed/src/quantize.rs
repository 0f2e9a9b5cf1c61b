//! `quantize`: makes a classifier of fastText small.

use std::fs;
use std::path::{Path, PathBuf};

use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::device;
use ognivo_core::train::interrupt;
use ognivo_embeddings::fasttext::{Config, Model, Quantization};
use serde_json::json;

use crate::flags::{self, Parsed};
use crate::model::{open_fasttext, run_or_newest};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed quantize --to small.ftz                                       the classifier of the newest run
  embed quantize --model model.bin --to small.ftz --qnorm --cutoff 100000 --retrain --data train.txt
  embed quantize -output model -input train.txt -qnorm -retrain -cutoff 100000      as fastText takes it: model.bin to model.ftz")]
pub(crate) struct Args {
    /// fastText's own flags, with one dash
    #[arg(value_name = "FLAGS", hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    flags: Vec<String>,
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// A fastText model instead of a run
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    model: Option<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Keep so many rows of words and n-grams, those of the greatest length [default: all]
    #[arg(long, value_name = "ROWS", default_value_t = 0, hide_default_value = true)]
    cutoff: usize,
    /// Train what is kept once more, on --data
    #[arg(long, requires = "data")]
    retrain: bool,
    /// The text to train on once more
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Quantise the lengths of rows by themselves
    #[arg(long)]
    qnorm: bool,
    /// Quantise the labels' rows, too
    #[arg(long)]
    qout: bool,
    /// Numbers that share a byte
    #[arg(long, default_value_t = 2)]
    dsub: usize,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    if !args.flags.is_empty() {
        return as_fasttext(&args.flags, output);
    }
    let path = match &args.model {
        Some(model) => model.clone(),
        None => run_or_newest(&args.run)?,
    };
    let Some(to) = &args.to else {
        return Err(ognivo_core::Error::Config("expected --to FILE, for example --to small.ftz".into()).into());
    };
    let how = Quantization {
        cutoff: args.cutoff,
        retrain: args.retrain,
        qnorm: args.qnorm,
        qout: args.qout,
        dsub: args.dsub,
    };
    let model = open_fasttext(&path)?;
    let settings = Config { thread: device::threads(), ..model.config().clone() };
    write(model, &how, args.data.as_deref().map(|data| (data, settings)), &path, to, output)
}

/// `-output PREFIX` reads `PREFIX.bin` and writes `PREFIX.ftz`.
fn as_fasttext(flags: &[String], output: &Output) -> anyhow::Result<Ended> {
    let Parsed { config, input, output: prefix, quantize, .. } = flags::parse(flags, Config::supervised())?;
    let Some(prefix) = prefix else {
        return Err(ognivo_core::Error::Config("expected -output PREFIX, whose .bin is read".into()).into());
    };
    let with = |ending: &str| PathBuf::from(format!("{}.{ending}", prefix.display()));
    let model = open_fasttext(&with("bin"))?;
    let config = Config { thread: config.thread.min(device::threads()), ..config };
    let retrain = input.as_deref().map(|input| (input, config));
    write(model, &quantize, retrain, &with("bin"), &with("ftz"), output)
}

fn write(
    model: Model,
    how: &Quantization,
    retrain: Option<(&Path, Config)>,
    from: &Path,
    to: &Path,
    output: &Output,
) -> anyhow::Result<Ended> {
    let retrain = retrain.as_ref().map(|(path, config)| (*path, config));
    let small = model.quantize(how, retrain, |_| !interrupt::requested())?;
    if interrupt::requested() {
        output.warn("stopped; nothing was written");
        return Ok(Ended::Interrupted);
    }
    small.write(to)?;
    let size = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
    let before = if from.is_dir() { size(&from.join(crate::model::FASTTEXT_MODEL)) } else { size(from) };
    let after = size(to);
    output.answer(&format!("{before} bytes to {after}: {}", to.display()));
    output.result("quantize", json!({ "file": to, "bytes": after, "bytes_before": before }), None);
    Ok(Ended::Done)
}
