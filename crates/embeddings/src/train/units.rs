//! Which rows of the input table stand for a token.

use crate::{Error, Result};

/// The input rows of each token.
#[derive(Clone, Debug)]
pub enum Units {
    /// Token `t` has row `t`.
    Tokens,
    /// A token is the mean of several rows (its own and those of its character n-grams).
    Several(Several),
}

impl Units {
    /// Rows of the input table that so many tokens need.
    ///
    /// # Errors
    /// When some of the tokens have no list of rows.
    pub(crate) fn rows(&self, tokens: usize) -> Result<usize> {
        match self {
            Self::Tokens => Ok(tokens),
            Self::Several(several) if several.starts.len() <= tokens => {
                let found = format!("those of {}", several.starts.len().saturating_sub(1));
                Err(Error::data("rows of tokens", found, format!("those of {tokens}")))
            }
            Self::Several(several) => Ok(several.rows.iter().max().map_or(0, |&highest| highest as usize + 1)),
        }
    }
}

/// Lists of rows, one for each token.
#[derive(Clone, Debug, Default)]
pub struct Several {
    starts: Vec<usize>,
    rows: Vec<u32>,
}

impl Several {
    /// Adds the rows of the next token.
    pub fn push(&mut self, rows: impl IntoIterator<Item = u32>) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.rows.extend(rows);
        self.starts.push(self.rows.len());
    }

    /// The rows of a token.
    #[inline(always)]
    pub fn of(&self, token: u32) -> &[u32] {
        &self.rows[self.starts[token as usize]..self.starts[token as usize + 1]]
    }
}
