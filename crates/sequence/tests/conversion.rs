//! Weights from one convention to another: what comes back is what went out, and computes the same.

mod common;

use burn::tensor::{Device, TensorData};
use common::{filled, ramp, stack_of, values};
use ognivo_core::weights::{NamedTensors, tensors_of};
use ognivo_kernels::Activation;
use ognivo_sequence::cell::convert::convert;
use ognivo_sequence::cell::onnx::{from_onnx, to_onnx};
use ognivo_sequence::cell::pytorch::{read_state, state_of};
use ognivo_sequence::cell::{CellConfig, StackConfig};
use serde_json::{Value, json};

fn cell(value: Value) -> CellConfig {
    serde_json::from_value(value).unwrap()
}

fn stack(cell: &CellConfig) -> StackConfig {
    StackConfig { cell: cell.clone(), hidden: 5, layers: 2, bidirectional: true, ..StackConfig::default() }
}

fn outputs(cell: &CellConfig, tensors: NamedTensors) -> Vec<f32> {
    let device = Device::default();
    let stack = stack_of(&stack(cell), 4, tensors, &device);
    values(&stack.forward(ramp([6, 3, 4], 5, 1.0, &device), None, None).0)
}

/// There and back gives the same bits, and both compute the same.
#[test]
fn conversions_lose_nothing() {
    let pairs = [
        (json!({"cell": "rnn"}), json!({"cell": "rnn", "bias": "two"})),
        (
            json!({"cell": "rnn", "bias": "one", "activation": "relu"}),
            json!({"cell": "rnn", "bias": "two", "activation": "relu"}),
        ),
        (json!({"cell": "lstm", "bias": "none"}), json!({"cell": "lstm", "bias": "two"})),
        (json!({"cell": "lstm"}), json!({"cell": "lstm", "bias": "two"})),
        (json!({"cell": "lstm"}), json!({"cell": "peephole-lstm", "peephole": "diagonal", "bias": "two"})),
        (json!({"cell": "peephole-lstm", "peephole": "diagonal"}), json!({"cell": "peephole-lstm"})),
        (json!({"cell": "peephole-lstm", "gates": {"forget": false}}), json!({"cell": "peephole-lstm"})),
        (
            json!({"cell": "peephole-lstm", "peephole": "diagonal", "gates": {"input": false}}),
            json!({"cell": "peephole-lstm", "bias": "two"}),
        ),
        (
            json!({"cell": "lstm", "variant": "coupled-gates"}),
            json!({"cell": "peephole-lstm", "variant": "coupled-gates"}),
        ),
        (
            json!({"cell": "lstm", "variant": "full-gate-recurrence"}),
            json!({"cell": "lstm", "variant": "full-gate-recurrence", "bias": "two"}),
        ),
        (json!({"cell": "gru"}), json!({"cell": "gru", "update": "state"})),
        (json!({"cell": "gru"}), json!({"cell": "gru", "update": "state", "bias": "two"})),
        (json!({"cell": "gru", "bias": "two"}), json!({"cell": "gru", "update": "state", "bias": "two"})),
        (
            json!({"cell": "gru", "reset": "after", "bias": "two"}),
            json!({"cell": "gru", "reset": "after", "update": "state", "bias": "two"}),
        ),
        (
            json!({"cell": "gru", "reset": "after", "bias": "one"}),
            json!({"cell": "gru", "reset": "after", "update": "state", "bias": "two"}),
        ),
    ];
    for (from, to) in pairs {
        let what = format!("{from} to {to}");
        let (from, to) = (cell(from), cell(to));
        let mut original = tensors_of(&filled(&stack(&from), 4, &Device::default()));
        // What is no cell's is not touched.
        let other = TensorData::from([1f32, 2.0]);
        let there = {
            original.insert("decoder.weight".into(), other.clone());
            convert(original.clone(), &from, &to).unwrap()
        };
        assert_eq!(there["decoder.weight"], other);
        assert_eq!(convert(there.clone(), &to, &from).unwrap(), original, "{what}");
        let [found, expected] = [(&to, there), (&from, original)].map(|(cell, mut tensors)| {
            tensors.remove("decoder.weight");
            outputs(cell, tensors)
        });
        let largest = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-6, "{what}: {largest}");
    }
}

#[test]
fn two_biases_become_their_sum() {
    for (two, one) in [
        (json!({"cell": "lstm", "bias": "two"}), json!({"cell": "lstm"})),
        (json!({"cell": "rnn", "bias": "two"}), json!({"cell": "rnn", "bias": "one"})),
        (json!({"cell": "gru", "bias": "two"}), json!({"cell": "gru", "bias": "one", "update": "state"})),
    ] {
        let (two, one) = (cell(two), cell(one));
        let original = tensors_of(&filled(&stack(&two), 4, &Device::default()));
        let sum = convert(original.clone(), &two, &one).unwrap();
        assert!(!sum.contains_key("bias_hh_l0") && sum.contains_key("bias_ih_l1_reverse"));
        let [found, expected] = [outputs(&one, sum), outputs(&two, original)];
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}

#[test]
fn what_would_be_lost_is_refused() {
    let message = |from: Value, to: Value| {
        let (from, to) = (cell(from), cell(to));
        let tensors = tensors_of(&filled(&stack(&from), 4, &Device::default()));
        convert(tensors, &from, &to).unwrap_err().to_string()
    };
    for (from, to, part) in [
        (json!({"cell": "gru"}), json!({"cell": "gru", "reset": "after"}), "another function"),
        (json!({"cell": "gru"}), json!({"cell": "lstm"}), "different kinds"),
        (json!({"cell": "rnn"}), json!({"cell": "rnn", "activation": "relu"}), "functions after the sum differ"),
        (json!({"cell": "lstm"}), json!({"cell": "lstm", "variant": "no-input-gate"}), "variants of the LSTM differ"),
        (json!({"cell": "lstm"}), json!({"cell": "lstm", "bias": "none"}), "bias_ih_l0 is not 0"),
        (
            json!({"cell": "gru", "reset": "after", "bias": "two"}),
            json!({"cell": "gru", "reset": "after", "bias": "one"}),
            "bias_hh_l0 is not 0",
        ),
        (json!({"cell": "peephole-lstm"}), json!({"cell": "lstm"}), "weight_ch_l0 is not 0"),
        (
            json!({"cell": "peephole-lstm"}),
            json!({"cell": "peephole-lstm", "gates": {"output": false}}),
            "weight_ch_l0 is not 0",
        ),
        (
            json!({"cell": "peephole-lstm"}),
            json!({"cell": "peephole-lstm", "peephole": "diagonal"}),
            "beside the diagonal",
        ),
    ] {
        let found = message(from, to);
        assert!(found.contains(part), "{found}");
    }
    let (from, to) = (cell(json!({"cell": "lstm"})), cell(json!({"cell": "lstm", "bias": "two"})));
    let whole = tensors_of(&filled(&stack(&from), 4, &Device::default()));
    for name in whole.keys() {
        for data in [None, Some(TensorData::from([1f32, 2.0, 3.0])), Some(TensorData::zeros::<f32, _>([20, 0]))] {
            let mut tensors = whole.clone();
            tensors.remove(name);
            data.map(|data| tensors.insert(name.clone(), data));
            let message = convert(tensors, &from, &to).unwrap_err().to_string();
            assert!(message.contains(name), "{name}: {message}");
        }
    }
}

/// Every cell that ONNX has goes there and back unchanged. That the numbers are right, onnxruntime says in `parity.rs`.
#[test]
fn onnx_and_back() {
    for value in [
        json!({"cell": "rnn"}),
        json!({"cell": "lstm"}),
        json!({"cell": "lstm", "bias": "two"}),
        json!({"cell": "peephole-lstm", "peephole": "diagonal", "gates": {"input": false}}),
        json!({"cell": "gru"}),
        json!({"cell": "gru", "reset": "after", "update": "state", "bias": "two"}),
    ] {
        let cell = cell(value.clone());
        let tensors = tensors_of(&filled(&stack(&cell), 4, &Device::default()));
        let layers = to_onnx(tensors.clone(), &cell).unwrap();
        assert_eq!(layers.len(), 2);
        assert_eq!(from_onnx(&layers, &cell).unwrap(), tensors, "{value}");
        for name in layers[1].tensors.keys().filter(|name| *name != "B") {
            for broken in [None, Some(TensorData::from([1f32]))] {
                let mut layers = layers.clone();
                layers[1].tensors.remove(name);
                broken.map(|data| layers[1].tensors.insert(name.clone(), data));
                let message = from_onnx(&layers, &cell).unwrap_err().to_string();
                assert!(message.contains(&format!("input {name} of layer 1")), "{message}");
            }
        }
    }
    let coupled = cell(json!({"cell": "lstm", "variant": "coupled-gates"}));
    assert!(to_onnx(NamedTensors::new(), &coupled).unwrap_err().to_string().contains("variants"));
    let dense = cell(json!({"cell": "peephole-lstm"}));
    let tensors = tensors_of(&filled(&stack(&dense), 4, &Device::default()));
    assert!(to_onnx(tensors, &dense).unwrap_err().to_string().contains("beside the diagonal"));
}

#[test]
fn pytorch_and_back() {
    for value in [
        json!({"cell": "rnn"}),
        json!({"cell": "lstm"}),
        json!({"cell": "gru", "reset": "after"}),
        json!({"cell": "gru", "reset": "after", "update": "state", "bias": "two"}),
    ] {
        let config = stack(&cell(value.clone()));
        let made = filled(&config, 4, &Device::default());
        let state = state_of(&made, &config).unwrap();
        let prefixed = state.iter().map(|(name, data)| (format!("rnn.{name}"), data.clone())).collect();
        let (read, input, own) = read_state(&prefixed, "rnn.", Activation::Tanh).unwrap();
        assert_eq!(
            (&read, input),
            (&StackConfig { cell: config.cell.pytorch().unwrap(), ..config.clone() }, 4),
            "{value}"
        );
        assert_eq!(own, state);
        assert_eq!(convert(own, &read.cell, &config.cell).unwrap(), tensors_of(&made));
    }
    for (value, part) in [
        (json!({"cell": "gru"}), "resets after the product"),
        (json!({"cell": "peephole-lstm"}), "no peepholes"),
        (json!({"cell": "lstm", "variant": "no-input-gate"}), "no variants"),
        (json!({"cell": "rnn", "activation": "sigmoid"}), "tanh or ReLU"),
    ] {
        let message = cell(value).pytorch().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    let config = StackConfig { layer_norm: true, ..stack(&CellConfig::default()) };
    assert!(state_of(&filled(&config, 4, &Device::default()), &config).is_err());
}

#[test]
fn a_state_dictionary_of_something_else_is_refused() {
    let config = stack(&cell(json!({"cell": "lstm", "bias": "two"})));
    let state = tensors_of(&filled(&config, 4, &Device::default()));
    let message = |change: &dyn Fn(&mut NamedTensors)| {
        let mut state = state.clone();
        change(&mut state);
        read_state(&state, "", Activation::Tanh).unwrap_err().to_string()
    };
    let zeros = |shape: [usize; 2]| TensorData::zeros::<f32, _>(shape);
    for (found, part) in [
        (message(&|state| state.clear()), "weight_hh_l0 is missing"),
        (message(&|state| _ = state.remove("weight_ih_l0")), "weight_ih_l0 is missing"),
        (message(&|state| _ = state.insert("weight_hr_l0".into(), zeros([3, 5]))), "projections"),
        (message(&|state| _ = state.insert("weight_hh_l0".into(), zeros([10, 5]))), "10 rows for 5 units"),
        (message(&|state| _ = state.insert("weight_hh_l0".into(), zeros([0, 0]))), "0 rows for 0 units"),
        (message(&|state| _ = state.insert("weight_hh_l0".into(), TensorData::from([1f32]))), "has shape [1]"),
    ] {
        assert!(found.contains(part), "{found}");
    }
    assert!(read_state(&state, "rnn.", Activation::Tanh).is_err());
}
