//! What a text can be predicted with by counting: the figures that a network has to beat.

use std::collections::HashMap;

/// How well counts in one text predict another; nats in all, over every token but the first, as a network is scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baselines {
    /// From how often each token occurs: with `c` of `n` tokens and `v` tokens in the vocabulary `(c + 1) / (n + v)` (Laplace).
    pub unigram: f64,
    /// From how often it follows the token before it: with `c` of the `n` tokens behind that one, among which are `t` different
    /// ones, `(c + t p) / (n + t)` with `p` of [`unigram`](Self::unigram) (Witten and Bell 1991, method C, interpolated).
    pub bigram: f64,
}

impl Baselines {
    /// Counts in `train` and predicts `text`; both of tokens below `vocabulary`.
    pub fn new(train: &[u32], text: &[u32], vocabulary: usize) -> Self {
        let mut counts = vec![0u64; vocabulary];
        train.iter().for_each(|&token| counts[token as usize] += 1);
        let total = (train.len() + vocabulary) as f64;
        let unigram = |token: u32| (counts[token as usize] + 1) as f64 / total;

        let mut pairs = HashMap::<(u32, u32), u64>::new();
        // Of each token: how many follow it, and how many different ones.
        let mut followers = vec![(0u64, 0u64); vocabulary];
        for pair in train.windows(2) {
            let count = pairs.entry((pair[0], pair[1])).or_default();
            let (all, different) = &mut followers[pair[0] as usize];
            *all += 1;
            *different += u64::from(*count == 0);
            *count += 1;
        }
        let bigram = |before: u32, token: u32| {
            let (all, different) = followers[before as usize];
            if all == 0 {
                return unigram(token);
            }
            let count = pairs.get(&(before, token)).copied().unwrap_or_default();
            (count as f64 + different as f64 * unigram(token)) / (all + different) as f64
        };
        let (mut sums, pairs) = ([0.0, 0.0], text.windows(2));
        for pair in pairs {
            sums[0] -= unigram(pair[1]).ln();
            sums[1] -= bigram(pair[0], pair[1]).ln();
        }
        Self { unigram: sums[0], bigram: sums[1] }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_predict_as_by_hand() {
        // a a b a: p(a) = 4/6, p(b) = 2/6; behind a stand a and b, behind b stands a.
        let found = Baselines::new(&[0, 0, 1, 0], &[1, 0, 1], 2);
        let expected = -(4.0f64 / 6.0).ln() - (2.0f64 / 6.0).ln();
        assert!((found.unigram - expected).abs() < 1e-12);
        // p(a | b) = (1 + 1 * 4/6) / (1 + 1), p(b | a) = (1 + 2 * 2/6) / (2 + 2).
        let expected = -(10.0f64 / 12.0).ln() - (5.0f64 / 12.0).ln();
        assert!((found.bigram - expected).abs() < 1e-12);
    }

    #[test]
    fn what_was_never_seen_has_a_finite_price() {
        let found = Baselines::new(&[0, 1], &[2, 2, 3], 4);
        assert!(found.unigram.is_finite() && found.bigram.is_finite());
        assert!((found.bigram - found.unigram).abs() < 1e-12, "nothing is known of what follows an unseen token");
        assert_eq!(Baselines::new(&[], &[0], 1), Baselines { unigram: 0.0, bigram: 0.0 });
    }

    proptest! {
        /// What follows any token has probabilities that sum to 1.
        #[test]
        fn probabilities_sum_to_one(train in prop::collection::vec(0..5u32, 0..40), before in 0..5u32) {
            let price = |token| Baselines::new(&train, &[before, token], 5);
            let sum = |of: fn(Baselines) -> f64| (0..5).map(|token| (-of(price(token))).exp()).sum::<f64>();
            prop_assert!((sum(|b| b.unigram) - 1.0).abs() < 1e-9);
            prop_assert!((sum(|b| b.bigram) - 1.0).abs() < 1e-9);
        }
    }
}
