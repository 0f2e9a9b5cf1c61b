//! A part of the text, as steps: which inputs are to tell which outputs.

use std::ops::Range;

use ognivo_kernels::Target;
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use crate::train::objective::{Objective, draw_shared};
use crate::train::{Architecture, Plan, Rng, Units};
use crate::{Error, Result};

/// Where a part is: enough to go on from there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    epoch: u64,
    /// Where the next sentence begins, in the units of the source.
    position: u64,
    /// Tokens it has read in all.
    pub(super) tokens: u64,
    rng: Rng,
    sentence: Vec<u32>,
    /// The next centre in the sentence.
    at: usize,
}

/// A part of the text and the memory to read it.
pub(super) struct Source {
    pub(super) stream: Stream,
    part: Range<u64>,
    raw: Vec<u32>,
    inputs: Vec<u32>,
    outputs: Vec<u32>,
    targets: Vec<Target>,
}

impl Source {
    /// At the beginning of part `index` of `parts`.
    pub(super) fn new(plan: &Plan, index: usize, parts: usize) -> Self {
        let part = plan.sentences.part(index, parts);
        let stream = Stream {
            epoch: 0,
            position: part.start,
            tokens: 0,
            rng: Rng::new(plan.seed, &[index as u64, parts as u64]),
            sentence: Vec::new(),
            at: 0,
        };
        let (raw, inputs, outputs, targets) = Default::default();
        Self { stream, part, raw, inputs, outputs, targets }
    }

    /// Goes on from a place.
    ///
    /// # Errors
    /// When it is not in this part of the text, or names other tokens than there are.
    pub(super) fn go_to(&mut self, stream: Stream, tokens: usize) -> Result<()> {
        let known = stream.sentence.iter().all(|&token| (token as usize) < tokens);
        let Range { start, end } = self.part;
        if !known || !(start..=end).contains(&stream.position) || stream.at > stream.sentence.len() {
            let found = format!("position {}{}", stream.position, if known { "" } else { " with unknown words" });
            return Err(Error::data("training to be gone on with", found, format!("{start} to {end}")));
        }
        self.stream = stream;
        Ok(())
    }

    /// Whether all passes over the part are done.
    pub(super) fn is_done(&self, epochs: u64) -> bool {
        self.stream.epoch >= epochs || self.part.is_empty()
    }

    /// Adds the steps of the next `centres` words, or fewer at the end.
    pub(super) fn fill(&mut self, plan: &Plan, mut centres: usize, rate: f32, batch: &mut Batch) {
        while centres > 0 && !self.is_done(plan.epochs) {
            if self.stream.at >= self.stream.sentence.len() {
                self.read(plan);
                continue;
            }
            self.centre(plan, rate, batch);
            centres -= 1;
        }
    }

    /// The next sentence, without the words that subsampling leaves out.
    fn read(&mut self, plan: &Plan) {
        let Self { stream, raw, part, .. } = self;
        stream.at = 0;
        stream.sentence.clear();
        raw.clear();
        if stream.position >= part.end {
            (stream.epoch, stream.position) = (stream.epoch + 1, part.start);
            return;
        }
        let (position, tokens) = plan.sentences.read(stream.epoch, stream.position, part.end, raw);
        let known = plan.objective.targets_in_all();
        assert!(raw.iter().all(|&token| (token as usize) < known), "tokens below {known}");
        stream.position = position;
        stream.tokens += tokens;
        match plan.keep {
            Some(keep) => {
                let rng = &mut stream.rng;
                stream.sentence.extend(raw.iter().copied().filter(|&token| rng.next_u32() <= keep[token as usize]));
            }
            None => stream.sentence.extend_from_slice(raw),
        }
    }

    /// The steps of the word at hand and those around it.
    fn centre(&mut self, plan: &Plan, rate: f32, batch: &mut Batch) {
        let Self { stream: Stream { rng, sentence, at, .. }, inputs, outputs, targets, .. } = self;
        let centre = *at;
        let word = sentence[centre];
        *at += 1;
        let reach = (plan.window - rng.below(plan.window)) as usize;
        let context = centre.saturating_sub(reach)..sentence.len().min(centre + 1 + reach);
        if context.len() < 2 {
            return;
        }
        let context = context.filter(|&i| i != centre).map(|i| sentence[i]);
        inputs.clear();
        let mean = match (plan.architecture, plan.units) {
            (Architecture::SkipGram, Units::Several(several)) => {
                inputs.extend_from_slice(several.of(word));
                let Objective::Negative { sampler, count } = plan.objective else {
                    for target in context {
                        plan.objective.draw(target, rng, outputs);
                        plan.objective.targets(target, outputs, rate, targets);
                        batch.push(inputs, outputs, targets, true);
                    }
                    return;
                };
                draw_shared(context, *count, sampler, rate, rng, outputs, targets);
                batch.push(inputs, outputs, targets, true);
                return;
            }
            (architecture, Units::Tokens) => {
                inputs.extend(context);
                architecture == Architecture::Cbow
            }
            (Architecture::Cbow, Units::Several(several)) => {
                context.for_each(|token| inputs.extend_from_slice(several.of(token)));
                true
            }
        };
        plan.objective.draw(word, rng, outputs);
        plan.objective.targets(word, outputs, rate, targets);
        batch.push(inputs, outputs, targets, mean);
    }
}
