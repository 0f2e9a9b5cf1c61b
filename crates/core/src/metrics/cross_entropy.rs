//! The mean of a loss over a whole data set.

use crate::{Error, Result};

/// Mean cross-entropy in nats over items (images, characters, words), summed in `f64`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    sum: f64,
    items: u64,
}

impl CrossEntropy {
    /// Nothing added yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one item: `-ln softmax(logits)[target]`, computed in `f64` without overflow.
    ///
    /// # Errors
    /// A target without a logit.
    pub fn add_logits(&mut self, logits: &[f32], target: usize) -> Result<()> {
        let Some(&own) = logits.get(target) else {
            return Err(Error::Data(format!("target class {target} but {} logits", logits.len())));
        };
        let highest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - highest).exp()).sum();
        self.add_mean(highest - f64::from(own) + sum.ln(), 1);
        Ok(())
    }

    /// Adds a batch whose mean loss over `items` items is known.
    pub fn add_mean(&mut self, mean: f64, items: u64) {
        if items > 0 {
            self.sum += mean * items as f64;
            self.items += items;
        }
    }

    /// Mean over the items; NaN of none.
    pub fn mean(&self) -> f64 {
        self.sum / self.items as f64
    }

    /// `e` to the mean: how many equally likely choices would be as uncertain.
    pub fn perplexity(&self) -> f64 {
        self.mean().exp()
    }

    /// Items added.
    pub fn items(&self) -> u64 {
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut loss = CrossEntropy::new();
        // Four equal logits: ln 4. Then logits 0 and ln 3: probabilities 1/4 and 3/4.
        loss.add_logits(&[7.0; 4], 2).unwrap();
        loss.add_logits(&[0.0, 3_f32.ln()], 0).unwrap();
        assert!((loss.mean() - 4_f64.ln()).abs() < 1e-7, "{}", loss.mean());
        assert!((loss.perplexity() - 4.0).abs() < 1e-6);
        assert_eq!(loss.items(), 2);
    }

    /// `scipy.special.log_softmax`: tests/reference/metrics.py.
    #[test]
    fn equals_the_reference_without_overflow() {
        let logits = [1000.0, 999.0, -1000.0, 998.5];
        for (target, expected) in LOG_SOFTMAX.into_iter().enumerate() {
            let mut loss = CrossEntropy::new();
            loss.add_logits(&logits, target).unwrap();
            assert!((loss.mean() + expected).abs() <= 1e-13 * expected.abs(), "{target}: {}", loss.mean());
        }
    }

    #[test]
    fn batches_weigh_by_their_items() {
        let mut loss = CrossEntropy::new();
        loss.add_mean(1.0, 30);
        loss.add_mean(f64::NAN, 0);
        loss.add_mean(2.0, 10);
        assert_eq!(loss.mean(), 1.25);
        assert!(CrossEntropy::new().mean().is_nan());
        assert!(loss.add_logits(&[0.0], 1).is_err());
        loss.add_mean(f64::NAN, 1);
        assert!(loss.mean().is_nan(), "a loss that is not a number must show");
    }

    const LOG_SOFTMAX: [f64; 4] = [-0.4643687841079449, -1.464368784107945, -2000.464368784108, -1.964368784107945];
}
