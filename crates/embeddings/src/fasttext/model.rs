//! A trained model, and the vectors it gives.

use super::config::{Config, LossKind, ModelKind};
use super::dictionary::{Dictionary, Line};
use super::matrix::{Matrix, add, dot};
use super::tokens::{Tokens, is_space};
use crate::train::huffman::Tree;
use crate::{Error, Lookup, Names, Result};

/// Vectors of words and buckets, and what they predict.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) config: Config,
    pub(super) dictionary: Dictionary,
    pub(super) input: Matrix,
    pub(super) output: Matrix,
    /// Of the hierarchical softmax.
    pub(super) tree: Option<Tree>,
}

impl Model {
    /// Puts a model together.
    ///
    /// # Errors
    /// When the tables have other sizes than the dictionary asks for.
    pub fn new(config: Config, dictionary: Dictionary, input: Matrix, output: Matrix) -> Result<Self> {
        let counts = match config.model {
            ModelKind::Supervised => dictionary.label_counts(),
            _ => dictionary.word_counts(),
        };
        let expected = [(dictionary.rows(), config.dim), (counts.len(), config.dim)];
        let found = [(input.rows(), input.dim()), (output.rows(), output.dim())];
        if expected != found {
            let say = |[(a, b), (c, d)]: [(usize, usize); 2]| format!("{a} x {b} and {c} x {d}");
            return Err(Error::data("the tables of a model", say(found), say(expected)));
        }
        let tree = (config.loss == LossKind::HierarchicalSoftmax).then(|| Tree::new(counts));
        Ok(Self { config, dictionary, input, output, tree })
    }

    /// The settings it was trained with, as far as its file tells.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its words and labels.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// How a label begins, which files do not hold: needed where it is not `__label__`.
    pub fn set_label_prefix(&mut self, prefix: &str) {
        self.dictionary.set_label_prefix(prefix);
    }

    /// The rows of words and buckets.
    pub fn input(&self) -> &Matrix {
        &self.input
    }

    /// The rows of labels, or of words as contexts.
    pub fn output(&self) -> &Matrix {
        &self.output
    }

    /// Whether it is a `.ftz` model.
    pub fn is_quantized(&self) -> bool {
        matches!(self.input, Matrix::Quantized(_))
    }

    /// Writes the vector of a word, known or not: the mean of its row and those of its n-grams. A word without any has
    /// the vector 0, and false is returned.
    ///
    /// # Panics
    /// When `vector` has not [`dim`](Lookup::dim) numbers.
    pub fn word_vector(&self, word: &[u8], vector: &mut [f32]) -> bool {
        assert_eq!(vector.len(), self.config.dim, "numbers in a vector");
        let mut rows = Vec::new();
        self.dictionary.word_rows(word, &mut rows);
        self.input.mean(&rows, vector);
        !rows.is_empty()
    }

    /// Writes the vector of the first line of a text: of a classifier, what its labels are predicted from; else the
    /// mean of the vectors of the words, each of length 1.
    ///
    /// # Panics
    /// When `vector` has not [`dim`](Lookup::dim) numbers.
    pub fn sentence_vector(&self, text: &[u8], vector: &mut [f32]) {
        assert_eq!(vector.len(), self.config.dim, "numbers in a vector");
        if self.config.model == ModelKind::Supervised {
            let rows = self.line(text).map(|line| line.rows).unwrap_or_default();
            self.input.mean(&rows, vector);
            return;
        }
        vector.fill(0.0);
        let (mut word_vector, mut count) = (vec![0.0; vector.len()], 0);
        let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
        // Unlike elsewhere, a zero byte ends no word here.
        for word in line.split(|&byte| is_space(byte) && byte != 0).filter(|word| !word.is_empty()) {
            self.word_vector(word, &mut word_vector);
            let length = dot(&word_vector, &word_vector).sqrt();
            if length > 0.0 {
                let scale = (1.0 / f64::from(length)) as f32;
                word_vector.iter_mut().for_each(|value| *value *= scale);
                add(vector, &word_vector);
                count += 1;
            }
        }
        if count > 0 {
            let scale = (1.0 / f64::from(count)) as f32;
            vector.iter_mut().for_each(|value| *value *= scale);
        }
    }

    /// A word, if it is known, and its n-grams, each with its row.
    pub fn ngrams(&self, word: &[u8]) -> Vec<(String, u32)> {
        let mut all = Vec::new();
        self.dictionary.ngrams(word, |row, bytes| all.push((String::from_utf8_lossy(bytes).into_owned(), row)));
        all
    }

    /// Writes the vector of a row of the input, such as [`ngrams`](Self::ngrams) names; false when there is none.
    ///
    /// # Panics
    /// When `vector` has not [`dim`](Lookup::dim) numbers.
    pub fn row_vector(&self, row: u32, vector: &mut [f32]) -> bool {
        assert_eq!(vector.len(), self.config.dim, "numbers in a vector");
        vector.fill(0.0);
        let known = (row as usize) < self.input.rows();
        if known {
            self.input.add_row(row as usize, vector);
        }
        known
    }

    /// The first line of a text as rows of the input, with the end of the line.
    ///
    /// # Errors
    /// When it has a word of more than 2^20 bytes.
    pub fn line(&self, text: &[u8]) -> Result<Line> {
        let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let mut line = Line::default();
        let ended = std::io::Read::chain(first, &b"\n"[..]);
        self.dictionary.read_line(&mut Tokens::new(ended, "a line"), &mut line)?;
        Ok(line)
    }
}

impl Lookup for Model {
    fn words(&self) -> &Names {
        self.dictionary.names()
    }

    fn dim(&self) -> usize {
        self.config.dim
    }

    fn vector(&self, word: &str, vector: &mut [f32]) -> bool {
        self.word_vector(word.as_bytes(), vector)
    }
}
