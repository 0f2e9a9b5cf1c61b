//! Smaller classifiers.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::config::{Config, ModelKind};
use super::matrix::{Matrix, dot};
use super::model::Model;
use super::quantizer::QuantizedMatrix;
use super::tokens::END_OF_LINE;
use super::train::{self, Classifier, Examples, Progress};
use crate::{Error, Result, Table};

/// How a model is made smaller, under the names and with the defaults of the reference program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Quantization {
    /// Rows of words and n-grams that are kept, those of the greatest length; 0 for all.
    pub cutoff: usize,
    /// Whether the rows that are kept are trained once more.
    pub retrain: bool,
    /// Whether the lengths of the rows are quantised by themselves.
    pub qnorm: bool,
    /// Whether the rows of the labels are quantised too.
    pub qout: bool,
    /// Numbers that share a byte.
    pub dsub: usize,
}

impl Default for Quantization {
    fn default() -> Self {
        Self { cutoff: 0, retrain: false, qnorm: false, qout: false, dsub: 2 }
    }
}

impl Model {
    /// Makes a classifier smaller, as the reference program does, but with random numbers of its own.
    ///
    /// `retrain` is the text to train on once more, and the settings for it (`lr`, `epoch`, `thread`, `seed`), used
    /// if rows are cut off and [`Quantization::retrain`] asks for it.
    ///
    /// # Errors
    /// When the model is no classifier or is quantised already, has too few rows, or the text cannot be read.
    pub fn quantize(
        self,
        how: &Quantization,
        retrain: Option<(&Path, &Config)>,
        mut watch: impl FnMut(&Progress) -> bool,
    ) -> Result<Self> {
        let Self { mut config, mut dictionary, input, output, .. } = self;
        if config.model != ModelKind::Supervised {
            return Err(Error::data("a model to quantise", "vectors of words", "a supervised model"));
        }
        let (Matrix::Dense(mut input), Matrix::Dense(mut output)) = (input, output) else {
            return Err(Error::data("a model to quantise", "a quantised model", "a model of floats"));
        };
        if how.dsub == 0 {
            return Err(Error::setting("dsub", how.dsub, "at least 1"));
        }
        if how.cutoff > 0 && how.cutoff < input.rows() {
            let rows = longest(&input, dictionary.word_id(END_OF_LINE), how.cutoff, dictionary.words());
            let mut kept = Table::zeros(rows.len(), input.dim())?;
            for (new, &row) in rows.iter().enumerate() {
                kept.row_mut(new).copy_from_slice(input.row(row as usize));
            }
            input = kept;
            dictionary.prune(&rows);
            if how.retrain {
                let Some((text, settings)) = retrain else {
                    return Err(Error::setting("retrain", "no training text", "the text the model was trained on"));
                };
                (config.lr, config.epoch, config.thread) = (settings.lr, settings.epoch, settings.thread);
                (config.seed, config.hogwild) = (settings.seed, settings.hogwild);
                let examples = Examples::read(&mut train::open(text)?, &dictionary)?;
                let classifier = Classifier { config, dictionary, input, output };
                let again = classifier.train(&examples, None, |progress, _| watch(progress))?.model;
                (config, dictionary) = (again.config, again.dictionary);
                let (Matrix::Dense(new_input), Matrix::Dense(new_output)) = (again.input, again.output) else {
                    return Err(Error::data("a model in training", "a quantised model", "a model of floats"));
                };
                (input, output) = (new_input, new_output);
            }
        }
        let input = Matrix::Quantized(QuantizedMatrix::new(&input, how.dsub, how.qnorm)?);
        let output = if how.qout {
            // The rows of the output share bytes in pairs, whatever the input does.
            Matrix::Quantized(QuantizedMatrix::new(&output, 2, how.qnorm)?)
        } else {
            Matrix::Dense(output)
        };
        Self::new(config, dictionary, input, output)
    }
}

/// The rows of greatest length, the end of the line before all: words in rising order, then buckets by falling length.
fn longest(input: &Table, end_of_line: Option<u32>, count: usize, words: usize) -> Vec<u32> {
    let lengths: Vec<f32> = input.iter().map(|row| dot(row, row).sqrt()).collect();
    let mut rows: Vec<u32> = (0..input.rows() as u32).collect();
    rows.sort_by(|&a, &b| {
        let first = |row| Some(row) == end_of_line;
        first(b).cmp(&first(a)).then(lengths[b as usize].total_cmp(&lengths[a as usize]))
    });
    rows.truncate(count);
    let (mut chosen, buckets): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(|&row| (row as usize) < words);
    chosen.sort_unstable();
    chosen.extend(buckets);
    chosen
}
