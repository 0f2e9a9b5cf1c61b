//! Each loss: which rows of the output a line is compared with, and what follows from their scores.

use crate::fasttext::config::{Config, LossKind};
use crate::fasttext::predict::softmax;
use crate::train::huffman::Tree;
use crate::train::rng::mixed;

/// Keeps the logarithm of a probability finite.
const TINY: f32 = 1e-10;

/// What does not change from step to step.
pub(super) struct Outputs {
    loss: LossKind,
    labels: usize,
    negatives: usize,
    /// Rows and sides on the way from each label to the root.
    paths: Vec<Vec<(u32, bool)>>,
    /// For negative samples: shares of the labels added up, in proportion to the roots of their counts.
    shares: Vec<f64>,
}

impl Outputs {
    pub(super) fn new(config: &Config, counts: &[u64]) -> Self {
        let mut paths = Vec::new();
        let mut shares = Vec::new();
        match config.loss {
            LossKind::HierarchicalSoftmax => {
                let tree = Tree::new(counts);
                paths.extend(
                    (0..counts.len() as u32)
                        .map(|label| tree.path(label).map(|(row, right)| (row as u32, right)).collect::<Vec<_>>()),
                );
            }
            LossKind::NegativeSampling => {
                let mut sum = 0.0;
                shares.extend(counts.iter().map(|&count| {
                    sum += (count as f64).sqrt();
                    sum
                }));
            }
            LossKind::Softmax | LossKind::OneVersusAll => {}
        }
        Self { loss: config.loss, labels: counts.len(), negatives: config.neg, paths, shares }
    }

    /// Rows that a line is compared with, at most.
    pub(super) fn most(&self) -> usize {
        match self.loss {
            LossKind::Softmax | LossKind::OneVersusAll => self.labels,
            LossKind::HierarchicalSoftmax => self.paths.iter().map(Vec::len).max().unwrap_or(0),
            LossKind::NegativeSampling => 1 + self.negatives,
        }
    }

    /// The rows of the output that a line with these labels is compared with, and whether each is right. Of several labels one is drawn,
    /// unless the loss is one-versus-all.
    #[inline(always)]
    pub(super) fn compare(&self, labels: &[u32], random: u64, rows: &mut Vec<(u32, bool)>) {
        rows.clear();
        let label = labels[(random % labels.len() as u64) as usize];
        match self.loss {
            LossKind::Softmax => rows.extend((0..self.labels as u32).map(|row| (row, row == label))),
            LossKind::OneVersusAll => rows.extend((0..self.labels as u32).map(|row| (row, labels.contains(&row)))),
            LossKind::HierarchicalSoftmax => rows.extend_from_slice(&self.paths[label as usize]),
            LossKind::NegativeSampling => {
                rows.push((label, true));
                let others =
                    (1..=self.negatives as u64).filter_map(|draw| self.negative(label, random.wrapping_add(draw)));
                rows.extend(others.map(|row| (row, false)));
            }
        }
    }

    /// Turns the scores of rows into what the loss falls by most when added to them; the loss.
    #[inline(always)]
    pub(super) fn errors(&self, rows: &[(u32, bool)], scores: &mut [f32]) -> f32 {
        let mut loss = 0.0;
        if self.loss == LossKind::Softmax {
            softmax(scores);
        } else {
            scores.iter_mut().for_each(|score| *score = 1.0 / (1.0 + (-*score).exp()));
        }
        for (score, &(_, right)) in scores.iter_mut().zip(rows) {
            let (probability, error) = if right { (*score, 1.0 - *score) } else { (1.0 - *score, -*score) };
            // Softmax has one label and asks for nothing else.
            if right || self.loss != LossKind::Softmax {
                loss -= (probability + TINY).ln();
            }
            *score = error;
        }
        loss
    }

    /// Another label; none if there is none, or it is as good as never drawn.
    fn negative(&self, label: u32, random: u64) -> Option<u32> {
        let sum = self.shares.last()?;
        (0..100).find_map(|draw| {
            let point = (mixed(mixed(random) ^ draw) >> 11) as f64 / (1u64 << 53) as f64 * sum;
            let found = self.shares.partition_point(|&share| share <= point) as u32;
            (found != label && (found as usize) < self.shares.len()).then_some(found)
        })
    }
}
