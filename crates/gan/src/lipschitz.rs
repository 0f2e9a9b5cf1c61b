//! A penalty on the steepness of the discriminator that needs no second derivative.
//!
//! The gradient penalties of Gulrajani et al. 2017 and Petzka et al. 2018 differentiate the norm of a gradient, which Burn cannot. The
//! Wasserstein distance asks for less: `|l(a) - l(b)| <= |a - b|` for all `a` and `b`. Here that is asked of pairs of points, as
//! difference quotients, in which the network's values stand and not its gradient: each real item `x` is joined with a generated one
//! `x'`, and of the segment between them a stretch of a tenth is taken at a random place,
//!
//! `a = x' + t (x - x')`, `b = a + (x - x') / 10`, `t` uniform on `[0, 0.9]`
//!
//! `penalty = mean of max(0, |l(a) - l(b)| / |a - b| - 1)^2`
//!
//! one-sided as in Petzka et al., and along the segments where the optimal discriminator has slope 1 (Gulrajani et al., proposition 1). By
//! the mean value theorem a quotient above 1 shows a gradient above 1 on the stretch; a steep place that no stretch crosses lengthwise goes
//! unseen, which is what this gives up against the gradient's norm. Its own gradient, to the weights, is exact and is the ordinary
//! backward pass.

use burn::tensor::{Tensor, TensorData, activation::relu};
use ognivo_core::random::{self, Rng};

/// Length of the stretch, as a share of the segment.
pub const STRETCH: f64 = 0.1;

/// The two ends of a stretch, at the same place in the batch, and the distance between them, `[batch, 1]`.
///
/// `real` and `fake` are `[batch, ...]` without gradient.
pub fn stretches<const D: usize>(
    real: Tensor<D>,
    fake: Tensor<D>,
    rng: &mut impl Rng,
) -> (Tensor<D>, Tensor<D>, Tensor<2>) {
    let (shape, device) = (real.dims(), real.device());
    let batch = shape[0];
    let places: Vec<f32> = (0..batch).map(|_| random::uniform(rng) * (1.0 - STRETCH as f32)).collect();
    let places = Tensor::<2>::from_data(TensorData::new(places, [batch, 1]), &device);
    let values = shape[1..].iter().product::<usize>();
    let (real, fake) = (real.reshape([batch, values]), fake.reshape([batch, values]));
    let along = real - fake.clone();
    let a = fake + along.clone() * places;
    let b = a.clone() + along.clone() * STRETCH;
    // Where the two items are the same there is no slope to speak of: a distance of 1 then makes it 0.
    let distance = along.square().sum_dim(1).sqrt() * STRETCH;
    let distance = distance.clone().mask_fill(distance.lower_equal_elem(0.0), 1.0);
    (a.reshape(shape), b.reshape(shape), distance)
}

/// The penalty `[1]` for the logits of the two ends, `[batch, 1]`.
pub fn penalty(a: Tensor<2>, b: Tensor<2>, distance: Tensor<2>) -> Tensor<1> {
    relu((a - b).abs() / distance - 1.0).square().mean()
}
