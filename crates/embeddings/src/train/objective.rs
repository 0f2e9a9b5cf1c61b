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

    /// How many rows there are, if every target is compared with all of them.
    pub(crate) fn compares_all(&self) -> Option<usize> {
        match self {
            Self::Softmax(rows) | Self::OneVsAll(rows) => Some(*rows),
            _ => None,
        }
    }

    /// Adds the rows that `target` is compared with, all different, and what each should answer. Nothing where it is [all of
    /// them](Self::compares_all).
    pub(crate) fn draw(&self, target: u32, rate: f32, rng: &mut Rng, rows: &mut Vec<u32>, targets: &mut Vec<Target>) {
        match self {
            Self::Negative { sampler, count } => {
                let begin = rows.len();
                rows.push(target);
                targets.push(Target { label: 1.0, rate });
                extend_with_negatives(rows, begin, *count, sampler, rng);
                targets.resize(rows.len(), Target { label: 0.0, rate });
            }
            Self::Hierarchical(tree) => {
                let (path, turns) = tree.path(target);
                rows.extend_from_slice(path);
                // The first child is the one with label 1, as in word2vec.c.
                targets.extend(turns.iter().map(|second| Target { label: f32::from(!second), rate }));
            }
            Self::Softmax(_) | Self::OneVsAll(_) => {}
        }
    }
}

/// Adds `count` negative examples that differ from each other and from what is there from `begin` on.
#[inline(always)]
pub(crate) fn extend_with_negatives(rows: &mut Vec<u32>, begin: usize, count: usize, sampler: &Sampler, rng: &mut Rng) {
    for _ in 0..count {
        for _ in 0..ATTEMPTS {
            let row = sampler.draw(rng);
            if !rows[begin..].contains(&row) {
                rows.push(row);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_distinct_and_the_target_is_the_one_with_label_1() {
        let counts = [50, 20, 10, 5, 5, 1];
        let mut rng = Rng::new(1, &[]);
        let objective = Objective::new(Loss::Negative, &counts, 5);
        for target in 0..6 {
            // What earlier steps have left there is no matter.
            let (mut rows, mut targets) = (vec![target, 1], vec![Target { label: 1.0, rate: 0.5 }; 2]);
            objective.draw(target, 0.5, &mut rng, &mut rows, &mut targets);
            let (rows, targets) = (&rows[2..], &targets[2..]);
            let mut sorted = rows.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert!(sorted.len() == rows.len() && rows.len() >= 2, "{rows:?}");
            let ones: Vec<u32> =
                rows.iter().zip(targets).filter(|(_, t)| t.label == 1.0).map(|(row, _)| *row).collect();
            assert_eq!(ones, [target]);
        }
        let tree = Objective::new(Loss::Hierarchical, &counts, 5);
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        tree.draw(0, 0.5, &mut rng, &mut rows, &mut targets);
        assert_eq!((rows.len(), targets.len()), (1, 1));
        let all = [Loss::Softmax, Loss::OneVsAll].map(|loss| Objective::new(loss, &counts, 5).compares_all());
        assert_eq!(all, [Some(6); 2]);
    }

    #[test]
    fn losses_have_two_names() {
        for name in Loss::NAMES {
            assert!(name.parse::<Loss>().is_ok());
        }
        assert!("sofmax".parse::<Loss>().unwrap_err().to_string().contains("found sofmax"));
    }
}
