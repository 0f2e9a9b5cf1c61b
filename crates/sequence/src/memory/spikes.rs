//! Generating timed spikes (Gers and Schmidhuber 2000; Gers, Schraudolph and Schmidhuber 2002): after one spike in the input, which is
//! otherwise 0, the answer is a spike every `length` steps.
//!
//! At every step after the spike the answer is whether it is the time for one: 0 or 1. There are three. The first spike comes after a
//! random pause. Nothing resets the network's clock but itself.

use ognivo_core::random::{Rng, below};

use super::Sequence;

/// Spikes to be generated.
pub const SPIKES: usize = 3;

pub(super) const FEATURES: usize = 1;
pub(super) const SHORTEST: usize = 2;

/// The entropy of an answer of which one in `length` is a spike.
pub(super) fn entropy(length: usize) -> f64 {
    let share = 1.0 / length as f64;
    -(share * share.ln() + (1.0 - share) * (1.0 - share).ln())
}

pub(super) fn sample(length: usize, rng: &mut impl Rng) -> Sequence {
    let first = below(rng, length);
    let steps = first + SPIKES * length + 1;
    let mut inputs = vec![0.0; steps];
    inputs[first] = 1.0;
    let answers = (first + 1..steps).map(|step| (step, f32::from(u8::from((step - first).is_multiple_of(length)))));
    Sequence { inputs, answers: answers.collect() }
}
