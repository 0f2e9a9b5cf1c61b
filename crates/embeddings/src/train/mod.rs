//! The trainer: examples over shared tables.
//!
//! A task brings [`Sentences`] of tokens (lines of text, walks through a graph), the [`Units`] that stand for a token and an
//! [`Objective`]; [`Trainer`] turns them into two tables. Reading order: `engine` (what computes), `examples` (what is
//! learnt next), `rows`, `claims` and `merge` (what makes the result independent of the number of threads), `shard` (one step after the
//! other), `batched` (the other engine), `objective`, `sampler`, `huffman`, `rng`.
//!
//! # Determinism
//!
//! The text is cut into [`SHARDS`] parts, whatever the number of threads. In rounds, each shard learns from its next few words: on rows
//! that no other shard uses in this round where they stand, on copies of the others; then the copies are merged, row by row, in the
//! order of the shards. Threads only decide who does which shard, so the bits of the result are a function of the text, the settings and
//! the seed (on one instruction set). `hogwild` gives every thread a part of the text and the tables themselves instead (Recht et al.
//! 2011): a third faster, never twice the same with more than one thread.

mod batched;
mod claims;
mod engine;
mod examples;
pub(crate) mod huffman;
mod merge;
pub(crate) mod objective;
pub(crate) mod rng;
pub(crate) mod rows;
pub(crate) mod sampler;
mod shard;
mod units;

use std::ops::Range;

use rayon::prelude::*;

pub use self::batched::Batched;
use self::claims::Claims;
pub use self::engine::{Engine, Places, Trainer};
pub use self::examples::Place;
use self::merge::merge;
pub use self::objective::{Loss, Objective};
pub use self::rng::Rng;
use self::rows::{Copies, Direct, Overlay, Own, Shared};
pub use self::sampler::Sampler;
use self::shard::Shard;
pub use self::units::{Several, Units};
use crate::{Error, Result, Table};

/// Parts of the text. More threads than this help in hogwild alone.
pub const SHARDS: usize = 16;

/// Where sentences come from.
pub trait Sentences: Sync {
    /// Tokens in one pass, by which the learning rate falls.
    fn tokens(&self) -> u64;

    /// Where part `part` of `parts` begins and ends, in units of the source's own (tokens, walks).
    fn part(&self, part: usize, parts: usize) -> Range<u64>;

    /// Appends the sentence that begins at `position`, and goes no further than `end`, to `sentence`; returns where the next one begins,
    /// and for how many tokens this one counts. The same `epoch` and `position` give the same sentence, of tokens that the objective
    /// knows: training panics at others.
    fn read(&self, epoch: u64, position: u64, end: u64, sentence: &mut Vec<u32>) -> (u64, u64);
}

/// What is predicted from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Each word from the words around it.
    SkipGram,
    /// A word from the mean of the words around it.
    Cbow,
}

/// Everything that training needs to know.
pub struct Plan<'a> {
    /// The text.
    pub sentences: &'a dyn Sentences,
    /// The input rows of each token.
    pub units: &'a Units,
    /// The loss.
    pub objective: &'a Objective,
    /// For each token, with what probability (of `2^32`) an occurrence is kept; all are if there is none.
    pub keep: Option<&'a [u32]>,
    /// What is predicted from what.
    pub architecture: Architecture,
    /// Words to each side, at most; for each word a random number up to it is taken.
    pub window: u32,
    /// Passes over the text.
    pub epochs: u64,
    /// At the beginning; it falls to (almost) 0 in a straight line.
    pub learning_rate: f32,
    /// Everything random follows from it.
    pub seed: u64,
    /// Whether all threads write to the same tables.
    pub hogwild: bool,
}

/// Words that a shard learns from between two merges: few enough for all copies to stay in the second-level cache.
const ROUND: usize = 32;

/// What part of the way to where the text pulls it a row goes at a touch, by learning rate: see `merge`. Vectors of length 2 at
/// logistic's steepest, where its derivative is 1/4.
const PULL: f32 = 1.0;

impl Plan<'_> {
    /// Whether the settings have a meaning and the tables fit them.
    fn check(&self, inputs: &Table, outputs: &Table) -> Result<()> {
        let positive = |key: &str, value: u64| {
            if value == 0 { Err(Error::setting(key, value, "at least 1")) } else { Ok(()) }
        };
        positive("window", self.window.into())?;
        positive("epochs", self.epochs)?;
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return Err(Error::setting("learning_rate", self.learning_rate, "a number above 0"));
        }
        if inputs.dim() != outputs.dim() {
            let found = format!("{} and {} numbers", inputs.dim(), outputs.dim());
            return Err(Error::data("vectors of inputs and outputs", found, "vectors of one length"));
        }
        // Rows are reached through pointers later on.
        let needed = (self.units.rows(self.objective.targets_in_all())?, self.objective.rows());
        if inputs.rows() < needed.0 || outputs.rows() < needed.1 {
            let found = format!("{} and {} rows", inputs.rows(), outputs.rows());
            return Err(Error::data("tables of another text", found, format!("{} and {} rows", needed.0, needed.1)));
        }
        Ok(())
    }

    /// Whether the mean of a step's inputs predicts, not each of them.
    fn predicts_from_mean(&self) -> bool {
        self.architecture == Architecture::Cbow || matches!(self.units, Units::Several(_))
    }

    /// Tokens to be read in all.
    fn tokens_in_all(&self) -> u64 {
        self.sentences.tokens().saturating_mul(self.epochs)
    }

    /// The learning rate after so many tokens: a straight line down to a ten-thousandth, as in word2vec.
    fn rate(&self, tokens: u64) -> f32 {
        let left = 1.0 - tokens as f64 / (self.tokens_in_all() as f64 + 1.0);
        (f64::from(self.learning_rate) * left.max(1e-4)) as f32
    }
}

/// How far training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Tokens read, of all passes.
    pub tokens: u64,
    /// Tokens to be read in all.
    pub of: u64,
    /// The mean loss of the steps measured since the last call.
    pub loss: f64,
    /// The learning rate.
    pub learning_rate: f32,
}

/// The input table at the start: even in `(-1, 1) / dim`, as in gensim; a row depends on the seed and its number only. That is twice as
/// wide as in word2vec.c, and one pass over a text comes further for it.
///
/// # Errors
/// As [`Table::zeros`].
pub fn initial_inputs(rows: usize, dim: usize, seed: u64) -> Result<Table> {
    let mut table = Table::zeros(rows, dim)?;
    for row in 0..rows {
        let mut rng = Rng::new(seed, &[u64::MAX, row as u64]);
        table.row_mut(row).iter_mut().for_each(|value| *value = (2.0 * rng.uniform() - 1.0) / dim as f32);
    }
    Ok(table)
}

/// Training on the processor, row by row.
pub struct Native<'a> {
    plan: Plan<'a>,
    inputs: Table,
    outputs: Table,
    shards: Vec<Shard>,
    copies: Vec<Copies>,
    /// Of input and output rows.
    claims: [Claims; 2],
}

impl<'a> Native<'a> {
    /// Training of tables that fit the plan.
    fn new(plan: Plan<'a>, mut inputs: Table, mut outputs: Table, places: Option<Vec<Place>>) -> Result<Self> {
        let tokens = plan.objective.targets_in_all();
        let count = if plan.hogwild { rayon::current_num_threads() } else { SHARDS };
        let mut shards: Vec<Shard> = (0..count).map(|index| Shard::new(&plan, index, count, inputs.stride())).collect();
        if let Some(places) = places {
            if places.len() != count {
                let found = format!("{} places in the text", places.len());
                return Err(Error::data("training to be gone on with", found, format!("{count}")));
            }
            for (shard, place) in shards.iter_mut().zip(places) {
                shard.examples.go_to(place, tokens)?;
            }
        }
        let (first, second) = (Shared::new(&mut inputs), Shared::new(&mut outputs));
        let copies = if plan.hogwild { 0 } else { count };
        let copies =
            (0..copies).map(|_| Copies { inputs: Overlay::new(first), outputs: Overlay::new(second) }).collect();
        let claims = [Claims::new(inputs.rows()), Claims::new(outputs.rows())];
        Ok(Self { plan, inputs, outputs, shards, copies, claims })
    }

    fn is_finished(&self) -> bool {
        self.shards.iter().all(|shard| shard.examples.is_done(self.plan.epochs))
    }

    /// Goes on for about `centres` words; the loss, summed, and of how many inputs.
    fn advance(&mut self, centres: usize) -> (f64, u64) {
        // Which steps are measured must not depend on where an earlier training was stopped.
        self.shards.iter_mut().for_each(|shard| shard.steps = 0);
        if self.plan.hogwild {
            let each = centres / self.shards.len() + 1;
            let rate = self.rate();
            let (inputs, outputs) = (Shared::new(&mut self.inputs), Shared::new(&mut self.outputs));
            let plan = &self.plan;
            self.shards.par_iter_mut().for_each(|shard| {
                for _ in 0..each.div_ceil(ROUND) {
                    shard.examples.draw(plan, ROUND, rate);
                    shard.learn(plan, &mut Direct { inputs, outputs }, rate);
                }
            });
        } else {
            // On a thread of the pool from the beginning: to wake one for each round would take as long as the round.
            rayon::scope(|_| (0..centres.div_ceil(ROUND * SHARDS)).for_each(|_| self.round()));
        }
        let (mut loss, mut measured) = (0.0, 0);
        for shard in &mut self.shards {
            loss += std::mem::take(&mut shard.loss);
            measured += std::mem::take(&mut shard.measured);
        }
        (loss, measured)
    }

    /// Each shard learns from its next few words, on copies of the rows that others use too; then these are merged.
    fn round(&mut self) {
        let (plan, rate) = (&self.plan, self.rate());
        let alone = rayon::current_num_threads() == 1;
        self.claims.iter_mut().for_each(Claims::begin);
        let claims = &self.claims;
        let marks = |shard| [claims[0].mark(shard), claims[1].mark(shard)];
        self.shards.par_iter_mut().enumerate().with_max_len(1).for_each(|(number, shard)| {
            let (examples, marks) = (&mut shard.examples, marks(number));
            examples.draw(plan, ROUND, rate);
            claims[0].claim(examples.inputs.iter().map(|&(row, _)| row), marks[0], alone);
            claims[1].claim(examples.outputs.iter().copied(), marks[1], alone);
        });
        let work = self.shards.par_iter_mut().zip(&mut self.copies).enumerate().with_max_len(1);
        work.for_each(|(number, (shard, copies))| {
            shard.learn(plan, &mut Own { copies, claims, marks: marks(number) }, rate)
        });
        let (inputs, outputs) = (Shared::new(&mut self.inputs), Shared::new(&mut self.outputs));
        let pull = PULL * rate;
        merge(inputs, &self.copies.iter().map(|copies| &copies.inputs).collect::<Vec<_>>(), pull);
        merge(outputs, &self.copies.iter().map(|copies| &copies.outputs).collect::<Vec<_>>(), pull);
        for copies in &mut self.copies {
            copies.inputs.clear();
            copies.outputs.clear();
        }
    }

    fn rate(&self) -> f32 {
        self.plan.rate(self.tokens())
    }

    fn tokens(&self) -> u64 {
        self.shards.iter().map(|shard| shard.examples.place.tokens).sum()
    }

    fn tables(&self) -> [&Table; 2] {
        [&self.inputs, &self.outputs]
    }

    fn places(&self) -> Vec<Place> {
        self.shards.iter().map(|shard| shard.examples.place.clone()).collect()
    }

    fn into_tables(self) -> [Table; 2] {
        [self.inputs, self.outputs]
    }
}
