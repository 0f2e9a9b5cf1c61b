//! Targets against predictions.

use std::collections::BTreeMap;

use super::Interval;
use crate::{Error, Result};

/// How often each class was taken for each other.
///
/// Only the pairs that occurred are kept, so its size is bounded by the number of examples, not by the square of the
/// number of classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: BTreeMap<(usize, usize), u64>,
    /// Examples of each class.
    targets: Vec<u64>,
    /// Predictions of each class.
    predictions: Vec<u64>,
    correct: u64,
    total: u64,
}

/// One cell of the matrix: `count` examples of class `target` were taken for class `predicted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// True class.
    pub target: usize,
    /// Class the model named.
    pub predicted: usize,
    /// How often.
    pub count: u64,
}

/// Precision, recall and F1 of one class, or an average of several.
///
/// A quotient of nothing by nothing (the precision of a class that was never predicted) is 0, as with scikit-learn's
/// `zero_division=0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// Share of the predictions of the class that are right.
    pub precision: f64,
    /// Share of the examples of the class that were found.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Examples of the class; of an average, all examples.
    pub support: u64,
}

impl ConfusionMatrix {
    /// An empty matrix of `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { counts: BTreeMap::new(), targets: vec![0; classes], predictions: vec![0; classes], correct: 0, total: 0 }
    }

    /// Counts one example.
    ///
    /// # Errors
    /// A class that is not below [`classes`](Self::classes); the matrix stays as it was.
    pub fn add(&mut self, target: usize, predicted: usize) -> Result<()> {
        self.check(target, predicted)?;
        self.count_up(target, predicted, 1);
        Ok(())
    }

    /// Counts a batch: `targets[i]` was taken for `predicted[i]`.
    ///
    /// # Errors
    /// Slices of different lengths, or a class out of range; the matrix stays as it was.
    pub fn add_batch(&mut self, targets: &[usize], predicted: &[usize]) -> Result<()> {
        if targets.len() != predicted.len() {
            let (targets, predicted) = (targets.len(), predicted.len());
            return Err(Error::Data(format!("confusion matrix: {targets} targets but {predicted} predictions")));
        }
        let pairs = || targets.iter().copied().zip(predicted.iter().copied());
        pairs().try_for_each(|(target, predicted)| self.check(target, predicted))?;
        pairs().for_each(|(target, predicted)| self.count_up(target, predicted, 1));
        Ok(())
    }

    /// Adds the counts of another part of the same evaluation.
    ///
    /// # Errors
    /// Another number of classes.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.classes() != other.classes() {
            let (ours, theirs) = (self.classes(), other.classes());
            return Err(Error::Data(format!("confusion matrix: cannot merge {theirs} classes into {ours}")));
        }
        other.cells().for_each(|cell| self.count_up(cell.target, cell.predicted, cell.count));
        Ok(())
    }

    fn check(&self, target: usize, predicted: usize) -> Result<()> {
        let classes = self.classes();
        let refuse = |what, class| Error::Data(format!("confusion matrix: {what} class {class} of {classes} classes"));
        match () {
            () if target >= classes => Err(refuse("target", target)),
            () if predicted >= classes => Err(refuse("predicted", predicted)),
            () => Ok(()),
        }
    }

    fn count_up(&mut self, target: usize, predicted: usize, count: u64) {
        *self.counts.entry((target, predicted)).or_default() += count;
        self.targets[target] += count;
        self.predictions[predicted] += count;
        self.correct += if target == predicted { count } else { 0 };
        self.total += count;
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.targets.len()
    }

    /// Examples counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How often `target` was taken for `predicted`; 0 for classes out of range.
    pub fn count(&self, target: usize, predicted: usize) -> u64 {
        self.counts.get(&(target, predicted)).copied().unwrap_or(0)
    }

    /// Examples of class `target`; 0 for a class out of range.
    pub fn support(&self, target: usize) -> u64 {
        self.targets.get(target).copied().unwrap_or(0)
    }

    /// The cells that are not zero, by target, then prediction.
    pub fn cells(&self) -> impl Iterator<Item = Confusion> + '_ {
        self.counts.iter().map(|(&(target, predicted), &count)| Confusion { target, predicted, count })
    }

    /// The `limit` most frequent mistakes, most frequent first, equals in the order of the classes.
    pub fn mistakes(&self, limit: usize) -> Vec<Confusion> {
        let mut mistakes: Vec<_> = self.cells().filter(|cell| cell.target != cell.predicted).collect();
        mistakes.sort_by_key(|cell| std::cmp::Reverse(cell.count));
        mistakes.truncate(limit);
        mistakes
    }

    /// Share of right predictions.
    pub fn accuracy(&self) -> Interval {
        Interval::wilson(self.correct, self.total)
    }

    /// Accuracy that naming the most frequent target every time would have.
    ///
    /// It is counted on the evaluated examples themselves: no constant answer does better, whatever class was most
    /// frequent in training. A model that is not clearly above it has learnt nothing.
    pub fn majority_baseline(&self) -> Interval {
        Interval::wilson(self.targets.iter().copied().max().unwrap_or(0), self.total)
    }

    /// Precision, recall and F1 of each class, in the order of the classes.
    pub fn scores(&self) -> Vec<ClassScores> {
        (0..self.classes())
            .map(|class| {
                let (right, support, predicted) =
                    (self.count(class, class), self.targets[class], self.predictions[class]);
                ClassScores {
                    precision: quotient(right, predicted),
                    recall: quotient(right, support),
                    f1: quotient(2 * right, support + predicted),
                    support,
                }
            })
            .collect()
    }

    /// Plain mean over the classes that occur among targets or predictions, as scikit-learn's `average="macro"`.
    pub fn macro_average(&self) -> ClassScores {
        self.average(|class| u64::from(self.targets[class] + self.predictions[class] > 0))
    }

    /// Mean weighted by the examples of each class, as scikit-learn's `average="weighted"`. Its recall is the accuracy.
    pub fn weighted_average(&self) -> ClassScores {
        self.average(|class| self.targets[class])
    }

    fn average(&self, weight: impl Fn(usize) -> u64) -> ClassScores {
        let mut sum = ClassScores { precision: 0.0, recall: 0.0, f1: 0.0, support: self.total };
        let mut weights = 0.0;
        for (class, scores) in self.scores().into_iter().enumerate() {
            let weight = weight(class) as f64;
            sum.precision += weight * scores.precision;
            sum.recall += weight * scores.recall;
            sum.f1 += weight * scores.f1;
            weights += weight;
        }
        if weights > 0.0 {
            sum.precision /= weights;
            sum.recall /= weights;
            sum.f1 /= weights;
        }
        sum
    }
}

fn quotient(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Three classes and a fourth that neither occurs nor is predicted, counted by hand:
    ///
    /// ```text
    ///          predicted 0  1  2
    /// target 0           3  1  0     recall 3/4   precision 3/3   f1 6/7
    /// target 1           0  2  0     recall 2/2   precision 2/4   f1 4/6
    /// target 2           0  1  1     recall 1/2   precision 1/1   f1 2/3
    /// ```
    fn by_hand() -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(4);
        matrix.add_batch(&[0, 0, 0, 0, 1, 1, 2, 2], &[0, 0, 0, 1, 1, 1, 1, 2]).unwrap();
        matrix
    }

    fn close(scores: ClassScores, [precision, recall, f1]: [f64; 3], support: u64) {
        for (found, expected) in [(scores.precision, precision), (scores.recall, recall), (scores.f1, f1)] {
            assert!((found - expected).abs() < 1e-14, "{scores:?}: {found} != {expected}");
        }
        assert_eq!(scores.support, support);
    }

    #[test]
    fn scores_equal_the_hand_values() {
        let matrix = by_hand();
        let scores = matrix.scores();
        close(scores[0], [1.0, 0.75, 6.0 / 7.0], 4);
        close(scores[1], [0.5, 1.0, 2.0 / 3.0], 2);
        close(scores[2], [1.0, 0.5, 2.0 / 3.0], 2);
        close(scores[3], [0.0, 0.0, 0.0], 0);
        close(matrix.macro_average(), [2.5 / 3.0, 2.25 / 3.0, (6.0 / 7.0 + 4.0 / 3.0) / 3.0], 8);
        close(matrix.weighted_average(), [7.0 / 8.0, 6.0 / 8.0, (24.0 / 7.0 + 8.0 / 3.0) / 8.0], 8);
        assert_eq!(matrix.accuracy(), Interval::wilson(6, 8));
        assert_eq!(matrix.majority_baseline(), Interval::wilson(4, 8));
    }

    #[test]
    fn scores_equal_the_reference() {
        // The same integer formula as in tests/reference/metrics.py.
        let mut matrix = ConfusionMatrix::new(5);
        for i in 0..200_usize {
            let target = (i * i + i / 7) % 5;
            let predicted = if (i * 7) % 11 < 8 { target } else { (i * 3 + 1) % 4 };
            matrix.add(target, predicted).unwrap();
        }
        for (class, (scores, expected)) in matrix.scores().into_iter().zip(REFERENCE).enumerate() {
            close(scores, expected, matrix.support(class));
        }
        close(matrix.macro_average(), REFERENCE_MACRO, 200);
        close(matrix.weighted_average(), REFERENCE_WEIGHTED, 200);
        assert!((matrix.accuracy().value - REFERENCE_ACCURACY).abs() < 1e-14);
    }

    #[test]
    fn mistakes_come_in_order() {
        let mut matrix = by_hand();
        matrix.add(2, 1).unwrap();
        let mistake = |target, predicted, count| Confusion { target, predicted, count };
        assert_eq!(matrix.mistakes(10), [mistake(2, 1, 2), mistake(0, 1, 1)]);
        assert_eq!(matrix.mistakes(1), [mistake(2, 1, 2)]);
    }

    #[test]
    fn refuses_what_does_not_fit_and_stays_as_it_was() {
        let mut matrix = by_hand();
        let said = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(said(matrix.add(4, 0)), "confusion matrix: target class 4 of 4 classes");
        assert_eq!(said(matrix.add_batch(&[0, 1], &[0, 9])), "confusion matrix: predicted class 9 of 4 classes");
        assert_eq!(said(matrix.add_batch(&[0, 1], &[0])), "confusion matrix: 2 targets but 1 predictions");
        assert_eq!(said(matrix.merge(&ConfusionMatrix::new(2))), "confusion matrix: cannot merge 2 classes into 4");
        assert_eq!(matrix, by_hand());
    }

    #[test]
    fn an_empty_matrix_scores_nothing() {
        for classes in [0, 3] {
            let matrix = ConfusionMatrix::new(classes);
            assert!(matrix.accuracy().value.is_nan());
            assert!(matrix.majority_baseline().value.is_nan());
            close(matrix.macro_average(), [0.0; 3], 0);
            close(matrix.weighted_average(), [0.0; 3], 0);
        }
    }

    proptest! {
        #[test]
        fn order_and_parts_do_not_matter(pairs in prop::collection::vec((0_usize..6, 0_usize..6), 0..200), cut in 0_usize..200) {
            let fill = |pairs: &[(usize, usize)]| {
                let mut matrix = ConfusionMatrix::new(6);
                pairs.iter().for_each(|&(target, predicted)| matrix.add(target, predicted).unwrap());
                matrix
            };
            let whole = fill(&pairs);
            let (head, tail) = pairs.split_at(cut.min(pairs.len()));
            let mut parts = fill(tail);
            parts.merge(&fill(head)).unwrap();
            prop_assert_eq!(&parts, &whole);
            if !pairs.is_empty() {
                let right = pairs.iter().filter(|(target, predicted)| target == predicted).count();
                prop_assert_eq!(whole.accuracy().value, right as f64 / pairs.len() as f64);
                prop_assert!((whole.weighted_average().recall - whole.accuracy().value).abs() < 1e-12);
                prop_assert_eq!(whole.cells().map(|cell| cell.count).sum::<u64>(), pairs.len() as u64);
            }
        }
    }

    const REFERENCE: [[f64; 3]; 5] = [
        [0.7884615384615384, 0.803921568627451, 0.7961165048543688],
        [0.7027027027027027, 0.7222222222222222, 0.7123287671232876],
        [0.7441860465116279, 0.7804878048780488, 0.761904761904762],
        [0.7857142857142857, 0.868421052631579, 0.825],
        [1.0, 0.7647058823529411, 0.8666666666666666],
    ];
    const REFERENCE_MACRO: [f64; 3] = [0.804212914678031, 0.7879517061424484, 0.7924033401098171];
    const REFERENCE_WEIGHTED: [f64; 3] = [0.7993880326147769, 0.79, 0.7915026963438653];
    const REFERENCE_ACCURACY: f64 = 0.79;
}
