//! Trains a cell on a problem, until it is solved or the steps are used up.

use std::time::Instant;

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use ognivo_core::metrics::Interval;
use ognivo_core::random::{self, Rng};
use ognivo_core::train::clip::clip_norm;
use ognivo_core::train::interrupt;
use ognivo_core::train::optimizer::Optimizer;
use serde::{Deserialize, Serialize};

use super::task::{Answer, Sequence, Task};
use crate::cell::{CellConfig, Stack, StackConfig};
use crate::{Error, Result};

/// A problem is solved when this share of the test sequences is right.
pub const SOLVED: f64 = 0.99;
/// Training stops at this share of the validation sequences: the best of many measurements is a little too good.
const STOP: f64 = 0.995;

/// Sequences on which progress is measured, and those for the figure at the end, which are looked at once.
const VALID: usize = 1000;
const TEST: usize = 1000;

/// First part of the random streams of this file.
const MEMORY: u64 = 0x6d65_6d6f;
const TRAIN_PART: u64 = 0;
const VALID_PART: u64 = 1;
const TEST_PART: u64 = 2;

const MAX_LENGTH: usize = 100_000;

/// What is trained on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SolveConfig {
    /// The problem (default `adding`).
    pub task: Task,
    /// Its length: how long something must be remembered, about (default 20).
    pub length: usize,
    /// The cell (default `lstm`).
    pub cell: CellConfig,
    /// Units (default 32).
    pub hidden: usize,
    /// Most training steps (default 2000).
    pub steps: u64,
    /// Sequences in a step (default 32).
    pub batch_size: usize,
    /// Adam's (default 0.005).
    pub learning_rate: f64,
    /// The norm to which gradients are clipped (default 1).
    pub clip_norm: f64,
    /// Steps between two measurements (default 100).
    pub check_every: u64,
    /// Everything random follows from it.
    pub seed: u64,
}

impl Default for SolveConfig {
    fn default() -> Self {
        Self {
            task: Task::Adding,
            length: 20,
            cell: CellConfig::default(),
            hidden: 32,
            steps: 2000,
            batch_size: 32,
            learning_rate: 5e-3,
            clip_norm: 1.0,
            check_every: 100,
            seed: 1,
        }
    }
}

/// A measurement on the validation sequences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Training steps before it.
    pub step: u64,
    /// The loss.
    pub loss: f64,
    /// The share of sequences that are right in all their answers.
    pub correct: f64,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The measurements, the first before any training.
    pub curve: Vec<Point>,
    /// The step at which training stopped, as 99.5 % of the validation sequences were right.
    pub solved_at: Option<u64>,
    /// The share of the test sequences that are right, with its interval.
    pub correct: Interval,
    /// The loss on the test sequences.
    pub loss: f64,
    /// Whether training ended early, because the loss was not finite or by Ctrl-C.
    pub ended: Ended,
    /// Numbers that were learned.
    pub parameters: usize,
    /// Time, with the measurements.
    pub seconds: f64,
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Solved, or all steps used.
    Finished,
    /// A loss was not finite: the learning rate is too high.
    Diverged,
    /// Ctrl-C.
    Interrupted,
}

impl Outcome {
    /// Whether the test sequences confirm that it is solved.
    pub fn solved(&self) -> bool {
        self.correct.value >= SOLVED
    }
}

impl SolveConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting out of its range, by its key.
    pub fn validate(&self) -> Result<()> {
        let shortest = self.task.shortest();
        if !(shortest..=MAX_LENGTH).contains(&self.length) {
            return Err(Error::setting("length", self.length, format!("{shortest} to {MAX_LENGTH} for {}", self.task)));
        }
        for (key, value) in
            [("steps", self.steps), ("batch_size", self.batch_size as u64), ("check_every", self.check_every)]
        {
            if value == 0 {
                return Err(Error::setting(key, value, "at least 1"));
            }
        }
        if self.batch_size > 1 << 16 {
            return Err(Error::setting("batch_size", self.batch_size, "at most 65536"));
        }
        for (key, value) in [("learning_rate", self.learning_rate), ("clip_norm", self.clip_norm)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::setting(key, value, "a positive number"));
            }
        }
        self.stack().validate()
    }

    fn stack(&self) -> StackConfig {
        StackConfig { cell: self.cell.clone(), hidden: self.hidden, ..StackConfig::default() }
    }
}

/// A cell and what reads its outputs.
#[derive(Module, Debug)]
struct Network {
    rnn: Stack,
    readout: Linear,
}

impl Network {
    fn init(config: &SolveConfig, device: &Device) -> Result<Self> {
        let outputs = match config.task.answer() {
            Answer::Number => 1,
            Answer::Class(classes) => classes,
        };
        let rnn = config.stack().init(config.task.features(), device)?;
        // PyTorch's default: uniform on (-1, 1) / sqrt(inputs).
        let initializer = Initializer::KaimingUniform { gain: 1.0 / 3f64.sqrt(), fan_out_only: false };
        let readout = LinearConfig::new(config.hidden, outputs).with_initializer(initializer).init(device);
        // Parameters of Burn's layers are drawn at their first use: now.
        let network = Self { rnn, readout };
        network.readout.weight.val();
        network.readout.bias.as_ref().map(burn::module::Param::val);
        Ok(network)
    }

    /// What it answers where answers are expected, `[answers, outputs]`.
    fn forward(&self, batch: &Batch, device: &Device) -> Tensor<2> {
        let x = Tensor::<3>::from_data(batch.inputs.clone(), device);
        let [time, sequences, _] = x.dims();
        let (outputs, _) = self.rnn.forward(x, None, Some(&batch.lengths));
        let rows = Tensor::<1, Int>::from_data(TensorData::from(batch.rows.as_slice()), device);
        let features = outputs.dims()[2];
        self.readout.forward(outputs.reshape([time * sequences, features]).select(0, rows))
    }
}

/// Sequences side by side.
struct Batch {
    /// `[time, batch, features]`, 0 behind the ends.
    inputs: TensorData,
    lengths: Vec<usize>,
    /// Where the answers stand among the `time * batch` outputs.
    rows: Vec<i32>,
    answers: Vec<f32>,
    /// The sequence of each answer.
    owners: Vec<usize>,
}

impl Batch {
    fn of(sequences: &[Sequence], features: usize) -> Self {
        let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.inputs.len() / features).collect();
        let (time, count) = (lengths.iter().copied().max().unwrap_or(0), sequences.len());
        let mut inputs = vec![0.0; time * count * features];
        let (mut rows, mut answers, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (number, sequence) in sequences.iter().enumerate() {
            for (step, input) in sequence.inputs.chunks_exact(features).enumerate() {
                inputs[(step * count + number) * features..][..features].copy_from_slice(input);
            }
            for &(step, answer) in &sequence.answers {
                rows.push((step * count + number) as i32);
                answers.push(answer);
                owners.push(number);
            }
        }
        Self { inputs: TensorData::new(inputs, [time, count, features]), lengths, rows, answers, owners }
    }
}

/// Trains; calls `watch` after each measurement.
///
/// # Errors
/// A setting out of its range.
pub fn solve(config: &SolveConfig, device: &Device, watch: &mut dyn FnMut(&Point)) -> Result<Outcome> {
    config.validate()?;
    let started = Instant::now();
    let device = device.clone().autodiff();
    device.seed(random::stream(config.seed, &[random::INIT]).next_u64());
    let mut network = Network::init(config, &device)?;
    let mut optimizer = Optimizer::new("adam".parse()?)?;
    let valid = config.sequences(VALID_PART, 0, VALID);
    let (mut curve, mut ended) = (Vec::new(), Ended::Finished);
    let mut solved_at = None;
    for step in 0..=config.steps {
        if step % config.check_every == 0 || step == config.steps {
            let (loss, correct) = measure(config, &network.valid(), &valid);
            let point = Point { step, loss, correct };
            watch(&point);
            curve.push(point);
            if correct >= STOP {
                solved_at = Some(step);
                break;
            }
        }
        if interrupt::requested() {
            ended = Ended::Interrupted;
            break;
        }
        if step == config.steps {
            break;
        }
        let batch = Batch::of(&config.sequences(TRAIN_PART, step, config.batch_size), config.task.features());
        let loss = loss(config.task, network.forward(&batch, &device), &batch.answers);
        if !loss.clone().into_scalar::<f32>().is_finite() {
            ended = Ended::Diverged;
            break;
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let (gradients, _) = clip_norm(&network, gradients, config.clip_norm);
        network = optimizer.step(config.learning_rate, network, gradients);
    }
    let network = network.valid();
    let test = config.sequences(TEST_PART, 0, TEST);
    let (loss, correct) = measure(config, &network, &test);
    Ok(Outcome {
        curve,
        solved_at,
        correct: Interval::wilson((correct * TEST as f64).round() as u64, TEST as u64),
        loss,
        ended,
        parameters: network.num_params(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

impl SolveConfig {
    /// Sequences that depend on seed, part and step alone.
    fn sequences(&self, part: u64, step: u64, count: usize) -> Vec<Sequence> {
        let mut rng = random::stream(self.seed, &[MEMORY, part, step]);
        (0..count).map(|_| self.task.sample(self.length, &mut rng)).collect()
    }
}

/// Mean loss over all answers.
fn loss(task: Task, found: Tensor<2>, answers: &[f32]) -> Tensor<1> {
    let device = found.device();
    match task.answer() {
        Answer::Number => {
            let answers = Tensor::<2>::from_data(TensorData::new(answers.to_vec(), [answers.len(), 1]), &device);
            (found - answers).square().mean()
        }
        Answer::Class(_) => {
            let classes: Vec<i32> = answers.iter().map(|&class| class as i32).collect();
            let classes = Tensor::<2, Int>::from_data(TensorData::new(classes, [answers.len(), 1]), &device);
            -activation::log_softmax(found, 1).gather(1, classes).mean()
        }
    }
}

/// Loss and share of right sequences.
fn measure(config: &SolveConfig, network: &Network, sequences: &[Sequence]) -> (f64, f64) {
    let device = network.readout.weight.val().device();
    let (mut total, mut answers, mut right) = (0.0, 0, 0);
    // Sequences of a measurement need not fit into memory at once.
    for sequences in sequences.chunks(100) {
        let batch = Batch::of(sequences, config.task.features());
        let found = network.forward(&batch, &device);
        total += loss(config.task, found.clone(), &batch.answers).into_scalar::<f64>() * batch.answers.len() as f64;
        answers += batch.answers.len();
        let given = match config.task.answer() {
            Answer::Number => found.into_data().iter::<f32>().collect(),
            Answer::Class(_) => found.argmax(1).into_data().iter::<f32>().collect::<Vec<f32>>(),
        };
        let mut all_right = vec![true; sequences.len()];
        for ((given, &expected), &owner) in given.iter().zip(&batch.answers).zip(&batch.owners) {
            all_right[owner] &= config.task.is_right(*given, expected);
        }
        right += all_right.into_iter().filter(|&right| right).count();
    }
    (total / answers as f64, right as f64 / sequences.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_validation_and_test_sequences_differ() {
        let config = SolveConfig::default();
        let first = |part, step| config.sequences(part, step, 1).remove(0);
        let all = [first(TRAIN_PART, 0), first(TRAIN_PART, 1), first(VALID_PART, 0), first(TEST_PART, 0)];
        for (number, sequence) in all.iter().enumerate() {
            assert!(all[number + 1..].iter().all(|other| other != sequence));
        }
        assert_eq!(first(TRAIN_PART, 1), all[1]);
    }

    #[test]
    fn answers_are_found_again_among_the_outputs() {
        let sequence =
            |steps: usize, answers: Vec<(usize, f32)>| Sequence { inputs: vec![steps as f32; steps], answers };
        let batch = Batch::of(&[sequence(2, vec![(1, 5.0)]), sequence(3, vec![(0, 6.0), (2, 7.0)])], 1);
        assert_eq!(batch.inputs, TensorData::new(vec![2f32, 3.0, 2.0, 3.0, 0.0, 3.0], [3, 2, 1]));
        assert_eq!((batch.lengths, batch.rows), (vec![2, 3], vec![2, 1, 5]));
        assert_eq!((batch.answers, batch.owners), (vec![5.0, 6.0, 7.0], vec![0, 1, 1]));
    }
}
