//! A [`Walk`](super::Walk) as the kernels take it: sizes, order, and the batch cut into parts, each of which goes through all
//! steps on one thread.
//!
//! So threads meet once a sequence, not once a step.

use std::{mem::MaybeUninit, ops::Range, sync::Arc};

use burn::{
    backend::{TensorMetadata, flex::FlexTensor},
    tensor::Shape,
};

use super::Walk;
use crate::{
    flex::{Values, tensor},
    parallel::{copy, for_each},
    product::Packed,
    simd::Level,
};

/// The steps of a batch of sequences.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub(super) time: usize,
    pub(super) batch: usize,
    pub(super) hidden: usize,
    lengths: Option<Arc<[usize]>>,
    reverse: bool,
    mask: Option<Arc<[f32]>>,
}

impl Steps {
    /// Of a walk that [`Walk::check`] has passed.
    pub(super) fn new(walk: &Walk, [time, batch, hidden]: [usize; 3]) -> Self {
        let mask = walk.hidden_mask.as_ref().map(|mask| {
            let values = mask.clone().into_data().try_to_vec::<f32>();
            values.expect("a mask of the network's type").into()
        });
        Self { time, batch, hidden, lengths: walk.lengths.as_deref().map(Arc::from), reverse: walk.reverse, mask }
    }

    /// The steps in the order they are taken.
    pub(super) fn order(&self) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let (time, reverse) = (self.time, self.reverse);
        (0..time).map(move |step| if reverse { time - 1 - step } else { step })
    }

    /// Whether a step of a sequence exists.
    pub(super) fn exists(&self, step: usize, sequence: usize) -> bool {
        self.lengths.as_ref().is_none_or(|lengths| step < lengths[sequence])
    }

    /// The step before an existing step of a sequence; `None` before the first.
    fn before(&self, step: usize, sequence: usize) -> Option<usize> {
        if self.reverse {
            Some(step + 1).filter(|&s| s < self.time && self.exists(s, sequence))
        } else {
            step.checked_sub(1)
        }
    }

    /// What a state was before an existing step: its row of `states` `[time, batch, hidden]` or of `first` `[batch, hidden]`.
    pub(super) fn previous<'a>(&self, step: usize, sequence: usize, states: &'a [f32], first: &'a [f32]) -> &'a [f32] {
        match self.before(step, sequence) {
            Some(before) => &states[self.row(before, sequence)],
            None => &first[self.hidden * sequence..self.hidden * (sequence + 1)],
        }
    }

    /// Writes the hidden state before an existing step, taken as [`previous`](Self::previous), as products take it.
    pub(super) fn seen(
        &self,
        step: usize,
        sequence: usize,
        states: &[f32],
        first: &[f32],
        to: &mut [MaybeUninit<f32>],
    ) {
        let seen = copy(to, self.previous(step, sequence, states, first));
        if let Some(mask) = self.mask(sequence) {
            multiply(seen, mask);
        }
    }

    /// Where a state of a step of a sequence lies in `[time, batch, hidden]`.
    pub(super) fn row(&self, step: usize, sequence: usize) -> Range<usize> {
        let start = (step * self.batch + sequence) * self.hidden;
        start..start + self.hidden
    }

    /// Where a part of the batch lies in a step of `[time, batch, width]`.
    pub(super) fn rows(&self, step: usize, part: &Range<usize>, width: usize) -> Range<usize> {
        let start = (step * self.batch + part.start) * width;
        start..start + part.len() * width
    }

    /// The factors of a sequence's hidden state, if there are any.
    pub(super) fn mask(&self, sequence: usize) -> Option<&[f32]> {
        self.mask.as_ref().map(|mask| &mask[sequence * self.hidden..(sequence + 1) * self.hidden])
    }

    /// Where the state of each sequence of a part lies in the part's states; `None` for those without this step.
    pub(super) fn states(&self, part: &Range<usize>, step: usize) -> impl Iterator<Item = Option<Range<usize>>> {
        let units = self.hidden;
        part.clone()
            .enumerate()
            .map(move |(row, sequence)| self.exists(step, sequence).then_some(row * units..(row + 1) * units))
    }

    /// Calls `walk` for parts of the batch that cover it, in parallel.
    pub(super) fn for_each_part(&self, walk: impl Fn(Range<usize>) + Sync + Send) {
        let size = self.batch.div_ceil(rayon::current_num_threads());
        for_each(self.batch.div_ceil(size), |part| walk(part * size..self.batch.min((part + 1) * size)));
    }

    /// Copies the rows of a part of the batch out of `states`, as a product takes them.
    pub(super) fn masked(&self, part: &Range<usize>, states: &[f32], to: &mut [f32]) {
        to.copy_from_slice(states);
        for (row, sequence) in to.chunks_exact_mut(self.hidden).zip(part.clone()) {
            if let Some(mask) = self.mask(sequence) {
                multiply(row, mask);
            }
        }
    }
}

/// Multiplies values by factors.
pub(super) fn multiply(values: &mut [f32], factors: &[f32]) {
    values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
}

/// Memory in `N` equal parts.
pub(super) fn split<const N: usize>(memory: &mut [f32]) -> [&mut [f32]; N] {
    let mut parts = memory.chunks_exact_mut((memory.len() / N).max(1));
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// `aᵀ b` of `a` `[rows, ..]`, of which the columns `columns` are taken, and `b` `[rows, hidden]`: the gradient to a weight
/// of those gates, from the gradients to their sums and what the weight was multiplied by.
pub(super) fn weight_gradient(a: &FlexTensor, columns: Range<usize>, b: &FlexTensor) -> FlexTensor {
    let [_, width] = a.shape().dims();
    let [depth, hidden] = b.shape().dims();
    let (a, b) = (Values::new(a.clone()), Values::new(b.clone()));
    let packed = Packed::new(Level::detect(), b.as_slice(), depth, hidden);
    tensor(packed.transpose_multiply(columns.len(), a.as_slice(), width, columns.start), [columns.len(), hidden])
}

/// Matrices `[rows, hidden]`, one below the other.
pub(super) fn stacked(matrices: &[FlexTensor]) -> FlexTensor {
    let parts: Vec<Values> = matrices.iter().map(|matrix| Values::new(matrix.clone())).collect();
    let values: Vec<f32> = parts.iter().flat_map(|part| part.as_slice()).copied().collect();
    let columns = matrices[0].shape().dims::<2>()[1];
    let rows = values.len() / columns;
    tensor(values, Shape::from([rows, columns]))
}
