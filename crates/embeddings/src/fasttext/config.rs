//! Settings, under the names and with the defaults of the reference program.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What is learnt. The numbers are those of the file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// A word from the mean of its context.
    Cbow = 1,
    /// The context from a word.
    Skipgram = 2,
    /// Labels from the mean of a line's words.
    Supervised = 3,
}

/// What is made small. The numbers are those of the file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LossKind {
    /// Hierarchical softmax over a Huffman tree.
    #[serde(rename = "hs")]
    HierarchicalSoftmax = 1,
    /// Negative sampling.
    #[serde(rename = "ns")]
    NegativeSampling = 2,
    /// Softmax over everything.
    #[serde(rename = "softmax")]
    Softmax = 3,
    /// A logistic regression for each label, for lines with several labels.
    #[serde(rename = "ova")]
    OneVersusAll = 4,
}

impl FromStr for LossKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "hs" => Ok(Self::HierarchicalSoftmax),
            "ns" => Ok(Self::NegativeSampling),
            "softmax" => Ok(Self::Softmax),
            "ova" | "one-vs-all" => Ok(Self::OneVersusAll),
            _ => Err(Error::setting("loss", name, "ns, hs, softmax or one-vs-all (ova)")),
        }
    }
}

/// Longest n-gram of characters, and of words: nobody needs more, and a hostile file could make the machine busy.
const MOST_NGRAM: usize = 1000;

/// The settings of a model and of its training. [`set`](Self::set) takes them under the names of the command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// What is learnt.
    pub model: ModelKind,
    /// Learning rate at the start; it falls to 0 in a straight line.
    pub lr: f64,
    /// Tokens between two looks at the learning rate. Kept for the file format, of no effect here.
    pub lr_update_rate: usize,
    /// Numbers in a vector.
    pub dim: usize,
    /// Words on each side of a context, at most.
    pub ws: usize,
    /// Times the text is read.
    pub epoch: usize,
    /// Words that occur less often are left out.
    pub min_count: u64,
    /// Labels that occur less often are left out.
    pub min_count_label: u64,
    /// Negative samples for each example.
    pub neg: usize,
    /// Longest n-gram of words.
    pub word_ngrams: usize,
    /// What is made small.
    pub loss: LossKind,
    /// Rows shared by all n-grams, which are told apart by hash.
    pub bucket: usize,
    /// Shortest n-gram of characters.
    pub minn: usize,
    /// Longest n-gram of characters; 0 for none.
    pub maxn: usize,
    /// Threads.
    pub thread: usize,
    /// Words more frequent than this share of the text are thinned out.
    pub t: f64,
    /// How a label begins.
    pub label: String,
    /// A `.vec` file whose words start with its vectors.
    pub pretrained_vectors: Option<PathBuf>,
    /// Whether the rows of the output are written beside the model as `.output`.
    pub save_output: bool,
    /// What all random numbers follow from.
    pub seed: u64,
    /// Threads write to the same rows unchecked: faster with many threads, and different in every run.
    pub hogwild: bool,
}

impl Default for Config {
    /// Those of `skipgram`.
    fn default() -> Self {
        Self {
            model: ModelKind::Skipgram,
            lr: 0.05,
            lr_update_rate: 100,
            dim: 100,
            ws: 5,
            epoch: 5,
            min_count: 5,
            min_count_label: 0,
            neg: 5,
            word_ngrams: 1,
            loss: LossKind::NegativeSampling,
            bucket: 2_000_000,
            minn: 3,
            maxn: 6,
            thread: 12,
            t: 1e-4,
            label: "__label__".into(),
            pretrained_vectors: None,
            save_output: false,
            seed: 0,
            hogwild: false,
        }
    }
}

impl Config {
    /// The flags [`set`](Self::set) knows, without their dash.
    pub const FLAGS: [&str; 20] = [
        "lr",
        "lrUpdateRate",
        "dim",
        "ws",
        "epoch",
        "minCount",
        "minCountLabel",
        "neg",
        "wordNgrams",
        "loss",
        "bucket",
        "minn",
        "maxn",
        "thread",
        "t",
        "label",
        "pretrainedVectors",
        "saveOutput",
        "seed",
        "hogwild",
    ];

    /// The defaults of `fasttext skipgram`.
    pub fn skipgram() -> Self {
        Self::default()
    }

    /// The defaults of `fasttext cbow`.
    pub fn cbow() -> Self {
        Self { model: ModelKind::Cbow, ..Self::default() }
    }

    /// The defaults of `fasttext supervised`.
    pub fn supervised() -> Self {
        Self {
            model: ModelKind::Supervised,
            loss: LossKind::Softmax,
            lr: 0.1,
            min_count: 1,
            minn: 0,
            maxn: 0,
            ..Self::default()
        }
    }

    /// Sets one of [`FLAGS`](Self::FLAGS) from text. `saveOutput` and `hogwild` take `true` or `false`.
    ///
    /// # Errors
    /// For an unknown name and for a value it cannot have.
    pub fn set(&mut self, flag: &str, value: &str) -> Result<()> {
        match flag {
            "lr" => self.lr = number(flag, value, "a positive number")?,
            "lrUpdateRate" => self.lr_update_rate = number(flag, value, WHOLE)?,
            "dim" => self.dim = number(flag, value, WHOLE)?,
            "ws" => self.ws = number(flag, value, WHOLE)?,
            "epoch" => self.epoch = number(flag, value, WHOLE)?,
            "minCount" => self.min_count = number(flag, value, WHOLE)?,
            "minCountLabel" => self.min_count_label = number(flag, value, WHOLE)?,
            "neg" => self.neg = number(flag, value, WHOLE)?,
            "wordNgrams" => self.word_ngrams = number(flag, value, WHOLE)?,
            "loss" => self.loss = value.parse()?,
            "bucket" => self.bucket = number(flag, value, WHOLE)?,
            "minn" => self.minn = number(flag, value, WHOLE)?,
            "maxn" => self.maxn = number(flag, value, WHOLE)?,
            "thread" => self.thread = number(flag, value, WHOLE)?,
            "t" => self.t = number(flag, value, "a positive number")?,
            "label" => self.label = value.into(),
            "pretrainedVectors" => self.pretrained_vectors = (!value.is_empty()).then(|| value.into()),
            "saveOutput" => self.save_output = boolean(flag, value)?,
            "seed" => self.seed = number(flag, value, WHOLE)?,
            "hogwild" => self.hogwild = boolean(flag, value)?,
            _ => {
                let known = Self::FLAGS.join(", ");
                return Err(Error::setting(format!("-{flag}"), "an unknown flag", format!("one of {known}")));
            }
        }
        Ok(())
    }

    /// Refuses settings without meaning, and takes away the buckets where there are no n-grams to put into them.
    ///
    /// # Errors
    /// Naming the setting.
    pub fn checked(mut self) -> Result<Self> {
        let at_least_one = [
            ("dim", self.dim),
            ("ws", self.ws),
            ("epoch", self.epoch),
            ("wordNgrams", self.word_ngrams),
            ("thread", self.thread),
        ];
        for (key, value) in at_least_one {
            if value == 0 {
                return Err(Error::setting(key, value, "at least 1"));
            }
        }
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return Err(Error::setting("lr", self.lr, "a positive number"));
        }
        if !(self.t.is_finite() && self.t > 0.0) {
            return Err(Error::setting("t", self.t, "a positive number"));
        }
        if self.loss == LossKind::NegativeSampling && self.neg == 0 {
            return Err(Error::setting("neg", self.neg, "at least 1 with the loss ns"));
        }
        if self.label.is_empty() {
            return Err(Error::setting("label", "nothing", "how a label begins, such as __label__"));
        }
        if self.model != ModelKind::Supervised && self.loss == LossKind::OneVersusAll {
            return Err(Error::setting("loss", "one-vs-all", "ns, hs or softmax for vectors of words"));
        }
        if self.word_ngrams <= 1 && self.maxn == 0 {
            self.bucket = 0;
        }
        self.sizes()?;
        Ok(self)
    }

    /// What the file format can hold.
    pub(super) fn sizes(&self) -> Result<()> {
        for (key, value, most) in [
            ("dim", self.dim, i32::MAX as usize),
            ("ws", self.ws, i32::MAX as usize),
            ("epoch", self.epoch, i32::MAX as usize),
            ("minCount", usize::try_from(self.min_count).unwrap_or(usize::MAX), i32::MAX as usize),
            ("neg", self.neg, i32::MAX as usize),
            ("lrUpdateRate", self.lr_update_rate, i32::MAX as usize),
            ("bucket", self.bucket, i32::MAX as usize),
            ("wordNgrams", self.word_ngrams, MOST_NGRAM),
            ("minn", self.minn, MOST_NGRAM),
            ("maxn", self.maxn, MOST_NGRAM),
        ] {
            if value > most {
                return Err(Error::setting(key, value, format!("at most {most}")));
            }
        }
        Ok(())
    }
}

const WHOLE: &str = "a whole number, not negative";

fn number<T: FromStr>(flag: &str, value: &str, expected: &str) -> Result<T> {
    value.parse().map_err(|_| Error::setting(flag, value, expected))
}

fn boolean(flag: &str, value: &str) -> Result<bool> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::setting(flag, value, "true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_known_and_checked() {
        let mut config = Config::supervised();
        for flag in Config::FLAGS {
            let value = match flag {
                "loss" => "hs",
                "label" => "#",
                "pretrainedVectors" => "a.vec",
                _ => "1",
            };
            config.set(flag, value).unwrap();
            let wrong = config.set(flag, "-0x");
            assert!(wrong.is_err() || ["label", "pretrainedVectors"].contains(&flag), "{flag}");
        }
        assert!(config.set("learningRate", "1").unwrap_err().to_string().contains("lrUpdateRate"));
        let config = config.checked().unwrap();
        assert_eq!((config.dim, config.loss, config.bucket), (1, LossKind::HierarchicalSoftmax, 1));
        assert_eq!(Config::supervised().checked().unwrap().bucket, 0);
        assert!(Config { dim: 0, ..Config::cbow() }.checked().is_err());
        assert!(Config { lr: f64::NAN, ..Config::cbow() }.checked().is_err());
    }
}
