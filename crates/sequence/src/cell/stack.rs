//! Cells on top of each other, in one direction or both.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Bool, Device, Tensor, TensorData};
use ognivo_kernels::Walk;
use serde::{Deserialize, Serialize};

use super::{Cell, CellConfig, Recurrent, State, dropout};
use crate::{Error, Result};

/// Largest hidden state: the weights of an LSTM are 4 GB then.
const MAX_HIDDEN: usize = 1 << 14;
const MAX_LAYERS: usize = 64;
/// What layer normalisation adds to the variance.
pub(super) const NORM_EPSILON: f64 = 1e-5;

/// How a [`Stack`] is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StackConfig {
    /// The cell (default `lstm`).
    pub cell: CellConfig,
    /// Size of the hidden state, of each direction (default 256).
    pub hidden: usize,
    /// Layers (default 1).
    pub layers: usize,
    /// Whether a second cell in each layer walks from the last step to the first (default false).
    pub bidirectional: bool,
    /// Probability of dropout on the outputs of every layer but the last, another mask at each step, as in PyTorch (default 0).
    pub dropout: f64,
    /// Probability of dropout on the hidden state where a recurrent product takes it, one mask for all steps (variational dropout,
    /// Gal and Ghahramani 2016; default 0).
    pub recurrent_dropout: f64,
    /// Layer normalisation (Ba, Kiros and Hinton 2016) of every layer's outputs (default false). The recurrence itself is not
    /// normalised.
    pub layer_norm: bool,
    /// Whether the initial state is learned (default false: zeros).
    pub learned_state: bool,
}

impl Default for StackConfig {
    fn default() -> Self {
        Self {
            cell: CellConfig::default(),
            hidden: 256,
            layers: 1,
            bidirectional: false,
            dropout: 0.0,
            recurrent_dropout: 0.0,
            layer_norm: false,
            learned_state: false,
        }
    }
}

/// Layers of cells, each fed with the outputs of the one before.
///
/// In a file its weights have PyTorch's names: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, for layer `0`, and
/// `weight_ih_l0_reverse` for the cell that walks backwards.
#[derive(Module, Debug)]
pub struct Stack {
    /// From the input to the output.
    pub layers: Vec<RecurrentLayer>,
    /// One for each layer, or none.
    pub norms: Vec<LayerNorm>,
    /// The learned hidden states, `[layers * directions, hidden]`.
    pub h_0: Option<Param<Tensor<2>>>,
    /// The learned memory cells, `[layers * directions, hidden]`.
    pub c_0: Option<Param<Tensor<2>>>,
    dropout: f64,
    recurrent_dropout: f64,
}

/// A layer of a [`Stack`]. The name is known to `ognivo_core::weights`, which gives its weights PyTorch's names.
#[derive(Module, Debug)]
pub struct RecurrentLayer {
    /// Walks from the first step to the last.
    pub forward: Cell,
    /// Walks from the last step to the first.
    pub reverse: Option<Cell>,
}

impl StackConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting out of its range, by its key.
    pub fn validate(&self) -> Result<()> {
        if !(1..=MAX_HIDDEN).contains(&self.hidden) {
            return Err(Error::setting("hidden", self.hidden, format!("1 to {MAX_HIDDEN}")));
        }
        if !(1..=MAX_LAYERS).contains(&self.layers) {
            return Err(Error::setting("layers", self.layers, format!("1 to {MAX_LAYERS}")));
        }
        for (key, probability) in [("dropout", self.dropout), ("recurrent_dropout", self.recurrent_dropout)] {
            if !(0.0..1.0).contains(&probability) {
                return Err(Error::setting(key, probability, "at least 0 and below 1"));
            }
        }
        self.cell.validate().map_err(|error| match error {
            Error::Setting { key, found, expected } => Error::Setting { key: format!("cell.{key}"), found, expected },
            other => other,
        })
    }

    /// Makes the stack for `input` features, drawing its weights layer by layer from the device's random state: the same seed gives
    /// the same stack.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, input: usize, device: &Device) -> Result<Stack> {
        self.validate()?;
        let mut layers = Vec::with_capacity(self.layers);
        for inputs in self.inputs(input) {
            layers.push(RecurrentLayer {
                forward: self.cell.init(inputs, self.hidden, device)?,
                reverse: self.bidirectional.then(|| self.cell.init(inputs, self.hidden, device)).transpose()?,
            });
        }
        let norm = |_| LayerNormConfig::new(self.outputs()).with_epsilon(NORM_EPSILON).init(device);
        let rows = self.layers * self.directions();
        let start = || Param::from_tensor(Tensor::zeros([rows, self.hidden], device));
        Ok(Stack {
            layers,
            norms: (0..if self.layer_norm { self.layers } else { 0 }).map(norm).collect(),
            h_0: self.learned_state.then(start),
            c_0: (self.learned_state && self.cell.has_cell()).then(start),
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
        })
    }

    /// How many numbers the stack learns.
    pub fn parameters(&self, input: usize) -> usize {
        let directions = self.directions();
        let cells: usize =
            self.inputs(input).map(|inputs| directions * self.cell.parameters(inputs, self.hidden)).sum();
        let norms = usize::from(self.layer_norm) * self.layers * 2 * self.outputs();
        let states = usize::from(self.learned_state) * (1 + usize::from(self.cell.has_cell()));
        cells + norms + states * self.layers * directions * self.hidden
    }

    /// Features of the outputs: the hidden states of both directions, if there are two.
    pub fn outputs(&self) -> usize {
        self.hidden * self.directions()
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// Features that enter each layer.
    fn inputs(&self, input: usize) -> impl Iterator<Item = usize> {
        std::iter::once(input).chain(std::iter::repeat(self.outputs())).take(self.layers)
    }
}

impl Stack {
    /// The state before the first step, the learned one if there is, for so many sequences: of layer 0 forwards, layer 0 backwards,
    /// layer 1 forwards, and so on.
    pub fn zero_state(&self, batch: usize, device: &Device) -> Vec<State> {
        let learned = |states: &Option<Param<Tensor<2>>>, number: usize| {
            let state = states.as_ref()?.val().slice(number..number + 1);
            Some(state.expand([batch as i64, -1]))
        };
        let states = self.cells().enumerate().map(|(number, cell)| {
            let zero = cell.zero_state(batch, device);
            State {
                hidden: learned(&self.h_0, number).unwrap_or(zero.hidden),
                cell: learned(&self.c_0, number).or(zero.cell),
                gates: zero.gates,
            }
        });
        states.collect()
    }

    /// Whole sequences: from `x` `[time, batch, input]` to the outputs of the last layer, `[time, batch, directions * hidden]`, and
    /// the states after the last step, in the order of [`zero_state`](Self::zero_state), with which they begin unless `states` are
    /// given.
    ///
    /// Of each sequence the first `lengths` steps exist, if given: whatever stands behind them is ignored, outputs are 0 there
    /// (layer normalisation's bias, if there is normalisation), final states are those after the last existing step, and the
    /// direction that walks backwards begins there.
    ///
    /// Dropout acts on a device with autodiff only, with masks from the device's random state.
    ///
    /// # Panics
    /// When sizes do not fit each other.
    pub fn forward(
        &self,
        x: Tensor<3>,
        states: Option<Vec<State>>,
        lengths: Option<&[usize]>,
    ) -> (Tensor<3>, Vec<State>) {
        let [_, batch, _] = x.dims();
        let device = x.device();
        let states = states.unwrap_or_else(|| self.zero_state(batch, &device));
        assert_eq!(states.len(), self.cells().count(), "one state for each layer and direction");
        let mut states = states.into_iter();
        let mut last = Vec::with_capacity(states.len());
        let mut x = match lengths {
            Some(lengths) => without_padding(x, lengths),
            None => x,
        };
        for (number, layer) in self.layers.iter().enumerate() {
            if number > 0 {
                x = dropout(x, self.dropout);
            }
            let mut walk = |cell: &Cell, x: Tensor<3>, reverse: bool| {
                let mask = (self.recurrent_dropout > 0.0 && device.is_autodiff())
                    .then(|| dropout(Tensor::ones([batch, cell.hidden()], &device), self.recurrent_dropout));
                let walk = Walk { lengths: lengths.map(<[usize]>::to_vec), reverse, hidden_mask: mask };
                let (outputs, state) = cell.forward(x, states.next().expect("counted above"), &walk);
                last.push(state);
                outputs
            };
            x = match &layer.reverse {
                None => walk(&layer.forward, x, false),
                Some(reverse) => {
                    let forwards = walk(&layer.forward, x.clone(), false);
                    Tensor::cat(vec![forwards, walk(reverse, x, true)], 2)
                }
            };
            if let Some(norm) = self.norms.get(number) {
                x = norm.forward(x);
            }
        }
        (x, last)
    }

    /// One step of a stack in one direction: from `x` `[batch, input]` to the output `[batch, hidden]`.
    ///
    /// # Panics
    /// When sizes do not fit each other; when the stack has two directions, of which one begins at the end.
    pub fn step(&self, x: Tensor<2>, states: Vec<State>) -> (Tensor<2>, Vec<State>) {
        assert!(self.layers.iter().all(|layer| layer.reverse.is_none()), "one step of a stack in two directions");
        let (outputs, states) = self.forward(x.unsqueeze_dim(0), Some(states), None);
        (outputs.squeeze_dim(0), states)
    }

    /// All cells, in the order of their states.
    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.layers.iter().flat_map(|layer| std::iter::once(&layer.forward).chain(&layer.reverse))
    }
}

/// `x` with 0 in the steps that do not exist: one infinite value there would otherwise be a gradient of `0 * inf` to the weights.
fn without_padding(x: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
    let [time, batch, features] = x.dims();
    assert_eq!(lengths.len(), batch, "one length for each sequence of the batch");
    if lengths.iter().all(|&length| length >= time) {
        return x;
    }
    let padding: Vec<bool> = (0..time).flat_map(|step| lengths.iter().map(move |&length| step >= length)).collect();
    let padding = Tensor::<3, Bool>::from_data(TensorData::new(padding, [time, batch, 1]), &x.device());
    x.mask_fill(padding.expand([time, batch, features]), 0.0)
}
