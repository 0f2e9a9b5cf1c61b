//! Which rows of the input table stand for a token.

/// The input rows of each token.
#[derive(Clone, Debug)]
pub enum Units {
    /// Token `t` has row `t`.
    Tokens,
    /// A token is the mean of several rows (its own and those of its character n-grams).
    Several(Several),
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
