//! Fast random numbers for the inner loop.

use serde::{Deserialize, Serialize};

/// SplitMix64 (Steele, Lea and Flood 2014): eight bytes of state, a few cycles a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rng(u64);

impl Rng {
    /// A generator for one purpose: it follows from the seed and the parts alone.
    pub fn new(seed: u64, parts: &[u64]) -> Self {
        let mut rng = Self(seed);
        for &part in parts {
            rng.0 = rng.next_u64() ^ part.wrapping_mul(0xd1b5_4a32_d192_ed03);
        }
        Self(rng.next_u64())
    }

    /// The generator in a state of its own.
    pub(crate) fn from_state(state: u64) -> Self {
        Self(state)
    }

    /// 64 random bits.
    #[inline(always)]
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// 32 random bits.
    #[inline(always)]
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A whole number below `n`; 0 if `n` is 0.
    #[inline(always)]
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// A number from 0 up to, not including, 1, with 24 random bits.
    #[inline(always)]
    pub fn uniform(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1 << 24) as f32
    }
}

/// The finalizer of SplitMix64: every bit of the result depends on every bit of `x`.
#[inline(always)]
pub(crate) fn mixed(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence_comes_out() {
        // The first numbers of SplitMix64 from state 1234567, as given with its reference implementation.
        let mut rng = Rng(1_234_567);
        let found: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(found, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn purposes_differ_and_numbers_are_even() {
        assert_ne!(Rng::new(1, &[0]), Rng::new(1, &[1]));
        assert_ne!(Rng::new(1, &[0, 1]), Rng::new(1, &[1, 0]));
        let mut rng = Rng::new(5, &[]);
        let mut counts = [0i32; 5];
        (0..50_000).for_each(|_| counts[rng.below(5) as usize] += 1);
        assert!(counts.iter().all(|count| (count - 10_000).abs() < 450), "{counts:?}");
        let mean = (0..50_000).map(|_| rng.uniform()).sum::<f32>() / 50_000.0;
        assert!((mean - 0.5).abs() < 0.0065, "{mean}");
    }
}
