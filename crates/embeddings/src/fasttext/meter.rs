//! Precision, recall and F1 of predicted labels.

use std::fmt;

use super::predict::Prediction;

/// Labels counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the data.
    pub gold: u64,
    /// Predicted.
    pub predicted: u64,
    /// Predicted, and in the data.
    pub right: u64,
}

impl Counts {
    /// Right ones among those predicted; NaN when none was.
    pub fn precision(self) -> f64 {
        self.right as f64 / self.predicted as f64
    }

    /// Right ones among those in the data; NaN when there are none.
    pub fn recall(self) -> f64 {
        self.right as f64 / self.gold as f64
    }

    /// Their harmonic mean; NaN when no label was predicted or in the data.
    pub fn f1(self) -> f64 {
        2.0 * self.right as f64 / (self.predicted + self.gold) as f64
    }
}

/// Counts of all labels together and of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Meter {
    /// Lines with at least one label.
    pub examples: u64,
    /// All labels together.
    pub all: Counts,
    /// Each label.
    pub labels: Vec<Counts>,
    /// For each label the probabilities it was predicted with, and whether rightly; those it was missed in with -1.
    scores: Vec<Vec<(f32, bool)>>,
}

impl Meter {
    /// For so many labels.
    pub fn new(labels: usize) -> Self {
        Self {
            examples: 0,
            all: Counts::default(),
            labels: vec![Counts::default(); labels],
            scores: vec![Vec::new(); labels],
        }
    }

    /// Counts one line. Labels the meter does not have are left out.
    pub fn add(&mut self, gold: &[u32], predicted: &[Prediction]) {
        self.examples += 1;
        for &label in gold {
            let label = label as usize;
            self.all.gold += 1;
            if let Some(counts) = self.labels.get_mut(label) {
                counts.gold += 1;
                if predicted.iter().all(|p| p.label != label) {
                    self.scores[label].push((-1.0, true));
                }
            }
        }
        for p in predicted {
            let right = gold.contains(&(p.label as u32));
            self.all.predicted += 1;
            self.all.right += u64::from(right);
            if let Some(counts) = self.labels.get_mut(p.label) {
                counts.predicted += 1;
                counts.right += u64::from(right);
                self.scores[p.label].push((p.probability.min(1.0), right));
            }
        }
    }

    /// The best precision at a probability threshold that leaves at least this recall; of one label, or of all together.
    pub fn precision_at_recall(&self, label: Option<usize>, recall: f64) -> f64 {
        let (curve, gold) = self.curve(label);
        let points = curve.filter(|&(right, _)| right as f64 / gold as f64 >= recall);
        points.map(|(right, predicted)| right as f64 / predicted as f64).fold(0.0, f64::max)
    }

    /// The best recall at a probability threshold that leaves at least this precision; of one label, or of all together.
    pub fn recall_at_precision(&self, label: Option<usize>, precision: f64) -> f64 {
        let (curve, gold) = self.curve(label);
        let points = curve.filter(|&(right, predicted)| right as f64 / predicted as f64 >= precision);
        points.map(|(right, _)| right as f64 / gold as f64).fold(0.0, f64::max)
    }

    /// Right and predicted labels at each threshold from the highest; and labels in the data.
    fn curve(&self, label: Option<usize>) -> (impl Iterator<Item = (u64, u64)>, u64) {
        let (scores, gold) = match label {
            Some(label) => (
                self.scores.get(label).cloned().unwrap_or_default(),
                self.labels.get(label).map_or(0, |counts| counts.gold),
            ),
            None => (self.scores.concat(), self.all.gold),
        };
        let mut scores: Vec<_> = scores.into_iter().filter(|&(score, _)| score >= 0.0).collect();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut points = Vec::new();
        let (mut right, mut predicted) = (0, 0);
        for equal in scores.chunk_by(|a, b| a.0 == b.0) {
            right += equal.iter().filter(|(_, right)| *right).count() as u64;
            predicted += equal.len() as u64;
            points.push((right, predicted));
        }
        (points.into_iter(), gold)
    }

    /// What `fasttext test` prints for the best `k`.
    pub fn general(&self, k: usize) -> String {
        let three = |value: f64| super::write::digits(value as f32, 3);
        let (precision, recall) = (three(self.all.precision()), three(self.all.recall()));
        format!("N\t{}\nP@{k}\t{precision}\nR@{k}\t{recall}\n", self.examples)
    }

    /// The line of `fasttext test-label` for one label.
    pub fn label_line(&self, label: usize, name: &str) -> String {
        let counts = self.labels.get(label).copied().unwrap_or_default();
        let mut line = String::new();
        for (what, value) in [("F1-Score", counts.f1()), ("Precision", counts.precision()), ("Recall", counts.recall())]
        {
            let value = if value.is_finite() { format!("{value:.6}") } else { "--------".into() };
            line += &format!("{what} : {value}  ");
        }
        line + " " + name + "\n"
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "precision {:.4}, recall {:.4}, F1 {:.4}", self.precision(), self.recall(), self.f1())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_hand() {
        let mut meter = Meter::new(3);
        let p = |label, probability| Prediction { label, probability };
        meter.add(&[0], &[p(0, 0.9), p(1, 0.1)]);
        meter.add(&[1, 2], &[p(1, 0.6), p(0, 0.4)]);
        assert_eq!(meter.examples, 2);
        assert_eq!(meter.all, Counts { gold: 3, predicted: 4, right: 2 });
        assert_eq!(meter.labels[1], Counts { gold: 1, predicted: 2, right: 1 });
        assert_eq!(meter.general(2), "N\t2\nP@2\t0.5\nR@2\t0.667\n");
        assert_eq!(meter.label_line(0, "x"), "F1-Score : 0.666667  Precision : 0.500000  Recall : 1.000000   x\n");
        assert!(meter.label_line(2, "z").contains("Precision : --------"));
        // Thresholds 0.9, 0.6: all right, recall 1/3 and 2/3.
        assert_eq!(meter.recall_at_precision(None, 1.0), 2.0 / 3.0);
        assert_eq!(meter.precision_at_recall(None, 0.6), 1.0);
        assert_eq!(meter.precision_at_recall(Some(2), 0.5), 0.0);
    }
}
