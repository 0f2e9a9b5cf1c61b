//! The weights of ONNX's operators `RNN`, `LSTM` and `GRU`.
//!
//! An ONNX node is one layer, of one direction or both, with tensors `W` `[directions, gates * hidden, input]`, `R` `[directions,
//! gates * hidden, hidden]`, `B` `[directions, 2 * gates * hidden]` (both biases) and, of an LSTM, `P` `[directions, 3 * hidden]`
//! (diagonal peepholes). Gates stand in the order `i o f c` (`P`: `i o f`) and `z r h`. Its GRU has the update gate weigh the
//! state, and the reset before the product if `linear_before_reset` is 0, its default.

use burn::tensor::TensorData;
use ognivo_core::weights::NamedTensors;

use super::config::CellConfig;
use super::convert::convert;
use crate::Result;

/// The inputs of a node, by ONNX's names.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxLayer {
    /// `W`, `R`, `B` and, with peepholes, `P`.
    pub tensors: NamedTensors,
}

/// The layers of a stack of `cell`s as ONNX nodes.
///
/// # Errors
/// When ONNX has no such cell ([`CellConfig::onnx`]), or a dense peephole is not diagonal; when tensors are missing.
pub fn to_onnx(tensors: NamedTensors, cell: &CellConfig) -> Result<Vec<OnnxLayer>> {
    let target = cell.onnx()?;
    let tensors = convert(tensors, cell, &target)?;
    let layers = (0..).take_while(|layer| tensors.contains_key(&format!("weight_hh_l{layer}")));
    layers.map(|layer| OnnxLayer::of(&tensors, &target, layer)).collect()
}

/// The weights of a stack of `cell`s that computes what the nodes do, one node a layer.
///
/// # Errors
/// When ONNX has no such cell; when tensors are missing or of wrong shapes; when `cell` lacks a weight that is not 0.
pub fn from_onnx(layers: &[OnnxLayer], cell: &CellConfig) -> Result<NamedTensors> {
    let source = cell.onnx()?;
    let mut tensors = NamedTensors::new();
    for (number, layer) in layers.iter().enumerate() {
        layer.put(&mut tensors, &source, number)?;
    }
    convert(tensors, &source, cell)
}

/// For each of ONNX's gates the number of ours.
fn order(cell: &CellConfig) -> &'static [usize] {
    match cell {
        CellConfig::Rnn(_) => &[0],
        // Ours i f g o, ONNX's i o f c.
        CellConfig::Lstm(_) | CellConfig::PeepholeLstm(_) => &[0, 3, 1, 2],
        // Ours r z n, ONNX's z r h.
        CellConfig::Gru(_) => &[1, 0, 2],
    }
}

/// Ours i f o, ONNX's i o f: the exchange is its own inverse.
const PEEPHOLES: [usize; 3] = [0, 2, 1];

/// The name here of what ONNX puts into one tensor, and that tensor's.
const PARTS: [(&str, &str); 5] =
    [("weight_ih", "W"), ("weight_hh", "R"), ("bias_ih", "B"), ("bias_hh", "B"), ("weight_ch", "P")];

fn parts(cell: &CellConfig) -> &'static [(&'static str, &'static str)] {
    &PARTS[..if matches!(cell, CellConfig::PeepholeLstm(_)) { 5 } else { 4 }]
}

impl OnnxLayer {
    fn of(tensors: &NamedTensors, cell: &CellConfig, layer: usize) -> Result<Self> {
        let directions = if tensors.contains_key("weight_hh_l0_reverse") { 2 } else { 1 };
        let mut joined: std::collections::BTreeMap<&str, (Vec<f32>, Vec<usize>)> = Default::default();
        for direction in ["", "_reverse"].into_iter().take(directions) {
            for (ours, theirs) in parts(cell) {
                let name = format!("{ours}_l{layer}{direction}");
                let data = tensors.get(&name).ok_or_else(|| wrong(format!("tensor {name} is missing")))?;
                let shape = data.shape().to_vec();
                let values = values(data, &name)?;
                let (all, joined_shape) = joined.entry(theirs).or_default();
                match *ours {
                    "weight_ch" => {
                        all.extend(exchanged(&values, &PEEPHOLES));
                        *joined_shape = vec![values.len()];
                    }
                    "bias_hh" => {
                        all.extend(exchanged(&values, order(cell)));
                        *joined_shape = vec![2 * values.len()];
                    }
                    _ => {
                        all.extend(exchanged(&values, order(cell)));
                        *joined_shape = shape;
                    }
                }
            }
        }
        let tensors = joined.into_iter().map(|(name, (values, mut shape))| {
            shape.insert(0, directions);
            (name.to_string(), TensorData::new(values, shape))
        });
        Ok(Self { tensors: tensors.collect() })
    }

    fn put(&self, tensors: &mut NamedTensors, cell: &CellConfig, layer: usize) -> Result<()> {
        let find = |name: &str| {
            let data =
                self.tensors.get(name).ok_or_else(|| wrong(format!("input {name} of layer {layer} is missing")))?;
            Ok::<_, crate::Error>((values(data, name)?, data.shape().to_vec()))
        };
        let (recurrent, shape) = find("R")?;
        let &[directions, rows, hidden] = shape.as_slice() else {
            return Err(wrong(format!("input R of layer {layer} has shape {shape:?}")));
        };
        if rows != cell.gates() * hidden || !(1..=2).contains(&directions) || recurrent.is_empty() {
            return Err(wrong(format!("input R of layer {layer} has shape {shape:?}")));
        }
        let (input_weight, shape) = find("W")?;
        let input = shape.last().copied().unwrap_or(0);
        if shape != [directions, rows, input] || input == 0 {
            return Err(wrong(format!("input W of layer {layer} has shape {shape:?}")));
        }
        // B may be left out.
        let biases = if self.tensors.contains_key("B") { find("B")?.0 } else { vec![0.0; directions * 2 * rows] };
        if biases.len() != directions * 2 * rows {
            return Err(wrong(format!("input B of layer {layer} has {} numbers", biases.len())));
        }
        let back = inverse(order(cell));
        for (number, direction) in ["", "_reverse"].into_iter().take(directions).enumerate() {
            let mut put = |name: &str, values: Vec<f32>, shape: &[usize]| {
                tensors.insert(format!("{name}_l{layer}{direction}"), TensorData::new(values, shape.to_vec()));
            };
            let part = |values: &[f32], size: usize, number: usize| values[number * size..(number + 1) * size].to_vec();
            put("weight_ih", exchanged(&part(&input_weight, rows * input, number), &back), &[rows, input]);
            put("weight_hh", exchanged(&part(&recurrent, rows * hidden, number), &back), &[rows, hidden]);
            put("bias_ih", exchanged(&part(&biases, rows, 2 * number), &back), &[rows]);
            put("bias_hh", exchanged(&part(&biases, rows, 2 * number + 1), &back), &[rows]);
            if matches!(cell, CellConfig::PeepholeLstm(_)) {
                let (peepholes, shape) = find("P")?;
                if shape != [directions, 3 * hidden] {
                    return Err(wrong(format!("input P of layer {layer} has shape {shape:?}")));
                }
                put("weight_ch", exchanged(&part(&peepholes, 3 * hidden, number), &PEEPHOLES), &[3, hidden]);
            }
        }
        Ok(())
    }
}

fn values(data: &TensorData, name: &str) -> Result<Vec<f32>> {
    data.clone().try_into_vec_as::<f32>().map_err(|error| wrong(format!("tensor {name}: {error:?}")))
}

fn wrong(reason: String) -> crate::Error {
    ognivo_core::Error::Data(format!("ONNX weights: {reason}")).into()
}

/// Equal blocks in another order: block `n` of the result is block `order[n]`.
fn exchanged(values: &[f32], order: &[usize]) -> Vec<f32> {
    let size = values.len() / order.len();
    order.iter().flat_map(|&block| &values[block * size..(block + 1) * size]).copied().collect()
}

fn inverse(order: &[usize]) -> Vec<usize> {
    (0..order.len()).map(|block| order.iter().position(|&other| other == block).unwrap_or(block)).collect()
}
