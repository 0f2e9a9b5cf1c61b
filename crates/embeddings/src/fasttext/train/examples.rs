//! A labelled text as numbers.

use std::io::BufRead;

use crate::fasttext::dictionary::{Dictionary, Line};
use crate::fasttext::tokens::Tokens;
use crate::{Error, Result};

/// Lines with a label and a known word or n-gram, as rows of the input and numbers of labels.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    rows: Vec<u32>,
    labels: Vec<u32>,
    /// Where each line ends in `rows` and in `labels`.
    ends: Vec<(usize, usize)>,
    /// Tokens up to the end of each line, those of lines left out too.
    tokens: Vec<u64>,
    all_tokens: u64,
}

impl Examples {
    /// Reads a text to its end.
    ///
    /// # Errors
    /// When it cannot be read, or no line is of use.
    pub fn read(text: &mut Tokens<impl BufRead>, dictionary: &Dictionary) -> Result<Self> {
        let (mut examples, mut line) = (Self::default(), Line::default());
        while dictionary.read_line(text, &mut line)? {
            examples.all_tokens += line.tokens;
            if !line.rows.is_empty() && !line.labels.is_empty() {
                examples.rows.extend_from_slice(&line.rows);
                examples.labels.extend_from_slice(&line.labels);
                examples.ends.push((examples.rows.len(), examples.labels.len()));
                examples.tokens.push(examples.all_tokens);
            }
        }
        if examples.ends.is_empty() {
            return Err(Error::data("the training text", "no line with a label and a word", "such lines"));
        }
        Ok(examples)
    }

    /// How many lines.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Tokens in the text.
    pub fn tokens(&self) -> u64 {
        self.all_tokens
    }

    /// Rows of a line in the mean.
    pub(super) fn mean_rows(&self) -> usize {
        self.rows.len() / self.len().max(1)
    }

    /// Rows and labels of a line.
    pub(super) fn get(&self, line: usize) -> (&[u32], &[u32]) {
        let (rows, labels) = line.checked_sub(1).map_or((0, 0), |before| self.ends[before]);
        let (rows_end, labels_end) = self.ends[line];
        (&self.rows[rows..rows_end], &self.labels[labels..labels_end])
    }

    /// Tokens of the lines before `line`.
    pub(super) fn tokens_before(&self, line: usize) -> u64 {
        line.checked_sub(1).map_or(0, |before| self.tokens[before])
    }
}
