//! What stands behind the end of a sequence influences nothing, not even when it is no number.

mod common;

use burn::tensor::{Tensor, TensorData};
use common::{assert_close, filled, gradients_of, ramp, ramp_data, training_device};
use ognivo_core::weights::NamedTensors;
use ognivo_sequence::cell::{CellConfig, Stack, StackConfig, State};
use proptest::prelude::*;

const INPUT: usize = 3;

/// Outputs, final states and gradients of `sum(outputs * ramp) + sum(final states * ramp)`, by name; the numbers of `ramp` belong
/// to the sequence `first + b` and the step, so that a sequence alone has the same ones as in a batch.
fn results(stack: &Stack, x: TensorData, lengths: Option<&[usize]>, first: usize) -> NamedTensors {
    let device = training_device();
    let x = Tensor::<3>::from_data(x, &device).require_grad();
    let [time, batch, _] = x.dims();
    let (outputs, states) = stack.forward(x.clone(), None, lengths);
    let features = outputs.dims()[2];
    let weights = |k: usize, size: usize| {
        let rows = (0..batch).map(|b| ramp([1, size], 10 * (first + b) + k, 1.0, &device));
        Tensor::cat(rows.collect(), 0)
    };
    let mut loss = Tensor::zeros([1], &device);
    for step in 0..time {
        let output = outputs.clone().slice(step..step + 1).squeeze_dim::<2>(0);
        loss = loss + (output * weights(100 + step, features)).sum();
    }
    let mut found = NamedTensors::new();
    for (number, State { hidden, cell, .. }) in states.into_iter().enumerate() {
        for (name, state) in [("hidden", Some(hidden)), ("cell", cell)] {
            let Some(state) = state else { continue };
            loss = loss + (state.clone() * weights(number, state.dims()[1])).sum();
            found.insert(format!("{name} {number}"), state.into_data());
        }
    }
    let gradients = loss.backward();
    found.insert("outputs".into(), outputs.into_data());
    found.insert("gradient of x".into(), x.grad(&gradients).unwrap().into_data());
    for (name, gradient) in gradients_of(stack, &gradients) {
        found.insert(format!("gradient of {name}"), gradient);
    }
    found
}

/// A batch with `rubbish` behind the ends.
fn batch(time: usize, lengths: &[usize], rubbish: f32) -> TensorData {
    let whole = ramp_data(&[time, lengths.len(), INPUT], 7, 1.0);
    let mut values = whole.try_into_vec_as::<f32>().unwrap();
    for (place, value) in values.iter_mut().enumerate() {
        let (step, sequence) = (place / INPUT / lengths.len(), place / INPUT % lengths.len());
        if step >= lengths[sequence] {
            *value = rubbish;
        }
    }
    TensorData::new(values, [time, lengths.len(), INPUT])
}

fn floats(data: &TensorData) -> Vec<f32> {
    data.clone().try_into_vec_as::<f32>().unwrap()
}

/// The entries of one sequence of a `[time, batch, features]`, without what lies behind its end.
fn one(data: &TensorData, sequence: usize, length: usize) -> Vec<f32> {
    let shape = data.shape().to_vec();
    let all = floats(data);
    (0..length)
        .flat_map(|step| {
            let first = (step * shape[1] + sequence) * shape[2];
            all[first..first + shape[2]].to_vec()
        })
        .collect()
}

fn close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 2e-5 * b.abs().max(1.0), "{what}: {found:?}, expected {expected:?}");
    }
}

fn config(cell: &str, layers: usize, bidirectional: bool) -> StackConfig {
    StackConfig {
        cell: serde_json::from_str::<CellConfig>(cell).unwrap(),
        hidden: 5,
        layers,
        bidirectional,
        learned_state: true,
        ..StackConfig::default()
    }
}

const CELLS: [&str; 7] = [
    r#"{"cell": "rnn"}"#,
    r#"{"cell": "lstm"}"#,
    r#"{"cell": "peephole-lstm"}"#,
    r#"{"cell": "peephole-lstm", "peephole": "diagonal", "gates": {"input": false}}"#,
    r#"{"cell": "lstm", "variant": "full-gate-recurrence"}"#,
    r#"{"cell": "gru"}"#,
    r#"{"cell": "gru", "reset": "after", "update": "state", "bias": "two"}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A sequence in a batch has the results it has alone; the weights' gradients are the sums over the sequences.
    #[test]
    fn a_batch_is_its_sequences(
        cell in 0..CELLS.len(),
        layers in 1..3usize,
        bidirectional: bool,
        lengths in prop::collection::vec(0..7usize, 1..5),
        rubbish in prop::sample::select(vec![1e30f32, f32::NAN, f32::INFINITY]),
    ) {
        let config = config(CELLS[cell], layers, bidirectional);
        let stack = filled(&config, INPUT, &training_device());
        let time = lengths.iter().max().unwrap() + 1;
        let data = batch(time, &lengths, rubbish);
        let together = results(&stack, data.clone(), Some(&lengths), 0);
        let mut sums = NamedTensors::new();
        for (sequence, &length) in lengths.iter().enumerate() {
            for (name, data) in together.iter().filter(|(name, _)| ["outputs", "gradient of x"].contains(&name.as_str())) {
                let [found, beyond] = [length, time].map(|length| one(data, sequence, length));
                prop_assert!(beyond[found.len()..].iter().all(|&value| value == 0.0), "{name} {beyond:?}");
            }
            if length == 0 {
                continue;
            }
            let alone = TensorData::new(one(&data, sequence, length), [length, 1, INPUT]);
            let alone = results(&stack, alone, None, sequence);
            for (name, expected) in &alone {
                let expected = floats(expected);
                match name.as_str() {
                    "outputs" | "gradient of x" => close(name, &one(&together[name], sequence, length), &expected),
                    name if name.starts_with("gradient") => {
                        let sum = sums.entry(name.to_string()).or_insert_with(|| TensorData::zeros::<f32, _>(together[name].shape().clone()));
                        let total: Vec<f32> = floats(sum).iter().zip(&expected).map(|(a, b)| a + b).collect();
                        *sum = TensorData::new(total, together[name].shape().clone());
                    }
                    state => {
                        let size = expected.len();
                        close(state, &floats(&together[state])[sequence * size..(sequence + 1) * size], &expected);
                    }
                }
            }
        }
        // A sequence without steps passes the learned initial state to the loss.
        if lengths.iter().all(|&length| length > 0) {
            let found = together.into_iter().filter(|(name, _)| sums.contains_key(name)).collect();
            assert_close("weights", &found, &sums, 1e-4);
        }
    }
}

/// Reversed in time, with the two directions' weights exchanged, a stack in both directions puts out the same, reversed; for each
/// sequence by itself.
#[test]
fn directions_mirror_each_other() {
    let lengths = [2, 4];
    for cell in CELLS {
        let config = StackConfig { learned_state: false, ..config(cell, 1, true) };
        let stack = filled(&config, INPUT, &training_device());
        let mut mirrored = stack.clone();
        let layer = &mut mirrored.layers[0];
        std::mem::swap(&mut layer.forward, layer.reverse.as_mut().unwrap());
        let x = batch(5, &lengths, f32::NAN);
        let mut turned = floats(&x);
        for (sequence, &length) in lengths.iter().enumerate() {
            let own = one(&x, sequence, length);
            for step in 0..length {
                let place = (step * lengths.len() + sequence) * INPUT;
                let from = (length - 1 - step) * INPUT;
                turned[place..place + INPUT].copy_from_slice(&own[from..from + INPUT]);
            }
        }
        let turned = TensorData::new(turned, x.shape().clone());
        let outputs = results(&stack, x, Some(&lengths), 0).remove("outputs").unwrap();
        let mirror = results(&mirrored, turned, Some(&lengths), 0).remove("outputs").unwrap();
        for (sequence, &length) in lengths.iter().enumerate() {
            let [found, expected] = [&mirror, &outputs].map(|data| one(data, sequence, length));
            for step in 0..length {
                let back = length - 1 - step;
                close("forwards", &found[step * 10..step * 10 + 5], &expected[back * 10 + 5..back * 10 + 10]);
                close("backwards", &found[step * 10 + 5..step * 10 + 10], &expected[back * 10..back * 10 + 5]);
            }
        }
    }
}
