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

    /// These sequences' states, then the others'; both of the same kind of cell.
    pub fn join(self, others: Self) -> Self {
        let join = |a: Tensor<2>, b: Tensor<2>| Tensor::cat(vec![a, b], 0);
        Self {
            hidden: join(self.hidden, others.hidden),
            cell: self.cell.zip(others.cell).map(|(a, b)| join(a, b)),
            gates: self.gates.zip(others.gates).map(|(a, b)| join(a, b)),
        }
    }

    /// Its tensors: hidden, then what else there is.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor<2>> {
        [Some(&self.hidden), self.cell.as_ref(), self.gates.as_ref()].into_iter().flatten()
    }

    /// [`tensors`](Self::tensors), to be replaced.
    pub fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tensor<2>> {
        [Some(&mut self.hidden), self.cell.as_mut(), self.gates.as_mut()].into_iter().flatten()
    }
}
