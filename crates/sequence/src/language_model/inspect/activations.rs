//! What every cell of a network did while the network read a text.

use std::fmt;
use std::str::FromStr;

use burn::tensor::{Int, Tensor, TensorData};

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
    /// Without a token.
    pub fn record(model: &LanguageModel, tokens: &[u32]) -> Result<Self> {
        if tokens.is_empty() {
            return Err(Error::Data {
                what: "text to read".into(),
                found: "no token".into(),
                expected: "at least 1".into(),
            });
        }
        let ids: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
        let ids =
            Tensor::<2, Int>::from_data(TensorData::new(ids, [tokens.len(), 1]), &model.decoder.bias.val().device());
        let vectors = model.encoder.forward(ids);
        let mut states = model.start(1);
        let (layers, hidden) = (states.len(), states.first().map_or(0, |state| state.hidden.dims()[1]));
        let mut rows = Vec::with_capacity(tokens.len());
        for step in 0..tokens.len() {
            let vector = vectors.clone().slice(step..step + 1).squeeze_dim(0);
            states = model.rnn.step(vector, states).1;
            let activations = states.iter().map(|state| match &state.cell {
                Some(cell) => cell.clone().tanh(),
                None => state.hidden.clone(),
            });
            rows.push(Tensor::cat(activations.collect(), 1));
        }
        // Contiguous for each cell: what follows reads one cell at a time.
        let values = Tensor::cat(rows, 0).transpose().into_data().try_into_vec_as::<f32>();
        let values = values.map_err(|error| Error::Data {
            what: "activations".into(),
            found: format!("{error:?}"),
            expected: "numbers".into(),
        })?;
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
        let cell = serde_json::from_value::<CellConfig>(serde_json::json!({ "cell": cell })).unwrap();
        let rnn = StackConfig { cell, hidden: 5, layers: 2, ..Default::default() };
        NetworkConfig { embedding: 4, rnn, ..Default::default() }.init(7, &device).unwrap()
    }

    /// Against whole sequences: the last state is the same, and of a network without memory cells the outputs of the upper layer.
    #[test]
    fn steps_agree_with_whole_sequences() {
        let tokens = [3, 1, 4, 1, 5, 6, 2, 6];
        for name in ["rnn", "gru", "lstm", "peephole-lstm"] {
            let model = model(name);
            let activations = Activations::record(&model, &tokens).unwrap();
            assert_eq!((activations.tokens(), activations.cells().count()), (8, 10));
            let ids = Tensor::<2, Int>::from_data(
                TensorData::new(tokens.map(|t| t as i32).to_vec(), [8, 1]),
                &Device::flex(),
            );
            let (outputs, states) = model.rnn.forward(model.encoder.forward(ids), None, None);
            let outputs = outputs.into_data().try_into_vec_as::<f32>().unwrap();
            for cell in activations.cells() {
                let state = &states[cell.layer];
                let last = state.cell.clone().map_or(state.hidden.clone(), Tensor::tanh);
                let last = last.into_data().try_into_vec_as::<f32>().unwrap()[cell.number];
                let found = activations.of(cell).unwrap();
                assert!((found[7] - last).abs() < 1e-5, "{name} {cell}");
                if state.cell.is_none() && cell.layer == 1 {
                    for (step, value) in found.iter().enumerate() {
                        assert!((value - outputs[step * 5 + cell.number]).abs() < 1e-5, "{name} {cell} step {step}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let model = model("gru");
        assert!(Activations::record(&model, &[]).unwrap_err().to_string().contains("no token"));
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
