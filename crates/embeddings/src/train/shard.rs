//! One part of the text and what is done with it, step by step.

use ognivo_kernels::{LogisticRows, Target};

use super::Plan;
use super::examples::Examples;
use super::objective::Objective;
use super::rows::{Rows, prefetch_row};

/// Steps from one measurement of the loss to the next.
const MEASURE_EVERY: u64 = 64;

/// A part of the text and the memory to work on it.
pub(crate) struct Shard {
    pub(crate) examples: Examples,
    /// The loss of so many pairs.
    pub(crate) loss: f64,
    pub(crate) measured: u64,
    pub(crate) steps: u64,
    kernel: LogisticRows,
    /// Where the rows of the examples are.
    inputs: Vec<*mut f32>,
    outputs: Vec<*mut f32>,
    sources: Vec<*mut f32>,
    targets: Vec<Target>,
}

// SAFETY: the pointers are used only within `learn`, which fills them first.
unsafe impl Send for Shard {}

impl Shard {
    pub(crate) fn new(plan: &Plan, index: usize, shards: usize, stride: usize) -> Self {
        Self {
            examples: Examples::new(plan, index, shards),
            loss: 0.0,
            measured: 0,
            steps: 0,
            kernel: LogisticRows::new(stride),
            inputs: Vec::new(),
            outputs: Vec::new(),
            sources: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Learns from the examples drawn.
    pub(crate) fn learn<R: Rows>(&mut self, plan: &Plan, rows: &mut R, rate: f32) {
        let Examples { steps, inputs, sources, outputs, targets, .. } = &self.examples;
        let is_mean = plan.predicts_from_mean();
        self.inputs.clear();
        self.inputs.extend(inputs.iter().map(|&(row, touches)| rows.input(row, touches)));
        self.outputs.clear();
        let all = plan.objective.compares_all();
        match all {
            Some(count) => self.outputs.extend((0..count as u32).map(|row| rows.output(row, steps.len() as u32))),
            None => {
                for (number, step) in steps.iter().enumerate() {
                    let shared = steps.get(number + 1).map_or(usize::MAX, |next| next.outputs.start);
                    let new = self.outputs.len()..step.outputs.end;
                    self.outputs.extend(new.map(|at| rows.output(outputs[at], 1 + u32::from(at >= shared))));
                }
            }
        }
        let (mut source, mut asked) = (0, 0);
        for (number, step) in steps.iter().enumerate() {
            // Memory is slow: what the next step needs for the first time is asked for now.
            if let Some(next) = steps.get(number + 1) {
                let stride = self.kernel.length();
                let last = sources[step.sources..next.sources].last().map_or(0, |&last| last as usize + 1);
                self.inputs[asked.min(last)..last].iter().for_each(|row| prefetch_row(*row, stride));
                asked = asked.max(last);
                if all.is_none() {
                    self.outputs[step.outputs.end..next.outputs.end].iter().for_each(|row| prefetch_row(*row, stride));
                }
            }
            self.sources.clear();
            self.sources.extend(sources[source..step.sources].iter().map(|&number| self.inputs[number as usize]));
            let (outputs, targets) = match all {
                Some(count) => {
                    self.targets.clear();
                    self.targets.resize(count, Target { label: 0.0, rate });
                    self.targets[step.word as usize].label = 1.0;
                    (&self.outputs[..], &self.targets[..])
                }
                None => (&self.outputs[step.outputs.clone()], &targets[step.outputs.clone()]),
            };
            source = step.sources;
            self.steps += 1;
            let measure = self.steps % MEASURE_EVERY == 1;
            let (kernel, inputs) = (&mut self.kernel, &self.sources);
            // SAFETY: the rows exist, are as long as the kernel was made for, and those of the two tables are apart; the output rows
            // differ from each other. Only hogwild lets other threads write to them, which training survives.
            unsafe {
                let middle = if is_mean { Some(kernel.gather(inputs)) } else { None };
                let sources = middle.as_ref().map_or(&inputs[..], std::slice::from_ref);
                if let Objective::Softmax(_) = plan.objective {
                    self.loss += softmax_gradients(kernel.products(sources, outputs), targets);
                    self.measured += sources.len() as u64;
                    kernel.update(sources, outputs);
                } else {
                    if measure {
                        self.loss += logistic_loss(kernel.products(sources, outputs), targets);
                        self.measured += sources.len() as u64;
                    }
                    kernel.step(sources, outputs, targets);
                }
                if is_mean {
                    kernel.scatter(inputs, 1.0);
                }
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
