//! A random order that takes no memory.

use ognivo_core::random::{self, Rng};

/// First part of the [`random::stream`] that orders the nodes where walks begin: "start" in ASCII.
const START: u64 = u64::from_be_bytes(*b"start\0\0\0");

/// A random permutation of the numbers below `n`, any place of which can be asked for at once: a Feistel network of four rounds
/// on the smallest even number of bits, at least 8, that holds `n`, applied until it falls below `n` (Black and Rogaway 2002, cycle walking).
pub(super) struct Order {
    keys: [u64; 4],
    half: u32,
    n: u64,
}

impl Order {
    /// The order number `round` of a seed; `n` is at most 2^32.
    pub(super) fn new(seed: u64, round: u64, n: u64) -> Self {
        let mut rng = random::stream(seed, &[START, round]);
        let bits = u64::BITS - n.saturating_sub(1).leading_zeros();
        Self { keys: std::array::from_fn(|_| rng.next_u64()), half: bits.div_ceil(2).max(4), n }
    }

    /// What stands at `place`, which is below `n`.
    pub(super) fn at(&self, place: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let mut value = place;
        loop {
            let (mut left, mut right) = (value >> self.half, value & mask);
            for key in self.keys {
                (left, right) = (right, left ^ (mix(right ^ key) & mask));
            }
            value = left << self.half | right;
            if value < self.n {
                return value;
            }
        }
    }
}

/// The finaliser of MurmurHash3: every bit of the input changes every bit of the output.
fn mix(mut value: u64) -> u64 {
    value = (value ^ value >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value = (value ^ value >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ value >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_stands_somewhere_once() {
        for n in [1, 2, 3, 4, 5, 17, 64, 65, 1000] {
            let order = Order::new(1, n, n);
            let mut numbers: Vec<u64> = (0..n).map(|place| order.at(place)).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..n).collect::<Vec<_>>());
        }
    }

    /// All 24 orders of 4 numbers, and each number at each of 50 places, are about equally frequent.
    #[test]
    fn orders_are_spread_evenly() {
        let mut counts = std::collections::HashMap::new();
        for round in 0..24_000 {
            let order = Order::new(7, round, 4);
            *counts.entry([0, 1, 2, 3].map(|place| order.at(place))).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        let chi: f64 = counts.values().map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0).sum();
        // 23 degrees of freedom: above 58 once in ten thousand.
        assert!(chi < 58.0, "{chi}");
        let mut places = vec![0u32; 50 * 50];
        for round in 0..10_000 {
            let order = Order::new(8, round, 50);
            (0..50).for_each(|place| places[(place * 50 + order.at(place)) as usize] += 1);
        }
        let chi: f64 = places.iter().map(|&count| (f64::from(count) - 200.0).powi(2) / 200.0).sum();
        // 49 x 49 degrees of freedom, plus or minus four standard deviations of 69.
        assert!((2401.0 - chi).abs() < 280.0, "{chi}");
    }
}
