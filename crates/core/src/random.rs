//! Random numbers that can be drawn again: a generator is a pure function of the seed and of what it is for.
//!
//! Nothing here keeps a state between calls, so work may be done in any order and by any number of threads, and a run
//! that was stopped goes on with the numbers it would have had. The sequences are part of the file format: they never
//! change.

pub use rand::Rng;
use rand::SeedableRng;
pub use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// First part of the [`stream`] that orders the items of an epoch.
pub const ORDER: u64 = 1;
/// First part of the [`stream`] that augments an item.
pub const AUGMENT: u64 = 2;
/// First part of the [`stream`] that pairs the items of a batch.
pub const MIXUP: u64 = 3;

/// First part of the [`stream`] that seeds the device before a training step.
pub const STEP: u64 = 4;
/// First part of the [`stream`] that seeds the device before a network is made.
pub const INIT: u64 = 5;

/// The generator for one purpose: ChaCha with 8 rounds, stream 0, from block 0, whose 256-bit key is the SHA-256 of
/// `seed` followed by `parts`, each as 8 bytes, lowest first.
///
/// The first part says what the numbers are for ([`ORDER`], [`AUGMENT`], ...), the others where: epoch, index.
pub fn stream(seed: u64, parts: &[u64]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for part in parts {
        hash.update(part.to_le_bytes());
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// The order of `n` items in `epoch`: every order is equally likely (Fisher and Yates, from the back).
pub fn permutation(seed: u64, epoch: u64, n: usize) -> Vec<usize> {
    shuffled(&mut stream(seed, &[ORDER, epoch]), n)
}

/// The numbers below `n` in random order.
pub fn shuffled(rng: &mut impl Rng, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, below(rng, i + 1));
    }
    order
}

/// A whole number below `n`, from one 64-bit draw; 0 if `n` is 0. No number is likelier than another by more than
/// `n / 2^64`.
pub fn below(rng: &mut impl Rng, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// A number from 0 up to, not including, 1: 24 random bits, from one 32-bit draw.
pub fn uniform(rng: &mut impl Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// A number from 0 up to, not including, 1: 53 random bits, from one 64-bit draw.
pub fn uniform_f64(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A standard normal number, from two 64-bit draws (Box and Muller 1958).
pub fn normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform_f64(rng)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform_f64(rng)).cos()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// Made by `tests/reference/random_streams.py`, which has a ChaCha of its own.
    #[derive(Deserialize)]
    struct Frozen {
        streams: Vec<(u64, Vec<u64>, Vec<u32>)>,
        permutations: Vec<(u64, u64, usize, Vec<usize>)>,
    }

    #[test]
    fn sequences_never_change() {
        let frozen: Frozen = serde_json::from_str(include_str!("../tests/reference/random_streams.json")).unwrap();
        assert_eq!((frozen.streams.len(), frozen.permutations.len()), (5, 4));
        for (seed, parts, expected) in frozen.streams {
            let mut rng = stream(seed, &parts);
            let found: Vec<u32> = expected.iter().map(|_| rng.next_u32()).collect();
            assert_eq!(found, expected, "seed {seed}, parts {parts:?}");
        }
        for (seed, epoch, n, expected) in frozen.permutations {
            assert_eq!(permutation(seed, epoch, n), expected, "seed {seed}, epoch {epoch}");
        }
    }

    #[test]
    fn streams_for_different_purposes_differ() {
        let first = |seed, parts: &[u64]| stream(seed, parts).next_u64();
        let all =
            [first(1, &[]), first(1, &[0]), first(1, &[0, 0]), first(0, &[1]), first(1, &[0, 1]), first(1, &[1, 0])];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b), "{all:?}");
        }
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let mut rng = stream(3, &[]);
        let mut counts = [0u32; 7];
        let (mut sum, mut sum64) = (0.0, 0.0);
        for _ in 0..70_000 {
            counts[below(&mut rng, 7)] += 1;
            sum += f64::from(uniform(&mut rng));
            sum64 += uniform_f64(&mut rng);
        }
        // Five standard deviations.
        assert!(counts.iter().all(|&count| (count as f64 - 10_000.0).abs() < 463.0), "{counts:?}");
        for mean in [sum / 70_000.0, sum64 / 70_000.0] {
            assert!((mean - 0.5).abs() < 0.0055, "{mean}");
        }
    }

    #[test]
    fn normal_numbers_have_mean_0_and_the_moments_of_the_normal_law() {
        let mut rng = stream(4, &[]);
        let draws: Vec<f64> = (0..100_000).map(|_| normal(&mut rng)).collect();
        let moment = |power: i32| draws.iter().map(|draw| draw.powi(power)).sum::<f64>() / draws.len() as f64;
        // Five standard deviations of each: of x, x^2, x^3 and x^4 these are 1, sqrt(2), sqrt(15), sqrt(96).
        for (power, expected, deviation) in
            [(1, 0.0, 1.0f64), (2, 1.0, 2f64.sqrt()), (3, 0.0, 15f64.sqrt()), (4, 3.0, 96f64.sqrt())]
        {
            let found = moment(power);
            assert!((found - expected).abs() < 5.0 * deviation / (draws.len() as f64).sqrt(), "{power}: {found}");
        }
    }

    proptest! {
        #[test]
        fn permutation_holds_every_item_once(seed: u64, epoch: u64, n in 0..300usize) {
            let mut order = permutation(seed, epoch, n);
            order.sort_unstable();
            prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
        }

        #[test]
        fn numbers_stay_in_range(seed: u64, n in 1..usize::MAX) {
            let mut rng = stream(seed, &[]);
            prop_assert!(below(&mut rng, n) < n);
            prop_assert!((0.0..1.0).contains(&uniform(&mut rng)));
            prop_assert!((0.0..1.0).contains(&uniform_f64(&mut rng)));
        }
    }
}
