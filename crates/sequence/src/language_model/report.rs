//! The report of a language model: figures beside their baselines, curves, texts it writes, what it finds surprising.

use std::time::Duration;

use ognivo_core::report::{ColouredText, LineChart, Report, Series, Table, Tile, duration};
use ognivo_core::run::REPORT;
use ognivo_core::train::fit::Outcome;
use ognivo_core::train::metrics_log::{Record, read_metrics};
use ognivo_core::train::recorder::Recorder;
use serde_json::{Map, Value, json};

use super::baseline::Baselines;
use super::batch::Streams;
use super::corpus::Corpus;
use super::evaluate::Scores;
use super::sample::SampleConfig;
use super::session::Tokens;
use super::trained::Trained;
use crate::Result;

/// Characters of the texts that are written.
const WRITTEN: usize = 600;
/// Temperatures they are written at.
const TEMPERATURES: [f64; 3] = [0.5, 0.8, 1.0];
/// Tokens of the text that is coloured.
const COLOURED: usize = 800;

/// What a finished run came to.
pub struct Summary {
    /// The model, as it can be opened from the run directory.
    pub trained: Trained,
    /// On the validation part, by which the weights were chosen.
    pub valid: Scores,
    /// On the test part, measured once, where there is one.
    pub test: Option<Scores>,
    /// What counting in the training part predicts the validation part with, in nats per character.
    pub baselines: Baselines,
    /// Tokens trained on in a second.
    pub tokens_per_second: f64,
    /// How training went.
    pub outcome: Outcome,
}

impl Summary {
    /// Measures the kept weights.
    pub fn measure(trained: Trained, corpus: &Corpus, outcome: Outcome) -> Result<Self> {
        let valid = trained.evaluate(&corpus.valid.text)?;
        let baselines = trained.baselines(&corpus.train.text, &corpus.valid.text)?;
        let config = &trained.config;
        let train = Tokens::new(&trained.vocabulary, &corpus.train.text)?;
        let batches = Streams::new(train.tokens, config.fit.batch_size, config.sequence_length, config.seed)?;
        let test = corpus.test.as_ref().map(|part| trained.evaluate(&part.text)).transpose()?;
        let tokens_per_second = outcome.items_per_second * batches.tokens_per_item();
        Ok(Self { valid, test, baselines, tokens_per_second, outcome, trained })
    }

    /// The figures of the result line.
    pub fn figures(&self) -> Map<String, Value> {
        let mut figures = figures("valid", &self.valid);
        let mut add = |name: &str, value: Value| figures.insert(name.into(), value);
        if let Some(entropy) = self.trained.split.entropy {
            add("true_nats_per_char", json!(entropy));
        }
        add("unigram_nats_per_char", json!(self.baselines.unigram));
        add("bigram_nats_per_char", json!(self.baselines.bigram));
        add("epoch", json!(self.outcome.best.map(|best| best.epoch + 1)));
        add("steps", json!(self.outcome.steps));
        add("training_seconds", json!(self.outcome.seconds));
        add("tokens_per_second", json!(self.tokens_per_second));
        figures.extend(self.test.iter().flat_map(|test| self::figures("test", test)));
        figures
    }

    /// Writes `report.html` into the run directory.
    ///
    /// # Errors
    /// The system's; weights that give no numbers.
    pub fn write_report(&self, corpus: &Corpus, command: &str) -> Result<()> {
        let Trained { run, config, split, vocabulary, .. } = &self.trained;
        let mut report = Report::new(format!("{}: {}", split.name, config.network.rnn.cell.name()));
        report.subtitle(format!(
            "A language model of {}: {} different ones, {} characters to learn from, {} held out",
            vocabulary.unit().name(),
            vocabulary.len(),
            split.train.characters,
            split.valid.characters
        ));
        self.tiles(&mut report);
        for note in &corpus.notes {
            report.warning(note);
        }
        self.curves(&mut report, &read_metrics(run.file(Recorder::FILE))?);
        let section = report.section("Texts");
        for temperature in TEMPERATURES {
            let config = SampleConfig { temperature, ..SampleConfig::default() };
            let text = self.trained.write(config, WRITTEN, self.trained.config.seed)?;
            section.listing(format!("Written at temperature {temperature}"), text);
        }
        section.coloured_text(self.surprise(&corpus.valid.text)?);
        report.section("Data").table(self.parts());
        report.command(command).configuration(serde_json::to_string_pretty(config).unwrap_or_default());
        report.surroundings(&self.trained.device, Duration::from_secs_f64(self.outcome.seconds));
        Ok(report.write(run.file(REPORT))?)
    }

    fn tiles(&self, report: &mut Report) {
        let (valid, split) = (&self.valid, &self.trained.split);
        let Baselines { unigram, bigram } = self.baselines;
        let mut tile = Tile::new("Validation, nats per character", format!("{:.4}", valid.nats_per_character()))
            .detail(format!("{:.4} bits per character", valid.bits_per_character()))
            .detail(format!(
                "baselines {unigram:.4} (how often each token occurs), {bigram:.4} (after the one before)"
            ));
        if let Some(entropy) = split.entropy {
            let excess = 100.0 * (valid.nats_per_character() / entropy - 1.0);
            tile = tile.detail(format!("true entropy {entropy:.4}, of which this is {excess:.1}\u{202f}% more"));
        }
        if let Some(best) = self.outcome.best {
            tile = tile.detail(format!("best of the epochs: {}", best.epoch + 1));
        }
        report.tile(tile);
        let bytes = Tile::new("Validation, bits per byte", format!("{:.4}", valid.bits_per_byte()));
        report.tile(bytes.detail("what a compressor with this model would need"));
        let perplexity = Tile::new("Validation perplexity", format!("{:.2}", valid.perplexity()));
        report.tile(perplexity.detail(format!("of {} tokens", self.trained.vocabulary.len())));
        if let Some(test) = &self.test {
            let tile = Tile::new("Test, nats per character", format!("{:.4}", test.nats_per_character()));
            report.tile(tile.detail(format!("perplexity {:.2}, measured once", test.perplexity())));
        }
        let time = Tile::new("Training time", duration(Duration::from_secs_f64(self.outcome.seconds)));
        report.tile(time.detail(format!("{:.0} tokens a second", self.tokens_per_second)));
    }

    fn curves(&self, report: &mut Report, records: &[Record]) {
        let points = |name: &str, place: fn(&Record) -> f64| -> Vec<(f64, f64)> {
            records.iter().filter_map(|record| Some((place(record), record.value(name)?))).collect()
        };
        let epoch = |record: &Record| record.epoch as f64 + 1.0;
        let valid = points("valid/loss", epoch);
        let mut loss = LineChart::new("Loss, nats per token").x_label("epoch");
        loss = loss.series(Series::new("training", points("train/loss", epoch)));
        loss = loss.series(Series::new("validation", valid.clone()));
        if let (Some(&(first, _)), Some(&(last, _))) = (valid.first(), valid.last()) {
            // Nats per character as nats per token.
            let ratio = self.valid.characters as f64 / self.valid.loss.items() as f64;
            let level = |nats: f64| vec![(first, nats * ratio), (last, nats * ratio)];
            loss = loss.series(Series::new("token before alone", level(self.baselines.bigram)));
            if let Some(entropy) = self.trained.split.entropy {
                loss = loss.series(Series::new("true entropy", level(entropy)));
            }
        }
        let best = self.outcome.best.map(|best| best.epoch as f64 + 1.0);
        if let Some(&(x, y)) = valid.iter().find(|(x, _)| Some(*x) == best) {
            loss = loss.mark(x, y, "kept");
        }
        let rate = LineChart::new("Learning rate").x_label("step");
        let rate = rate.series(Series::new("rate", points("step/learning_rate", |record| record.step as f64)));
        report.section("Training").charts(&[&loss, &rate]);
    }

    /// The beginning of a text; the more surprising a token, the deeper its colour.
    fn surprise(&self, text: &[u8]) -> Result<ColouredText> {
        let vocabulary = &self.trained.vocabulary;
        let mut tokens = vocabulary.encode(text)?;
        tokens.truncate(COLOURED);
        let surprise = self.trained.surprise(&tokens)?;
        let guess = (vocabulary.len() as f64).ln();
        let mut coloured = ColouredText::new("The beginning of the validation part").detail(format!(
            "The deeper the colour, the more surprising the token: 0 is none, 1 a guess among {}",
            vocabulary.len()
        ));
        // Tokens that are parts of a character are shown as one.
        let (mut piece, mut nats, mut last) = (Vec::new(), 0.0, None);
        for (&token, surprise) in tokens.iter().zip([0.0].into_iter().chain(surprise)) {
            piece.extend_from_slice(vocabulary.bytes_after(last, token));
            last = piece.last().copied().or(last);
            nats += surprise;
            if let Ok(text) = std::str::from_utf8(&piece) {
                coloured.push(text, nats / guess);
            } else if piece.len() >= 4 {
                coloured.push(&String::from_utf8_lossy(&piece), nats / guess);
            } else {
                continue;
            }
            piece.clear();
            nats = 0.0;
        }
        Ok(coloured)
    }

    fn parts(&self) -> Table {
        let split = &self.trained.split;
        let table =
            Table::new("The parts of the text").text("Part").number("Characters").number("Bytes").text("SHA-256");
        let parts =
            [("training", Some(&split.train)), ("validation", Some(&split.valid)), ("test", split.test.as_ref())];
        parts.into_iter().filter_map(|(name, part)| Some((name, part?))).fold(table, |table, (name, part)| {
            table.row([name.to_string(), part.characters.to_string(), part.bytes.to_string(), part.sha256.clone()])
        })
    }
}

/// The figures of a part for a result line.
pub fn figures(part: &str, scores: &Scores) -> Map<String, Value> {
    let figures = [
        ("nats_per_char", scores.nats_per_character()),
        ("bits_per_char", scores.bits_per_character()),
        ("bits_per_byte", scores.bits_per_byte()),
        ("perplexity", scores.perplexity()),
        ("loss", scores.loss.mean()),
    ];
    figures.into_iter().map(|(name, value)| (format!("{part}_{name}"), json!(value))).collect()
}
