//! The temporal order problem (Hochreiter and Schmidhuber 1997, experiment 6a).
//!
//! One-hot symbols: `E` begins, `B` ends, between them stand `a b c d` at random, and at two places `X` or `Y`: one between a tenth and
//! a fifth of the length, the other between a half and three fifths. At the end the answer is which of the four pairs it was: `XX`,
//! `XY`, `YX`, `YY`. A sequence of length `T` has `T` to `T + T / 10` steps.

use ognivo_core::random::{Rng, below};

use super::Sequence;

/// Pairs.
pub const CLASSES: usize = 4;

pub(super) const FEATURES: usize = 8;
pub(super) const SHORTEST: usize = 10;

/// `X` and `Y` are 0 and 1, `a b c d` the next four.
const BEGIN: usize = 6;
const END: usize = 7;

pub(super) fn sample(length: usize, rng: &mut impl Rng) -> Sequence {
    let steps = length + below(rng, length / 10 + 1);
    let first = length / 10 + below(rng, length / 5 - length / 10 + 1);
    let second = length / 2 + below(rng, 3 * length / 5 - length / 2 + 1);
    let pair = [below(rng, 2), below(rng, 2)];
    let mut inputs = vec![0.0; steps * FEATURES];
    for step in 0..steps {
        let noise = 2 + below(rng, 4);
        let symbol = match step {
            0 => BEGIN,
            step if step == steps - 1 => END,
            step if step == first => pair[0],
            step if step == second => pair[1],
            _ => noise,
        };
        inputs[step * FEATURES + symbol] = 1.0;
    }
    Sequence { inputs, answers: vec![(steps - 1, (2 * pair[0] + pair[1]) as f32)] }
}
