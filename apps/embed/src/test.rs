//! `test` and fastText's `test-label`: what a classifier's labels are worth.

use anyhow::bail;
use ognivo_core::cli::{Ended, events::Output};
use serde_json::{Value, json};

use crate::model::open_fasttext;
use crate::predict::ClassifierArgs;
use crate::queries::open_text;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed test --data test.txt --labels
  embed test model.bin test.txt 5 0.1        as fastText takes it
  embed test-label model.bin test.txt

N counts the lines with labels and known words; P@k and R@k are precision and recall of the k likeliest labels.")]
pub(crate) struct Args {
    #[command(flatten)]
    classifier: ClassifierArgs,
    /// A line for each label, too
    #[arg(long)]
    pub(crate) labels: bool,
}

pub(crate) fn run(args: &Args, labels: bool, output: &Output) -> anyhow::Result<Ended> {
    let classifier = &args.classifier;
    let Some(name) = classifier.text() else {
        bail!(ognivo_core::Error::Config(
            "no text: name it with --data, or after the model; - is standard input".into()
        ));
    };
    let model = open_fasttext(&classifier.model()?)?;
    let k = classifier.k();
    let meter = model.test(&mut open_text(name)?, k, classifier.threshold())?;
    let mut each = Vec::new();
    if labels {
        for label in 0..model.dictionary().labels() {
            let name = model.dictionary().label(label).unwrap_or_default();
            output.answer(meter.label_line(label, &name).trim_end());
            let counts = meter.labels.get(label).copied().unwrap_or_default();
            each.push(json!({ "label": name, "precision": finite(counts.precision()), "recall": finite(counts.recall()), "f1": finite(counts.f1()) }));
        }
    }
    output.answer(meter.general(k).trim_end());
    if meter.examples == 0 {
        output.warn("no line has a label and a known word; labels begin with the model's prefix, such as __label__");
    }
    let f1 = each.iter().map(|label| label["f1"].as_f64().unwrap_or(0.0)).sum::<f64>() / each.len().max(1) as f64;
    let mut metrics = json!({
        "lines": meter.examples,
        "k": k,
        "precision": finite(meter.all.precision()),
        "recall": finite(meter.all.recall()),
        "f1": finite(meter.all.f1()),
    });
    if k == 1 {
        metrics["accuracy"] = finite(meter.all.precision());
    }
    if labels {
        metrics["macro_f1"] = json!(f1);
        metrics["labels"] = Value::Array(each);
    }
    output.result("test", metrics, None);
    Ok(Ended::Done)
}

/// A number, or nothing where there is none to be had.
fn finite(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}
