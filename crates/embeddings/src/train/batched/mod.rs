//! The engine for any device of Burn: steps of many words at once, on tensors.
//!
//! The gradients are written out, the rows of a batch are gathered and their changes added where they came from: nothing is as large as
//! the tables but the tables. Reading order: `batch` (the steps of many words as arrays), this file.
//!
//! All steps of a batch see the tables as they were before it. A row that many of them change would overshoot if the changes were
//! only added up: by the rule of `merge`, with every pair a copy, its changes are multiplied by `(1 - (1 - pull)^n) / (n pull)`, the way
//! that `n` pairs one after the other would have taken it over the way that they take it side by side.
//!
//! Batches depend on the text, the settings and the seed alone. On the processor so do all bits of the result; on a GPU changes of one
//! row are added in any order, and the last bits differ from run to run.

mod batch;

use burn::tensor::activation::{log_sigmoid, sigmoid};
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};

use self::batch::{Arrays, Batch};
use super::Plan;
use super::examples::{Examples, Place};
use crate::{Error, Result, Table};

/// Parts of the text that are read side by side, so that a batch is not all about one thing; at most.
const STREAMS: usize = 64;

/// Words that a batch takes of each part, at most. With 4 the scores are the same (within .006), the time is longer.
const EACH: usize = 16;

/// Rows of the output table for each word of a batch, at least. In a small table a batch would move each row many times from where it
/// stands, and vectors that begin near 0 grow by each other's growth.
const ROWS: usize = 4;

/// What part of the way to where the text pulls it a row goes for a pair, by learning rate. Logistic's steepest derivative would be 1/4, but
/// most pairs are far from there: with 1/4 Spearman's correlation with people's judgements is .013 lower.
const PULL: f32 = 0.05;

/// Batches from one measurement of the loss to the next.
const MEASURE_EVERY: usize = 16;

/// Rows that are brought from a device at once.
const PIECE: usize = 1 << 16;

/// Training under way.
pub struct Batched<'a> {
    pub(super) plan: Plan<'a>,
    device: Device,
    inputs: Tensor<2>,
    outputs: Tensor<2>,
    parts: Vec<Examples>,
    batch: Batch,
    /// Words of each part in a batch.
    each: usize,
}

impl<'a> Batched<'a> {
    /// Training of tables that fit the plan, with a loss that [`Engine::check`](super::Engine::check) lets pass.
    pub(super) fn new(
        plan: Plan<'a>,
        inputs: Table,
        outputs: Table,
        places: Option<Vec<Place>>,
        device: &Device,
    ) -> Result<Self> {
        let words = outputs.rows() / ROWS;
        let count = words.clamp(1, STREAMS);
        let mut parts: Vec<Examples> = (0..count).map(|index| Examples::new(&plan, index, count)).collect();
        if let Some(places) = places {
            if places.len() != count {
                let found = format!("{} places in the text", places.len());
                return Err(Error::data("training to be gone on with", found, format!("{count}")));
            }
            let tokens = plan.objective.targets_in_all();
            for (part, place) in parts.iter_mut().zip(places) {
                part.go_to(place, tokens)?;
            }
        }
        let batch = Batch::new(inputs.rows(), outputs.rows());
        let each = (words / count).clamp(1, EACH);
        let (inputs, outputs) = (on_device(inputs, device), on_device(outputs, device));
        Ok(Self { plan, device: device.clone(), inputs, outputs, parts, batch, each })
    }

    pub(super) fn is_finished(&self) -> bool {
        self.parts.iter().all(|part| part.is_done(self.plan.epochs))
    }

    pub(super) fn tokens(&self) -> u64 {
        self.parts.iter().map(|part| part.place.tokens).sum()
    }

    pub(super) fn places(&self) -> Vec<Place> {
        self.parts.iter().map(|part| part.place.clone()).collect()
    }

    pub(super) fn tables(&self) -> Result<[Table; 2]> {
        Ok([on_host(&self.inputs)?, on_host(&self.outputs)?])
    }

    pub(super) fn into_tables(self) -> Result<[Table; 2]> {
        let inputs = on_host(&self.inputs)?;
        drop(self.inputs);
        Ok([inputs, on_host(&self.outputs)?])
    }

    /// Goes on for about `centres` words; the loss, summed, and of how many inputs.
    pub(super) fn advance(&mut self, centres: usize) -> (f64, u64) {
        let mut losses: Vec<Tensor<1>> = Vec::new();
        let mut measured = 0;
        let mean = self.plan.predicts_from_mean();
        for number in 0..centres.div_ceil(self.parts.len() * self.each) {
            let rate = self.plan.rate(self.tokens());
            self.batch.clear();
            for part in &mut self.parts {
                part.draw(&self.plan, self.each, rate);
                self.batch.extend(part, mean);
            }
            let Some(arrays) = self.batch.arrays(PULL * rate) else { continue };
            // The first of every call, so that there is always a figure.
            if number % MEASURE_EVERY == 0 || losses.is_empty() {
                measured += arrays.predictors;
                losses.extend(self.step(arrays, true));
            } else {
                self.step(arrays, false);
            }
        }
        // Waiting for the device once.
        let loss = losses.into_iter().reduce(|sum, loss| sum + loss);
        (loss.map_or(0.0, |loss| f64::from(loss.into_scalar::<f32>())), measured)
    }

    /// Moves the rows of a batch of `b` steps, of at most `m` inputs and `k` outputs; the loss if it is asked for.
    fn step(&mut self, arrays: Arrays, measure: bool) -> Option<Tensor<1>> {
        let device = &self.device;
        let [b, m, k] = arrays.shape;
        let d = self.inputs.dims()[1];
        let ids = |ids: Vec<i32>| Tensor::<1, Int>::from_data(TensorData::new(ids.clone(), [ids.len()]), device);
        let column = |values: Vec<f32>| Tensor::<3>::from_data(TensorData::new(values, [b, m, 1]), device);
        let line = |values: Vec<f32>| Tensor::<3>::from_data(TensorData::new(values, [b, 1, k]), device);
        let (input_ids, output_ids) = (ids(arrays.inputs), ids(arrays.outputs));
        let (labels, rates) = (line(arrays.labels), line(arrays.rates));
        let (present, input_scale) = (column(arrays.present), column(arrays.input_scale));

        let x = self.inputs.clone().select(0, input_ids.clone()).reshape([b, m, d]);
        let y = self.outputs.clone().select(0, output_ids.clone()).reshape([b, k, d]);
        // What predicts: every input, or their mean. [b, m or 1, d]
        let hidden = if arrays.mean { present.clone().swap_dims(1, 2).matmul(x) } else { x };
        let scores = hidden.clone().matmul(y.clone().swap_dims(1, 2));
        let loss = measure.then(|| {
            let signed = scores.clone() * (labels.clone() * 2.0 - 1.0);
            let counted = rates.clone().greater_elem(0.0).float();
            let counted = if arrays.mean { counted } else { counted * present.clone() };
            -(log_sigmoid(signed) * counted).sum()
        });
        // [b, m or 1, k]; 0 where there is no output.
        let errors = (labels - sigmoid(scores)) * rates;
        let (toward_inputs, errors) = if arrays.mean {
            (input_scale.matmul(errors.clone().matmul(y)), errors)
        } else {
            ((errors.clone() * input_scale).matmul(y), errors * present)
        };
        let output_scale = line(arrays.output_scale);
        let toward_outputs = (errors * output_scale).swap_dims(1, 2).matmul(hidden);
        change(&mut self.inputs, input_ids, toward_inputs.reshape([b * m, d]));
        change(&mut self.outputs, output_ids, toward_outputs.reshape([b * k, d]));
        loss
    }
}

/// Adds `changes` `[n, dim]` to the rows `ids` `[n]`.
fn change(table: &mut Tensor<2>, ids: Tensor<1, Int>, changes: Tensor<2>) {
    // Taken out: nobody else holds it, so it is changed in place.
    let owned = std::mem::replace(table, Tensor::empty([1, 1], &table.device()));
    *table = owned.select_assign(0, ids, changes, IndexingUpdateOp::Add);
}

/// The table as a tensor `[rows, dim]`.
fn on_device(table: Table, device: &Device) -> Tensor<2> {
    let mut values = Vec::with_capacity(table.rows() * table.dim());
    table.iter().for_each(|row| values.extend_from_slice(row));
    Tensor::from_data(TensorData::new(values, [table.rows(), table.dim()]), device)
}

/// A tensor `[rows, dim]` as a table.
fn on_host(tensor: &Tensor<2>) -> Result<Table> {
    let [rows, dim] = tensor.dims();
    let mut table = Table::zeros(rows, dim)?;
    for start in (0..rows).step_by(PIECE) {
        let piece = tensor.clone().slice_dim(0, start..(start + PIECE).min(rows)).into_data();
        let values: Vec<f32> = piece
            .try_into_vec()
            .map_err(|error| Error::data("a table on the device", format!("{error:?}"), "numbers of 32 bits"))?;
        for (at, values) in values.chunks_exact(dim).enumerate() {
            table.row_mut(start + at).copy_from_slice(values);
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use ognivo_core::device;
    use ognivo_kernels::Target;

    use super::*;
    use crate::corpus::Corpus;
    use crate::train::{Architecture, Loss, Objective, Rng, Units, initial_inputs};

    /// Inputs, outputs and targets of a step.
    type Step = (Vec<u32>, Vec<u32>, Vec<Target>);

    /// The same batch in plain numbers, one pair after the other.
    fn expected(inputs: &Table, outputs: &Table, steps: &[Step], mean: bool, pull: f64) -> ([Table; 2], f64) {
        let dim = inputs.dim();
        let (mut new_inputs, mut new_outputs, mut loss) = (inputs.clone(), outputs.clone(), 0.0);
        let input_pairs = |step: &Step, row| step.0.iter().filter(|&&other| other == row).count() * step.1.len();
        let output_pairs =
            |step: &Step, row| if step.1.contains(&row) { if mean { 1 } else { step.0.len() } } else { 0 };
        let touches =
            |of: &dyn Fn(&Step, u32) -> usize, row: u32| steps.iter().map(|step| of(step, row)).sum::<usize>() as f64;
        let scale = |n: f64| (1.0 - (1.0 - pull).powf(n)) / (n * pull);
        for (rows, targets_rows, targets) in steps {
            let groups: Vec<&[u32]> = if mean { vec![rows] } else { rows.chunks(1).collect() };
            for group in groups {
                let value = |at: usize| group.iter().map(|&row| f64::from(inputs.row(row as usize)[at])).sum::<f64>();
                let hidden: Vec<f64> = (0..dim).map(|at| value(at) / group.len() as f64).collect();
                let mut toward = vec![0.0; dim];
                for (&output, target) in targets_rows.iter().zip(targets) {
                    let row = outputs.row(output as usize);
                    let score: f64 = hidden.iter().zip(row).map(|(a, &b)| a * f64::from(b)).sum();
                    let p = 1.0 / (1.0 + (-score).exp());
                    loss -= if target.label > 0.5 { p.ln() } else { (1.0 - p).ln() };
                    let error = f64::from(target.rate) * (f64::from(target.label) - p);
                    let share = scale(touches(&output_pairs, output));
                    for at in 0..dim {
                        toward[at] += error * f64::from(row[at]);
                        new_outputs.row_mut(output as usize)[at] += (error * share * hidden[at]) as f32;
                    }
                }
                for &row in group {
                    let share = scale(touches(&input_pairs, row));
                    let row = new_inputs.row_mut(row as usize);
                    row.iter_mut().zip(&toward).for_each(|(value, toward)| *value += (share * toward) as f32);
                }
            }
        }
        ([new_inputs, new_outputs], loss)
    }

    #[test]
    fn a_batch_is_what_its_pairs_are() {
        let random = |rows: usize, seed: u64| {
            let mut rng = Rng::new(seed, &[]);
            Table::from_values(7, &(0..rows * 7).map(|_| 2.0 * rng.uniform() - 1.0).collect::<Vec<_>>()).unwrap()
        };
        let target = |label: f32, rate: f32| Target { label, rate };
        // Steps of different lengths that share rows.
        let steps: Vec<Step> = vec![
            (vec![1, 2, 1], vec![3, 0], vec![target(1.0, 0.5), target(0.0, 0.5)]),
            (vec![2], vec![4, 3, 1], vec![target(0.0, 0.25), target(1.0, 0.5), target(0.0, 0.5)]),
            (vec![0, 4, 3, 2], vec![2], vec![target(1.0, 0.5)]),
        ];
        let (corpus, vocabulary) = Corpus::from_text("a b c d e", 1).unwrap();
        let objective = Objective::new(Loss::Negative, vocabulary.counts(), 1);
        for mean in [false, true] {
            let plan = Plan {
                sentences: &corpus,
                units: &Units::Tokens,
                objective: &objective,
                keep: None,
                architecture: Architecture::SkipGram,
                window: 2,
                epochs: 1,
                learning_rate: 0.1,
                seed: 1,
                hogwild: false,
            };
            let (inputs, outputs) = (random(5, 1), random(5, 2));
            let (tables, loss) = expected(&inputs, &outputs, &steps, mean, 0.3);
            let mut batched = Batched::new(plan, inputs, outputs, None, &device::parse("cpu").unwrap()).unwrap();
            for (inputs, outputs, targets) in &steps {
                batched.batch.push(inputs, outputs, targets, mean);
            }
            let arrays = batched.batch.arrays(0.3).unwrap();
            assert_eq!((arrays.shape, arrays.predictors), ([3, 4, 3], if mean { 3 } else { 8 }));
            let found = batched.step(arrays, true).unwrap().into_scalar::<f32>();
            assert!((f64::from(found) - loss).abs() < 1e-5 * loss, "{found} {loss}");
            for (found, expected) in batched.into_tables().unwrap().iter().zip(&tables) {
                for (row, (found, expected)) in found.iter().zip(expected.iter()).enumerate() {
                    let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
                    assert!(near, "row {row}: {found:?} {expected:?}");
                }
            }
        }
    }

    #[test]
    fn tables_come_back_as_they_went() {
        let table = initial_inputs(PIECE + 3, 5, 1).unwrap();
        assert_eq!(on_host(&on_device(table.clone(), &device::parse("cpu").unwrap())).unwrap(), table);
    }
}
