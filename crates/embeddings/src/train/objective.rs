//! What the output table is asked: which rows a target is compared with, and what each should answer.

use ognivo_kernels::Target;
use serde::{Deserialize, Serialize};

use super::huffman::Huffman;
use super::rng::Rng;
use super::sampler::Sampler;

/// The loss by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Negative sampling (Mikolov et al. 2013): the target against a few random words.
    Negative,
    /// Hierarchical softmax (Morin and Bengio 2005): the turns on the way to the target in a binary tree.
    Hierarchical,
    /// The softmax over all words.
    Softmax,
    /// A logistic regression for each word.
    OneVsAll,
}

impl Loss {
    /// Names on a command line; the short ones are fastText's.
    pub const NAMES: [&str; 8] =
        ["negative", "ns", "hierarchical", "hs", "softmax", "one-vs-all", "ova", "one-versus-all"];
}

impl std::str::FromStr for Loss {
    type Err = crate::Error;

    fn from_str(name: &str) -> crate::Result<Self> {
        match name {
            "negative" | "ns" => Ok(Self::Negative),
            "hierarchical" | "hs" => Ok(Self::Hierarchical),
            "softmax" => Ok(Self::Softmax),
            "one-vs-all" | "ova" | "one-versus-all" => Ok(Self::OneVsAll),
            _ => Err(crate::Error::setting("loss", name, "negative, hierarchical, softmax or one-vs-all")),
        }
    }
}

/// A loss with the tables it needs.
#[derive(Clone, Debug)]
pub enum Objective {
    /// [`Loss::Negative`].
    Negative {
        /// Where negative examples come from.
        sampler: Sampler,
        /// Negative examples for a target.
        count: usize,
    },
    /// [`Loss::Hierarchical`].
    Hierarchical(Huffman),
    /// [`Loss::Softmax`] over so many rows.
    Softmax(usize),
    /// [`Loss::OneVsAll`] over so many rows.
    OneVsAll(usize),
}

/// Draws in search of a negative example that is new before it is left out.
const ATTEMPTS: usize = 8;

/// Sets of negative examples that the words around one share in skip-gram over sub-words.
const NEGATIVE_SETS: usize = 2;

impl Objective {
    /// The loss over words with these counts, sorted from the most frequent on.
    pub fn new(loss: Loss, counts: &[u64], negatives: usize) -> Self {
        match loss {
            Loss::Negative => Self::Negative { sampler: Sampler::negatives(counts), count: negatives },
            Loss::Hierarchical => Self::Hierarchical(Huffman::new(counts)),
            Loss::Softmax => Self::Softmax(counts.len()),
            Loss::OneVsAll => Self::OneVsAll(counts.len()),
        }
    }

    /// Its name.
    pub(crate) fn loss(&self) -> Loss {
        match self {
            Self::Negative { .. } => Loss::Negative,
            Self::Hierarchical(_) => Loss::Hierarchical,
            Self::Softmax(_) => Loss::Softmax,
            Self::OneVsAll(_) => Loss::OneVsAll,
        }
    }

    /// How many targets there are to tell apart.
    pub fn targets_in_all(&self) -> usize {
        match self {
            Self::Negative { sampler, .. } => sampler.len(),
            Self::Hierarchical(tree) => tree.leaves(),
            Self::Softmax(rows) | Self::OneVsAll(rows) => *rows,
        }
    }

    /// Rows of the output table; at least one.
    pub fn rows(&self) -> usize {
        match self {
            Self::Negative { sampler, .. } => sampler.len(),
            Self::Hierarchical(tree) => tree.inner_nodes(),
            Self::Softmax(rows) | Self::OneVsAll(rows) => *rows,
        }
        .max(1)
    }

    /// The rows that `target` is compared with, all different.
    #[inline(always)]
    pub(crate) fn draw(&self, target: u32, rng: &mut Rng, rows: &mut Vec<u32>) {
        rows.clear();
        match self {
            Self::Negative { sampler, count } => {
                rows.push(target);
                extend_with_negatives(rows, *count, sampler, rng);
            }
            Self::Hierarchical(tree) => rows.extend_from_slice(tree.path(target).0),
            Self::Softmax(all) | Self::OneVsAll(all) => rows.extend(0..*all as u32),
        }
    }

    /// What each of the rows that [`draw`](Self::draw) gave should answer.
    #[inline(always)]
    pub(crate) fn targets(&self, target: u32, rows: &[u32], rate: f32, targets: &mut Vec<Target>) {
        targets.clear();
        match self {
            Self::Hierarchical(tree) => {
                // The first child is the one with label 1, as in word2vec.c.
                targets.extend(tree.path(target).1.iter().map(|second| Target { label: f32::from(!second), rate }));
            }
            _ => targets.extend(rows.iter().map(|&row| Target { label: f32::from(row == target), rate })),
        }
    }
}

/// Adds `count` negative examples that differ from each other and from what is there.
#[inline(always)]
pub(crate) fn extend_with_negatives(rows: &mut Vec<u32>, count: usize, sampler: &Sampler, rng: &mut Rng) {
    for _ in 0..count {
        for _ in 0..ATTEMPTS {
            let row = sampler.draw(rng);
            if !rows.contains(&row) {
                rows.push(row);
                break;
            }
        }
    }
}

/// Targets that share their negative examples, as many as `count` for each of them count for.
pub(crate) fn draw_shared(
    words: impl Iterator<Item = u32>,
    count: usize,
    sampler: &Sampler,
    rate: f32,
    rng: &mut Rng,
    rows: &mut Vec<u32>,
    targets: &mut Vec<Target>,
) {
    rows.clear();
    targets.clear();
    let mut pairs = 0;
    for word in words {
        pairs += 1;
        match rows.iter().position(|&row| row == word) {
            Some(same) => targets[same].rate += rate,
            None => {
                rows.push(word);
                targets.push(Target { label: 1.0, rate });
            }
        }
    }
    let positives = rows.len();
    extend_with_negatives(rows, count * NEGATIVE_SETS.min(pairs), sampler, rng);
    let negatives = rows.len() - positives;
    let rate = rate * (count * pairs) as f32 / negatives.max(1) as f32;
    targets.extend((0..negatives).map(|_| Target { label: 0.0, rate }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_distinct_and_the_target_is_the_one_with_label_1() {
        let counts = [50, 20, 10, 5, 5, 1];
        let mut rng = Rng::new(1, &[]);
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for loss in [Loss::Negative, Loss::Softmax, Loss::OneVsAll] {
            let objective = Objective::new(loss, &counts, 5);
            for target in 0..6 {
                objective.draw(target, &mut rng, &mut rows);
                objective.targets(target, &rows, 0.5, &mut targets);
                let mut sorted = rows.clone();
                sorted.sort_unstable();
                sorted.dedup();
                assert!(sorted.len() == rows.len() && rows.len() >= 2, "{rows:?}");
                let ones: Vec<u32> =
                    rows.iter().zip(&targets).filter(|(_, t)| t.label == 1.0).map(|(row, _)| *row).collect();
                assert_eq!(ones, [target]);
            }
        }
        let tree = Objective::new(Loss::Hierarchical, &counts, 5);
        tree.draw(0, &mut rng, &mut rows);
        tree.targets(0, &rows, 0.5, &mut targets);
        assert_eq!((rows.len(), targets.len()), (1, 1));
    }

    #[test]
    fn losses_have_two_names() {
        for name in Loss::NAMES {
            assert!(name.parse::<Loss>().is_ok());
        }
        assert!("sofmax".parse::<Loss>().unwrap_err().to_string().contains("found sofmax"));
    }
}
