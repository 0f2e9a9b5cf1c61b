//! Random streams that depend on numbers alone.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One number from a seed and the parts of a name.
pub fn mix(seed: u64, parts: &[u64]) -> u64 {
    stream(seed, parts).next_u64()
}

/// A generator.
pub fn stream(seed: u64, parts: &[u64]) -> ChaCha8Rng {
    let mut state = seed;
    for part in parts {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(*part);
    }
    ChaCha8Rng::seed_from_u64(state)
}

/// A permutation.
pub fn permutation(seed: u64, epoch: u64, n: usize) -> Vec<usize> {
    let mut r = stream(seed, &[epoch]);
    let mut v: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        v.swap(i, (r.next_u64() % (i as u64 + 1)) as usize);
    }
    v
}
