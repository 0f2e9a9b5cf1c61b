//! Accuracy that forgives k-1 better guesses.

use super::Interval;
use crate::{Error, Result};

/// Counts how often the target is among the `k` highest scores.
///
/// Of equal scores the lower class comes first, as an argmax takes it, so `k = 1` agrees with the accuracy of a
/// [`ConfusionMatrix`](super::ConfusionMatrix) and a network that answers the same for all classes gets no more than
/// the first `k` classes right. A row of scores that holds a NaN is a miss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopK {
    k: usize,
    hits: u64,
    total: u64,
}

impl TopK {
    /// A counter for the `k` highest scores.
    pub fn new(k: usize) -> Self {
        Self { k, hits: 0, total: 0 }
    }

    /// Counts one example: a score (logit or probability) for each class, and its class.
    ///
    /// # Errors
    /// A target without a score.
    pub fn add(&mut self, scores: &[f32], target: usize) -> Result<()> {
        let rank = rank(scores, target)?;
        self.total += 1;
        self.hits += u64::from(rank.is_some_and(|rank| rank < self.k));
        Ok(())
    }

    /// Share of examples whose target was among the `k` highest.
    pub fn accuracy(&self) -> Interval {
        Interval::wilson(self.hits, self.total)
    }

    /// The `k` of top-k.
    pub fn k(&self) -> usize {
        self.k
    }
}

/// How many classes come before `target`, highest score first, equal scores by class; `None` when a score is NaN.
///
/// # Errors
/// A target without a score.
pub fn rank(scores: &[f32], target: usize) -> Result<Option<usize>> {
    let Some(&own) = scores.get(target) else {
        return Err(Error::Data(format!("target class {target} but {} scores", scores.len())));
    };
    let before = |(class, &score): (usize, &f32)| score > own || (score == own && class < target);
    Ok((!scores.iter().any(|score| score.is_nan()))
        .then(|| scores.iter().enumerate().filter(|&item| before(item)).count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_by_hand() {
        let scores = [0.1, 0.7, -2.0, 0.7, f32::INFINITY];
        let ranks: Vec<_> = (0..5).map(|target| rank(&scores, target).unwrap()).collect();
        assert_eq!(ranks, [Some(3), Some(1), Some(4), Some(2), Some(0)]);
        assert_eq!(rank(&[0.1, f32::NAN], 0).unwrap(), None);
        assert_eq!(rank(&scores, 5).unwrap_err().to_string(), "target class 5 but 5 scores");
    }

    #[test]
    fn counts_hits() {
        let mut top = TopK::new(2);
        top.add(&[0.2, 0.5, 0.3], 2).unwrap();
        top.add(&[0.2, 0.5, 0.3], 0).unwrap();
        top.add(&[1.0, 1.0, 1.0], 1).unwrap();
        top.add(&[1.0, 1.0, 1.0], 2).unwrap();
        top.add(&[1.0, f32::NAN, 1.0], 0).unwrap();
        assert!(top.add(&[1.0], 1).is_err());
        assert_eq!(top.accuracy(), Interval::wilson(2, 5));
    }

    proptest! {
        #[test]
        fn ranks_are_a_permutation(scores in prop::collection::vec(-3_i8..3, 1..20)) {
            let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
            let mut ranks: Vec<_> = (0..scores.len()).map(|class| rank(&scores, class).unwrap().unwrap()).collect();
            ranks.sort_unstable();
            prop_assert_eq!(ranks, (0..scores.len()).collect::<Vec<_>>());
        }
    }
}
