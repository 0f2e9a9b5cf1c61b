//! The steps of a batch, as rectangular arrays.

use ognivo_kernels::Target;

use crate::train::examples::Examples;

/// Steps one after the other: inputs that are to tell outputs.
pub(super) struct Batch {
    inputs: Vec<u32>,
    outputs: Vec<u32>,
    targets: Vec<Target>,
    /// Where each step ends in `inputs` and in `outputs`.
    ends: Vec<(usize, usize)>,
    mean: bool,
    /// How many pairs each row is part of.
    input_touches: Vec<u32>,
    output_touches: Vec<u32>,
}

/// A batch of `b` steps, filled up to `m` inputs and `k` outputs each. What fills up is row 0, and changes nothing.
pub(super) struct Arrays {
    /// `[b, m, k]`.
    pub(super) shape: [usize; 3],
    /// `[b, m]`: rows.
    pub(super) inputs: Vec<i32>,
    /// `[b, m]`: 1 where there is an input (1 over the number of inputs if their mean predicts), else 0.
    pub(super) present: Vec<f32>,
    /// `[b, m]`: what changes of inputs are multiplied by.
    pub(super) input_scale: Vec<f32>,
    /// `[b, k]`: rows.
    pub(super) outputs: Vec<i32>,
    /// `[b, k]`: what they should answer.
    pub(super) labels: Vec<f32>,
    /// `[b, k]`: the learning rate.
    pub(super) rates: Vec<f32>,
    /// `[b, k]`: what changes of outputs are multiplied by.
    pub(super) output_scale: Vec<f32>,
    /// Whether the mean of the inputs predicts, not each.
    pub(super) mean: bool,
    /// How many vectors predict.
    pub(super) predictors: u64,
}

impl Batch {
    /// An empty one, over tables of so many rows.
    pub(super) fn new(inputs: usize, outputs: usize) -> Self {
        Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            targets: Vec::new(),
            ends: Vec::new(),
            mean: false,
            input_touches: vec![0; inputs],
            output_touches: vec![0; outputs],
        }
    }

    /// Forgets all steps.
    pub(super) fn clear(&mut self) {
        self.inputs.drain(..).for_each(|row| self.input_touches[row as usize] = 0);
        self.outputs.drain(..).for_each(|row| self.output_touches[row as usize] = 0);
        self.targets.clear();
        self.ends.clear();
    }

    /// Adds steps that were drawn.
    pub(super) fn extend(&mut self, examples: &Examples, mean: bool) {
        let mut source = 0;
        let mut inputs = Vec::new();
        for step in &examples.steps {
            inputs.clear();
            let sources = &examples.sources[source..step.sources];
            inputs.extend(sources.iter().map(|&number| examples.inputs[number as usize].0));
            let (outputs, targets) = (&examples.outputs[step.outputs.clone()], &examples.targets[step.outputs.clone()]);
            self.push(&inputs, outputs, targets, mean);
            source = step.sources;
        }
    }

    /// Adds a step; steps without inputs or outputs are left out. `mean` is the same for all.
    pub(super) fn push(&mut self, inputs: &[u32], outputs: &[u32], targets: &[Target], mean: bool) {
        if inputs.is_empty() || outputs.is_empty() {
            return;
        }
        let predictors = if mean { 1 } else { inputs.len() as u32 };
        inputs.iter().for_each(|&row| self.input_touches[row as usize] += outputs.len() as u32);
        outputs.iter().for_each(|&row| self.output_touches[row as usize] += predictors);
        self.inputs.extend_from_slice(inputs);
        self.outputs.extend_from_slice(outputs);
        self.targets.extend_from_slice(targets);
        self.ends.push((self.inputs.len(), self.outputs.len()));
        self.mean = mean;
    }

    /// The arrays, if there are any steps. `pull` is the part of the way that a touch takes a row.
    pub(super) fn arrays(&self, pull: f32) -> Option<Arrays> {
        let steps = || {
            let starts = std::iter::once((0, 0)).chain(self.ends.iter().copied());
            starts.zip(&self.ends).map(|(start, end)| (start.0..end.0, start.1..end.1))
        };
        let b = self.ends.len();
        let m = steps().map(|(inputs, _)| inputs.len()).max()?;
        let k = steps().map(|(_, outputs)| outputs.len()).max()?;
        let mut arrays = Arrays {
            shape: [b, m, k],
            inputs: vec![0; b * m],
            present: vec![0.0; b * m],
            input_scale: vec![0.0; b * m],
            outputs: vec![0; b * k],
            labels: vec![0.0; b * k],
            rates: vec![0.0; b * k],
            output_scale: vec![0.0; b * k],
            mean: self.mean,
            predictors: if self.mean { b } else { self.inputs.len() } as u64,
        };
        for (step, (inputs, outputs)) in steps().enumerate() {
            let share = if self.mean { 1.0 / inputs.len() as f32 } else { 1.0 };
            for (at, &row) in self.inputs[inputs].iter().enumerate() {
                let at = step * m + at;
                arrays.inputs[at] = row as i32;
                arrays.present[at] = share;
                arrays.input_scale[at] = weight(self.input_touches[row as usize], pull);
            }
            for (at, (&row, target)) in self.outputs[outputs.clone()].iter().zip(&self.targets[outputs]).enumerate() {
                let at = step * k + at;
                arrays.outputs[at] = row as i32;
                arrays.labels[at] = target.label;
                arrays.rates[at] = target.rate;
                arrays.output_scale[at] = weight(self.output_touches[row as usize], pull);
            }
        }
        Some(arrays)
    }
}

/// What `touches` changes of a row that were made side by side are multiplied by.
fn weight(touches: u32, pull: f32) -> f32 {
    if touches < 2 {
        return 1.0;
    }
    let (n, pull) = (touches as f32, pull.min(0.999));
    -(n * (-pull).ln_1p()).exp_m1() / (n * pull)
}
