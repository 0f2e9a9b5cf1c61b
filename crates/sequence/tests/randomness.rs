//! What follows from the device's seed: weights and masks. One test in this file: the random state belongs to the process.

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{stack_of, training_device, values};
use ognivo_core::weights::{NamedTensors, tensors_of};
use ognivo_sequence::cell::{CellConfig, StackConfig};
use serde_json::{Value, json};

fn config(value: Value) -> StackConfig {
    serde_json::from_value(value).unwrap()
}

#[test]
fn weights_and_masks_follow_the_seed_and_the_stated_distributions() {
    let device = training_device();
    for name in CellConfig::NAMES {
        let config = config(json!({"cell": {"cell": name}, "hidden": 64, "layers": 2, "bidirectional": true}));
        let build = |seed| {
            device.seed(seed);
            config.init(7, &device).unwrap()
        };
        let (first, second) = (build(7), build(7));
        // The last layer is used first: the order of use must not matter.
        let _ = values(&second.layers[1].reverse.as_ref().unwrap().clone().into_weights());
        let [first, second, third] = [first, second, build(8)].map(|stack| tensors_of(&stack));
        assert_eq!(first, second, "{name}");
        assert_ne!(first, third, "{name}");
        // PyTorch's: uniform on (-1, 1) / sqrt(hidden), whatever enters.
        for (name, data) in &first {
            let numbers = data.clone().try_into_vec_as::<f32>().unwrap();
            let count = numbers.len() as f64;
            assert!(numbers.iter().all(|value| value.abs() <= 0.125 * 1.000_001), "{name}");
            let variance = numbers.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / count;
            // Five standard deviations of the mean of squares.
            assert!((variance / (0.125f64.powi(2) / 3.0) - 1.0).abs() < 5.0 * 0.9 / count.sqrt(), "{name}: {variance}");
        }
    }

    // The forget gate's bias: the second block, or the first without an input gate.
    for device in [device.clone(), Device::default()] {
        for (variant, first) in [("standard", 4), ("no-input-gate", 0)] {
            let cell = json!({"cell": "lstm", "bias": "two", "forget_bias": 1, "variant": variant});
            let stack = config(json!({"cell": cell, "hidden": 4})).init(3, &device).unwrap();
            let tensors = tensors_of(&stack);
            for (name, expected) in [("bias_ih_l0", 1.0), ("bias_hh_l0", 0.0)] {
                for (place, value) in tensors[name].iter::<f32>().enumerate() {
                    assert_eq!(
                        (first..first + 4).contains(&place),
                        value == expected,
                        "{variant} {name} {place}: {value}"
                    );
                }
            }
            assert_eq!(stack.num_params(), config(json!({"cell": cell, "hidden": 4})).parameters(3));
        }
    }

    masks(&device);
}

fn masks(device: &Device) {
    // h_t = W (m * h_{t-1}) with W = 1: after t steps m^t of the start, if all steps have one mask.
    let identity = json!({"cell": "rnn", "activation": "identity"});
    let weights = |layers: usize, hidden: usize| {
        let eye: Vec<f32> = (0..hidden * hidden).map(|n| if n / hidden == n % hidden { 1.0 } else { 0.0 }).collect();
        let eye = burn::tensor::TensorData::new(eye, [hidden, hidden]);
        let mut tensors = NamedTensors::new();
        for layer in 0..layers {
            tensors.insert(format!("weight_ih_l{layer}"), eye.clone());
            tensors.insert(format!("weight_hh_l{layer}"), eye.clone());
        }
        tensors
    };
    let config_of = |layers: usize, dropout: f64, recurrent: f64| {
        config(
            json!({"cell": identity, "hidden": 50, "layers": layers, "dropout": dropout, "recurrent_dropout": recurrent}),
        )
    };
    let run = |config: &StackConfig, device: &Device, seed: u64, input: f32| {
        device.seed(seed);
        let stack = stack_of(config, 50, weights(config.layers, 50), device);
        let mut states = stack.zero_state(40, device);
        states[0].hidden = Tensor::ones([40, 50], device);
        device.seed(seed);
        let (outputs, _) = stack.forward(Tensor::full([3, 40, 50], input, device), Some(states), None);
        (0..3).map(|step| values(&outputs.clone().slice(step..step + 1))).collect::<Vec<_>>()
    };
    let recurrent = config_of(1, 0.0, 0.5);
    let steps = run(&recurrent, device, 3, 0.0);
    for (step, outputs) in steps.iter().enumerate() {
        let kept = 2f32.powi(step as i32 + 1);
        assert!(outputs.iter().all(|&value| value == 0.0 || value == kept), "step {step}");
        // One mask for all steps.
        assert!(outputs.iter().zip(&steps[0]).all(|(now, first)| (*now == 0.0) == (*first == 0.0)));
    }
    let dropped = steps[0].iter().filter(|&&value| value == 0.0).count();
    // 2000 draws: five standard deviations.
    assert!((dropped as f64 - 1000.0).abs() < 112.0, "{dropped}");
    assert_eq!(steps, run(&recurrent, device, 3, 0.0));
    assert_ne!(steps, run(&recurrent, device, 4, 0.0));
    assert!(run(&recurrent, &Device::default(), 3, 0.0).iter().flatten().all(|&value| value == 1.0), "evaluation");

    // Between layers another mask at each step; none after the last layer.
    let one = run(&config_of(1, 0.5, 0.0), device, 3, 0.0);
    assert!(one.iter().flatten().all(|&value| value == 1.0));
    let two = config_of(2, 0.5, 0.0);
    let steps = run(&two, device, 3, 0.0);
    let gains: Vec<Vec<f32>> = (0..3)
        .map(|step| (0..2000).map(|n| steps[step][n] - if step > 0 { steps[step - 1][n] } else { 0.0 }).collect())
        .collect();
    assert!(gains.iter().flatten().all(|&gain| gain == 0.0 || gain == 2.0));
    assert_ne!(gains[0], gains[1]);
    assert_eq!(steps, run(&two, device, 3, 0.0));
    assert!(run(&two, &Device::default(), 3, 0.0)[2].iter().all(|&value| value == 3.0), "evaluation");
}

/// Some weight of a cell of any kind.
trait IntoWeights {
    fn into_weights(self) -> Tensor<2>;
}

impl IntoWeights for ognivo_sequence::cell::Cell {
    fn into_weights(self) -> Tensor<2> {
        use ognivo_sequence::cell::Cell;
        match self {
            Cell::Rnn(cell) => cell.weights.weight_hh.val(),
            Cell::Lstm(cell) => cell.weights.weight_hh.val(),
            Cell::PeepholeLstm(cell) => cell.weight_ch.val(),
            Cell::Gru(cell) => cell.weights.weight_hh.val(),
        }
    }
}
