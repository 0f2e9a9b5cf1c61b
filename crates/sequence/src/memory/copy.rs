//! The copy problem (after Hochreiter and Schmidhuber 1997; in this form Arjovsky, Shah and Bengio 2016).
//!
//! Five symbols of eight, then a pause, a signal, and five steps at which the symbols are to be repeated in their order. The length is
//! the number of steps that each symbol must be kept for.

use ognivo_core::random::{Rng, below};

use super::Sequence;

/// Different symbols.
pub const SYMBOLS: usize = 8;
/// Symbols to be repeated.
pub const REMEMBERED: usize = 5;

/// One-hot: the symbols, the pause, the signal.
pub(super) const FEATURES: usize = SYMBOLS + 2;
pub(super) const SHORTEST: usize = REMEMBERED;

const PAUSE: usize = SYMBOLS;
const SIGNAL: usize = SYMBOLS + 1;

pub(super) fn sample(length: usize, rng: &mut impl Rng) -> Sequence {
    let symbols: Vec<usize> = (0..REMEMBERED).map(|_| below(rng, SYMBOLS)).collect();
    let steps = length + REMEMBERED;
    let mut inputs = vec![0.0; steps * FEATURES];
    for step in 0..steps {
        let input = match step {
            step if step < REMEMBERED => symbols[step],
            // The answers begin together with the signal.
            step if step == length => SIGNAL,
            _ => PAUSE,
        };
        inputs[step * FEATURES + input] = 1.0;
    }
    let answers = symbols.iter().enumerate().map(|(place, &symbol)| (length + place, symbol as f32)).collect();
    Sequence { inputs, answers }
}
