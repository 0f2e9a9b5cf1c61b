//! Search for the settings of a classifier that do best on a validation text, within a time limit.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use ognivo_core::random::{self, ChaCha8Rng};
use serde::{Deserialize, Serialize};

use super::config::Config;
use super::dictionary::Dictionary;
use super::meter::Meter;
use super::model::Model;
use super::quantize::Quantization;
use super::train::{self, Progress};
use crate::{Error, Result};

/// First part of the random stream.
const STREAM: u64 = 0x6674_6174;
/// Numbers of buckets that are tried.
const BUCKETS: [usize; 7] = [10_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000];
/// Fewest rows that can be quantised.
const FEWEST_ROWS: usize = 256;

/// What is to be as great as can be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Metric {
    /// F1 of all labels together, or of one.
    F1(Option<String>),
    /// Precision where recall is at least the number; of all labels, or of one.
    PrecisionAtRecall(f64, Option<String>),
    /// Recall where precision is at least the number; of all labels, or of one.
    RecallAtPrecision(f64, Option<String>),
}

impl FromStr for Metric {
    type Err = Error;

    /// As on the reference program's command line: `f1`, `f1:LABEL`, `precisionAtRecall:PERCENT`,
    /// `recallAtPrecision:PERCENT:LABEL`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let expected = "f1, f1:LABEL, precisionAtRecall:PERCENT[:LABEL] or recallAtPrecision:PERCENT[:LABEL]";
            Error::setting("autotune-metric", text, expected)
        };
        let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        if name == "f1" {
            return Ok(Self::F1(rest.map(String::from)));
        }
        let rest = rest.ok_or_else(wrong)?;
        let (percent, label) = rest.split_once(':').map_or((rest, None), |(p, label)| (p, Some(label.to_string())));
        let share = percent.parse::<f64>().ok().filter(|p| (0.0..=100.0).contains(p)).ok_or_else(wrong)? / 100.0;
        match name {
            "precisionAtRecall" => Ok(Self::PrecisionAtRecall(share, label)),
            "recallAtPrecision" => Ok(Self::RecallAtPrecision(share, label)),
            _ => Err(wrong()),
        }
    }
}

impl Metric {
    fn label(&self) -> Option<&str> {
        let (Self::F1(label) | Self::PrecisionAtRecall(_, label) | Self::RecallAtPrecision(_, label)) = self;
        label.as_deref()
    }

    /// Its value; NaN, which no model gets, counts as 0.
    fn of(&self, meter: &Meter, dictionary: &Dictionary) -> Result<f64> {
        let label = match self.label() {
            Some(name) => match dictionary.label_id(name.as_bytes()) {
                Some(id) => Some(id as usize),
                None => return Err(Error::data("autotune-metric", format!("label {name}"), "a label of the text")),
            },
            None => None,
        };
        let value = match self {
            Self::F1(_) => label.map_or(meter.all, |label| meter.labels[label]).f1(),
            Self::PrecisionAtRecall(recall, _) => meter.precision_at_recall(label, *recall),
            Self::RecallAtPrecision(precision, _) => meter.recall_at_precision(label, *precision),
        };
        Ok(if value.is_nan() { 0.0 } else { value })
    }
}

/// How settings are searched for.
#[derive(Clone, Debug, PartialEq)]
pub struct Autotune {
    /// Lines with labels that are not in the training text.
    pub validation: PathBuf,
    /// What is to be as great as can be.
    pub metric: Metric,
    /// Labels predicted for each line when F1 is measured.
    pub predictions: usize,
    /// The search ends after this time; a model that is not done by then does not count.
    pub duration: Duration,
    /// The search ends after so many models.
    pub trials: Option<usize>,
    /// The model must be no larger, in bytes; it is quantised for that.
    pub model_size: Option<u64>,
    /// Settings that stay as they are, under their names on the command line.
    pub fixed: Vec<String>,
}

/// A model of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Counted from 1.
    pub number: usize,
    /// Its settings.
    pub config: Config,
    /// Numbers that share a byte, where the model is quantised.
    pub dsub: usize,
    /// The metric.
    pub score: f64,
    /// Whether it is the best so far.
    pub best: bool,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The best model, trained on the training text.
    pub model: Model,
    /// How it came to be.
    pub trial: Trial,
    /// Models tried.
    pub trials: usize,
}

impl Autotune {
    /// Searches from `start` on. What is tried follows from the seed and from the scores so far, so that the same number
    /// of trials gives the same result; only how many fit the time differs.
    ///
    /// `watch` hears how far each model is and ends the search by returning false; `tried` hears of each that is done.
    ///
    /// # Errors
    /// For texts that cannot be read or have no labels, and when no model was done in time.
    pub fn run(
        &self,
        start: &Config,
        input: &Path,
        mut watch: impl FnMut(&Progress) -> bool,
        mut tried: impl FnMut(&Trial),
    ) -> Result<Tuned> {
        let ends = Instant::now() + self.duration;
        let mut best: Option<(Model, Trial)> = None;
        let (mut number, mut stopped) = (0, false);
        while !stopped && self.trials.is_none_or(|most| number < most) && Instant::now() < ends {
            let (config, dsub) = match &best {
                None => (start.clone(), 2),
                Some((_, best)) => self.propose(&best.config, best.dsub, start.seed, number as u64),
            };
            number += 1;
            let mut going = |progress: &Progress| {
                stopped |= !watch(progress);
                !stopped && Instant::now() < ends
            };
            let mut model = match train::supervised(config.clone(), input, &mut going) {
                // A proposal may go too far; the user's own settings should be heard of.
                Err(Error::Core(ognivo_core::Error::NotFinite(_))) if best.is_some() => continue,
                model => model?,
            };
            if let Some(size) = self.model_size {
                model = match smaller(model, size, dsub) {
                    Err(_) if best.is_some() => continue,
                    model => model?,
                };
            }
            if (stopped || Instant::now() >= ends) && best.is_some() {
                break;
            }
            let predictions = match self.metric {
                Metric::F1(_) => self.predictions,
                _ => model.dictionary().labels(),
            };
            let meter = model.test(&mut train::open(&self.validation)?, predictions, 0.0)?;
            if meter.examples == 0 {
                let found = format!("no line with a known label in {}", self.validation.display());
                return Err(Error::data("the validation text", found, "lines as in the training text"));
            }
            let score = self.metric.of(&meter, model.dictionary())?;
            let is_best = best.as_ref().is_none_or(|(_, best)| score > best.score);
            let trial = Trial { number, config, dsub, score, best: is_best };
            tried(&trial);
            if is_best {
                best = Some((model, trial));
            }
        }
        let Some((model, trial)) = best else {
            let found = format!("no model done within {} s", self.duration.as_secs());
            return Err(Error::data("the search for settings", found, "a longer -autotune-duration"));
        };
        Ok(Tuned { model, trial, trials: number })
    }

    /// Settings near the best so far, nearer and nearer.
    fn propose(&self, best: &Config, dsub: usize, seed: u64, number: u64) -> (Config, usize) {
        let mut rng = random::stream(seed, &[STREAM, number]);
        let width = 1.0 / (1.0 + number as f64 / 10.0).sqrt();
        let mut config = best.clone();
        let rng = &mut rng;
        let lr = factor(rng, best.lr, width, 0.01, 5.0);
        let epoch = factor(rng, best.epoch as f64, width, 1.0, 100.0).round() as usize;
        let dim = factor(rng, best.dim as f64, 0.7 * width, 1.0, 1000.0).round() as usize;
        let word_ngrams = step(rng, best.word_ngrams as f64, 1.5 * width, 1.0, 5.0);
        let place = |choices: &[usize], value| choices.iter().position(|&choice| choice >= value).unwrap_or(0) as f64;
        let minn = [0, 2, 3][step(rng, place(&[0, 2, 3], best.minn), width, 0.0, 2.0)];
        let bucket = BUCKETS[step(rng, place(&BUCKETS, best.bucket.max(1)), 2.0 * width, 0.0, 6.0)];
        let share = 1 << step(rng, (dsub as f64).log2(), width, 1.0, 4.0);
        let free = |flag: &str| !self.fixed.iter().any(|fixed| fixed == flag);
        if free("lr") {
            config.lr = lr;
        }
        if free("epoch") {
            config.epoch = epoch;
        }
        if free("dim") {
            config.dim = dim;
        }
        if free("wordNgrams") {
            config.word_ngrams = word_ngrams;
        }
        if free("minn") && free("maxn") {
            (config.minn, config.maxn) = (minn, if minn == 0 { 0 } else { minn + 3 });
        }
        if free("bucket") {
            config.bucket = bucket;
        }
        (config, if free("dsub") { share } else { dsub })
    }
}

/// A number some way off on a logarithmic scale.
fn factor(rng: &mut ChaCha8Rng, from: f64, width: f64, least: f64, most: f64) -> f64 {
    (from * (width * random::normal(rng)).exp2()).clamp(least, most)
}

/// A whole number some way off.
fn step(rng: &mut ChaCha8Rng, from: f64, width: f64, least: f64, most: f64) -> usize {
    (from + width * random::normal(rng)).round().clamp(least, most) as usize
}

/// The model with at most `size` bytes: as it is, if it is small enough, else quantised, with as many rows as fit.
fn smaller(model: Model, size: u64, dsub: usize) -> Result<Model> {
    if bytes(&model)? <= size {
        return Ok(model);
    }
    let mut cutoff = model.input().rows();
    for _ in 0..12 {
        let how = Quantization { cutoff, qnorm: true, dsub, ..Quantization::default() };
        let quantized = model.clone().quantize(&how, None, |_| true)?;
        let found = bytes(&quantized)?;
        if found <= size {
            return Ok(quantized);
        }
        if cutoff <= FEWEST_ROWS {
            break;
        }
        // By proportion, and a little less.
        cutoff = ((cutoff as f64 * size as f64 / found as f64 * 0.95) as usize).max(FEWEST_ROWS);
    }
    let expected = "a size that a quantised model of 256 rows can have";
    Err(Error::setting("autotune-modelSize", format!("{size} bytes"), expected))
}

fn bytes(model: &Model) -> Result<u64> {
    let mut bytes = Count(0);
    model.write_to(&mut bytes).map_err(ognivo_core::Error::io("memory", "write"))?;
    Ok(bytes.0)
}

/// Counts bytes.
struct Count(u64);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_by_name() {
        for (text, metric) in [
            ("f1", Metric::F1(None)),
            ("f1:__label__a:b", Metric::F1(Some("__label__a:b".into()))),
            ("precisionAtRecall:30", Metric::PrecisionAtRecall(0.3, None)),
            ("recallAtPrecision:90.5:x", Metric::RecallAtPrecision(0.905, Some("x".into()))),
        ] {
            assert_eq!(text.parse::<Metric>().unwrap(), metric);
        }
        for wrong in ["f2", "precisionAtRecall", "precisionAtRecall:x", "recallAtPrecision:101"] {
            assert!(wrong.parse::<Metric>().unwrap_err().to_string().contains(wrong));
        }
    }

    #[test]
    fn proposals_follow_from_the_seed_and_keep_what_is_fixed() {
        let search = Autotune {
            validation: "valid.txt".into(),
            metric: Metric::F1(None),
            predictions: 1,
            duration: Duration::from_secs(1),
            trials: None,
            model_size: None,
            fixed: vec!["dim".into(), "minn".into()],
        };
        let start = Config::supervised();
        let mut different = 0;
        for number in 0..200 {
            let (config, dsub) = search.propose(&start, 2, 7, number);
            assert_eq!((config.clone(), dsub), search.propose(&start, 2, 7, number));
            assert_eq!((config.dim, config.minn, config.maxn), (100, 0, 0));
            assert!((0.01..=5.0).contains(&config.lr) && (1..=100).contains(&config.epoch));
            assert!((1..=5).contains(&config.word_ngrams) && [2, 4, 8, 16].contains(&dsub));
            different += usize::from(config.lr != start.lr);
            config.checked().unwrap();
        }
        assert!(different > 190);
    }
}
