//! Steps of logistic regression between rows of two tables, in place: what word2vec and its relatives do all day.
//!
//! `m` input rows times `k` output rows are one small product of matrices, its gradient two more: 6 flops for each of
//! `m * k * length` numbers, on `4 * (m + k)` rows of memory traffic at the first-level cache. Done pair by pair, as in
//! word2vec.c, the same work moves `6 * m * k` rows.

use crate::simd::{Kernel, Level, Simd, vectorised};

/// Output rows whose sums fit the registers.
const TILE: usize = 6;

/// Floats that every row is a multiple of.
pub const ROW_MULTIPLE: usize = 16;

/// What is wanted of an output row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The probability that it should be given: 1 for what was seen, 0 for a negative example.
    pub label: f32,
    /// How far to step.
    pub rate: f32,
}

/// Steps over rows; holds the memory they need.
#[derive(Debug)]
pub struct LogisticRows {
    level: Level,
    length: usize,
    /// Products, then gradients, `[inputs, outputs]`.
    scores: Vec<f32>,
    /// Inputs on their way from tile to tile.
    pending: Vec<f32>,
    /// A mean of rows, before and after a step.
    means: Vec<f32>,
}

impl LogisticRows {
    /// For rows of `length` floats.
    ///
    /// # Panics
    /// When `length` is no multiple of [`ROW_MULTIPLE`].
    pub fn new(length: usize) -> Self {
        Self::with_level(length, Level::detect())
    }

    /// Floats in a row.
    pub fn length(&self) -> usize {
        self.length
    }

    fn with_level(length: usize, level: Level) -> Self {
        assert!(length.is_multiple_of(ROW_MULTIPLE), "rows of {length} floats");
        Self { level, length, scores: Vec::new(), pending: Vec::new(), means: Vec::new() }
    }

    /// One step of gradient descent for the logistic loss: with `g = rate * (label - logistic(x . o))` for each pair,
    /// every input `x` moves by the sum of its `g o`, every output `o` by the sum of its `g x`, all taken before the step.
    ///
    /// # Safety
    /// Pointers are valid for `length` floats; `targets` belongs to `outputs`; outputs are distinct rows, and none is an input. An
    /// input may stand there twice.
    /// Other threads may write to the rows at the same time only if the caller can bear the torn values that may result.
    ///
    /// # Panics
    /// When there are not as many targets as outputs.
    pub unsafe fn step(&mut self, inputs: &[*mut f32], outputs: &[*mut f32], targets: &[Target]) {
        assert_eq!(outputs.len(), targets.len(), "a target for each output");
        self.level.run(Step { all: self, inputs, outputs, targets });
    }

    /// The mean of `rows`, an input for [`step`](Self::step), valid until the next call of this function.
    ///
    /// # Safety
    /// Pointers are valid for `length` floats.
    pub unsafe fn gather(&mut self, rows: &[*mut f32]) -> *mut f32 {
        self.means.resize(2 * self.length, 0.0);
        self.level.run(Gather { means: &mut self.means, rows });
        self.means[self.length..].as_mut_ptr()
    }

    /// Moves every row as the mean that [`gather`](Self::gather) gave has moved since, times `share` (1: as in word2vec and
    /// fastText; the exact gradient: one by the number of rows). A row that stands there twice moves twice.
    ///
    /// # Safety
    /// As [`gather`](Self::gather), which was called before, with these rows.
    pub unsafe fn scatter(&mut self, rows: &[*mut f32], share: f32) {
        assert_eq!(self.means.len(), 2 * self.length, "gathered before");
        self.level.run(Scatter { means: &self.means, rows, share });
    }

    /// The products of every input with every output, `[inputs, outputs]`, to be made into gradients for [`update`](Self::update).
    ///
    /// # Safety
    /// Pointers are valid for `length` floats.
    pub unsafe fn products(&mut self, inputs: &[*mut f32], outputs: &[*mut f32]) -> &mut [f32] {
        self.level.run(Products { all: self, inputs, outputs });
        &mut self.scores
    }

    /// Moves inputs and outputs by the gradients that now stand where [`products`](Self::products) put its result.
    ///
    /// # Safety
    /// As [`step`](Self::step); `products` was called before, for the same rows.
    pub unsafe fn update(&mut self, inputs: &[*mut f32], outputs: &[*mut f32]) {
        assert_eq!(self.scores.len(), inputs.len() * outputs.len(), "gradients of these rows");
        self.level.run(Update { all: self, inputs, outputs });
    }
}

/// `1 / (1 + e^-x)`, to about 2e-7, in a form that compilers turn into vectors.
#[inline(always)]
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exponential(-x.clamp(-80.0, 80.0)))
}

/// `e^x` for `|x| <= 80`: a power of 2 times a polynomial on half a step around 0 (the coefficients of Cephes' `expf`).
#[inline(always)]
fn exponential(x: f32) -> f32 {
    // Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, the first with zeros at its end.
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1] {
        p = p * r + c;
    }
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    (p * r * r + r + 1.0) * power
}

vectorised! {
    /// Moves `row` by `weight` times the sum of the changes that its `copies`, each as long as it, have gone through.
    ///
    /// Lengths are multiples of [`ROW_MULTIPLE`]; what is more is left alone.
    pub fn merge_copies(row: &mut [f32], copies: &[&[f32]], weight: f32) {
        for (number, row) in row.chunks_exact_mut(ROW_MULTIPLE).enumerate() {
            let mut sum = [0.0f32; ROW_MULTIPLE];
            for copy in copies {
                let copy = &copy[number * ROW_MULTIPLE..][..ROW_MULTIPLE];
                for i in 0..ROW_MULTIPLE {
                    sum[i] += copy[i] - row[i];
                }
            }
            for i in 0..ROW_MULTIPLE {
                row[i] += weight * sum[i];
            }
        }
    }
}

struct Step<'a> {
    all: &'a mut LogisticRows,
    inputs: &'a [*mut f32],
    outputs: &'a [*mut f32],
    targets: &'a [Target],
}

impl Kernel for Step<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { all, inputs, outputs, targets } = self;
        // SAFETY: the caller of `step` promises what these need.
        unsafe {
            products::<S>(all, inputs, outputs);
            all.scores.iter_mut().for_each(|score| *score = logistic(*score));
            for scores in all.scores.chunks_exact_mut(targets.len().max(1)) {
                for (score, target) in scores.iter_mut().zip(targets) {
                    *score = target.rate * (target.label - *score);
                }
            }
            update::<S>(all, inputs, outputs);
        }
    }
}

struct Gather<'a> {
    means: &'a mut [f32],
    rows: &'a [*mut f32],
}

impl Kernel for Gather<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { means, rows } = self;
        let (before, after) = means.split_at_mut(means.len() / 2);
        // SAFETY: the caller of `gather` promises valid rows; the means are as long.
        unsafe {
            let (share, zero) = (S::splat(1.0 / rows.len().max(1) as f32), S::splat(0.0));
            for at in (0..before.len()).step_by(S::LANES) {
                let sum = rows.iter().fold(zero, |sum, row| S::add(sum, S::load(row.add(at))));
                let mean = S::mul_add(sum, share, zero);
                S::store(before.as_mut_ptr().add(at), mean);
                S::store(after.as_mut_ptr().add(at), mean);
            }
        }
    }
}

struct Scatter<'a> {
    means: &'a [f32],
    rows: &'a [*mut f32],
    share: f32,
}

impl Kernel for Scatter<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { means, rows, share } = self;
        let (before, after) = means.split_at(means.len() / 2);
        // SAFETY: the caller of `scatter` promises valid rows; the means are as long.
        unsafe {
            let (minus, share) = (S::splat(-1.0), S::splat(share));
            for at in (0..before.len()).step_by(S::LANES) {
                let after = S::load(after.as_ptr().add(at));
                let moved = S::mul_add(minus, S::load(before.as_ptr().add(at)), after);
                for row in rows {
                    S::store(row.add(at), S::mul_add(share, moved, S::load(row.add(at))));
                }
            }
        }
    }
}

struct Products<'a> {
    all: &'a mut LogisticRows,
    inputs: &'a [*mut f32],
    outputs: &'a [*mut f32],
}

impl Kernel for Products<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        // SAFETY: the caller of `products` promises what this needs.
        unsafe { products::<S>(self.all, self.inputs, self.outputs) }
    }
}

struct Update<'a> {
    all: &'a mut LogisticRows,
    inputs: &'a [*mut f32],
    outputs: &'a [*mut f32],
}

impl Kernel for Update<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        // SAFETY: the caller of `update` promises what this needs.
        unsafe { update::<S>(self.all, self.inputs, self.outputs) }
    }
}

/// Calls a function whose constant is the number of rows in a tile, for each tile of `outputs`: the first row and whether it is
/// the first and the last tile.
macro_rules! for_each_tile {
    ($outputs:expr, $function:ident::<$simd:ident>($($argument:expr),*)) => {{
        let tiles = $outputs.chunks(TILE);
        let last = tiles.len().saturating_sub(1);
        for (number, tile) in tiles.enumerate() {
            let ends = (number * TILE, number == 0, number == last);
            match tile.len() {
                6 => $function::<$simd, 6>(&*tile.as_ptr().cast(), ends, $($argument),*),
                5 => $function::<$simd, 5>(&*tile.as_ptr().cast(), ends, $($argument),*),
                4 => $function::<$simd, 4>(&*tile.as_ptr().cast(), ends, $($argument),*),
                3 => $function::<$simd, 3>(&*tile.as_ptr().cast(), ends, $($argument),*),
                2 => $function::<$simd, 2>(&*tile.as_ptr().cast(), ends, $($argument),*),
                _ => $function::<$simd, 1>(&*tile.as_ptr().cast(), ends, $($argument),*),
            }
        }
    }};
}

/// Fills `all.scores`.
#[inline(always)]
unsafe fn products<S: Simd>(all: &mut LogisticRows, inputs: &[*mut f32], outputs: &[*mut f32]) {
    all.scores.resize(inputs.len() * outputs.len(), 0.0);
    let (length, columns) = (all.length, outputs.len());
    // SAFETY: as promised to the caller.
    unsafe { for_each_tile!(outputs, tile_products::<S>(inputs, &mut all.scores, columns, length)) }
}

#[inline(always)]
unsafe fn tile_products<S: Simd, const K: usize>(
    outputs: &[*mut f32; K],
    (first, ..): (usize, bool, bool),
    inputs: &[*mut f32],
    scores: &mut [f32],
    columns: usize,
    length: usize,
) {
    let mut rows = inputs;
    let mut row = 0;
    // SAFETY: as promised to the caller; scores has a row of `columns` for each input.
    unsafe {
        let mut scores = scores.as_mut_ptr().add(first);
        // As many inputs at a time as the registers hold sums of.
        while S::REGISTERS >= 32 && rows.len() - row >= 4 {
            some_products::<S, K, 4>(&rows[row..], outputs, scores, columns, length);
            (row, scores) = (row + 4, scores.add(4 * columns));
        }
        while rows.len() - row >= 2 {
            some_products::<S, K, 2>(&rows[row..], outputs, scores, columns, length);
            (row, scores) = (row + 2, scores.add(2 * columns));
        }
        rows = &rows[row..];
        if !rows.is_empty() {
            some_products::<S, K, 1>(rows, outputs, scores, columns, length);
        }
    }
}

/// The products of the first `M` inputs with the `K` outputs.
#[inline(always)]
unsafe fn some_products<S: Simd, const K: usize, const M: usize>(
    inputs: &[*mut f32],
    outputs: &[*mut f32; K],
    scores: *mut f32,
    columns: usize,
    length: usize,
) {
    // SAFETY: as promised to the caller.
    unsafe {
        let inputs: &[*mut f32; M] = &*inputs.as_ptr().cast();
        let mut sums = [[S::splat(0.0); K]; M];
        for at in (0..length).step_by(S::LANES) {
            let x: [S::V; M] = std::array::from_fn(|j| S::load(inputs[j].add(at)));
            for o in 0..K {
                let output = S::load(outputs[o].add(at));
                for j in 0..M {
                    sums[j][o] = S::mul_add(x[j], output, sums[j][o]);
                }
            }
        }
        for (j, sums) in sums.iter().enumerate() {
            let row = scores.add(j * columns);
            for o in (0..K).step_by(4) {
                let four = [sums[o], sums[(o + 1).min(K - 1)], sums[(o + 2).min(K - 1)], sums[(o + 3).min(K - 1)]];
                let totals = S::totals(four);
                row.add(o).copy_from_nonoverlapping(totals.as_ptr(), 4.min(K - o));
            }
        }
    }
}

/// Moves the rows by the gradients in `all.scores`.
#[inline(always)]
unsafe fn update<S: Simd>(all: &mut LogisticRows, inputs: &[*mut f32], outputs: &[*mut f32]) {
    let (length, columns) = (all.length, outputs.len());
    if outputs.len() > TILE {
        all.pending.resize(inputs.len() * length, 0.0);
    }
    // SAFETY: as promised to the caller.
    unsafe { for_each_tile!(outputs, tile_update::<S>(inputs, &all.scores, &mut all.pending, columns, length)) }
}

#[inline(always)]
unsafe fn tile_update<S: Simd, const K: usize>(
    outputs: &[*mut f32; K],
    (first, is_first, is_last): (usize, bool, bool),
    inputs: &[*mut f32],
    gradients: &[f32],
    pending: &mut [f32],
    columns: usize,
    length: usize,
) {
    // SAFETY: as promised to the caller; gradients has a row of `columns` for each input, pending one of `length` where there
    // is more than one tile.
    unsafe {
        let gradients = gradients.as_ptr().add(first);
        for at in (0..length).step_by(S::LANES) {
            let old: [S::V; K] = std::array::from_fn(|o| S::load(outputs[o].add(at)));
            let mut new = old;
            for (j, input) in inputs.iter().enumerate() {
                let gradients = gradients.add(j * columns);
                let x = S::load(input.add(at));
                let waiting = pending.as_mut_ptr().wrapping_add(j * length + at);
                let mut moved = if is_first { x } else { S::load(waiting) };
                for o in 0..K {
                    let g = S::splat(*gradients.add(o));
                    moved = S::mul_add(g, old[o], moved);
                    new[o] = S::mul_add(g, x, new[o]);
                }
                S::store(if is_last { input.add(at) } else { waiting }, moved);
            }
            for o in 0..K {
                S::store(outputs[o].add(at), new[o]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows with integer formulas, zero from `dim` on.
    fn rows(count: usize, dim: usize, length: usize, shift: usize) -> Vec<f32> {
        let value = |row: usize, at: usize| ((row * 31 + at * 17 + shift) % 23) as f32 / 23.0 - 0.5;
        (0..count * length).map(|i| if i % length < dim { value(i / length, i % length) } else { 0.0 }).collect()
    }

    fn pointers(values: &mut [f32], length: usize) -> Vec<*mut f32> {
        values.chunks_exact_mut(length).map(|row| row.as_mut_ptr()).collect()
    }

    /// The step pair by pair, in f64.
    fn plain(inputs: &mut [f32], outputs: &mut [f32], targets: &[Target], length: usize) {
        let (old_inputs, old_outputs) = (inputs.to_vec(), outputs.to_vec());
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let (mut x, mut o) = (wide(inputs), wide(outputs));
        for (j, input) in old_inputs.chunks_exact(length).enumerate() {
            for (k, output) in old_outputs.chunks_exact(length).enumerate() {
                let product: f64 = input.iter().zip(output).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                let g = f64::from(targets[k].rate) * (f64::from(targets[k].label) - 1.0 / (1.0 + (-product).exp()));
                for i in 0..length {
                    x[j * length + i] += g * f64::from(output[i]);
                    o[k * length + i] += g * f64::from(input[i]);
                }
            }
        }
        let narrow = |to: &mut [f32], from: Vec<f64>| to.iter_mut().zip(from).for_each(|(to, from)| *to = from as f32);
        narrow(inputs, x);
        narrow(outputs, o);
    }

    #[test]
    fn a_step_is_that_of_plain_arithmetic() {
        for level in Level::available() {
            for (m, k, dim) in [
                (1usize, 1usize, 1usize),
                (2, 6, 16),
                (3, 5, 100),
                (10, 6, 100),
                (7, 11, 50),
                (1, 30, 300),
                (5, 13, 37),
                (4, 12, 128),
            ] {
                let length = dim.next_multiple_of(ROW_MULTIPLE);
                let targets: Vec<Target> =
                    (0..k).map(|o| Target { label: (o % 3 == 0) as u8 as f32, rate: 0.5 + o as f32 / 16.0 }).collect();
                let (mut inputs, mut outputs) = (rows(m, dim, length, 1), rows(k, dim, length, 7));
                let (mut inputs2, mut outputs2) = (inputs.clone(), outputs.clone());
                plain(&mut inputs2, &mut outputs2, &targets, length);
                let mut kernel = LogisticRows::with_level(length, level);
                // SAFETY: the rows are these vectors'.
                unsafe { kernel.step(&pointers(&mut inputs, length), &pointers(&mut outputs, length), &targets) };
                for (found, expected) in inputs.iter().chain(&outputs).zip(inputs2.iter().chain(&outputs2)) {
                    assert!(
                        (found - expected).abs() <= 2e-5 * (1.0 + expected.abs()),
                        "{level:?} {m} x {k} x {dim}: {found} {expected}"
                    );
                }
                assert!(
                    inputs.chunks(length).chain(outputs.chunks(length)).all(|row| row[dim..].iter().all(|v| *v == 0.0))
                );
            }
        }
    }

    #[test]
    fn the_mean_of_rows_moves_them_all() {
        for level in Level::available() {
            let (length, targets) = (32, [Target { label: 1.0, rate: 0.3 }, Target { label: 0.0, rate: 0.3 }]);
            let (mut inputs, mut outputs) = (rows(3, 30, length, 1), rows(2, 30, length, 7));
            let (before, mut outputs2) = (inputs.clone(), outputs.clone());
            let mut mean: Vec<f32> =
                (0..length).map(|i| (before[i] + before[length + i] + before[2 * length + i]) / 3.0).collect();
            let old = mean.clone();
            plain(&mut mean, &mut outputs2, &targets, length);
            let mut kernel = LogisticRows::with_level(length, level);
            // SAFETY: the rows are these vectors'.
            unsafe {
                let inputs = pointers(&mut inputs, length);
                let mean = kernel.gather(&inputs);
                kernel.step(&[mean], &pointers(&mut outputs, length), &targets);
                kernel.scatter(&inputs, 0.5);
            }
            for (i, found) in inputs.iter().enumerate() {
                let expected = before[i] + 0.5 * (mean[i % length] - old[i % length]);
                assert!((found - expected).abs() < 1e-5, "{level:?}: {found} {expected}");
            }
            assert!(outputs.iter().zip(&outputs2).all(|(found, expected)| (found - expected).abs() < 1e-5));
        }
    }

    #[test]
    fn logistic_is_exact_and_bounded() {
        for i in -4000..4000 {
            let x = i as f32 / 100.0;
            let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
            let found = f64::from(logistic(x));
            assert!((found - expected).abs() < 2e-7, "{x}: {found} {expected}");
            assert!(found <= expected.max(1e-30) * (1.0 + 1e-5), "{x}: {found} {expected}");
        }
        for x in [f32::INFINITY, 1e30, 100.0] {
            assert_eq!((logistic(x), logistic(-x) < 1e-30), (1.0, true), "{x}");
        }
        assert!(logistic(f32::NAN).is_nan());
    }

    #[test]
    fn nothing_to_do_is_nothing_done() {
        let mut kernel = LogisticRows::new(16);
        let mut row = rows(1, 16, 16, 0);
        let before = row.clone();
        // SAFETY: the rows are these vectors'.
        unsafe {
            kernel.step(&[], &pointers(&mut row, 16), &[Target { label: 1.0, rate: 1.0 }]);
            kernel.step(&pointers(&mut row, 16), &[], &[]);
        }
        assert_eq!(row, before);
    }
}
