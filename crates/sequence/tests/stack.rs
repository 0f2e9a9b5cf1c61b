//! Stacks: sizes, names, state carried from call to call, settings that are refused.

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{filled, gradients_of, ramp, training_device, values};
use ognivo_core::weights::tensors_of;
use ognivo_sequence::cell::{CellConfig, Recurrent, Stack, StackConfig, State};
use proptest::prelude::*;
use serde_json::{Value, json};

fn config(value: Value) -> StackConfig {
    serde_json::from_value(value).unwrap()
}

fn cells() -> Vec<Value> {
    let mut cells: Vec<Value> = CellConfig::NAMES.iter().map(|name| json!({ "cell": name })).collect();
    for variant in ["no-input-gate", "no-forget-gate", "no-output-gate", "coupled-gates", "full-gate-recurrence"] {
        cells.push(json!({"cell": "lstm", "variant": variant}));
        cells.push(json!({"cell": "peephole-lstm", "peephole": "diagonal", "variant": variant, "bias": "two"}));
    }
    cells.push(json!({"cell": "gru", "reset": "after", "update": "state", "bias": "two"}));
    cells.push(json!({"cell": "peephole-lstm", "gates": {"input": false, "output": false}, "bias": "none"}));
    cells
}

#[test]
fn parameters_are_counted_without_a_stack() {
    for cell in cells() {
        for (bidirectional, layer_norm, learned_state) in
            [(false, false, false), (true, true, true), (true, false, true)]
        {
            let config = config(json!({
                "cell": cell, "hidden": 5, "layers": 3, "bidirectional": bidirectional, "layer_norm": layer_norm,
                "learned_state": learned_state,
            }));
            let stack = config.init(4, &Device::default()).unwrap();
            assert_eq!(config.parameters(4), stack.num_params(), "{config:?}");
            let read_back: StackConfig = serde_json::from_value(serde_json::to_value(&config).unwrap()).unwrap();
            assert_eq!(read_back, config);
        }
    }
    // The lecture's LSTM of 4 inputs and 5 units: 4 gates, one bias each.
    assert_eq!(config(json!({"hidden": 5})).parameters(4), 4 * (5 * 4 + 5 * 5 + 5));
    // Its dense peepholes add three matrices, diagonal ones three vectors.
    assert_eq!(config(json!({"cell": {"cell": "peephole-lstm"}, "hidden": 5})).parameters(4), 200 + 3 * 25);
    let diagonal = json!({"cell": {"cell": "peephole-lstm", "peephole": "diagonal"}, "hidden": 5});
    assert_eq!(config(diagonal).parameters(4), 200 + 3 * 5);
}

#[test]
fn names_in_a_file_are_pytorchs() {
    let config = config(json!({
        "cell": {"cell": "lstm", "bias": "two"}, "hidden": 2, "layers": 2, "bidirectional": true, "layer_norm": true, "learned_state": true,
    }));
    let stack = config.init(3, &Device::default()).unwrap();
    let tensors = tensors_of(&stack);
    let mut expected: Vec<String> =
        ["h_0", "c_0", "norms.0.weight", "norms.0.bias", "norms.1.weight", "norms.1.bias"].map(String::from).into();
    for weight in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] {
        for end in ["l0", "l0_reverse", "l1", "l1_reverse"] {
            expected.push(format!("{weight}_{end}"));
        }
    }
    expected.sort();
    assert_eq!(tensors.keys().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(tensors["weight_ih_l1_reverse"].shape().to_vec(), [8, 4]);
    assert_eq!(tensors["h_0"].shape().to_vec(), [4, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A sequence cut in two, with the state carried over the cut, is the sequence; and so is one walked step by step.
    #[test]
    fn state_carries_a_sequence_on(cell in 0..cells().len(), layers in 1..3usize, layer_norm: bool, learned_state: bool, cut in 1..6usize) {
        let config = config(json!({
            "cell": cells()[cell], "hidden": 5, "layers": layers, "layer_norm": layer_norm, "learned_state": learned_state,
        }));
        let device = Device::default();
        let stack = filled(&config, 4, &device);
        let x = ramp([6, 3, 4], 5, 1.0, &device);
        let (whole, last) = stack.forward(x.clone(), None, None);
        let (first, states) = stack.forward(x.clone().slice(0..cut), None, None);
        let (outputs, states) = match cut {
            6 => (first, states),
            _ => {
                let (second, states) = stack.forward(x.clone().slice(cut..6), Some(states), None);
                (Tensor::cat(vec![first, second], 0), states)
            }
        };
        close(&values(&outputs), &values(&whole));
        let mut stepped = stack.zero_state(3, &device);
        for step in 0..6 {
            let (output, states) = stack.step(x.clone().slice(step..step + 1).squeeze_dim(0), stepped);
            close(&values(&output), &values(&whole.clone().slice(step..step + 1)));
            stepped = states;
        }
        for (expected, found) in last.iter().zip(states.iter().zip(&stepped)) {
            for ((expected, cut), stepped) in expected.tensors().zip(found.0.tensors()).zip(found.1.tensors()) {
                close(&values(cut), &values(expected));
                close(&values(stepped), &values(expected));
            }
        }
    }
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5), "{found:?}, expected {expected:?}");
}

/// Truncated backpropagation through time: a detached state carries values and no gradients.
#[test]
fn gradients_end_at_a_detached_state() {
    let device = training_device();
    for cell in cells() {
        let stack = filled(&config(json!({"cell": cell, "hidden": 5})), 4, &device);
        let first = ramp([2, 3, 4], 5, 1.0, &device).require_grad();
        let second = ramp([2, 3, 4], 6, 1.0, &device).require_grad();
        let through = |detach: bool| {
            let (_, states) = stack.forward(first.clone(), None, None);
            let states: Vec<State> =
                states.into_iter().map(|state| if detach { state.detach() } else { state }).collect();
            let (outputs, _) = stack.forward(second.clone(), Some(states), None);
            let loss = outputs.clone().sum();
            let gradients = loss.backward();
            let reaches =
                first.grad(&gradients).is_some_and(|gradient| values(&gradient).iter().any(|&value| value != 0.0));
            (values(&outputs), reaches, values(&second.grad(&gradients).unwrap()))
        };
        let (outputs, reaches, own) = through(true);
        let (whole, reaches_whole, own_whole) = through(false);
        close(&outputs, &whole);
        close(&own, &own_whole);
        assert_eq!((reaches, reaches_whole), (false, true), "{cell}");
    }
}

/// The learned initial state is where sequences begin, and learns.
#[test]
fn a_learned_state_is_used_and_has_gradients() {
    let device = training_device();
    for cell in ["lstm", "gru"] {
        let stack = filled(&config(json!({"cell": {"cell": cell}, "hidden": 5, "learned_state": true})), 4, &device);
        let x = ramp([3, 2, 4], 5, 1.0, &device);
        let state = State {
            hidden: stack.h_0.as_ref().unwrap().val().expand([2, 5]),
            cell: stack.c_0.as_ref().map(|state| state.val().expand([2, 5])),
            gates: None,
        };
        let (given, _) = stack.forward(x.clone(), Some(vec![state]), None);
        let (outputs, _) = stack.forward(x, None, None);
        close(&values(&outputs), &values(&given));
        let gradients = gradients_of(&stack, &outputs.sum().backward());
        let learns = |name: &str| gradients[name].iter::<f32>().all(|value| value != 0.0);
        assert!(learns("h_0") && (cell == "gru" || learns("c_0")), "{cell}");
    }
}

/// The parts of an LSTM with nothing to see are those of an LSTM without peepholes; a dense matrix that is diagonal is a diagonal.
#[test]
fn peepholes_of_zero_and_diagonal_ones() {
    let device = Device::default();
    let x = ramp([6, 3, 4], 5, 1.0, &device);
    let outputs = |stack: &Stack| values(&stack.forward(x.clone(), None, None).0);
    let lstm = filled(&config(json!({"hidden": 5})), 4, &device);
    let peephole = |kind: &str| config(json!({"cell": {"cell": "peephole-lstm", "peephole": kind}, "hidden": 5}));
    let with = |config: &StackConfig, weight: Vec<f32>| {
        let mut tensors = tensors_of(&lstm);
        tensors.insert("weight_ch_l0".into(), burn::tensor::TensorData::new(weight.clone(), [weight.len() / 5, 5]));
        common::stack_of(config, 4, tensors, &device)
    };
    for (kind, rows) in [("dense", 15), ("diagonal", 3)] {
        close(&outputs(&with(&peephole(kind), vec![0.0; rows * 5])), &outputs(&lstm));
    }
    let diagonal: Vec<f32> = (0..15).map(|place| place as f32 / 10.0 - 0.7).collect();
    let mut dense = vec![0.0; 75];
    for (place, value) in diagonal.iter().enumerate() {
        dense[place / 5 * 25 + place % 5 * 6] = *value;
    }
    let [diagonal, dense] =
        [with(&peephole("diagonal"), diagonal), with(&peephole("dense"), dense)].map(|stack| outputs(&stack));
    close(&dense, &diagonal);
    assert!(diagonal.iter().zip(outputs(&lstm)).any(|(a, b)| (a - b).abs() > 1e-2), "the diagonal does something");
}

#[test]
fn settings_out_of_range_are_named() {
    let message = |value: Value| config(value).init(4, &Device::default()).unwrap_err().to_string();
    let peephole = |settings: Value| {
        let mut cell = json!({"cell": "peephole-lstm"});
        cell.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        message(json!({ "cell": cell }))
    };
    for (found, part) in [
        (message(json!({"hidden": 0})), "`hidden`: found 0; expected 1 to 16384"),
        (message(json!({"hidden": 1_000_000})), "`hidden`: found 1000000"),
        (message(json!({"layers": 0})), "`layers`: found 0"),
        (message(json!({"dropout": 1.0})), "`dropout`: found 1; expected at least 0 and below 1"),
        (message(json!({"recurrent_dropout": -0.5})), "`recurrent_dropout`: found -0.5"),
        (message(json!({"cell": {"cell": "lstm", "bias": "none", "forget_bias": 1}})), "`cell.forget_bias`: found 1"),
        (
            message(json!({"cell": {"cell": "lstm", "variant": "coupled-gates", "forget_bias": 1}})),
            "no forget gate of its own",
        ),
        (peephole(json!({"gates": {"input": false, "forget": false, "output": false}})), "`cell.gates`: found no gate"),
        (peephole(json!({"variant": "no-forget-gate", "gates": {"input": false, "output": false}})), "`cell.gates`"),
    ] {
        assert!(found.contains(part), "{found}");
    }
    let message = "lstn".parse::<CellConfig>().unwrap_err().to_string();
    assert!(message.contains("did you mean \"lstm\""), "{message}");
    let unknown = serde_json::from_value::<StackConfig>(json!({"cell": {"cell": "gru", "resets": "after"}}));
    assert!(unknown.unwrap_err().to_string().contains("unknown field `resets`"));
}

/// A cell alone has the interface of all.
#[test]
fn a_cell_alone_steps_as_it_walks() {
    let device = Device::default();
    for name in CellConfig::NAMES {
        let cell = name.parse::<CellConfig>().unwrap().init(4, 5, &device).unwrap();
        assert_eq!(cell.hidden(), 5);
        let x = ramp([3, 2, 4], 5, 1.0, &device);
        let (outputs, _) = cell.forward(x.clone(), cell.zero_state(2, &device), &Default::default());
        let mut state = cell.zero_state(2, &device);
        for step in 0..3 {
            state = cell.step(x.clone().slice(step..step + 1).squeeze_dim(0), state);
            close(&values(&state.hidden), &values(&outputs.clone().slice(step..step + 1)));
        }
    }
}
