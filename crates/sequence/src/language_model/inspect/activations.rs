//! What every cell of a network did while the network read a text.

use std::fmt;
use std::str::FromStr;

use burn::tensor::{Int, Tensor, TensorData};

use crate::cell::State;
use crate::language_model::model::LanguageModel;
use crate::{Error, Result};

/// A cell: a unit of a recurrent layer. Written `LAYER:NUMBER`, both counted from 0 as in the names of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellIndex {
    /// The layer.
    pub layer: usize,
    /// The unit of its state.
    pub number: usize,
}

/// The activation of every cell after every token: `tanh(c)` where there is a memory cell `c` (as Karpathy, Johnson and Fei-Fei
/// 2015 draw it), else the hidden state `h`.
#[derive(Clone, Debug)]
pub struct Activations {
    layers: usize,
    hidden: usize,
    tokens: usize,
    /// `[layers * hidden, tokens]`.
    values: Vec<f32>,
}

impl Activations {
    /// Lets a network in evaluation mode read `tokens` from its initial state, one after another.
    ///
    /// # Errors
    /// Without a token, or with one that the network does not have.
    pub fn record(model: &LanguageModel, tokens: &[u32]) -> Result<Self> {
        let known = model.decoder.bias.dims()[0];
        let wrong = tokens.iter().find(|&&token| token as usize >= known).map(|token| format!("token {token}"));
        if let Some(found) = wrong.or_else(|| tokens.is_empty().then(|| "no token".to_string())) {
            let expected = format!("at least one token, and all below {known}");
            return Err(Error::Data { what: "text to read".into(), found, expected });
        }
        let start = model.start(1);
        let (layers, hidden) = (start.len(), start.first().map_or(0, |state| state.hidden.dims()[1]));
        let rows = by_numbers(model, &start, tokens).unwrap_or_else(|| by_tensors(model, start, tokens));
        // Contiguous for each cell: what follows reads one cell at a time.
        let cells = layers * hidden;
        let values = (0..cells).flat_map(|cell| rows.iter().skip(cell).step_by(cells).copied()).collect();
        Ok(Self { layers, hidden, tokens: tokens.len(), values })
    }

    /// With values made elsewhere, `[layers * hidden, tokens]`.
    #[cfg(test)]
    pub(super) fn from_values(layers: usize, hidden: usize, values: Vec<f32>) -> Self {
        Self { layers, hidden, tokens: values.len() / (layers * hidden), values }
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = CellIndex> + use<> {
        let (layers, hidden) = (self.layers, self.hidden);
        (0..layers).flat_map(move |layer| (0..hidden).map(move |number| CellIndex { layer, number }))
    }

    /// The activations of a cell, after each token.
    ///
    /// # Errors
    /// The network has no such cell.
    pub fn of(&self, cell: CellIndex) -> Result<&[f32]> {
        let CellIndex { layer, number } = cell;
        if layer >= self.layers || number >= self.hidden {
            let expected = format!("a layer below {} and a number below {}", self.layers, self.hidden);
            return Err(Error::Data { what: "cell".into(), found: cell.to_string(), expected });
        }
        let start = (layer * self.hidden + number) * self.tokens;
        Ok(&self.values[start..start + self.tokens])
    }

    /// How many tokens were read.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// All values, `[cells, tokens]`.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }
}

/// The activations of all cells after each token, `[tokens, cells]`, on plain numbers, in a tenth of the time of [`by_tensors`];
/// `None` for cells that have no such steps.
#[cfg(feature = "flex")]
fn by_numbers(model: &LanguageModel, start: &[State], tokens: &[u32]) -> Option<Vec<f32>> {
    let mut rnn = crate::cell::Stepping::new(&model.rnn)?;
    let vectors = numbers(model.encoder.weight.val());
    let size = vectors.len() / model.decoder.bias.dims()[0];
    let mut rows = Vec::new();
    for &token in tokens {
        rnn.step(&vectors[token as usize * size..][..size]);
        for ([hidden, memory], state) in rnn.states().zip(start) {
            match &state.cell {
                Some(_) => rows.extend(memory.iter().map(|c| c.tanh())),
                None => rows.extend_from_slice(hidden),
            }
        }
    }
    Some(rows)
}

#[cfg(not(feature = "flex"))]
fn by_numbers(_: &LanguageModel, _: &[State], _: &[u32]) -> Option<Vec<f32>> {
    None
}

/// The same by the network's own steps.
fn by_tensors(model: &LanguageModel, mut states: Vec<State>, tokens: &[u32]) -> Vec<f32> {
    let ids: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
    let device = model.decoder.bias.val().device();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [tokens.len(), 1]), &device);
    let vectors = model.encoder.forward(ids);
    let rows = (0..tokens.len()).map(|step| {
        let vector = vectors.clone().slice(step..step + 1).squeeze_dim(0);
        states = model.rnn.step(vector, std::mem::take(&mut states)).1;
        let activation = |state: &State| state.cell.clone().map_or_else(|| state.hidden.clone(), Tensor::tanh);
        Tensor::cat(states.iter().map(activation).collect(), 1)
    });
    numbers(Tensor::cat(rows.collect(), 0))
}

/// The numbers of a tensor; every backend gives its floats back as f32.
fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().unwrap_or_default()
}

impl fmt::Display for CellIndex {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.layer, self.number)
    }
}

impl FromStr for CellIndex {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (layer, number) = text.split_once(':')?;
            Some(Self { layer: layer.parse().ok()?, number: number.parse().ok()? })
        };
        parse().ok_or_else(|| Error::setting("cell", text, "LAYER:NUMBER, such as 0:17"))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::cell::{CellConfig, StackConfig};
    use crate::language_model::model::NetworkConfig;

    fn model(cell: &str) -> LanguageModel {
        let device = Device::flex();
        device.seed(3);
        let cell = cell.parse::<CellConfig>().unwrap();
        let rnn = StackConfig { cell, hidden: 5, layers: 2, ..Default::default() };
        NetworkConfig { embedding: 4, rnn, ..Default::default() }.init(7, &device).unwrap()
    }

    /// Both ways against whole sequences: the last state is the same, and of a network without memory cells the outputs of the
    /// upper layer.
    #[test]
    fn steps_agree_with_whole_sequences() {
        let tokens = [3, 1, 4, 1, 5, 6, 2, 6];
        for name in ["rnn", "gru", "lstm", "peephole-lstm"] {
            let model = model(name);
            let activations = Activations::record(&model, &tokens).unwrap();
            assert_eq!((activations.tokens(), activations.cells().count()), (8, 10));
            let tensors = by_tensors(&model, model.start(1), &tokens);
            let ids = tokens.map(|token| token as i32).to_vec();
            let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [8, 1]), &Device::flex());
            let (outputs, states) = model.rnn.forward(model.encoder.forward(ids), None, None);
            let outputs = numbers(outputs);
            for (index, cell) in activations.cells().enumerate() {
                let state = &states[cell.layer];
                let last = numbers(state.cell.clone().map_or(state.hidden.clone(), Tensor::tanh))[cell.number];
                let found = activations.of(cell).unwrap();
                assert!((found[7] - last).abs() < 1e-5, "{name} {cell}");
                for (step, value) in found.iter().enumerate() {
                    assert!((value - tensors[step * 10 + index]).abs() < 1e-5, "{name} {cell} step {step}");
                    if state.cell.is_none() && cell.layer == 1 {
                        assert!((value - outputs[step * 5 + cell.number]).abs() < 1e-5, "{name} {cell} step {step}");
                    }
                }
            }
        }
    }

    /// There is no way by plain numbers for it.
    #[test]
    fn full_gate_recurrence_is_recorded() {
        let model = model("lstm:variant=full-gate-recurrence");
        let activations = Activations::record(&model, &[1, 2, 3]).unwrap();
        assert!(activations.cells().all(|cell| activations.of(cell).unwrap().iter().all(|value| *value != 0.0)));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let model = model("gru");
        assert!(Activations::record(&model, &[]).unwrap_err().to_string().contains("no token"));
        assert!(Activations::record(&model, &[7]).unwrap_err().to_string().contains("token 7"));
        let activations = Activations::record(&model, &[1]).unwrap();
        for cell in ["2:0", "0:5"] {
            let error = activations.of(cell.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(cell) && error.contains("below 2") && error.contains("below 5"), "{error}");
        }
        for text in ["", "3", "a:b", "1:-1", "1:2:3"] {
            assert!(text.parse::<CellIndex>().unwrap_err().to_string().contains("LAYER:NUMBER"), "{text}");
        }
    }
}
