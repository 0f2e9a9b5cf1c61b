//! One sequence, one step at a time, on plain numbers: what generating a text needs. Nothing is allocated in a step.

use super::{
    Activation, GruForm, LstmForm, PeepholeGates, Reset, gru::gates as gru_gates, lstm::gates as lstm_gates,
    rnn::activate,
};
use crate::matrix_vector::multiply_add;

/// A recurrent cell with its weights and its state.
#[derive(Clone, Debug)]
pub struct StepCell {
    kind: StepKind,
    inputs: usize,
    units: usize,
    /// `U`, `[gates * units, inputs]`.
    input: Vec<f32>,
    /// `W`, `[gates * units, units]`.
    recurrent: Vec<f32>,
    /// `b`, `[gates * units]`.
    bias: Vec<f32>,
    hidden: Vec<f32>,
    cell: Vec<f32>,
    sums: Vec<f32>,
    product: Vec<f32>,
}

/// Which cell, with what only it has.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// As [`rnn`](super::rnn()).
    Rnn(Activation),
    /// As [`lstm`](super::lstm()).
    Lstm {
        /// Its parts.
        form: LstmForm,
        /// Its peepholes, `[3, units]` or `[3 units, units]`, and the gates that have them.
        peephole: Option<(Vec<f32>, PeepholeGates)>,
    },
    /// As [`gru`](super::gru()).
    Gru {
        /// Which form.
        form: GruForm,
        /// The bias of the candidate's product, with [`Reset::After`]; empty for none.
        recurrent_bias: Vec<f32>,
    },
}

impl StepKind {
    fn gates(&self) -> usize {
        match self {
            Self::Rnn(_) => 1,
            Self::Lstm { .. } => 4,
            Self::Gru { .. } => 3,
        }
    }
}

impl StepCell {
    /// A cell in the state of all zeros, from weights as the operations over whole sequences take them: `input`
    /// `[gates * units, inputs]`, `recurrent` `[gates * units, units]`, `bias` `[gates * units]`.
    ///
    /// # Panics
    /// When sizes do not fit each other.
    pub fn new(mut kind: StepKind, input: Vec<f32>, recurrent: Vec<f32>, bias: Vec<f32>) -> Self {
        let (rows, gates) = (bias.len(), kind.gates());
        assert!(rows > 0 && rows.is_multiple_of(gates), "biases of {gates} gates");
        let units = rows / gates;
        assert!(input.len().is_multiple_of(rows) && recurrent.len() == rows * units, "the weights of {units} units");
        match &mut kind {
            StepKind::Lstm { peephole: Some((weight, gates)), .. } => {
                assert!(weight.len() == 3 * units || weight.len() == 3 * units * units, "peepholes of {units} units");
                let length = weight.len() / 3;
                for (part, present) in weight.chunks_exact_mut(length).zip([gates.input, gates.forget, gates.output]) {
                    if !present {
                        part.fill(0.0);
                    }
                }
            }
            StepKind::Gru { recurrent_bias, .. } if recurrent_bias.is_empty() => recurrent_bias.resize(units, 0.0),
            _ => {}
        }
        let zeros = |count: usize| vec![0.0; count];
        let inputs = input.len() / rows;
        Self {
            kind,
            inputs,
            units,
            input,
            recurrent,
            bias,
            hidden: zeros(units),
            cell: zeros(units),
            sums: zeros(rows),
            product: zeros(units),
        }
    }

    /// The hidden state, and the memory cell of an LSTM.
    pub fn state(&self) -> [&[f32]; 2] {
        [&self.hidden, &self.cell]
    }

    /// [`state`](Self::state), to be changed.
    pub fn state_mut(&mut self) -> [&mut [f32]; 2] {
        [&mut self.hidden, &mut self.cell]
    }

    /// Values of an input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// From the input of a step to its output.
    ///
    /// # Panics
    /// When `x` is not of [`inputs`](Self::inputs) values.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        assert_eq!(x.len(), self.inputs, "values of an input");
        let units = self.units;
        self.sums.copy_from_slice(&self.bias);
        multiply_add(&self.input, x, &mut self.sums);
        match &self.kind {
            StepKind::Rnn(activation) => {
                multiply_add(&self.recurrent, &self.hidden, &mut self.sums);
                activate(&mut self.sums, &mut self.hidden, *activation);
            }
            StepKind::Lstm { form, peephole } => {
                multiply_add(&self.recurrent, &self.hidden, &mut self.sums);
                let (diagonal, dense) = match peephole {
                    Some((weight, _)) if weight.len() == 3 * units => (&weight[..], None),
                    Some((weight, _)) => (&[][..], Some(weight.split_at(2 * units * units))),
                    None => (&[][..], None),
                };
                if let Some((before, _)) = dense {
                    multiply_add(before, &self.cell, &mut self.sums[..2 * units]);
                }
                lstm_gates::write(&mut self.sums, &mut self.cell, diagonal, *form);
                if let Some((_, after)) = dense {
                    multiply_add(after, &self.cell, &mut self.sums[3 * units..]);
                }
                lstm_gates::read(&mut self.sums, &self.cell, &mut self.hidden, diagonal, *form);
            }
            StepKind::Gru { form, recurrent_bias } => {
                let (gates, candidate) = self.recurrent.split_at(2 * units * units);
                multiply_add(gates, &self.hidden, &mut self.sums[..2 * units]);
                gru_gates::open(&mut self.sums, units);
                if form.reset == Reset::After {
                    self.product.copy_from_slice(recurrent_bias);
                    multiply_add(candidate, &self.hidden, &mut self.product);
                    gru_gates::reset_after(&mut self.sums, &self.product);
                } else {
                    gru_gates::reset(&self.sums, &self.hidden, &mut self.product);
                    multiply_add(candidate, &self.product, &mut self.sums[2 * units..]);
                }
                gru_gates::update(&mut self.sums, &mut self.hidden, form.update);
            }
        }
        &self.hidden
    }
}
