//! Which steps of a batch of sequences exist, and in which order they are taken.

use burn::tensor::{Bool, Int, Tensor, TensorData};

/// How a batch of sequences is walked through. By default all sequences have all steps, taken from the first to the last.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// Steps of each sequence of the batch. The steps behind them do not exist: whatever stands there is ignored, outputs
    /// are 0 there, and the state passes them by unchanged.
    pub lengths: Option<Vec<usize>>,
    /// From the last existing step of each sequence to its first.
    pub reverse: bool,
    /// `[batch, hidden]`, without gradient: multiplies the hidden state wherever a matrix product takes it, at every step
    /// (variational dropout, Gal and Ghahramani 2016, equation 7).
    pub hidden_mask: Option<Tensor<2>>,
}

impl Walk {
    /// The steps in the order they are taken.
    pub(super) fn order(&self, time: usize) -> impl Iterator<Item = usize> + use<> {
        let reverse = self.reverse;
        (0..time).map(move |step| if reverse { time - 1 - step } else { step })
    }

    /// Checks lengths and mask against the sizes of the batch.
    ///
    /// # Panics
    /// As the operations document.
    pub(super) fn check(&self, time: usize, batch: usize, hidden: usize) {
        if let Some(lengths) = &self.lengths {
            assert_eq!(lengths.len(), batch, "one length for each sequence of the batch");
            assert!(lengths.iter().all(|&length| length <= time), "lengths {lengths:?} of sequences of {time} steps");
        }
        if let Some(mask) = &self.hidden_mask {
            assert_eq!(mask.dims(), [batch, hidden], "the mask of the hidden state");
        }
    }

    /// The hidden state as matrix products take it.
    pub fn masked(&self, hidden: Tensor<2>) -> Tensor<2> {
        match &self.hidden_mask {
            Some(mask) => hidden * mask.clone(),
            None => hidden,
        }
    }

    /// Of a step, where sequences have ended, `[batch, 1]`; `None` where none has.
    fn ended(&self, step: usize, like: &Tensor<2>) -> Option<Tensor<2, Bool>> {
        let lengths = self.lengths.as_ref()?;
        let ended: Vec<i32> = lengths.iter().map(|&length| i32::from(step >= length)).collect();
        let count = ended.len();
        let mask = || Tensor::<2, Int>::from_data(TensorData::new(ended.clone(), [count, 1]), &like.device());
        ended.contains(&1).then(|| mask().equal_elem(1))
    }
}

/// The steps of `[time, batch, features]`.
///
/// By halves: a slice's gradient is as large as what it was taken from, so that one slice a step would cost the square of
/// the number of steps.
fn steps(x: Tensor<3>) -> Vec<Tensor<2>> {
    let [time, batch, features] = x.dims();
    if time == 1 {
        return vec![x.reshape([batch, features])];
    }
    let (first, second) = (x.clone().slice(0..time / 2), x.slice(time / 2..time));
    let mut both = steps(first);
    both.append(&mut steps(second));
    both
}

/// Runs `step` over the walk: from what the inputs contribute to a step and the state before it to the state after it, of
/// which the first tensor is the output. The outputs `[time, batch, _]` and the last state.
///
/// The loop of Burn's operations behind every `_reference`, for cells that have no operation of their own. `step` applies the
/// mask of the hidden state, [`Walk::masked`].
///
/// # Panics
/// When there are no steps, or lengths of another batch.
pub fn unroll<const S: usize>(
    projected: Tensor<3>,
    mut state: [Tensor<2>; S],
    walk: &Walk,
    mut step: impl FnMut(Tensor<2>, [Tensor<2>; S]) -> [Tensor<2>; S],
) -> (Tensor<3>, [Tensor<2>; S]) {
    let [time, _, _] = projected.dims();
    let mut inputs: Vec<_> = steps(projected).into_iter().map(Some).collect();
    let mut outputs: Vec<Option<Tensor<3>>> = vec![None; time];
    for t in walk.order(time) {
        let input = inputs[t].take().expect("each step is taken once");
        let Some(ended) = walk.ended(t, &input) else {
            state = step(input, state);
            outputs[t] = Some(state[0].clone().unsqueeze_dim(0));
            continue;
        };
        let [_, features] = input.dims();
        // Whatever stands in steps that do not exist must not reach a gradient either, not even as 0 * NaN.
        let after = step(input.mask_fill(ended.clone().expand([-1, features as i64]), 0.0), state.clone());
        let mut output = None;
        state = std::array::from_fn(|part| {
            let ended = ended.clone().expand(after[part].dims());
            output.get_or_insert_with(|| after[part].clone().mask_fill(ended.clone(), 0.0));
            after[part].clone().mask_where(ended, state[part].clone())
        });
        outputs[t] = output.map(|output| output.unsqueeze_dim(0));
    }
    (Tensor::cat(outputs.into_iter().flatten().collect(), 0), state)
}
