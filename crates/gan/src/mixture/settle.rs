//! The discriminator against a generator that stands still: where it must come to `p / (p + q)`.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use ognivo_core::train::optimizer::{Adam, Optimizer, OptimizerConfig};
use ognivo_core::train::schedule::Curve;

use super::model::Discriminator;
use crate::Result;
use crate::objective::Objective;

/// Trains the discriminator for `steps` of Adam with a learning rate that falls to nothing along half a cosine. `batch` gives the real
/// and the generated items of a step, on the discriminator's device.
///
/// # Errors
/// A loss that is no number.
pub fn settle(
    mut discriminator: Discriminator,
    objective: &Objective,
    smoothing: f64,
    steps: u64,
    learning_rate: f64,
    mut batch: impl FnMut(u64) -> (Tensor<2>, Tensor<2>),
) -> Result<Discriminator> {
    let mut optimizer = Optimizer::new(OptimizerConfig::Adam(Adam::default()))?;
    let schedule =
        ognivo_core::train::schedule::ScheduleConfig { warmup: 0, curve: Curve::Cosine { final_fraction: 0.0 } };
    for step in 0..steps {
        let (real, fake) = batch(step);
        let loss = objective.discriminator(discriminator.forward(real), discriminator.forward(fake), smoothing);
        let gradients = GradientsParams::from_grads(loss.backward(), &discriminator);
        discriminator = optimizer.step(learning_rate * schedule.factor(step, steps), discriminator, gradients);
    }
    match ognivo_core::weights::not_finite(&ognivo_core::weights::tensors_of(&discriminator)) {
        None => Ok(discriminator.valid()),
        Some(name) => {
            let message =
                format!("discriminator: tensor {name} is not finite after {steps} steps against the fixed generator");
            Err(ognivo_core::Error::NotFinite(message).into())
        }
    }
}
