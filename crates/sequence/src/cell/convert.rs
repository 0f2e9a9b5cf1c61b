//! Weights from one convention to another, such that the function they compute stays the same.
//!
//! | from | to | what changes |
//! |---|---|---|
//! | no bias, one, two | more | zeros are added |
//! | two biases | one | their sum |
//! | a bias | none | nothing, if all are 0 |
//! | GRU, `update: candidate` | `update: state` | the sign of the rows `z`, as `1 - s(a) = s(-a)` |
//! | GRU, `reset: before` | `reset: after` | not possible: another function |
//! | diagonal peepholes | dense ones, more gates | zeros are added |
//! | dense peepholes | diagonal ones, fewer gates, LSTM | nothing, if what is left out is 0 |
//!
//! Numbers are copied, negated or, for two biases in one, added as the cell itself adds them: nothing is rounded otherwise than
//! when the cell computes.

use std::collections::BTreeSet;

use burn::tensor::TensorData;
use ognivo_core::weights::NamedTensors;
use ognivo_kernels::{Activation, PeepholeGates, Reset, Update};

use super::config::{Biases, CellConfig, GruConfig, LstmConfig, PeepholeKind, PeepholeLstmConfig, RnnConfig, Variant};
use crate::Result;

/// The weights of a stack of `from` cells as those of `to` cells; tensors that are no cell's stay as they are.
///
/// # Errors
/// When there is no such weights: `to` computes another function; or `to` lacks a weight that is not 0. When tensors are missing or
/// of a wrong shape.
pub fn convert(mut tensors: NamedTensors, from: &CellConfig, to: &CellConfig) -> Result<NamedTensors> {
    if from == to {
        return Ok(tensors);
    }
    alike(from, to)?;
    let split = |name: &str| {
        let (owner, place) = NAMES.iter().find_map(|weight| name.split_once(weight))?;
        Some((owner.to_string(), place.to_string()))
    };
    let ends: BTreeSet<_> = tensors.keys().filter_map(|name| split(name)).collect();
    if ends.is_empty() {
        return Err(impossible("no tensor weight_hh_l0 among the weights to convert"));
    }
    for (owner, place) in ends {
        let name = |weight: &str| format!("{owner}{weight}_l{place}");
        let weights = CellWeights::take(&mut tensors, &name, from)?;
        weights.put(&mut tensors, &name, to)?;
    }
    Ok(tensors)
}

impl CellConfig {
    /// The cell in PyTorch's convention.
    ///
    /// # Errors
    /// PyTorch has none: peepholes, variants, a GRU with the reset before the product, an RNN with another function than tanh or
    /// ReLU.
    pub fn pytorch(&self) -> Result<Self> {
        match self {
            Self::Rnn(RnnConfig { activation: activation @ (Activation::Tanh | Activation::Relu), .. }) => {
                Ok(Self::Rnn(RnnConfig { activation: *activation, bias: Biases::Two }))
            }
            Self::Rnn(_) => Err(impossible("PyTorch's RNN has tanh or ReLU")),
            Self::Lstm(LstmConfig { variant: Variant::Standard, .. }) => Ok(Self::Lstm(LstmConfig::pytorch())),
            Self::Lstm(_) => Err(impossible("PyTorch's LSTM has no variants")),
            Self::PeepholeLstm(_) => Err(impossible("PyTorch's LSTM has no peepholes")),
            Self::Gru(GruConfig { reset: Reset::After, .. }) => Ok(Self::Gru(GruConfig::pytorch())),
            Self::Gru(_) => {
                Err(impossible("PyTorch's GRU resets after the product, this one before it, which is another function"))
            }
        }
    }

    /// The cell in ONNX's convention.
    ///
    /// # Errors
    /// ONNX has none: variants.
    pub fn onnx(&self) -> Result<Self> {
        let standard = |variant| match variant {
            Variant::Standard => Ok(()),
            _ => Err(impossible("variants of the LSTM are not written to ONNX")),
        };
        Ok(match self {
            Self::Rnn(config) => Self::Rnn(RnnConfig { bias: Biases::Two, ..*config }),
            Self::Lstm(config) => {
                standard(config.variant)?;
                Self::Lstm(LstmConfig::pytorch())
            }
            Self::PeepholeLstm(config) => {
                standard(config.variant)?;
                Self::PeepholeLstm(PeepholeLstmConfig::onnx())
            }
            Self::Gru(config) => Self::Gru(GruConfig { reset: config.reset, ..GruConfig::onnx() }),
        })
    }
}

/// How the names of a cell's weights go on after their owner's, up to the number of the layer.
const NAMES: [&str; 6] = ["weight_ih_l", "weight_hh_l", "weight_ch_l", "weight_gh_l", "bias_ih_l", "bias_hh_l"];

/// Whether cells of the two kinds can compute the same function at all.
fn alike(from: &CellConfig, to: &CellConfig) -> Result<()> {
    use CellConfig::{Gru, Lstm, PeepholeLstm, Rnn};
    let problem = match (from, to) {
        (Rnn(a), Rnn(b)) if a.activation != b.activation => "the functions after the sum differ",
        (Rnn(_), Rnn(_)) => return Ok(()),
        (Gru(a), Gru(b)) if a.reset != b.reset => {
            "a GRU with the reset before the product computes another function than one with the reset after it"
        }
        (Gru(_), Gru(_)) => return Ok(()),
        (Lstm(_) | PeepholeLstm(_), Lstm(_) | PeepholeLstm(_)) if variant(from) != variant(to) => {
            "the variants of the LSTM differ"
        }
        (Lstm(_) | PeepholeLstm(_), Lstm(_) | PeepholeLstm(_)) => return Ok(()),
        _ => "the cells are of different kinds",
    };
    Err(impossible(problem))
}

fn impossible(reason: &str) -> crate::Error {
    ognivo_core::Error::Data(format!("the weights cannot be converted: {reason}")).into()
}

fn variant(cell: &CellConfig) -> Variant {
    match cell {
        CellConfig::Lstm(config) => config.variant,
        CellConfig::PeepholeLstm(config) => config.variant,
        CellConfig::Rnn(_) | CellConfig::Gru(_) => Variant::Standard,
    }
}

fn biases(cell: &CellConfig) -> Biases {
    match cell {
        CellConfig::Rnn(config) => config.bias,
        CellConfig::Lstm(config) => config.bias,
        CellConfig::PeepholeLstm(config) => config.bias,
        CellConfig::Gru(config) => config.bias,
    }
}

/// A cell's weights in the convention of which every other is a part: two biases, the update gate weighs the state, dense
/// peepholes of three gates.
struct CellWeights {
    hidden: usize,
    input: usize,
    input_weight: Vec<f32>,
    hidden_weight: Vec<f32>,
    biases: [Vec<f32>; 2],
    /// Of input, forget and output gate, row by row; empty where there are none.
    peepholes: [Vec<f32>; 3],
    full_gate: Option<Vec<f32>>,
}

impl CellWeights {
    /// Takes the tensors of one cell out of `tensors`.
    fn take(tensors: &mut NamedTensors, name: &dyn Fn(&str) -> String, from: &CellConfig) -> Result<Self> {
        let mut take = |weight: &str| -> Result<(Vec<f32>, Vec<usize>)> {
            let name = name(weight);
            let data = tensors.remove(&name).ok_or_else(|| impossible(&format!("tensor {name} is missing")))?;
            let shape = data.shape().to_vec();
            let values = data.try_into_vec_as::<f32>();
            Ok((values.map_err(|error| impossible(&format!("tensor {name}: {error:?}")))?, shape))
        };
        let (hidden_weight, shape) = take("weight_hh")?;
        let &[rows, hidden] = shape.as_slice() else {
            return Err(impossible(&format!("{} has shape {shape:?}", name("weight_hh"))));
        };
        let fits = |weight: &str, shape: &[usize], expected: &[usize]| match shape == expected {
            true => Ok(()),
            false => Err(impossible(&format!("{} has shape {shape:?}, expected {expected:?}", name(weight)))),
        };
        // A matrix without columns has no rows that could be counted.
        fits("weight_hh", &shape, &[from.gates() * hidden.max(1), hidden])?;
        let (input_weight, shape) = take("weight_ih")?;
        let input = shape.last().copied().unwrap_or(0);
        fits("weight_ih", &shape, &[rows, input.max(1)])?;
        let mut bias = |weight: &str, present: bool| {
            if !present {
                return Ok(vec![0.0; rows]);
            }
            let (values, shape) = take(weight)?;
            fits(weight, &shape, &[rows]).map(|()| values)
        };
        let count = biases(from).count();
        let biases = [bias("bias_ih", count > 0)?, bias("bias_hh", count > 1)?];
        let mut peepholes = [const { Vec::new() }; 3];
        if let CellConfig::PeepholeLstm(config) = from {
            let (values, shape) = take("weight_ch")?;
            let rows = config.peephole.rows(hidden);
            fits("weight_ch", &shape, &[config.peepholes() * rows, hidden])?;
            let blocks = values.chunks_exact(rows * hidden);
            let present = peepholes.iter_mut().zip(three(config.seeing())).filter(|(_, present)| *present);
            for ((peephole, _), block) in present.zip(blocks) {
                *peephole = if config.peephole == PeepholeKind::Dense { block.into() } else { dense(block) };
            }
        }
        let full_gate = match variant(from) {
            Variant::FullGateRecurrence => {
                let (values, shape) = take("weight_gh")?;
                fits("weight_gh", &shape, &[3 * hidden, 3 * hidden])?;
                Some(values)
            }
            _ => None,
        };
        let weights = Self { hidden, input, input_weight, hidden_weight, biases, peepholes, full_gate };
        Ok(weights.with_update(from))
    }

    /// Negates the rows of a GRU's update gate if it weighs the candidate: to and from the convention of this struct.
    fn with_update(mut self, cell: &CellConfig) -> Self {
        if let CellConfig::Gru(GruConfig { update: Update::Candidate, .. }) = cell {
            let second = |width: usize| self.hidden * width..2 * self.hidden * width;
            let [first_bias, second_bias] = &mut self.biases;
            for (values, width) in [
                (&mut self.input_weight, self.input),
                (&mut self.hidden_weight, self.hidden),
                (first_bias, 1),
                (second_bias, 1),
            ] {
                values[second(width)].iter_mut().for_each(|value| *value = -*value);
            }
        }
        self
    }

    /// Puts the tensors of one cell into `tensors`.
    fn put(self, tensors: &mut NamedTensors, name: &dyn Fn(&str) -> String, to: &CellConfig) -> Result<()> {
        let Self { hidden, input, input_weight, hidden_weight, biases: [first, second], peepholes, full_gate } =
            self.with_update(to);
        let rows = to.gates() * hidden;
        let mut put = |weight: &str, values: Vec<f32>, shape: &[usize]| {
            tensors.insert(name(weight), TensorData::new(values, shape.to_vec()));
        };
        let lost = |weight: &str| impossible(&format!("{} is not 0 and has no place", name(weight)));
        put("weight_ih", input_weight, &[rows, input]);
        put("weight_hh", hidden_weight, &[rows, hidden]);
        // A bias inside the product with the reset gate adds to no other.
        let kept_apart = if to.resets_after() { 2 * hidden } else { rows };
        match biases(to) {
            Biases::Two => {
                put("bias_ih", first, &[rows]);
                put("bias_hh", second, &[rows]);
            }
            Biases::One => {
                if second[kept_apart..].iter().any(|&value| value != 0.0) {
                    return Err(lost("bias_hh"));
                }
                put("bias_ih", first.iter().zip(&second).map(|(a, b)| a + b).collect(), &[rows]);
            }
            Biases::None => {
                let apart = |n: usize| n >= kept_apart && (first[n] != 0.0 || second[n] != 0.0);
                if (0..rows).any(|n| apart(n) || first[n] + second[n] != 0.0) {
                    return Err(lost("bias_ih"));
                }
            }
        }
        let (kind, seeing) = match to {
            CellConfig::PeepholeLstm(config) => (config.peephole, three(config.seeing())),
            _ => (PeepholeKind::Dense, [false; 3]),
        };
        let mut values = Vec::new();
        for (peephole, present) in peepholes.into_iter().zip(seeing) {
            match (present, kind) {
                (false, _) if peephole.iter().any(|&value| value != 0.0) => return Err(lost("weight_ch")),
                (false, _) => {}
                (true, PeepholeKind::Dense) if peephole.is_empty() => {
                    values.resize(values.len() + hidden * hidden, 0.0)
                }
                (true, PeepholeKind::Dense) => values.extend(peephole),
                (true, PeepholeKind::Diagonal) if peephole.is_empty() => values.resize(values.len() + hidden, 0.0),
                (true, PeepholeKind::Diagonal) => {
                    let on_diagonal = |n: usize| n / hidden == n % hidden;
                    if peephole.iter().enumerate().any(|(n, &value)| value != 0.0 && !on_diagonal(n)) {
                        return Err(lost("weight_ch beside the diagonal"));
                    }
                    values.extend(peephole.into_iter().step_by(hidden + 1));
                }
            }
        }
        if let CellConfig::PeepholeLstm(_) = to {
            put("weight_ch", values.clone(), &[values.len() / hidden, hidden]);
        }
        if let Some(values) = full_gate {
            put("weight_gh", values, &[3 * hidden, 3 * hidden]);
        }
        Ok(())
    }
}

/// The matrix with this diagonal.
fn dense(diagonal: &[f32]) -> Vec<f32> {
    let hidden = diagonal.len();
    let mut matrix = vec![0.0; hidden * hidden];
    for (value, place) in diagonal.iter().zip(matrix.iter_mut().step_by(hidden + 1)) {
        *place = *value;
    }
    matrix
}

fn three(gates: PeepholeGates) -> [bool; 3] {
    [gates.input, gates.forget, gates.output]
}
