//! One part of the text and what is done with it, word by word.

use ognivo_kernels::{LogisticRows, Row, Target};
use serde::{Deserialize, Serialize};

use super::objective::{Objective, extend_with_negatives};
use super::rng::Rng;
use super::rows::Rows;
use super::units::{Several, Units};
use super::{Architecture, Plan};
use crate::{Error, Result};

/// Sets of negative examples that the words around one share in skip-gram over sub-words.
const NEGATIVE_SETS: usize = 2;

/// Steps from one measurement of the loss to the next.
const MEASURE_EVERY: u64 = 64;

/// Where a shard stands: enough to go on from there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Passes over its part that it has begun.
    pub(crate) epoch: u64,
    /// Where the next sentence begins, in the units of the source.
    pub(crate) position: u64,
    /// Tokens it has read in all.
    pub(crate) tokens: u64,
    rng: Rng,
    sentence: Vec<u32>,
    /// The next centre in the sentence, and its output rows.
    at: usize,
    next: Vec<u32>,
    steps: u64,
    pub(crate) loss: f64,
    pub(crate) measured: u64,
}

/// A part of the text and the memory to work on it.
pub(crate) struct Shard {
    pub(crate) place: Place,
    begin: u64,
    end: u64,
    kernel: LogisticRows,
    raw: Vec<u32>,
    current: Vec<u32>,
    inputs: Vec<Row>,
    outputs: Vec<Row>,
    targets: Vec<Target>,
}

// SAFETY: the pointers are used only within `centre`, which fills them first.
unsafe impl Send for Shard {}

impl Shard {
    pub(crate) fn new(plan: &Plan, index: usize, shards: usize, stride: usize) -> Self {
        let part = plan.sentences.part(index, shards);
        let place = Place {
            epoch: 0,
            position: part.start,
            tokens: 0,
            rng: Rng::new(plan.seed, &[index as u64, shards as u64]),
            sentence: Vec::new(),
            at: 0,
            next: Vec::new(),
            steps: 0,
            loss: 0.0,
            measured: 0,
        };
        Self {
            place,
            begin: part.start,
            end: part.end,
            kernel: LogisticRows::new(stride),
            raw: Vec::new(),
            current: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Goes on from a place.
    ///
    /// # Errors
    /// When it is not in this shard's part of the text, or names other tokens or rows of the output table than there are.
    pub(crate) fn go_to(&mut self, place: Place, tokens: usize, outputs: usize) -> Result<()> {
        let below = |ids: &[u32], count: usize| ids.iter().all(|&id| (id as usize) < count);
        let known = below(&place.sentence, tokens) && below(&place.next, outputs);
        let fits = known && (self.begin..=self.end).contains(&place.position) && place.at <= place.sentence.len();
        if !fits {
            let found = format!("position {}{}", place.position, if known { "" } else { " with unknown words" });
            return Err(Error::data("training to be gone on with", found, format!("{} to {}", self.begin, self.end)));
        }
        self.place = place;
        Ok(())
    }

    /// Whether all passes over its part are done.
    pub(crate) fn is_done(&self, epochs: u64) -> bool {
        self.place.epoch >= epochs || self.begin == self.end
    }

    /// Learns from the next `centres` words, or until all passes are done.
    pub(crate) fn run<R: Rows>(&mut self, plan: &Plan, rows: &mut R, mut centres: usize, rate: f32) {
        while centres > 0 && !self.is_done(plan.epochs) {
            if self.place.at >= self.place.sentence.len() {
                self.read(plan);
                continue;
            }
            self.centre(plan, rows, rate);
            centres -= 1;
        }
    }

    /// The next sentence, without the words that subsampling leaves out.
    fn read(&mut self, plan: &Plan) {
        let place = &mut self.place;
        place.at = 0;
        place.sentence.clear();
        self.raw.clear();
        if place.position >= self.end {
            (place.epoch, place.position) = (place.epoch + 1, self.begin);
            return;
        }
        let (position, tokens) = plan.sentences.read(place.epoch, place.position, self.end, &mut self.raw);
        let known = plan.objective.targets_in_all();
        assert!(self.raw.iter().all(|&token| (token as usize) < known), "tokens below {known}");
        place.position = position;
        place.tokens += tokens;
        let rng = &mut place.rng;
        match plan.keep {
            Some(keep) => {
                place.sentence.extend(self.raw.iter().copied().filter(|&t| rng.next_u32() <= keep[t as usize]))
            }
            None => place.sentence.extend_from_slice(&self.raw),
        }
        if let Some(&first) = place.sentence.first() {
            plan.objective.draw(first, rng, &mut place.next);
        }
    }

    /// One step with the word at hand and those around it.
    #[inline(always)]
    fn centre<R: Rows>(&mut self, plan: &Plan, rows: &mut R, rate: f32) {
        let Place { rng, sentence, at, next, steps, .. } = &mut self.place;
        let centre = *at;
        let word = sentence[centre];
        *at += 1;
        std::mem::swap(&mut self.current, next);
        if let Some(&following) = sentence.get(centre + 1) {
            // Memory is slow: what the next step needs is asked for now.
            plan.objective.draw(following, rng, next);
            next.iter().for_each(|&row| rows.prefetch_output(row));
            if let (Some(&ahead), Units::Tokens) = (sentence.get(centre + 1 + plan.window as usize), plan.units) {
                rows.prefetch_input(ahead);
            }
        }
        let reach = (plan.window - rng.below(plan.window)) as usize;
        let context = centre.saturating_sub(reach)..sentence.len().min(centre + 1 + reach);
        if context.len() < 2 || self.current.is_empty() {
            return;
        }
        *steps += 1;
        let measure = *steps % MEASURE_EVERY == 1;
        rows.begin();
        self.inputs.clear();
        match (plan.architecture, plan.units) {
            (Architecture::SkipGram, Units::Tokens) => {
                for i in context {
                    if i != centre {
                        self.inputs.push(rows.input(sentence[i]));
                    }
                }
                self.outputs.clear();
                self.outputs.extend(self.current.iter().map(|&row| rows.output(row)));
                plan.objective.targets(word, &self.current, rate, &mut self.targets);
                self.learn(plan, measure, false);
            }
            (Architecture::Cbow, units) => {
                for i in context.filter(|&i| i != centre) {
                    match units {
                        Units::Tokens => self.inputs.push(rows.input(sentence[i])),
                        Units::Several(several) => {
                            self.inputs.extend(several.of(sentence[i]).iter().map(|&row| rows.input(row)))
                        }
                    }
                }
                self.outputs.clear();
                self.outputs.extend(self.current.iter().map(|&row| rows.output(row)));
                plan.objective.targets(word, &self.current, rate, &mut self.targets);
                self.learn(plan, measure, true);
            }
            (Architecture::SkipGram, Units::Several(several)) => {
                let context = context.filter(|&i| i != centre);
                self.skip_gram_of_several(plan, several, rows, word, context, rate, measure);
            }
        }
    }

    /// Skip-gram as in fastText: the word at hand, a mean of rows, predicts each word around it. With negative sampling all of them
    /// share the negative examples, so that the mean is made, and its rows are moved, once.
    #[allow(clippy::too_many_arguments)]
    fn skip_gram_of_several<R: Rows>(
        &mut self,
        plan: &Plan,
        several: &Several,
        rows: &mut R,
        word: u32,
        context: impl Iterator<Item = usize>,
        rate: f32,
        measure: bool,
    ) {
        let context: Vec<u32> = context.map(|i| self.place.sentence[i]).collect();
        let Objective::Negative { sampler, count } = plan.objective else {
            for target in context {
                plan.objective.draw(target, &mut self.place.rng, &mut self.current);
                rows.begin();
                self.inputs.clear();
                self.inputs.extend(several.of(word).iter().map(|&row| rows.input(row)));
                self.outputs.clear();
                self.outputs.extend(self.current.iter().map(|&row| rows.output(row)));
                plan.objective.targets(target, &self.current, rate, &mut self.targets);
                self.learn(plan, measure, true);
            }
            return;
        };
        self.inputs.extend(several.of(word).iter().map(|&row| rows.input(row)));
        // Each of the words has `count` negative examples, as many in all as the shared ones count for.
        let pairs = context.len();
        self.current.clear();
        self.targets.clear();
        for word in context {
            match self.current.iter().position(|&row| row == word) {
                Some(same) => self.targets[same].rate += rate,
                None => {
                    self.current.push(word);
                    self.targets.push(Target { label: 1.0, rate });
                }
            }
        }
        let positives = self.current.len();
        extend_with_negatives(&mut self.current, count * NEGATIVE_SETS.min(pairs), sampler, &mut self.place.rng);
        let negatives = self.current.len() - positives;
        let rate = rate * (count * pairs) as f32 / negatives.max(1) as f32;
        self.targets.extend((0..negatives).map(|_| Target { label: 0.0, rate }));
        self.outputs.clear();
        self.outputs.extend(self.current.iter().map(|&row| rows.output(row)));
        self.learn(plan, measure, true);
    }

    /// Moves `inputs` (each, or their mean) and `outputs` towards `targets`.
    #[inline(always)]
    fn learn(&mut self, plan: &Plan, measure: bool, mean: bool) {
        let Self { kernel, inputs, outputs, targets, place, .. } = self;
        // SAFETY: the rows exist, are as long as the kernel was made for, and those of the two tables are apart; the output rows
        // differ from each other. Only hogwild lets other threads write to them, which training survives.
        unsafe {
            let middle = if mean { Some(kernel.gather(inputs)) } else { None };
            let sources = middle.as_ref().map_or(&inputs[..], std::slice::from_ref);
            if let Objective::Softmax(_) = plan.objective {
                let scores = kernel.products(sources, outputs);
                let loss = softmax_gradients(scores, targets);
                (place.loss, place.measured) = (place.loss + loss, place.measured + sources.len() as u64);
                kernel.update(sources, outputs);
            } else {
                if measure {
                    place.loss += logistic_loss(kernel.products(sources, outputs), targets);
                    place.measured += sources.len() as u64;
                }
                kernel.step(sources, outputs, targets);
            }
            if mean {
                kernel.scatter(inputs, 1.0);
            }
        }
    }
}

/// The sum of `-ln` of the probabilities given to the labels.
fn logistic_loss(scores: &[f32], targets: &[Target]) -> f64 {
    let loss = |(score, target): (&f32, &Target)| {
        let x = f64::from(if target.label > 0.5 { -score } else { *score });
        // ln(1 + e^x), without overflow.
        x.max(0.0) + (-x.abs()).exp().ln_1p()
    };
    scores.chunks(targets.len().max(1)).map(|scores| scores.iter().zip(targets).map(loss).sum::<f64>()).sum()
}

/// Makes scores `[inputs, outputs]` into the steps of a softmax towards the one label that is 1; the loss of all inputs.
fn softmax_gradients(scores: &mut [f32], targets: &[Target]) -> f64 {
    let mut loss = 0.0;
    for scores in scores.chunks_exact_mut(targets.len().max(1)) {
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
        let total: f32 = scores.iter().sum();
        for (score, target) in scores.iter_mut().zip(targets) {
            let p = *score / total;
            if target.label > 0.5 {
                loss -= f64::from(p.max(f32::MIN_POSITIVE)).ln();
            }
            *score = target.rate * (target.label - p);
        }
    }
    loss
}
