//! Cells and stacks against PyTorch, against the formulas themselves by PyTorch's autograd, and against onnxruntime
//! (`reference/cells.py`): outputs, final states, every gradient.

mod common;

use burn::tensor::{Device, Tensor};
use common::{Digest, Digests, filled, gradients_of, ramp, ramp_data, reference, stack_of, training_device};
use ognivo_core::weights::{self, NamedTensors, tensors_of};
use ognivo_kernels::{Activation, Reset};
use ognivo_sequence::cell::onnx::{OnnxLayer, from_onnx};
use ognivo_sequence::cell::pytorch::read_state;
use ognivo_sequence::cell::{
    Biases, CellConfig, GruConfig, LstmConfig, PeepholeLstmConfig, RnnConfig, Stack, StackConfig, State,
};
use serde::Deserialize;
use serde_json::Value;

const TIME: usize = 5;
const BATCH: usize = 3;
const INPUT: usize = 4;
const HIDDEN: usize = 6;

/// Single precision against double, relative.
const TOLERANCE: f64 = 2e-5;

#[derive(Deserialize)]
struct Reference {
    pytorch: Vec<PytorchCase>,
    formulas: Vec<FormulaCase>,
    onnxruntime: Vec<OnnxCase>,
    state_dictionary: Forward,
}

#[derive(Deserialize)]
struct PytorchCase {
    cell: String,
    layers: usize,
    bidirectional: bool,
    bias: bool,
    lengths: Option<Vec<usize>>,
    nonlinearity: Option<String>,
    #[serde(flatten)]
    expected: Expected,
}

#[derive(Deserialize)]
struct FormulaCase {
    config: Value,
    #[serde(flatten)]
    expected: Expected,
}

#[derive(Deserialize)]
struct OnnxCase {
    operator: String,
    shapes: std::collections::BTreeMap<String, Vec<usize>>,
    directions: usize,
    peephole: bool,
    lengths: Option<Vec<usize>>,
    linear_before_reset: Option<u8>,
    #[serde(flatten)]
    expected: Forward,
}

#[derive(Deserialize)]
struct Forward {
    outputs: Digest,
    #[serde(rename = "final")]
    last: Vec<Digest>,
}

#[derive(Deserialize)]
struct Expected {
    #[serde(flatten)]
    forward: Forward,
    gradients: Digests,
}

impl Forward {
    fn check(&self, what: &str, outputs: &Tensor<3>, last: &[Tensor<3>]) {
        self.outputs.check(&format!("{what}: outputs"), &outputs.to_data(), TOLERANCE);
        assert_eq!(self.last.len(), last.len(), "{what}");
        for (number, (expected, found)) in self.last.iter().zip(last).enumerate() {
            expected.check(&format!("{what}: final state {number}"), &found.to_data(), TOLERANCE);
        }
    }
}

/// States from the scripts' `[layers * directions, batch, hidden]`.
fn initial(rows: usize, has_cell: bool, full: bool, device: &Device) -> (Vec<Tensor<3>>, Vec<State>) {
    let start = |k| ramp([rows, BATCH, HIDDEN], k, 0.5, device).require_grad();
    let leaves: Vec<_> = [1001, 1002].into_iter().take(1 + usize::from(has_cell)).map(start).collect();
    let row = |leaf: &Tensor<3>, row: usize| leaf.clone().slice(row..row + 1).squeeze_dim(0);
    let states = (0..rows).map(|number| State {
        hidden: row(&leaves[0], number),
        cell: leaves.get(1).map(|leaf| row(leaf, number)),
        gates: full.then(|| Tensor::zeros([BATCH, 3 * HIDDEN], device)),
    });
    (leaves.clone(), states.collect())
}

/// Final states as the scripts have them.
fn joined(states: &[State], has_cell: bool) -> Vec<Tensor<3>> {
    let part = |pick: fn(&State) -> Tensor<2>| Tensor::stack(states.iter().map(pick).collect(), 0);
    let hidden = part(|state| state.hidden.clone());
    if has_cell { vec![hidden, part(|state| state.cell.clone().unwrap())] } else { vec![hidden] }
}

fn check(what: &str, config: &StackConfig, stack: &Stack, lengths: Option<&[usize]>, expected: &Expected) {
    let device = training_device();
    let has_cell = matches!(config.cell, CellConfig::Lstm(_) | CellConfig::PeepholeLstm(_));
    let full = what.contains("full-gate-recurrence");
    let rows = config.layers * (1 + usize::from(config.bidirectional));
    let x = ramp([TIME, BATCH, INPUT], 1000, 1.0, &device).require_grad();
    let (leaves, states) = initial(rows, has_cell, full, &device);
    let (outputs, states) = stack.forward(x.clone(), Some(states), lengths);
    let last = joined(&states, has_cell);
    expected.forward.check(what, &outputs, &last);
    let weighted = |y: Tensor<3>, k| (y.clone() * ramp(y.dims(), k, 1.0, &device)).sum();
    let loss = weighted(outputs, 99)
        + last.into_iter().zip([98, 97]).map(|(y, k)| weighted(y, k)).reduce(|a, b| a + b).unwrap();
    let gradients = loss.backward();
    let mut found = gradients_of(stack, &gradients);
    found.insert("x".into(), x.grad(&gradients).unwrap().into_data());
    for (name, leaf) in ["h0", "c0"].into_iter().zip(leaves) {
        found.insert(name.into(), leaf.grad(&gradients).unwrap().into_data());
    }
    // No parameter on our side that the other lacks, nor the reverse.
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.gradients.keys().collect::<Vec<_>>(), "{what}");
    for (name, expected) in &expected.gradients {
        expected.check(&format!("{what}: gradient of {name}"), &found[name], TOLERANCE);
    }
}

#[test]
fn stacks_are_pytorchs() {
    let cases = reference::<Reference>().pytorch;
    assert_eq!(cases.len(), 37);
    for case in cases {
        let bias = if case.bias { Biases::Two } else { Biases::None };
        let activation = if case.nonlinearity.is_some() { Activation::Relu } else { Activation::Tanh };
        let cell = match case.cell.as_str() {
            "rnn" => CellConfig::Rnn(RnnConfig { activation, bias }),
            "lstm" => CellConfig::Lstm(LstmConfig { bias, ..LstmConfig::pytorch() }),
            "gru" => CellConfig::Gru(GruConfig { bias, ..GruConfig::pytorch() }),
            other => panic!("{other}"),
        };
        let config = StackConfig {
            cell,
            hidden: HIDDEN,
            layers: case.layers,
            bidirectional: case.bidirectional,
            ..StackConfig::default()
        };
        let what = format!("{config:?}, lengths {:?}", case.lengths);
        let stack = filled(&config, INPUT, &training_device());
        check(&what, &config, &stack, case.lengths.as_deref(), &case.expected);
    }
}

/// The lecture's GRU, peepholes to every subset of the gates, and the variants of Greff et al. 2015.
#[test]
fn cells_that_pytorch_lacks_are_their_formulas() {
    let cases = reference::<Reference>().formulas;
    assert_eq!(cases.len(), 37);
    for case in cases {
        let what = case.config.to_string();
        let cell: CellConfig = serde_json::from_value(case.config).unwrap();
        let config = StackConfig { cell, hidden: HIDDEN, ..StackConfig::default() };
        let stack = filled(&config, INPUT, &training_device());
        check(&what, &config, &stack, None, &case.expected);
    }
}

/// Weights in ONNX's layout, through the conversion: diagonal peepholes are its input `P`, the lecture's GRU its
/// `linear_before_reset = 0`, computed with weights converted to `h = (1-z) h + z n`.
#[test]
fn converted_weights_compute_what_onnxruntime_does() {
    let cases = reference::<Reference>().onnxruntime;
    assert_eq!(cases.len(), 18);
    for case in cases {
        let what = format!(
            "{} {:?}",
            case.operator,
            (case.directions, case.peephole, &case.lengths, case.linear_before_reset)
        );
        let has_bias = case.shapes.contains_key("B");
        let cells = match case.operator.as_str() {
            "RNN" => vec![
                CellConfig::Rnn(RnnConfig::pytorch()),
                CellConfig::Rnn(RnnConfig { bias: Biases::One, ..RnnConfig::default() }),
            ],
            "LSTM" if case.peephole => {
                [PeepholeLstmConfig::onnx(), PeepholeLstmConfig::default()].map(CellConfig::PeepholeLstm).into()
            }
            "LSTM" => vec![
                CellConfig::Lstm(LstmConfig::pytorch()),
                CellConfig::Lstm(LstmConfig::default()),
                CellConfig::PeepholeLstm(PeepholeLstmConfig::default()),
            ],
            "GRU" if case.linear_before_reset == Some(1) => vec![CellConfig::Gru(GruConfig::pytorch())],
            "GRU" => vec![
                CellConfig::Gru(GruConfig::onnx()),
                CellConfig::Gru(GruConfig {
                    bias: if has_bias { Biases::One } else { Biases::None },
                    ..GruConfig::default()
                }),
            ],
            other => panic!("{other}"),
        };
        // W, R, B, P, in this order.
        let mut tensors = NamedTensors::new();
        for (k, name) in ["W", "R", "B", "P"].into_iter().filter(|name| case.shapes.contains_key(*name)).enumerate() {
            tensors.insert(name.into(), ramp_data(&case.shapes[name], k, 0.6));
        }
        let layer = OnnxLayer { tensors };
        for cell in cells {
            let what = format!("{what} as {cell:?}");
            let device = Device::default();
            // Peepholes of an LSTM that has none are zeros.
            let source = match &cell {
                CellConfig::PeepholeLstm(_) if !case.peephole => CellConfig::Lstm(LstmConfig::default()),
                cell => cell.clone(),
            };
            let tensors = from_onnx(std::slice::from_ref(&layer), &source).unwrap();
            let tensors = ognivo_sequence::cell::convert::convert(tensors, &source, &cell).unwrap();
            let has_cell = case.operator == "LSTM";
            let config =
                StackConfig { cell, hidden: HIDDEN, bidirectional: case.directions == 2, ..StackConfig::default() };
            let stack = stack_of(&config, INPUT, tensors, &device);
            let start = |k, row: usize| {
                ramp([case.directions, BATCH, HIDDEN], k, 0.5, &device).slice(row..row + 1).squeeze_dim(0)
            };
            let states = (0..case.directions).map(|row| State {
                hidden: start(1001, row),
                cell: has_cell.then(|| start(1002, row)),
                gates: None,
            });
            let x = ramp([TIME, BATCH, INPUT], 1000, 1.0, &device);
            let (outputs, states) = stack.forward(x, Some(states.collect()), case.lengths.as_deref());
            case.expected.check(&what, &outputs, &joined(&states, has_cell));
        }
        assert!(case.linear_before_reset.is_none() || GruConfig::onnx().reset == Reset::Before);
    }
}

/// A file that `safetensors.torch.save_file` wrote, of a module inside a larger one.
#[test]
fn a_state_dictionary_from_pytorch_is_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/pytorch_lstm.safetensors");
    let (tensors, _) = weights::read(&path).unwrap();
    let (config, input, own) = read_state(&tensors, "encoder.", Activation::Tanh).unwrap();
    let expected = StackConfig {
        cell: CellConfig::Lstm(LstmConfig::pytorch()),
        hidden: 3,
        layers: 2,
        bidirectional: true,
        ..StackConfig::default()
    };
    assert_eq!((&config, input), (&expected, 2));
    let device = Device::default();
    let stack = weights::load_into(config.init(input, &device).unwrap(), own.clone(), &path).unwrap();
    let (outputs, states) = stack.forward(ramp([4, 2, 2], 1000, 1.0, &device), None, None);
    reference::<Reference>().state_dictionary.check("state dictionary", &outputs, &joined(&states, true));
    // What goes back to PyTorch is what came from it.
    assert_eq!(ognivo_sequence::cell::pytorch::state_of(&stack, &config).unwrap(), own);
    assert_eq!(tensors_of(&stack), own);
}
