//! Word similarity: how well cosines follow people's judgements (WordSim, SimLex, MEN, RW), by rank.
//!
//! A pair is left out when one of its words has no vector; the coverage says how many were not. A model of sub-words has vectors for
//! nearly all, which is what a set of rare words (RW; Luong et al. 2013) is for.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folded::Folded;
use crate::format::input::{Lines, shown};
use crate::query::cosine;
use crate::{Error, Lookup, Result};

/// Two words, and how similar people find them.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The words.
    pub words: [String; 2],
    /// A mean judgement, on any scale.
    pub score: f64,
}

/// How pairs are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimilarityConfig {
    /// Words that count, the first of the list (default 0: all).
    pub most_frequent: usize,
    /// Whether case counts for nothing (default true): of words that differ in it alone the most frequent one stands for all.
    pub fold_case: bool,
}

impl Default for SimilarityConfig {
    fn default() -> Self {
        Self { most_frequent: 0, fold_case: true }
    }
}

/// What [`evaluate`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Similarity {
    /// Spearman's rank correlation of cosines and judgements, equal values sharing the mean of their ranks.
    pub spearman: f64,
    /// Pairs with vectors for both words.
    pub compared: usize,
    /// All pairs.
    pub pairs: usize,
}

impl Similarity {
    /// The share of pairs that were compared.
    pub fn coverage(&self) -> f64 {
        self.compared as f64 / self.pairs.max(1) as f64
    }
}

/// Reads pairs: two words and a number a line, with tabs, commas or spaces between. Lines that begin with `#` and a first line with names
/// of columns say nothing. Where the third column holds no numbers (a part of speech in SimLex-999), the fourth does; what stands
/// behind is not read.
///
/// # Errors
/// The system's; names the line that is no pair; a file without pairs.
pub fn read(path: &Path) -> Result<Vec<Pair>> {
    let mut lines = Lines::open(path)?;
    let (mut pairs, mut headed) = (Vec::new(), false);
    while let Some(line) = lines.next()? {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match pair(line) {
            Some(pair) => pairs.push(pair),
            None if pairs.is_empty() && !headed => headed = true,
            None => {
                let found = shown(line.as_bytes());
                return Err(lines.broken(found, "two words and a number"));
            }
        }
    }
    if pairs.is_empty() {
        return Err(lines.broken("the end of the file", "lines of two words and a number"));
    }
    Ok(pairs)
}

fn pair(line: &str) -> Option<Pair> {
    let separator = [',', ';'].into_iter().find(|&separator| line.matches(separator).count() >= 2);
    let fields: Vec<&str> = match separator {
        _ if line.contains('\t') => line.split('\t').map(str::trim).collect(),
        Some(separator) => line.split(separator).map(str::trim).collect(),
        None => line.split_whitespace().collect(),
    };
    let [a, b, rest @ ..] = fields.as_slice() else { return None };
    let score = rest.iter().take(2).find_map(|field| field.parse::<f64>().ok()).filter(|score| score.is_finite())?;
    (!a.is_empty() && !b.is_empty()).then(|| Pair { words: [a.to_string(), b.to_string()], score })
}

/// Compares all pairs whose words have vectors.
///
/// # Errors
/// When fewer than two pairs have, or a correlation has no meaning because all cosines or all judgements are equal.
pub fn evaluate(vectors: &dyn Lookup, pairs: &[Pair], config: &SimilarityConfig) -> Result<Similarity> {
    let count = if config.most_frequent == 0 { vectors.words().len() } else { config.most_frequent };
    let folded = Folded::new(vectors.words(), count, config.fold_case);
    let vector_of = |word: &str| {
        let mut vector = vec![0.0; vectors.dim()];
        // A word that is not in the list may be made from sub-words.
        let listed = folded.row(word).map(|row| vectors.words().name(row));
        let unlisted = || vectors.words().get(word).is_none().then_some(word);
        listed.or_else(unlisted).is_some_and(|word| vectors.vector(word, &mut vector)).then_some(vector)
    };
    let (mut cosines, mut judgements) = (Vec::new(), Vec::new());
    for Pair { words: [a, b], score } in pairs {
        if let (Some(a), Some(b)) = (vector_of(a), vector_of(b)) {
            cosines.push(cosine(&a, &b));
            judgements.push(*score);
        }
    }
    let spearman = spearman(&cosines, &judgements).ok_or_else(|| {
        let found = format!("{} of {} pairs with vectors for both words", cosines.len(), pairs.len());
        Error::data("word pairs", found, "two and more that differ in similarity, in the language of the vectors")
    })?;
    Ok(Similarity { spearman, compared: cosines.len(), pairs: pairs.len() })
}

/// Spearman's rank correlation, equal values sharing the mean of their ranks; none when all values of a side are equal.
///
/// # Panics
/// When there are not as many of one as of the other.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "pairs of values");
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let sum = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let scale = (sum(&a, &a) * sum(&b, &b)).sqrt();
    (scale > 0.0).then(|| sum(&a, &b) / scale)
}

/// Ranks from 1.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // The mean of first + 1 to first + how many.
        let rank = first as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|&value| ranks[value] = rank);
        first += equal.len();
    }
    ranks
}
