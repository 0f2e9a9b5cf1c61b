//! Steps shared among threads, with a result that does not depend on their number.
//!
//! The lines are cut into a few runs, the shards. A round takes a few lines of each run, in all fewer the higher the
//! learning rate: gradients of rows that have not moved yet add up, and must not overshoot. First every shard goes through its
//! lines in order: it reads the input rows as they were before the round, learns in an output table of its own, and
//! notes the gradient of each line. Then the changes of all output tables are added up in the order of the shards, and
//! the gradients are added to the input rows in the order of the lines, each thread doing its share of the columns. The
//! numbers are the same for any number of threads, for each is made by one thread from the same operands in the same
//! order.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::outputs::{Outputs, Weights};
use super::{Classifier, Examples, Progress, Standing, Training};
use crate::train::rng::mixed;
use crate::{Error, Result, Table};

/// Parts that can be worked on at the same time, at most.
const MOST_SHARDS: usize = 4;
/// Lines of a shard in a round, at most.
const MOST_LINES: usize = 16;
/// Lines in a round times the learning rate, about. With 8, lines that share four of five words diverge.
const STEADY: f64 = 2.0;
/// Floats in a cache line.
const LINE: usize = 16;
/// Examples between two reports.
const REPORT: u64 = 20_000;

/// Where training stands between two rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    epoch: u64,
    /// Lines of each run before the next one.
    line: usize,
    /// Lines seen in all.
    seen: u64,
    /// The loss of each shard since training began.
    losses: Vec<f64>,
}

impl Round {
    /// Whether so many epochs are done.
    pub(super) fn is_after(&self, epochs: u64) -> bool {
        self.epoch >= epochs
    }
}

/// Trains to the end, or until `watch` says no; `from` is where an earlier training stood. Returns whether the end was reached.
pub(super) fn run(
    classifier: &mut Classifier,
    examples: &Examples,
    from: Option<Round>,
    started: Instant,
    mut watch: impl FnMut(&Progress, &Standing<'_>) -> bool,
) -> Result<Ended> {
    let Classifier { config, dictionary, input, output } = classifier;
    let hogwild = config.hogwild && config.thread > 1;
    let (shards, lines) = if hogwild { (config.thread, 1) } else { round(config.lr) };
    let threads = config.thread.min(shards);
    let outputs = Outputs::new(config, dictionary.label_counts());
    let from = from.unwrap_or(Round { epoch: 0, line: 0, seen: 0, losses: vec![0.0; shards] });
    if from.losses.len() != shards || (hogwild && from.epoch + from.line as u64 > 0) {
        let found = format!("one of {} shards", from.losses.len());
        return Err(Error::data("training to be gone on with", found, format!("{shards}")));
    }
    let tables: Vec<Table> = (0..if hogwild { 0 } else { shards }).map(|_| output.clone()).collect();
    let shards: Vec<Shard> = (0..shards)
        .map(|shard| Shard {
            first: shard * examples.len() / shards,
            end: (shard + 1) * examples.len() / shards,
            weights: Weights::new(tables.get(shard).unwrap_or(output)),
            hidden: Table::zeros(1, config.dim),
            gradients: Table::zeros(lines, config.dim),
            lines: 0..0,
            loss: from.losses[shard],
        })
        .map(Shard::ready)
        .collect::<Result<_>>()?;
    let all = All {
        shards: shards.into_iter().map(std::cell::UnsafeCell::new).collect(),
        tables,
        input,
        output,
        outputs: &outputs,
        examples,
        seed: config.seed,
        rate: config.lr,
        epochs: config.epoch as u64,
        lines,
        threads,
        barrier: Barrier { threads, ..Barrier::default() },
        stop: AtomicBool::new(false),
        tokens: AtomicU64::new(0),
    };
    let mut last = (from.seen, from.losses.iter().sum());
    let mut ended = Ended::Finished;
    let mut report = |tokens: u64, seen: u64, loss: f64, at: Option<Round>| {
        let of = (all.epochs * examples.tokens()).max(1);
        let done = tokens as f64 / of as f64;
        let mean = (loss - last.1) / (seen - last.0).max(1) as f64;
        last = (seen, loss);
        let learning_rate = config.lr * (1.0 - done);
        let seconds = started.elapsed().as_secs_f64();
        if !mean.is_finite() {
            let said = format!("the loss is not finite after {tokens} tokens: try a lower lr than {}", config.lr);
            return Err(ognivo_core::Error::NotFinite(said).into());
        }
        let progress = Progress { done, tokens, of, seconds, loss: mean, learning_rate };
        let tables = Training::Lines { tables: [all.input, all.output], at: at.clone() };
        let go_on = watch(&progress, &Standing { config, dictionary, training: tables });
        if !go_on && at.as_ref().is_none_or(|at| !at.is_after(all.epochs)) {
            ended = Ended::Stopped(at);
        }
        Ok(go_on)
    };
    let work = |thread: usize, report: Report<'_>| {
        if hogwild { all.race(thread, report) } else { all.rounds(thread, &from, report) }
    };
    std::thread::scope(|scope| {
        let work = &work;
        for thread in 1..threads {
            scope.spawn(move || work(thread, &mut |_, _, _, _| Ok(true)));
        }
        work(0, &mut report)
    })?;
    Ok(ended)
}

/// How training ended.
pub(super) enum Ended {
    Finished,
    /// By the wish of the watcher; where, unless nothing can go on from there.
    Stopped(Option<Round>),
}

/// Hears of tokens and lines so far, their loss, and where training stands; tells whether to go on.
type Report<'a> = &'a mut dyn FnMut(u64, u64, f64, Option<Round>) -> Result<bool>;

/// How many shards there are, and how many lines a round takes of each.
fn round(rate: f64) -> (usize, usize) {
    let shards = ((STEADY / rate) as usize).clamp(1, MOST_SHARDS);
    let lines = (STEADY / rate / shards as f64).round() as usize;
    (shards, lines.clamp(1, MOST_LINES))
}

/// What one shard works with.
struct Shard<H = Table> {
    first: usize,
    end: usize,
    weights: Weights,
    hidden: H,
    /// A row for each line of the round.
    gradients: H,
    /// The lines of the round.
    lines: std::ops::Range<usize>,
    loss: f64,
}

impl Shard<Result<Table>> {
    fn ready(self) -> Result<Shard> {
        let Self { first, end, weights, hidden, gradients, lines, loss } = self;
        Ok(Shard { first, end, weights, hidden: hidden?, gradients: gradients?, lines, loss })
    }
}

struct All<'a> {
    shards: Vec<std::cell::UnsafeCell<Shard>>,
    /// The output as each shard sees it.
    tables: Vec<Table>,
    input: &'a Table,
    output: &'a Table,
    outputs: &'a Outputs,
    examples: &'a Examples,
    seed: u64,
    rate: f64,
    epochs: u64,
    /// Of a shard in a round.
    lines: usize,
    threads: usize,
    barrier: Barrier,
    stop: AtomicBool,
    tokens: AtomicU64,
}

// SAFETY: between two barriers, a shard is used by one thread, or by all for reading; so is each column of the tables.
unsafe impl Sync for All<'_> {}

impl All<'_> {
    fn rounds(&self, thread: usize, from: &Round, report: Report<'_>) -> Result<()> {
        let longest = self.examples.len().div_ceil(self.shards.len());
        let (mut seen, mut reported) = (from.seen, from.seen);
        for epoch in from.epoch..self.epochs {
            let first = if epoch == from.epoch { from.line } else { 0 };
            for start in (first..longest).step_by(self.lines) {
                // Each run is so far, by its share of the lines.
                let share = start as f64 / longest as f64;
                let tokens = (epoch as f64 + share) * self.examples.tokens() as f64;
                let rate = (self.rate * (1.0 - (epoch as f64 + share) / self.epochs as f64)) as f32;
                for shard in (thread..self.shards.len()).step_by(self.threads) {
                    // SAFETY: this thread alone has the shard until the barrier.
                    let shard = unsafe { &mut *self.shards[shard].get() };
                    let from = shard.first + start;
                    shard.lines = from.min(shard.end)..(from + self.lines).min(shard.end);
                    shard.weights.changed.clear();
                    // SAFETY: the input is only read until the barrier, and the shard has its own output.
                    unsafe { self.learn(shard, epoch, rate) };
                }
                self.barrier.wait();
                // SAFETY: until the next barrier shards are only read, and this thread alone has its columns.
                unsafe { self.merge(thread) };
                self.barrier.wait();
                seen = seen.saturating_add((self.lines * self.shards.len()) as u64);
                let line = start + self.lines;
                let last = epoch + 1 == self.epochs && line >= longest;
                // Every thread comes to the same answer.
                if seen - reported < REPORT && !last {
                    continue;
                }
                reported = seen;
                let mut result = Ok(());
                if thread == 0 {
                    // SAFETY: the others wait.
                    let losses: Vec<f64> = self.shards.iter().map(|shard| unsafe { (*shard.get()).loss }).collect();
                    let loss = losses.iter().sum();
                    let (epoch, line) = if line < longest { (epoch, line) } else { (epoch + 1, 0) };
                    let go_on = report(tokens as u64, seen, loss, Some(Round { epoch, line, seen, losses }));
                    self.stop.store(!matches!(go_on, Ok(true)), Ordering::Relaxed);
                    result = go_on.map(|_| ());
                }
                self.barrier.wait();
                if self.stop.load(Ordering::Relaxed) {
                    return result;
                }
            }
        }
        Ok(())
    }

    /// Each thread goes through its run and writes to the tables at once, whatever the others do.
    fn race(&self, thread: usize, report: Report<'_>) -> Result<()> {
        let whole = self.epochs * self.examples.tokens();
        // SAFETY: there is a shard for each thread.
        let shard = unsafe { &mut *self.shards[thread].get() };
        let (mut seen, mut reported) = (0u64, 0);
        for epoch in 0..self.epochs {
            for line in shard.first..shard.end {
                let read = self.examples.tokens_before(line + 1) - self.examples.tokens_before(line);
                let tokens = self.tokens.fetch_add(read, Ordering::Relaxed);
                let rate = (self.rate * (1.0 - (tokens as f64 / whole as f64).min(1.0))) as f32;
                shard.lines = line..line + 1;
                shard.weights.changed.clear();
                // SAFETY: others may write at the same time, which this mode accepts.
                unsafe {
                    self.learn(shard, epoch, rate);
                    self.apply(shard, 0..self.input.stride());
                }
                seen += 1;
                if thread == 0 && seen - reported >= REPORT / self.threads as u64 {
                    reported = seen;
                    match report(tokens, seen, shard.loss, None) {
                        Ok(true) => {}
                        Ok(false) => self.stop.store(true, Ordering::Relaxed),
                        Err(error) => {
                            self.stop.store(true, Ordering::Relaxed);
                            return Err(error);
                        }
                    }
                }
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
            }
        }
        if thread == 0 { report(whole, seen, shard.loss, None).map(|_| ()) } else { Ok(()) }
    }

    /// Goes through the lines of a shard's round.
    ///
    /// # Safety
    /// Nobody else may use the shard and its output; the input may not be written to. (Or all accept torn numbers.)
    unsafe fn learn(&self, shard: &mut Shard, epoch: u64, rate: f32) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as the caller promises, and the processor has AVX2.
            return unsafe { self.learn_avx2(shard, epoch, rate) };
        }
        // SAFETY: as the caller promises.
        unsafe { self.learn_portable(shard, epoch, rate) }
    }

    /// The same operations, eight numbers at a time.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn learn_avx2(&self, shard: &mut Shard, epoch: u64, rate: f32) {
        // SAFETY: as the caller promises.
        unsafe { self.learn_portable(shard, epoch, rate) }
    }

    #[inline(always)]
    unsafe fn learn_portable(&self, shard: &mut Shard, epoch: u64, rate: f32) {
        let stride = self.input.stride();
        // SAFETY: each is a table of its own, with so many rows.
        let of = |table: &Table, row: usize| unsafe {
            std::slice::from_raw_parts_mut(table.as_ptr().add(row * stride), stride)
        };
        for (at, line) in shard.lines.clone().enumerate() {
            let (rows, labels) = self.examples.get(line);
            if line + 1 < shard.lines.end {
                self.examples.get(line + 1).0.iter().for_each(|&row| self.prefetch(row));
            }
            let hidden = of(&shard.hidden, 0);
            // SAFETY: rows come from the dictionary the table was made for.
            unsafe { mean(self.input.as_ptr(), stride, rows, hidden) };
            let gradient = of(&shard.gradients, at);
            let random = mixed(self.seed ^ mixed(epoch << 40 ^ line as u64));
            // SAFETY: labels come from the dictionary, the vectors are rows of tables.
            let loss = unsafe { self.outputs.step(&mut shard.weights, hidden, labels, rate, random, gradient) };
            let share = 1.0 / rows.len() as f32;
            gradient.iter_mut().for_each(|value| *value *= share);
            shard.loss += f64::from(loss);
        }
    }

    fn prefetch(&self, row: u32) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a hint, which touches nothing.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let start = self.input.as_ptr().add(row as usize * self.input.stride());
            for line in (0..self.input.stride()).step_by(LINE) {
                _mm_prefetch::<_MM_HINT_T0>(start.add(line).cast());
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = row;
    }

    /// Brings what the shards learnt in a round together, in this thread's columns.
    ///
    /// # Safety
    /// No other thread may use these columns, nor write to a shard.
    unsafe fn merge(&self, thread: usize) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as the caller promises, and the processor has AVX2.
            return unsafe { self.merge_avx2(thread) };
        }
        // SAFETY: as the caller promises.
        unsafe { self.merge_portable(thread) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn merge_avx2(&self, thread: usize) {
        // SAFETY: as the caller promises.
        unsafe { self.merge_portable(thread) }
    }

    #[inline(always)]
    unsafe fn merge_portable(&self, thread: usize) {
        let (lines, stride) = (self.input.stride() / LINE, self.input.stride());
        let columns = thread * lines / self.threads * LINE..(thread + 1) * lines / self.threads * LINE;
        // SAFETY: shards are only read.
        let shards = || self.shards.iter().map(|shard| unsafe { &*shard.get() });
        // SAFETY: rows of tables, columns of this thread.
        let of = |table: &Table, row: usize| unsafe {
            std::slice::from_raw_parts_mut(table.as_ptr().add(row * stride + columns.start), columns.len())
        };
        let merge_row = |row: usize| {
            let shared = of(self.output, row);
            for (at, shared) in shared.iter_mut().enumerate() {
                let before = *shared;
                for table in &self.tables {
                    *shared += of(table, row)[at] - before;
                }
            }
            self.tables.iter().for_each(|table| of(table, row).copy_from_slice(shared));
        };
        if self.outputs.changes_all() {
            (0..self.output.rows()).for_each(merge_row);
        } else {
            shards().for_each(|shard| shard.weights.changed.iter().for_each(|&row| merge_row(row as usize)));
        }
        // SAFETY: as the caller promises.
        shards().for_each(|shard| unsafe { self.apply(shard, columns.clone()) });
    }

    /// Adds the gradients of a shard's lines to their rows.
    ///
    /// # Safety
    /// No other thread may use these columns.
    #[inline(always)]
    unsafe fn apply(&self, shard: &Shard, columns: std::ops::Range<usize>) {
        let (table, stride) = (self.input.as_ptr(), self.input.stride());
        for (at, line) in shard.lines.clone().enumerate() {
            let rows = self.examples.get(line).0;
            let mut column = columns.start;
            while column < columns.end {
                // SAFETY: rows come from the dictionary the table was made for, and there is a gradient for each line.
                column += unsafe {
                    let gradient = shard.gradients.as_ptr().add(at * stride);
                    match columns.end - column {
                        64.. => add_columns::<64>(table, stride, rows, column, gradient),
                        32.. => add_columns::<32>(table, stride, rows, column, gradient),
                        _ => add_columns::<LINE>(table, stride, rows, column, gradient),
                    }
                };
            }
        }
    }
}

/// The mean of rows, summed up to 64 columns at a time, in registers.
///
/// # Safety
/// The rows must be in the table, of so many floats each.
#[inline(always)]
unsafe fn mean(table: *const f32, stride: usize, rows: &[u32], mean: &mut [f32]) {
    let mut column = 0;
    while column < stride {
        // SAFETY: these columns are within the rows.
        column += unsafe {
            match stride - column {
                64.. => mean_columns::<64>(table, stride, rows, column, mean),
                32.. => mean_columns::<32>(table, stride, rows, column, mean),
                _ => mean_columns::<LINE>(table, stride, rows, column, mean),
            }
        };
    }
}

/// `N` columns of the mean; `N`.
#[inline(always)]
unsafe fn mean_columns<const N: usize>(
    table: *const f32,
    stride: usize,
    rows: &[u32],
    column: usize,
    mean: &mut [f32],
) -> usize {
    let mut sum = [0.0f32; N];
    for &row in rows {
        // SAFETY: as the caller promises.
        let part = unsafe { &*table.add(row as usize * stride + column).cast::<[f32; N]>() };
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum += part;
        }
    }
    let share = 1.0 / rows.len() as f32;
    for (mean, sum) in mean[column..].iter_mut().zip(sum) {
        *mean = sum * share;
    }
    N
}

/// Adds `N` columns of a gradient to rows; `N`.
///
/// # Safety
/// As [`mean`]; and nobody else may use these columns.
#[inline(always)]
unsafe fn add_columns<const N: usize>(
    table: *mut f32,
    stride: usize,
    rows: &[u32],
    column: usize,
    gradient: *const f32,
) -> usize {
    // SAFETY: as the caller promises.
    let gradient = unsafe { *gradient.add(column).cast::<[f32; N]>() };
    for &row in rows {
        // SAFETY: as the caller promises.
        let part = unsafe { &mut *table.add(row as usize * stride + column).cast::<[f32; N]>() };
        for (part, gradient) in part.iter_mut().zip(gradient) {
            *part += gradient;
        }
    }
    N
}

/// Threads wait for each other, at first without giving up the processor: a round takes microseconds.
#[derive(Default)]
struct Barrier {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
}

impl Barrier {
    fn wait(&self) {
        if self.threads == 1 {
            return;
        }
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut tries = 0;
        while self.round.load(Ordering::Acquire) == round {
            tries += 1;
            if tries < 4000 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}
