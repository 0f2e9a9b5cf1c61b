//! One step of each loss: from a hidden vector and a label to new rows of the output and the gradient of the hidden
//! vector.

use crate::Table;
use crate::fasttext::config::{Config, LossKind};
use crate::fasttext::matrix::dot;
use crate::fasttext::predict::softmax;
use crate::train::huffman::Tree;
use crate::train::rng::mixed;

/// Keeps the logarithm of a probability finite.
const TINY: f32 = 1e-10;

/// What does not change from step to step.
pub(super) struct Outputs {
    loss: LossKind,
    negatives: usize,
    /// Rows and sides on the way from each label to the root.
    paths: Vec<Vec<(u32, bool)>>,
    /// For negative samples: shares of the labels added up, in proportion to the roots of their counts.
    shares: Vec<f64>,
}

/// The rows of the output, as one shard sees them, and room for a step.
pub(super) struct Weights {
    rows: *mut f32,
    stride: usize,
    scores: Vec<f32>,
    /// Rows changed since it was last emptied, some more than once; empty where every step changes all.
    pub(super) changed: Vec<u32>,
}

impl Weights {
    /// Over a table that outlives it.
    pub(super) fn new(table: &Table) -> Self {
        Self { rows: table.as_ptr(), stride: table.stride(), scores: vec![0.0; table.rows()], changed: Vec::new() }
    }

    /// # Safety
    /// The table must have this row, and nobody else may use it.
    #[inline(always)]
    unsafe fn row(&mut self, row: usize) -> &mut [f32] {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.rows.add(row * self.stride), self.stride) }
    }
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
        Self { loss: config.loss, negatives: config.neg, paths, shares }
    }

    /// Whether each step changes every row.
    pub(super) fn changes_all(&self) -> bool {
        matches!(self.loss, LossKind::Softmax | LossKind::OneVersusAll)
    }

    /// Learns that `hidden` goes with `labels` (with one of them, drawn from `random`, unless the loss is one-versus-all),
    /// writes the learning rate times the gradient that makes the loss fall to `gradient`, returns the loss.
    ///
    /// # Safety
    /// Labels must be rows of the table under `weights`, which nobody else may use meanwhile, or whose users accept torn
    /// numbers. `hidden` and `gradient` must be as long as its stride, with zeros after the last number.
    #[inline(always)]
    pub(super) unsafe fn step(
        &self,
        weights: &mut Weights,
        hidden: &[f32],
        labels: &[u32],
        rate: f32,
        random: u64,
        gradient: &mut [f32],
    ) -> f32 {
        gradient.fill(0.0);
        let label = labels[(random % labels.len() as u64) as usize];
        match self.loss {
            LossKind::Softmax => {
                let mut scores = std::mem::take(&mut weights.scores);
                for (row, score) in scores.iter_mut().enumerate() {
                    // SAFETY: there is a score for each row.
                    *score = dot(unsafe { weights.row(row) }, hidden);
                }
                softmax(&mut scores);
                for (row, &score) in scores.iter().enumerate() {
                    let error = f32::from(row == label as usize) - score;
                    // SAFETY: there is a score for each row.
                    pull(unsafe { weights.row(row) }, hidden, rate * error, gradient);
                }
                let loss = -(scores[label as usize] + TINY).ln();
                weights.scores = scores;
                loss
            }
            LossKind::OneVersusAll => {
                let rows = weights.scores.len();
                // SAFETY: there is a score for each row.
                let each = (0..rows).map(|row| unsafe {
                    logistic(weights.row(row), hidden, labels.contains(&(row as u32)), rate, gradient)
                });
                each.sum()
            }
            LossKind::HierarchicalSoftmax => {
                let mut loss = 0.0;
                for &(row, right) in &self.paths[label as usize] {
                    // SAFETY: inner nodes are fewer than labels.
                    loss += logistic(unsafe { weights.row(row as usize) }, hidden, right, rate, gradient);
                    weights.changed.push(row);
                }
                loss
            }
            LossKind::NegativeSampling => {
                // SAFETY: a label is a row.
                let mut loss = logistic(unsafe { weights.row(label as usize) }, hidden, true, rate, gradient);
                weights.changed.push(label);
                for draw in 0..self.negatives as u64 {
                    if let Some(other) = self.negative(label, random.wrapping_add(draw + 1)) {
                        // SAFETY: a label is a row.
                        loss += logistic(unsafe { weights.row(other as usize) }, hidden, false, rate, gradient);
                        weights.changed.push(other);
                    }
                }
                loss
            }
        }
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

/// One logistic regression.
#[inline(always)]
fn logistic(row: &mut [f32], hidden: &[f32], is: bool, rate: f32, gradient: &mut [f32]) -> f32 {
    let score = dot(row, hidden);
    let probability = 1.0 / (1.0 + (-score).exp());
    pull(row, hidden, rate * (f32::from(is) - probability), gradient);
    -(if is { probability } else { 1.0 - probability } + TINY).ln()
}

/// Moves a row along `hidden`, after adding it to the gradient.
#[inline(always)]
fn pull(row: &mut [f32], hidden: &[f32], by: f32, gradient: &mut [f32]) {
    for ((row, hidden), gradient) in row.iter_mut().zip(hidden).zip(gradient) {
        *gradient += by * *row;
        *row += by * hidden;
    }
}
