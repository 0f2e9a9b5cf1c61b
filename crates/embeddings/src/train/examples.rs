//! What a shard learns next: words, the words around them, negative examples. Here are row numbers alone; no vector is touched.

use std::ops::Range;

use ognivo_kernels::Target;
use serde::{Deserialize, Serialize};

use super::objective::{Objective, extend_with_negatives};
use super::rng::Rng;
use super::sampler::Sampler;
use super::units::{Several, Units};
use super::{Architecture, Plan};
use crate::{Error, Result};

/// Sets of negative examples that the words around one share in skip-gram over sub-words.
const NEGATIVE_SETS: usize = 2;

/// Where a shard stands: enough to go on from there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Passes over its part that it has begun.
    epoch: u64,
    /// Where the next sentence begins, in the units of the source.
    position: u64,
    /// Tokens it has read in all.
    pub(crate) tokens: u64,
    rng: Rng,
    sentence: Vec<u32>,
    /// The next centre in the sentence.
    at: usize,
}

/// A part of the text, and what is to be learnt next from it.
pub(crate) struct Examples {
    pub(crate) place: Place,
    begin: u64,
    end: u64,
    raw: Vec<u32>,
    context: Vec<u32>,
    /// For each word of the sentence where its rows begin in `inputs`, or [`NONE`].
    known: Vec<usize>,
    /// Whether the last step's negative examples may serve the next one too.
    lends: bool,
    pub(crate) steps: Vec<Step>,
    /// Input rows of all steps, in the order in which they are first needed, and by how many steps each is. A row may stand there twice.
    pub(crate) inputs: Vec<(u32, u32)>,
    /// The inputs of all steps, as numbers of `inputs`.
    pub(crate) sources: Vec<u32>,
    /// Output rows of all steps, and what each should answer; none for an objective that compares all rows. A step shares rows with
    /// the next one at most.
    pub(crate) outputs: Vec<u32>,
    pub(crate) targets: Vec<Target>,
}

/// Stands for inputs that no step of the round has needed yet.
const NONE: usize = usize::MAX;

/// One step.
#[derive(Clone)]
pub(crate) struct Step {
    /// What is predicted.
    pub(crate) word: u32,
    /// Where its inputs end; those of the next begin there.
    pub(crate) sources: usize,
    pub(crate) outputs: Range<usize>,
}

impl Examples {
    pub(crate) fn new(plan: &Plan, index: usize, shards: usize) -> Self {
        let part = plan.sentences.part(index, shards);
        let rng = Rng::new(plan.seed, &[index as u64, shards as u64]);
        Self {
            place: Place { epoch: 0, position: part.start, tokens: 0, rng, sentence: Vec::new(), at: 0 },
            begin: part.start,
            end: part.end,
            raw: Vec::new(),
            context: Vec::new(),
            known: Vec::new(),
            lends: false,
            steps: Vec::new(),
            inputs: Vec::new(),
            sources: Vec::new(),
            outputs: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Goes on from a place.
    ///
    /// # Errors
    /// When it is not in this shard's part of the text, or names tokens that there are not.
    pub(crate) fn go_to(&mut self, place: Place, tokens: usize) -> Result<()> {
        let known = place.sentence.iter().all(|&token| (token as usize) < tokens);
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

    /// The steps of the next `centres` words, or of those that are left.
    pub(crate) fn draw(&mut self, plan: &Plan, mut centres: usize, rate: f32) {
        self.steps.clear();
        self.inputs.clear();
        self.sources.clear();
        self.outputs.clear();
        self.targets.clear();
        self.lends = false;
        self.forget();
        while centres > 0 && !self.is_done(plan.epochs) {
            if self.place.at >= self.place.sentence.len() {
                self.read(plan);
                continue;
            }
            self.centre(plan, rate);
            centres -= 1;
        }
    }

    /// Marks the inputs of all words of the sentence as not needed yet.
    fn forget(&mut self) {
        self.known.clear();
        self.known.resize(self.place.sentence.len(), NONE);
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
        self.forget();
    }

    /// The steps for one word and those around it.
    fn centre(&mut self, plan: &Plan, rate: f32) {
        let Place { rng, sentence, at, .. } = &mut self.place;
        let (centre, word) = (*at, sentence[*at]);
        *at += 1;
        let reach = (plan.window - rng.below(plan.window)) as usize;
        let around = centre.saturating_sub(reach)..sentence.len().min(centre + 1 + reach);
        let around = around.filter(|&i| i != centre);
        match (plan.architecture, plan.units) {
            (Architecture::SkipGram, Units::Several(several)) => {
                self.context.clear();
                self.context.extend(around.map(|i| sentence[i]));
                self.skip_gram_of_several(plan, several, word, rate);
            }
            _ => {
                for i in around {
                    self.source(plan.units, i);
                }
                self.predict(plan, word, rate);
            }
        }
    }

    /// Adds word number `at` of the sentence to the inputs of the step at hand.
    #[inline(always)]
    fn source(&mut self, units: &Units, at: usize) {
        let token = self.place.sentence[at];
        let rows = match units {
            Units::Tokens => std::slice::from_ref(&self.place.sentence[at]),
            Units::Several(several) => several.of(token),
        };
        if self.known[at] == NONE {
            self.known[at] = self.inputs.len();
            self.inputs.extend(rows.iter().map(|&row| (row, 0)));
        }
        for number in self.known[at]..self.known[at] + rows.len() {
            self.inputs[number].1 += 1;
            self.sources.push(number as u32);
        }
    }

    /// Adds rows that no later step needs to the inputs of the step at hand.
    fn once(&mut self, rows: &[u32]) {
        let begin = self.inputs.len();
        self.inputs.extend(rows.iter().map(|&row| (row, 1)));
        self.sources.extend(begin as u32..self.inputs.len() as u32);
    }

    /// Ends a step whose inputs are there: they predict `word`.
    ///
    /// In CBOW two steps share their negative examples: half as many rows are fetched, claimed and merged.
    fn predict(&mut self, plan: &Plan, word: u32, rate: f32) {
        if self.steps.last().map_or(0, |step| step.sources) == self.sources.len() {
            return;
        }
        let lent = match self.steps.last() {
            Some(last) if self.lends => last.outputs.start + 1..self.outputs.len(),
            _ => 0..0,
        };
        if !lent.is_empty() && !self.outputs[lent.clone()].contains(&word) {
            self.outputs.push(word);
            self.targets.push(Target { label: 1.0, rate });
            self.lends = false;
            return self.end(word, lent.start);
        }
        let begin = self.outputs.len();
        plan.objective.draw(word, rate, &mut self.place.rng, &mut self.outputs, &mut self.targets);
        let negative = matches!(plan.objective, Objective::Negative { .. });
        self.lends = negative && plan.architecture == Architecture::Cbow;
        self.end(word, begin);
    }

    /// Ends a step, the outputs of which begin at `begin`.
    fn end(&mut self, word: u32, begin: usize) {
        self.steps.push(Step { word, sources: self.sources.len(), outputs: begin..self.outputs.len() });
    }

    /// Skip-gram as in fastText: the word at hand, a mean of rows, predicts each word around it. With negative sampling all of them
    /// share the negative examples, so that the mean is made, and its rows are moved, once.
    fn skip_gram_of_several(&mut self, plan: &Plan, several: &Several, word: u32, rate: f32) {
        let context = std::mem::take(&mut self.context);
        match plan.objective {
            Objective::Negative { sampler, count } if !context.is_empty() => {
                self.once(several.of(word));
                let begin = self.outputs.len();
                self.share_negatives(&context, sampler, *count, rate);
                self.end(word, begin);
            }
            _ => {
                for &target in &context {
                    self.once(several.of(word));
                    self.predict(plan, target, rate);
                }
            }
        }
        self.context = context;
    }

    /// All of `words` are right, others wrong; each of the words has `count` negative examples, as many in all as the shared ones count
    /// for.
    fn share_negatives(&mut self, words: &[u32], sampler: &Sampler, count: usize, rate: f32) {
        let begin = self.outputs.len();
        for &word in words {
            match self.outputs[begin..].iter().position(|&row| row == word) {
                Some(same) => self.targets[begin + same].rate += rate,
                None => {
                    self.outputs.push(word);
                    self.targets.push(Target { label: 1.0, rate });
                }
            }
        }
        let positives = self.outputs.len();
        let wanted = count * NEGATIVE_SETS.min(words.len());
        extend_with_negatives(&mut self.outputs, begin, wanted, sampler, &mut self.place.rng);
        let negatives = self.outputs.len() - positives;
        let rate = rate * (count * words.len()) as f32 / negatives.max(1) as f32;
        self.targets.resize(self.outputs.len(), Target { label: 0.0, rate });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::corpus::{Corpus, planted};
    use crate::train::Loss;

    /// The steps drawn in one round of a text, the negative examples of which are `count`.
    fn drawn(architecture: Architecture, count: usize) -> Examples {
        let (corpus, vocabulary) = Corpus::from_text(&planted::planted(2000, 1), 1).unwrap();
        let objective = Objective::new(Loss::Negative, vocabulary.counts(), count);
        let plan = Plan {
            sentences: &corpus,
            units: &Units::Tokens,
            objective: &objective,
            keep: None,
            architecture,
            window: 3,
            epochs: 1,
            learning_rate: 0.1,
            seed: 1,
            hogwild: false,
        };
        let mut examples = Examples::new(&plan, 0, 1);
        examples.draw(&plan, 500, 0.1);
        examples
    }

    #[test]
    fn two_steps_of_cbow_share_their_negative_examples() {
        let examples = drawn(Architecture::Cbow, 5);
        let rows: usize = examples.steps.iter().map(|step| step.outputs.len()).sum();
        // 7 rows for two steps of 6, unless the second word was among the first one's negative examples.
        let share = examples.outputs.len() as f64 / rows as f64;
        assert!((7.0 / 12.0..0.7).contains(&share), "{share}");
        assert_eq!(drawn(Architecture::SkipGram, 5).outputs.len() % 6, 0);
        // Without negative examples there is nothing to share.
        assert!(drawn(Architecture::Cbow, 0).steps.iter().all(|step| step.outputs.len() == 1));
    }

    #[test]
    fn each_step_has_different_rows_of_which_its_word_is_the_right_one() {
        for architecture in [Architecture::Cbow, Architecture::SkipGram] {
            let examples = drawn(architecture, 5);
            assert!(examples.steps.len() > 400);
            for step in &examples.steps {
                let (rows, targets) =
                    (&examples.outputs[step.outputs.clone()], &examples.targets[step.outputs.clone()]);
                assert_eq!(rows.iter().collect::<HashSet<_>>().len(), rows.len());
                let right: Vec<u32> =
                    (rows.iter().zip(targets)).filter(|(_, t)| t.label == 1.0).map(|(r, _)| *r).collect();
                assert_eq!(right, [step.word]);
            }
        }
    }
}
