//! The timing problem (Gers and Schmidhuber 2000; Gers, Schraudolph and Schmidhuber 2002): spikes that come every `length` steps, or one
//! step earlier.
//!
//! The only input is 1 at a spike and 0 elsewhere. The pause before each spike is `length - 1` or `length` steps, at random; at each
//! spike but the first the answer is which it was: 0 or 1. A sequence has four spikes, the first after a random pause.
//!
//! Nothing but the clock that runs inside the network tells the two apart. A gate that sees its cell (a peephole) can open when the
//! cell has counted far enough; without, it sees the cell only through the output gate.

use ognivo_core::random::{Rng, below};

use super::Sequence;

/// Pauses in a sequence.
pub const PAUSES: usize = 3;

pub(super) const FEATURES: usize = 1;
pub(super) const SHORTEST: usize = 3;

pub(super) fn sample(length: usize, rng: &mut impl Rng) -> Sequence {
    let mut spike = below(rng, length);
    let mut spikes = vec![spike];
    let mut answers = Vec::with_capacity(PAUSES);
    for _ in 0..PAUSES {
        let longer = below(rng, 2);
        spike += length - 1 + longer;
        spikes.push(spike);
        answers.push((spike, longer as f32));
    }
    let mut inputs = vec![0.0; spike + 1];
    spikes.into_iter().for_each(|spike| inputs[spike] = 1.0);
    Sequence { inputs, answers }
}
