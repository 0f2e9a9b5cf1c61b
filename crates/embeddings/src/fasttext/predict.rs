//! Labels of lines.

use std::io::BufRead;

use rayon::prelude::*;

use super::best::Best;
use super::config::{LossKind, ModelKind};
use super::dictionary::Line;
use super::meter::Meter;
use super::model::Model;
use super::tokens::Tokens;
use crate::{Error, Result};

/// Lines read before they are shared among the threads.
const BLOCK: usize = 1024;

/// A label and how likely it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The label's number: [`Dictionary::label`](super::Dictionary::label) has its text.
    pub label: usize,
    /// From 0 to 1; of softmax and its hierarchical kin they sum to 1, else each label has its own.
    pub probability: f32,
}

impl Model {
    /// The `k` likeliest labels of a line with at least the probability `threshold`, likeliest first; no more than there
    /// are, none for a line without known words or n-grams.
    ///
    /// # Errors
    /// When the model is no classifier, or `k` is 0.
    pub fn predict(&self, line: &Line, k: usize, threshold: f32) -> Result<Vec<Prediction>> {
        self.classifies()?;
        if k == 0 {
            return Err(Error::setting("k", k, "at least 1"));
        }
        Ok(self.likeliest(line, k, threshold))
    }

    /// [`predict`](Self::predict) for the first line of a text, with the labels' names.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); and for a word of more than 2^20 bytes.
    pub fn predict_text(&self, text: &[u8], k: usize, threshold: f32) -> Result<Vec<(String, f32)>> {
        let found = self.predict(&self.line(text)?, k, threshold)?;
        let named = found.into_iter().filter_map(|p| Some((self.dictionary.label(p.label)?, p.probability)));
        Ok(named.collect())
    }

    /// Predicts every line of a text, in order, on all of rayon's threads; calls `each` with the line (its true labels
    /// in it) and what was predicted.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), when the text cannot be read, and those of `each`.
    pub fn predict_lines(
        &self,
        text: &mut Tokens<impl BufRead>,
        k: usize,
        threshold: f32,
        mut each: impl FnMut(&Line, &[Prediction]) -> Result<()>,
    ) -> Result<()> {
        self.classifies()?;
        if k == 0 {
            return Err(Error::setting("k", k, "at least 1"));
        }
        let mut lines: Vec<Line> = Vec::new();
        loop {
            lines.resize_with(BLOCK, Line::default);
            let mut read = 0;
            while read < BLOCK && self.dictionary.read_line(text, &mut lines[read])? {
                read += 1;
            }
            let predicted: Vec<_> = lines[..read].par_iter().map(|line| self.likeliest(line, k, threshold)).collect();
            lines[..read].iter().zip(&predicted).try_for_each(|(line, predicted)| each(line, predicted))?;
            if read < BLOCK {
                return Ok(());
            }
        }
    }

    /// Measures the labels predicted for a text whose lines have their true ones. Lines without labels, and those
    /// without known words, do not count.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); and when the text cannot be read.
    pub fn test(&self, text: &mut Tokens<impl BufRead>, k: usize, threshold: f32) -> Result<Meter> {
        let mut meter = Meter::new(self.dictionary.labels());
        self.predict_lines(text, k, threshold, |line, predicted| {
            if !line.labels.is_empty() && !line.rows.is_empty() {
                meter.add(&line.labels, predicted);
            }
            Ok(())
        })?;
        Ok(meter)
    }

    fn classifies(&self) -> Result<()> {
        match self.config.model {
            ModelKind::Supervised => Ok(()),
            _ => Err(Error::data("a model that predicts labels", "vectors of words", "a supervised model")),
        }
    }

    fn likeliest(&self, line: &Line, k: usize, threshold: f32) -> Vec<Prediction> {
        if line.rows.is_empty() {
            return Vec::new();
        }
        let mut hidden = vec![0.0; self.config.dim];
        self.input.mean(&line.rows, &mut hidden);
        let mut best = Best::new(k.min(self.output.rows()));
        if let Some(tree) = &self.tree {
            // Depth first, left before right; branches that cannot come in any more are left alone.
            let mut open = vec![];
            open.extend(tree.root().map(|root| (root, 0.0)));
            while let Some((node, score)) = open.pop() {
                if score < log(threshold) || !best.takes(score) {
                    continue;
                }
                match tree.inner(node) {
                    Some((row, [left, right])) => {
                        let right_probability = 1.0 / (1.0 + (-self.output.dot_row(row, &hidden)).exp());
                        open.push((right, score + log(right_probability)));
                        open.push((left, score + log(1.0 - right_probability)));
                    }
                    None => best.add(score, node as usize),
                }
            }
        } else {
            let mut scores: Vec<f32> = (0..self.output.rows()).map(|row| self.output.dot_row(row, &hidden)).collect();
            match self.config.loss {
                LossKind::Softmax => softmax(&mut scores),
                _ => scores.iter_mut().for_each(|score| *score = sigmoid(*score)),
            }
            for (label, &probability) in scores.iter().enumerate() {
                if probability >= threshold && best.takes(log(probability)) {
                    best.add(log(probability), label);
                }
            }
        }
        let found = best.sorted().into_iter();
        found.map(|(score, label)| Prediction { label, probability: score.exp() }).collect()
    }
}

/// The logarithm the reference takes, which 0 has too.
fn log(probability: f32) -> f32 {
    (f64::from(probability) + 1e-5).ln() as f32
}

/// Scores to probabilities.
pub(super) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - most).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// The logistic function in 512 steps from -8 to 8, as the reference looks it up.
fn sigmoid(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    if x < -8.0 {
        return 0.0;
    }
    if x > 8.0 {
        return 1.0;
    }
    let step = ((x + 8.0) * 512.0 / 8.0 / 2.0) as i32;
    let x = (step as f32 * 16.0) / 512.0 - 8.0;
    (1.0 / (1.0 + f64::from((-x).exp()))) as f32
}
