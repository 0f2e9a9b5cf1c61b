//! A trained stack one step at a time for one sequence, on plain numbers.

use burn::tensor::Tensor;
use ognivo_kernels::{StepCell, StepKind};

use super::Stack;
use super::stack::NORM_EPSILON;

/// A stack in one direction, with the state of one sequence. Nothing is allocated in a step.
#[derive(Clone, Debug)]
pub struct Stepping {
    layers: Vec<Layer>,
    output: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Layer {
    cell: StepCell,
    norm: Option<Norm>,
}

/// Layer normalisation.
#[derive(Clone, Debug)]
struct Norm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
    epsilon: f32,
}

/// What makes a [`StepCell`].
pub(super) struct Parts {
    pub(super) kind: StepKind,
    pub(super) input: Tensor<2>,
    pub(super) recurrent: Tensor<2>,
    pub(super) bias: Option<Tensor<1>>,
}

/// The numbers of a tensor.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    // Every backend gives its floats back as f32.
    tensor.into_data().convert::<f32>().try_to_vec().unwrap_or_default()
}

impl Stepping {
    /// In the state before the first step; `None` for stacks that only go over whole sequences: in two directions, or with full gate
    /// recurrence.
    pub fn new(stack: &Stack) -> Option<Self> {
        let states = stack.zero_state(1, &stack.layers.first()?.forward.device());
        let mut layers = Vec::new();
        for (number, (layer, state)) in stack.layers.iter().zip(states).enumerate() {
            if layer.reverse.is_some() {
                return None;
            }
            let Parts { kind, input, recurrent, bias } = layer.forward.parts()?;
            let rows = recurrent.dims()[0];
            let bias = bias.map_or_else(|| vec![0.0; rows], numbers);
            let mut cell = StepCell::new(kind, numbers(input), numbers(recurrent), bias);
            let [hidden, memory] = cell.state_mut();
            hidden.copy_from_slice(&numbers(state.hidden));
            if let Some(state) = state.cell {
                memory.copy_from_slice(&numbers(state));
            }
            let norm = stack.norms.get(number).map(|norm| Norm {
                gamma: numbers(norm.gamma.val()),
                beta: norm.beta.as_ref().map_or_else(|| vec![0.0; norm.gamma.dims()[0]], |beta| numbers(beta.val())),
                epsilon: NORM_EPSILON as f32,
            });
            layers.push(Layer { cell, norm });
        }
        let units = layers.last().map_or(0, |layer| layer.cell.state()[0].len());
        Some(Self { layers, output: vec![0.0; units] })
    }

    /// From the input of a step to the output of the last layer.
    ///
    /// # Panics
    /// When `x` has not as many values as the stack has inputs.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        for (number, layer) in self.layers.iter_mut().enumerate() {
            let hidden = layer.cell.step(if number == 0 { x } else { &self.output });
            self.output.copy_from_slice(hidden);
            if let Some(norm) = &layer.norm {
                norm.apply(&mut self.output);
            }
        }
        &self.output
    }

    /// The hidden state and the memory cell (all zeros where there is none) of every layer.
    pub fn states(&self) -> impl Iterator<Item = [&[f32]; 2]> {
        self.layers.iter().map(|layer| layer.cell.state())
    }
}

impl Norm {
    fn apply(&self, values: &mut [f32]) {
        let count = values.len() as f32;
        let mean = values.iter().sum::<f32>() / count;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>() / count;
        let scale = 1.0 / (variance + self.epsilon).sqrt();
        for ((value, gamma), beta) in values.iter_mut().zip(&self.gamma).zip(&self.beta) {
            *value = (*value - mean) * scale * gamma + beta;
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::cell::{CellConfig, StackConfig};

    #[test]
    fn steps_equal_sequences() {
        let device = Device::flex();
        device.seed(3);
        let cells = ["rnn", "lstm", "gru", "peephole-lstm"].map(|name| name.parse::<CellConfig>().unwrap());
        for cell in cells {
            for (layers, layer_norm, learned_state) in [(1, false, false), (2, true, true)] {
                let config = StackConfig {
                    cell: cell.clone(),
                    hidden: 12,
                    layers,
                    layer_norm,
                    learned_state,
                    ..Default::default()
                };
                let stack = config.init(5, &device).unwrap();
                let x: Vec<f32> = (0..35).map(|i| ((i * 37) % 19) as f32 / 10.0 - 0.9).collect();
                let input = Tensor::<3>::from_data(TensorData::new(x.clone(), [7, 1, 5]), &device);
                let expected = numbers(stack.forward(input, None, None).0);
                let mut stepping = Stepping::new(&stack).unwrap();
                let found: Vec<f32> = x.chunks(5).flat_map(|x| stepping.step(x).to_vec()).collect();
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-5, "{config:?}: {found} {expected}");
                }
            }
        }
    }
}
