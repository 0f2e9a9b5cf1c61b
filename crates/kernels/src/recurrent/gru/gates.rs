//! What a step does to one sequence, forward and backward, once the products are made: one pass over each row of memory.

use super::Update;
use crate::{
    recurrent::function::{sigmoid, tanh},
    simd::vectorised,
};

/// The parts `r z n` of a row.
#[inline(always)]
fn thirds(row: &mut [f32], hidden: usize) -> [&mut [f32]; 3] {
    let (r, rest) = row.split_at_mut(hidden);
    let (z, n) = rest.split_at_mut(hidden);
    [r, z, &mut n[..hidden]]
}

vectorised! {
    /// Reset and update gate from their sums.
    pub(in crate::recurrent) fn open(row: &mut [f32], hidden: usize) {
        for sum in &mut row[..2 * hidden] {
            *sum = sigmoid(*sum);
        }
    }

    /// `r * seen`, what the candidate's weight is multiplied by.
    pub(in crate::recurrent) fn reset(row: &[f32], seen: &[f32], product: &mut [f32]) {
        let n = product.len();
        for j in 0..n {
            product[j] = row[..n][j] * seen[..n][j];
        }
    }

    /// Adds `r * product` to the sum of the candidate.
    pub(in crate::recurrent) fn reset_after(row: &mut [f32], product: &[f32]) {
        let units = product.len();
        let [r, _, n] = thirds(row, units);
        for j in 0..units {
            n[j] += r[j] * product[..units][j];
        }
    }

    /// The candidate from its sum, and the new `hidden`.
    pub(in crate::recurrent) fn update(row: &mut [f32], hidden: &mut [f32], update: Update) {
        let units = hidden.len();
        let [_, z, n] = thirds(row, units);
        for j in 0..units {
            n[j] = tanh(n[j]);
            hidden[j] = match update {
                Update::Candidate => hidden[j] + z[j] * (n[j] - hidden[j]),
                Update::State => n[j] + z[j] * (hidden[j] - n[j]),
            };
        }
    }

    /// From the gradient to the new state: those to the sums of update gate and candidate, in their places, and what
    /// reaches the state before directly, in place of that to the new one.
    pub(in crate::recurrent) fn update_backward(row: &mut [f32], previous: &[f32], gradient: &mut [f32], update: Update) {
        let units = gradient.len();
        let [_, z, n] = thirds(row, units);
        let previous = &previous[..units];
        for j in 0..units {
            let (gate, candidate, dh) = (z[j], n[j], gradient[j]);
            let (share, sense) = match update {
                Update::Candidate => (gate, 1.0),
                Update::State => (1.0 - gate, -1.0),
            };
            z[j] = dh * sense * (candidate - previous[j]) * gate * (1.0 - gate);
            n[j] = dh * share * (1.0 - candidate * candidate);
            gradient[j] = dh * (1.0 - share);
        }
    }

    /// With the reset before the product: from the gradient to `r * seen`, those to the sum of the reset gate, in its
    /// place, and to `seen`, in place; `product` becomes `r * seen` once more.
    pub(in crate::recurrent) fn reset_backward(row: &mut [f32], seen: &[f32], gradient: &mut [f32], product: &mut [f32]) {
        let units = gradient.len();
        let (r, seen, product) = (&mut row[..units], &seen[..units], &mut product[..units]);
        for j in 0..units {
            let (gate, d) = (r[j], gradient[j]);
            product[j] = gate * seen[j];
            r[j] = d * seen[j] * gate * (1.0 - gate);
            gradient[j] = d * gate;
        }
    }

    /// With the reset after the product: from the gradient to the sum of the candidate, those to the sum of the reset
    /// gate, in its place, and to the product, in its place.
    pub(in crate::recurrent) fn reset_after_backward(row: &mut [f32], product: &mut [f32]) {
        let units = product.len();
        let [r, _, n] = thirds(row, units);
        for j in 0..units {
            let (gate, d) = (r[j], n[j]);
            r[j] = d * product[j] * gate * (1.0 - gate);
            product[j] = d * gate;
        }
    }
}
