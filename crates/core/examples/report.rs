//! A report made of invented numbers, to try out the layout without training anything.
//!
//! ```text
//! cargo run --release -p ognivo-core --example report -- DIRECTORY [CLASSES]
//! ```
//!
//! Writes `report.html`, `metrics.jsonl` and TensorBoard event files, with a resume in the middle, as a run does.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use ognivo_core::data::Image;
use ognivo_core::metrics::{ConfusionMatrix, Interval};
use ognivo_core::report::{
    BarChart, Cell, ConfusionChart, Histogram, LineChart, Picture, PictureGrid, Report, Series, Table, Tile, Tone,
    duration, number, percent, utc,
};
use ognivo_core::train::metrics_log::{Record, read_metrics};
use ognivo_core::train::recorder::Recorder;

const EPOCHS: u64 = 20;
const STEPS: u64 = 12;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (directory, classes) = match arguments.as_slice() {
        [directory] => (directory, 10),
        [directory, classes] => (directory, classes.parse().context("CLASSES must be a number")?),
        _ => bail!("usage: report DIRECTORY [CLASSES]"),
    };
    if !(2..=1000).contains(&classes) {
        bail!("CLASSES must be between 2 and 1000, not {classes}");
    }
    let run = Path::new(directory);
    std::fs::create_dir_all(run)?;
    record(run)?;
    let records = read_metrics(run.join(Recorder::FILE))?;
    let path = run.join("report.html");
    report(classes, &records)?.write(&path)?;
    println!("{}", path.display());
    Ok(())
}

/// Figures of an invented run that is stopped after half of its epochs, and goes on.
fn record(run: &Path) -> anyhow::Result<()> {
    let mut noise = Noise(7);
    let mut steps = |recorder: &mut Recorder, epochs: std::ops::Range<u64>| -> anyhow::Result<()> {
        for step in epochs.start * STEPS + 1..=epochs.end * STEPS {
            let (epoch, time) = ((step - 1) / STEPS, step as f64 / STEPS as f64);
            let loss = 2.3 * (-time / 2.5).exp() + 0.06 + 0.05 * noise.next() * (-time / 8.0).exp();
            recorder.scalars(step, epoch, &[("train/loss", loss), ("learning_rate", 1e-3 * 0.9_f64.powf(time))])?;
            if step % STEPS == 0 {
                let loss = 2.2 * (-time / 2.8).exp() + 0.11 + 0.004 * (time - 11.0).max(0.0) + 0.01 * noise.next();
                let accuracy = 0.975 - 0.8 * (-time / 2.2).exp() + 0.004 * noise.next();
                recorder.scalars(step, epoch, &[("validation/loss", loss), ("validation/accuracy", accuracy)])?;
            }
        }
        Ok(())
    };
    let mut recorder = Recorder::create(run)?;
    steps(&mut recorder, 0..10)?;
    let (step, position) = (10 * STEPS, recorder.sync()?);
    // Recorded after the last checkpoint, then lost: the resumed run records it anew.
    recorder.scalars(step + 1, 10, &[("train/loss", 99.0)])?;
    let mut recorder = Recorder::resume(run, step, position)?;
    steps(&mut recorder, 10..EPOCHS)?;
    recorder.image(EPOCHS * STEPS, "samples", &picture(3, &mut noise))?;
    Ok(())
}

fn report(classes: usize, records: &[Record]) -> anyhow::Result<Report> {
    let names = class_names(classes);
    let mut noise = Noise(11);
    let matrix = confusion(classes, &mut noise)?;
    let by_step = |name: &str| {
        let point = |record: &Record| Some((record.step as f64 / STEPS as f64, record.value(name)?));
        records.iter().filter_map(point).collect::<Vec<_>>()
    };
    let validation = by_step("validation/loss");
    let best = validation.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).context("no validation loss")?;

    let mut report = Report::new("Sample report");
    report
        .subtitle(format!("A layout sample for {classes} classes, every number in it made up; {}", utc(SystemTime::now())))
        .tile(
            Tile::proportion("Test accuracy", matrix.accuracy())
                .baseline("always the most frequent class", matrix.majority_baseline().value),
        )
        .tile(Tile::new("Test loss", number(0.0813)).detail("cross-entropy in nats").detail(format!("ln {classes} = {} without learning", number((classes as f64).ln()))))
        .tile(Tile::new("Training time", duration(Duration::from_millis(48_390))).detail("20 epochs, 596 images/s"))
        .note("These numbers come from a formula: no network was trained.")
        .warning("3 files in the data folder are not pictures and were skipped: notes.txt, .DS_Store, broken.png (byte 33: found end of file; expected IHDR).");

    let section = report.section("Training");
    let loss = LineChart::new("Loss")
        .x_label("epoch")
        .y_label("cross-entropy, logarithmic")
        .y_log()
        .series(Series::new("training, each step", by_step("train/loss")))
        .series(Series::new("validation", validation))
        .mark(best.0, best.1, format!("best: epoch {}, {}", number(best.0), number(best.1)));
    section.chart(&loss);
    let accuracy = LineChart::new("Validation accuracy")
        .x_label("epoch")
        .y_percent()
        .series(Series::new("accuracy", by_step("validation/accuracy")));
    let run = |seed| (1..=12).map(|epoch| (f64::from(epoch), 2.0 / f64::from(epoch + seed) + 0.1)).collect::<Vec<_>>();
    let tanh = |seed| (1..=12).map(|epoch| (f64::from(epoch), 2.6 / f64::from(epoch + seed) + 0.3)).collect::<Vec<_>>();
    let ablation = LineChart::new("Ablation: mean and spread of 3 seeds")
        .x_label("epoch")
        .y_label("training error")
        .series(Series::mean_of_runs("ReLU", &[run(0), run(1), run(2)]))
        .series(Series::mean_of_runs("tanh", &[tanh(0), tanh(1), tanh(2)]));
    section.charts(&[&accuracy, &ablation]);

    let section = report.section("Classes");
    section.chart(&ConfusionChart::new("Confusion matrix", &matrix, &names));
    let mut mistakes = Table::new("Most frequent mistakes")
        .text("True class")
        .text("Predicted")
        .number("Times")
        .number("Share of class");
    for mistake in matrix.mistakes(8) {
        let share = mistake.count as f64 / matrix.support(mistake.target) as f64;
        mistakes.push([
            Cell::from(names[mistake.target].as_str()),
            names[mistake.predicted].as_str().into(),
            mistake.count.to_string().into(),
            Cell::bar(percent(share), share),
        ]);
    }
    section.table(mistakes);
    let mut recall =
        BarChart::new("Recall with 95 % interval").percent().reference(matrix.accuracy().value, "accuracy");
    let mut table =
        Table::new("Scores").text("Class").number("Precision").number("Recall").number("F1").number("Examples");
    for (class, scores) in matrix.scores().into_iter().enumerate() {
        recall.push_interval(&names[class], Interval::wilson(matrix.count(class, class), scores.support));
        let cells = [scores.precision, scores.recall, scores.f1].map(|share| Cell::bar(percent(share), share));
        table.push(
            [Cell::from(names[class].as_str())].into_iter().chain(cells).chain([scores.support.to_string().into()]),
        );
    }
    section.chart(&recall).table(table);

    let mut mistakes = PictureGrid::new("Most confident mistakes");
    for index in 0..12 {
        let (target, predicted) = (index % classes, (index * 3 + 1) % classes);
        let caption = format!("{} {}", names[predicted], percent(0.99 - 0.02 * index as f64));
        let picture = Picture::new(&picture(index, &mut noise), caption)?;
        mistakes.push(picture.detail(format!("true: {}", names[target])).tone(Tone::Bad));
    }
    let confidence =
        |low: f64, count| (0..count).map(|_| low + (1.0 - low) * (0.5 + 0.5 * noise.next()).sqrt()).collect::<Vec<_>>();
    let mut confidence = confidence;
    let histogram = Histogram::new("Confidence of the prediction")
        .x_label("probability of the predicted class")
        .group("right", confidence(0.4, 900))
        .group("wrong", confidence(0.1, 60));
    report.section("Predictions").pictures(mistakes).chart(&histogram);

    report
        .command("classify-images train --data digits --epochs 20 --learning-rate 0.001 --seed 1 --run runs/classify-images/sample")
        .configuration("{\n  \"data\": \"digits\",\n  \"epochs\": 20,\n  \"batch_size\": 64,\n  \"optimizer\": { \"adam\": { \"learning_rate\": 0.001 } },\n  \"seed\": 1\n}")
        .environment("Device", "flex (CPU)")
        .environment("Threads", "2")
        .environment("Ognivo", env!("CARGO_PKG_VERSION"))
        .environment("Started", utc(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)))
        .environment("Took", duration(Duration::from_millis(48_390)));
    Ok(report)
}

fn class_names(classes: usize) -> Vec<String> {
    let ten = ["aeroplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry"];
    let kinds = [
        "red",
        "small",
        "northern",
        "spotted",
        "wild",
        "lesser",
        "old",
        "great",
        "river",
        "painted",
        "Saint Bernard's",
    ];
    let name = |class: usize| match class / 10 {
        0 => ten[class % 10].to_owned(),
        kind if kind <= kinds.len() => format!("{} {}", kinds[kind - 1], ten[class % 10]),
        kind => format!("{} no. {kind}", ten[class % 10]),
    };
    (0..classes).map(name).collect()
}

fn confusion(classes: usize, noise: &mut Noise) -> anyhow::Result<ConfusionMatrix> {
    let mut matrix = ConfusionMatrix::new(classes);
    for index in 0..classes * 120 {
        let target = index % classes;
        let skill = 0.82 + 0.17 * ((target * 7 % 10) as f64 / 10.0);
        let near = target / 10 * 10 + (target * 3 + index / classes % 3 + 1) % 10;
        let far = (index * 31 + 7) % classes;
        let predicted = match noise.next().abs() {
            luck if luck < skill => target,
            luck if luck < 0.97 => near % classes,
            _ => far,
        };
        matrix.add(target, predicted)?;
    }
    Ok(matrix)
}

/// A blurred blot of 8x8 grey pixels, or of 64x48 colours.
fn picture(kind: usize, noise: &mut Noise) -> Image {
    let (width, height, channels) = if kind % 3 == 2 { (64, 48, 3) } else { (8, 8, 1) };
    let (x, y) = (0.5 + 0.2 * noise.next(), 0.5 + 0.2 * noise.next());
    let mut pixels = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let (dx, dy) = (column as f64 / width as f64 - x, row as f64 / height as f64 - y);
            let ring = (-40.0 * ((dx * dx + dy * dy).sqrt() - 0.25).powi(2)).exp();
            pixels.extend((0..channels).map(|channel| (255.0 * ring * (1.0 - 0.3 * channel as f64)) as u8));
        }
    }
    Image { width, height, channels, pixels }
}

/// Numbers between -1 and 1 without pattern: a linear congruential generator with Knuth's MMIX constants.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}
