//! Backpropagation term by term, gradient flow, and the memory tasks against their definitions.

mod common;

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use common::{filled, gradients_of, ramp, training_device};
use ognivo_core::metrics::Interval;
use ognivo_core::random::stream;
use ognivo_sequence::cell::{Cell, CellConfig, Recurrent, Stack, StackConfig, State};
use ognivo_sequence::memory::gradient_flow::{FlowConfig, flow, measure};
use ognivo_sequence::memory::matrix::Matrix;
use ognivo_sequence::memory::solve::Ended;
use ognivo_sequence::memory::task::Answer;
use ognivo_sequence::memory::{SolveConfig, Task, adding, bptt, copy, solve, spikes, timing};
use proptest::prelude::*;

/// The random state of a device belongs to the process: what follows from a seed is tested one at a time.
static RANDOM: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    RANDOM.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stack(cell: &str, hidden: usize, device: &Device) -> Stack {
    let config = StackConfig { cell: cell.parse().unwrap(), hidden, ..StackConfig::default() };
    filled(&config, 3, device)
}

fn rows(data: TensorData, width: usize) -> Vec<Vec<f64>> {
    let values: Vec<f64> = data.iter::<f64>().collect();
    values.chunks_exact(width).map(<[f64]>::to_vec).collect()
}

/// With a loss at every step: dL/dW is the sum over its steps `t` and over `k <= t` of what the lecture writes down.
#[test]
fn the_sum_of_products_of_jacobians_is_the_gradient() {
    let _alone = alone();
    const STEPS: usize = 7;
    let device = training_device();
    for cell in ["rnn", "rnn:activation=sigmoid:bias=two", "rnn:activation=relu:bias=one", "rnn:activation=identity"] {
        let stack = stack(cell, 4, &device);
        let Cell::Rnn(rnn) = &stack.layers[0].forward else { panic!("an RNN") };
        let x = ramp([STEPS, 1, 3], 5, 1.0, &device);
        let start = ramp([1, 4], 6, 0.5, &device);
        let weights = ramp([STEPS, 1, 4], 7, 1.0, &device);
        let state = State { hidden: start.clone(), cell: None, gates: None };
        let (outputs, _) = stack.forward(x.clone(), Some(vec![state]), None);
        let expected = gradients_of(&stack, &(outputs * weights.clone()).sum().backward());

        let (inputs, losses) = (rows(x.into_data(), 3), rows(weights.into_data(), 4));
        let start: Vec<f64> = start.into_data().iter::<f64>().collect();
        let (mut recurrent, mut input) = (Matrix::new(4, 4, vec![0.0; 16]), Matrix::new(4, 3, vec![0.0; 12]));
        for t in 0..STEPS {
            let terms = bptt::terms(rnn, &inputs[..=t], &start, &losses[t]);
            assert_eq!(terms.iter().map(|term| term.step).collect::<Vec<_>>(), (0..=t).rev().collect::<Vec<_>>());
            for term in terms {
                recurrent = recurrent.plus(&term.recurrent);
                input = input.plus(&term.input);
            }
        }
        for (name, found) in [("weight_hh_l0", recurrent), ("weight_ih_l0", input)] {
            let scale = found.values().iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
            for (found, expected) in found.values().iter().zip(expected[name].iter::<f64>()) {
                assert!((found - expected).abs() < 1e-5 * scale, "{cell}, {name}: {found}, expected {expected}");
            }
        }
    }
}

/// For an RNN the flow is the norm of the lecture's product of Jacobians.
#[test]
fn gradient_flow_is_the_norm_of_the_product_of_jacobians() {
    let _alone = alone();
    let device = training_device();
    let stack = stack("rnn", 4, &device);
    let cell = &stack.layers[0].forward;
    let Cell::Rnn(rnn) = cell else { panic!("an RNN") };
    let x = ramp([6, 1, 3], 5, 1.0, &device);
    let found = flow(cell, x.clone());
    assert!(found.cell.is_none());
    assert_eq!((found.hidden.len(), found.hidden[0]), (7, 1.0));
    let terms = bptt::terms(rnn, &rows(x.into_data(), 3), &[0.0; 4], &[1.0; 4]);
    for (distance, term) in terms.iter().enumerate() {
        let expected = term.jacobian.norm();
        assert!((found.hidden[distance] - expected).abs() < 1e-5 * expected, "{distance}");
    }
}

/// For every cell, the largest singular value of a Jacobian that autodiff computes through all steps at once.
#[test]
fn gradient_flow_is_what_autodiff_gives_over_all_steps() {
    let _alone = alone();
    const UNITS: usize = 4;
    let device = training_device();
    for cell in ["gru", "lstm", "peephole-lstm", "lstm:variant=full-gate-recurrence", "gru:reset=after:bias=two"] {
        let stack = stack(cell, UNITS, &device);
        let own = &stack.layers[0].forward;
        let x = ramp([6, 1, 3], 5, 1.0, &device);
        let found = flow(own, x.clone());
        for distance in 1..=6 {
            let mut state = own.zero_state(1, &device);
            if distance < 6 {
                state = own.forward(x.clone().slice(0..6 - distance), state, &Default::default()).1;
            }
            // A copy of the state for each unit of the last output.
            let copies = state.map(|part| part.repeat_dim(0, UNITS).detach().require_grad());
            let rest = x.clone().slice(6 - distance..6).repeat_dim(1, UNITS);
            let (_, last) = own.forward(rest, copies.clone(), &Default::default());
            let gradients = (last.hidden * Tensor::eye(UNITS, &device)).sum().backward();
            let norm = |leaf: &Tensor<2>| {
                let values = leaf.grad(&gradients).unwrap().into_data().iter::<f64>().collect();
                Matrix::new(UNITS, UNITS, values).norm()
            };
            let expected = norm(&copies.hidden);
            assert!((found.hidden[distance] - expected).abs() < 1e-4 * expected, "{cell}, {distance}");
            if let Some(through_cell) = &found.cell {
                let expected = norm(copies.cell.as_ref().unwrap());
                assert!((through_cell[distance] - expected).abs() < 1e-4 * expected, "{cell}, {distance}");
            }
        }
    }
}

/// The lecture's point: a simple network forgets, an open forget gate does not, and a large `W` explodes.
#[test]
fn gradients_vanish_explode_and_flow() {
    let _alone = alone();
    let device = Device::default();
    let factor = |cell: &str, recurrent_scale: f64| {
        let config =
            FlowConfig { cell: cell.parse().unwrap(), hidden: 16, steps: 30, sequences: 2, recurrent_scale, seed: 3 };
        let measured = measure(&config, &device).unwrap();
        assert_eq!(measured, measure(&config, &device).unwrap(), "follows from the seed");
        for distance in 0..=30 {
            let curve = &measured.hidden;
            assert!(curve.low[distance] <= curve.mean[distance] * 1.000_001);
            assert!(curve.mean[distance] <= curve.high[distance] * 1.000_001);
        }
        (measured.hidden.factor(), measured.cell.map(|cell| cell.factor()))
    };
    let (rnn, none) = factor("rnn", 1.0);
    assert!(rnn < 0.7 && none.is_none(), "{rnn}");
    let (_, Some(forgets)) = factor("lstm", 1.0) else { panic!() };
    let (_, Some(keeps)) = factor("lstm:forget_bias=5", 1.0) else { panic!() };
    assert!(forgets < 0.75 && keeps > 0.95, "{forgets} {keeps}");
    // W scaled by 4 in a linear network: its spectral radius is about 4 / sqrt(3).
    let (linear, _) = factor("rnn:activation=identity", 4.0);
    assert!((1.8..2.8).contains(&linear), "{linear}");
    assert_eq!(factor("rnn", 0.0).0, 0.0);
}

proptest! {
    /// Every task's sequences against its definition, read back from the inputs.
    #[test]
    fn sequences_are_as_defined(seed: u64, extra in 0..60usize) {
        for task in Task::ALL {
            let length = task.shortest() + extra;
            let mut rng = stream(seed, &[]);
            let sequence = task.sample(length, &mut rng);
            let features = task.features();
            let steps: Vec<&[f32]> = sequence.inputs.chunks_exact(features).collect();
            prop_assert_eq!(steps.len() * features, sequence.inputs.len());
            prop_assert!(sequence.answers.iter().all(|&(step, _)| step < steps.len()));
            match task {
                Task::Adding => {
                    prop_assert!((length..=length + length / 10).contains(&steps.len()));
                    let marked: Vec<usize> = (0..steps.len()).filter(|&step| steps[step][1] == 1.0).collect();
                    prop_assert_eq!(marked.len(), 2);
                    prop_assert!(marked[0] < 10 && marked[1] < length / 2);
                    let sum: f32 = marked.iter().map(|&step| if step == 0 { 0.0 } else { steps[step][0] }).sum();
                    let (step, answer) = sequence.answers[0];
                    prop_assert_eq!((step, sequence.answers.len()), (steps.len() - 1, 1));
                    prop_assert!((answer - (0.5 + sum / 4.0)).abs() < 1e-6);
                    prop_assert!(steps[0][1] == -1.0 || marked[0] == 0);
                    prop_assert_eq!(steps[steps.len() - 1][1], -1.0);
                    prop_assert!(steps.iter().all(|step| step[0].abs() <= 1.0));
                }
                Task::Copy => {
                    let symbols: Vec<usize> = steps.iter().map(|step| hot(step)).collect();
                    for (place, &(step, answer)) in sequence.answers.iter().enumerate() {
                        prop_assert_eq!((step, answer), (length + place, symbols[place] as f32));
                    }
                    prop_assert_eq!(sequence.answers.len(), copy::REMEMBERED);
                    prop_assert!(symbols[copy::REMEMBERED..].iter().all(|&symbol| symbol >= copy::SYMBOLS));
                    prop_assert_eq!(symbols.iter().filter(|&&symbol| symbol == copy::SYMBOLS + 1).count(), 1);
                }
                Task::Order => {
                    let symbols: Vec<usize> = steps.iter().map(|step| hot(step)).collect();
                    prop_assert_eq!((symbols[0], symbols[steps.len() - 1]), (6, 7));
                    let pair: Vec<usize> = symbols.iter().copied().filter(|&symbol| symbol < 2).collect();
                    prop_assert_eq!(pair.len(), 2);
                    prop_assert_eq!(&sequence.answers, &vec![(steps.len() - 1, (2 * pair[0] + pair[1]) as f32)]);
                }
                Task::Timing => {
                    let spikes: Vec<usize> = (0..steps.len()).filter(|&step| steps[step][0] == 1.0).collect();
                    prop_assert_eq!(spikes.len(), timing::PAUSES + 1);
                    for (pause, &(step, answer)) in spikes.windows(2).zip(&sequence.answers) {
                        prop_assert_eq!((step, answer), (pause[1], (pause[1] - pause[0] + 1 - length) as f32));
                    }
                }
                Task::Spikes => {
                    let first = (0..steps.len()).find(|&step| steps[step][0] == 1.0).unwrap();
                    prop_assert_eq!(sequence.inputs.iter().sum::<f32>(), 1.0);
                    for &(step, answer) in &sequence.answers {
                        prop_assert_eq!(answer == 1.0, (step - first) % length == 0);
                    }
                    prop_assert_eq!(sequence.answers.len(), spikes::SPIKES * length);
                }
            }
        }
    }
}

/// The place of the 1.
fn hot(step: &[f32]) -> usize {
    assert_eq!(step.iter().sum::<f32>(), 1.0);
    step.iter().position(|&value| value == 1.0).unwrap()
}

/// The baselines, by drawing: the variance of the answers or the entropy of their classes, and how often the best constant is right.
#[test]
fn baselines_are_what_a_constant_reaches() {
    for task in Task::ALL {
        for length in [task.shortest().max(6), 11, 40] {
            let mut rng = stream(1, &[length as u64]);
            let sequences: Vec<_> = (0..20_000).map(|_| task.sample(length, &mut rng)).collect();
            let answers: Vec<f64> =
                sequences.iter().flat_map(|sequence| &sequence.answers).map(|answer| f64::from(answer.1)).collect();
            let count = answers.len() as f64;
            let (loss, constant) = match task.answer() {
                Answer::Number => {
                    let mean = answers.iter().sum::<f64>() / count;
                    assert!((mean - 0.5).abs() < 0.01);
                    (answers.iter().map(|answer| (answer - mean).powi(2)).sum::<f64>() / count, 0.5f32)
                }
                Answer::Class(classes) => {
                    let shares =
                        (0..classes).map(|class| answers.iter().filter(|&&a| a == class as f64).count() as f64 / count);
                    (shares.map(|share| -share * share.ln()).sum(), 0.0)
                }
            };
            let expected = task.baseline_loss(length);
            assert!((loss / expected - 1.0).abs() < 0.03, "{task}, {length}: {loss}, said {expected}");
            let all_right =
                sequences.iter().filter(|s| s.answers.iter().all(|&(_, a)| task.is_right(constant, a))).count();
            let interval = Interval::wilson(all_right as u64, 20_000);
            let expected = task.baseline_correct(length);
            // Twice as wide as the 95 % interval.
            let (low, high) = (2.0 * interval.low - interval.value, 2.0 * interval.high - interval.value);
            assert!(
                (low - 1e-4..=high + 1e-4).contains(&expected),
                "{task}, {length}: {low} to {high}, said {expected}"
            );
        }
    }
    assert!((f64::from(adding::TOLERANCE) - 0.04).abs() < 1e-6);
}

/// Every cell learns every task where little must be remembered, the same way each time.
#[test]
fn cells_learn_short_tasks() {
    let _alone = alone();
    let device = Device::default();
    for (task, length, steps) in [(Task::Order, 10, 200), (Task::Spikes, 3, 200)] {
        for name in CellConfig::NAMES {
            let config = SolveConfig {
                task,
                length,
                cell: name.parse().unwrap(),
                hidden: 16,
                steps,
                learning_rate: 0.02,
                check_every: 50,
                ..SolveConfig::default()
            };
            let mut seen = Vec::new();
            let outcome = solve(&config, &device, &mut |point| seen.push(*point)).unwrap();
            assert_eq!(outcome.ended, Ended::Finished);
            assert!(outcome.correct.value > 0.9, "{task} by {name}: {outcome:?}");
            assert!(outcome.loss < 0.5 * task.baseline_loss(length), "{task} by {name}: {outcome:?}");
            assert_eq!(seen, outcome.curve);
            assert!(seen[0].step == 0 && seen[0].correct < 0.5);
            if name == "lstm" {
                let again = solve(&config, &device, &mut |_| ()).unwrap();
                assert_eq!(again.curve, outcome.curve, "the same seed gives the same training");
            }
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let message = |change: &dyn Fn(&mut SolveConfig)| {
        let mut config = SolveConfig::default();
        change(&mut config);
        solve(&config, &Device::default(), &mut |_| ()).unwrap_err().to_string()
    };
    for (found, part) in [
        (message(&|config| config.length = 5), "`length`: found 5; expected 6 to 100000 for adding"),
        (message(&|config| config.length = usize::MAX), "`length`"),
        (message(&|config| config.steps = 0), "`steps`: found 0"),
        (message(&|config| config.batch_size = 0), "`batch_size`: found 0"),
        (message(&|config| config.learning_rate = f64::NAN), "`learning_rate`: found NaN"),
        (message(&|config| config.clip_norm = -1.0), "`clip_norm`: found -1"),
        (message(&|config| config.hidden = 0), "`hidden`: found 0"),
    ] {
        assert!(found.contains(part), "{found}");
    }
    let flow = FlowConfig { steps: 0, ..FlowConfig::default() };
    assert!(measure(&flow, &Device::default()).unwrap_err().to_string().contains("`steps`: found 0"));
    assert!("ading".parse::<Task>().unwrap_err().to_string().contains("did you mean \"adding\""));
    for (text, part) in [
        ("lstm:forget_bais=1", "did you mean `forget_bias`"),
        ("lstm:forget_bias", "found forget_bias; expected key=value"),
        ("lstm:forget_bias=high", "forget_bias: invalid type"),
        ("gru:reset=beside", "unknown variant `beside`"),
    ] {
        let message = text.parse::<CellConfig>().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

/// A learning rate that no training survives ends it, and says so.
#[test]
fn a_loss_that_is_not_finite_ends_training() {
    let _alone = alone();
    let config = SolveConfig {
        cell: "rnn:activation=identity".parse().unwrap(),
        length: 40,
        learning_rate: 1e30,
        steps: 50,
        ..SolveConfig::default()
    };
    let outcome = solve(&config, &Device::default(), &mut |_| ()).unwrap();
    assert_eq!(outcome.ended, Ended::Diverged);
    assert!(!outcome.solved());
}
