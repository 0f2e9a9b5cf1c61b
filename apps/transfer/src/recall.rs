//! `recall`: whether near pictures are of one class.

use ognivo_core::cli::{Ended, events::Output};
use ognivo_core::report::percent;
use ognivo_transfer::vectors::VectorIndex;
use ognivo_transfer::vectors::recall::{Recall, pixels, recall};
use serde_json::{Value, json};

use crate::search::IndexArgs;

/// The numbers of neighbours that are looked at when nobody says which.
pub(crate) const FEW: [usize; 3] = [1, 5, 10];

#[derive(clap::Args)]
#[command(after_help = "Examples:
  transfer recall
  transfer recall --index photos.vectors --neighbours 1,2,4,8

recall@k is the share of pictures with at least one picture of their own class (the folder they lie in) among the k nearest; precision@k the share
of these k that are. Beside them stand the raw pixels, at most 32 x 32 of them, and neighbours drawn at random.")]
pub(crate) struct Args {
    #[command(flatten)]
    index: IndexArgs,
    /// Numbers of neighbours
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_values_t = FEW)]
    neighbours: Vec<usize>,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let (index, _) = args.index.open()?;
    let metrics = show(&index, &args.neighbours, output)?;
    if metrics.is_null() {
        anyhow::bail!("no class has two pictures: recall needs pictures in a folder for each class");
    }
    output.result("recall", metrics, None);
    Ok(Ended::Done)
}

/// Prints the recall of vectors and of raw pixels; nothing, and null, where there are no classes.
pub(crate) fn show(index: &VectorIndex, neighbours: &[usize], output: &Output) -> anyhow::Result<Value> {
    let vectors = recall(&index.vectors, neighbours)?;
    if vectors.is_empty() {
        return Ok(Value::Null);
    }
    let raw = recall(&pixels(&index.files, &index.maker.preprocessing)?, neighbours)?;
    let header = ["k", "recall", "95 % interval", "precision", "pixels' recall", "precision", "by chance"];
    let [k, own, interval, precision, raws, raw_precision, chance] = header;
    output
        .answer(&format!("{k:>4} {own:>8} {interval:>20} {precision:>10} {raws:>15} {raw_precision:>10} {chance:>10}"));
    let mut listed = Vec::new();
    for (Recall { k, recall, precision, chance }, raw) in vectors.iter().zip(&raw) {
        let interval = format!("{} to {}", percent(recall.low), percent(recall.high));
        output.answer(&format!(
            "{k:>4} {:>8} {interval:>20} {:>10} {:>15} {:>10} {:>10}",
            percent(recall.value),
            percent(*precision),
            percent(raw.recall.value),
            percent(raw.precision),
            percent(*chance)
        ));
        listed.push(json!({
            "k": k, "recall": recall.value, "low": recall.low, "high": recall.high, "precision": precision,
            "pixels_recall": raw.recall.value, "pixels_precision": raw.precision, "chance": chance,
        }));
    }
    Ok(json!(listed))
}
