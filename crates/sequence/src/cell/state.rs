//! What a cell carries from step to step.

use burn::tensor::{Device, Tensor};

/// The state of a cell for a batch of sequences, after some step.
#[derive(Clone, Debug)]
pub struct State {
    /// The output of the step, `[batch, hidden]`.
    pub hidden: Tensor<2>,
    /// The memory cell of an LSTM, `[batch, hidden]`.
    pub cell: Option<Tensor<2>>,
    /// The input, forget and output gates of an LSTM with full gate recurrence, `[batch, 3 hidden]`.
    pub gates: Option<Tensor<2>>,
}

impl State {
    /// Zeros: a hidden state alone.
    pub fn zeros(batch: usize, hidden: usize, device: &Device) -> Self {
        Self { hidden: Tensor::zeros([batch, hidden], device), cell: None, gates: None }
    }

    /// The same state without its history: gradients end here (truncated backpropagation through time).
    pub fn detach(self) -> Self {
        self.map(Tensor::detach)
    }

    /// The state with each of its tensors replaced.
    pub fn map(self, mut change: impl FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        Self { hidden: change(self.hidden), cell: self.cell.map(&mut change), gates: self.gates.map(&mut change) }
    }

    /// Its tensors: hidden, then what else there is.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor<2>> {
        [Some(&self.hidden), self.cell.as_ref(), self.gates.as_ref()].into_iter().flatten()
    }
}
