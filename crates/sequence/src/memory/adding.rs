//! The adding problem (Hochreiter and Schmidhuber 1997, experiment 4).
//!
//! A step is a number from -1 to 1 and a marker. Two numbers are marked with 1: one of the first ten steps, then one of the first half
//! of the sequence; the first and the last step have marker -1, all others 0. At the end the answer is `0.5 + (X1 + X2) / 4`, where a
//! marked first number counts as 0. A sequence of length `T` has `T` to `T + T / 10` steps.

use ognivo_core::random::{Rng, below, uniform};

use super::Sequence;

pub(super) const FEATURES: usize = 2;
pub(super) const SHORTEST: usize = 6;

/// A sequence is right when its answer is nearer than this.
pub const TOLERANCE: f32 = 0.04;

/// The variance of the answers: that of a number is 1/3, unless it is the first.
pub(super) fn variance(length: usize) -> f64 {
    (2.0 - first_marked(length)) / 3.0 / 16.0
}

/// The chance that an answer is nearer to 0.5 than [`TOLERANCE`], so that `|X1 + X2| < 0.16`: the sum has density `(2 - |s|) / 4`; a
/// number alone 1/2.
pub(super) fn correct_by_chance(length: usize) -> f64 {
    let alone = first_marked(length);
    alone * 0.16 + (1.0 - alone) * (0.16 - 0.16 * 0.16 / 4.0)
}

/// The chance that the first step is marked, whose number counts as 0.
fn first_marked(length: usize) -> f64 {
    let half = (length / 2) as f64;
    let by_first = 1.0 / half.min(10.0);
    by_first + (1.0 - by_first) / (half - 1.0)
}

pub(super) fn sample(length: usize, rng: &mut impl Rng) -> Sequence {
    let steps = length + below(rng, length / 10 + 1);
    let numbers: Vec<f32> = (0..steps).map(|_| 2.0 * uniform(rng) - 1.0).collect();
    let first = below(rng, (length / 2).min(10));
    // One of the first half that is not marked yet.
    let second = below(rng, length / 2 - 1);
    let second = second + usize::from(second >= first);
    let counts = |step: usize| if step == 0 { 0.0 } else { numbers[step] };
    let answer = 0.5 + (counts(first) + counts(second)) / 4.0;
    let marker = |step: usize| match step {
        step if step == first || step == second => 1.0,
        step if step == 0 || step == steps - 1 => -1.0,
        _ => 0.0,
    };
    let inputs = (0..steps).flat_map(|step| [numbers[step], marker(step)]).collect();
    Sequence { inputs, answers: vec![(steps - 1, answer)] }
}
