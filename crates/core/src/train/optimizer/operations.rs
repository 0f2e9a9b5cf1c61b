//! The update rules in Burn's tensor operations, for any device and float type.

use burn::tensor::Tensor;

use super::ParameterState;
use super::config::{Adam, AdamW, OptimizerConfig};

/// The updated parameter; `state.step` counts this update and `state.slots` are replaced. All tensors are flat.
pub(super) fn update(
    config: &OptimizerConfig,
    learning_rate: f64,
    state: &mut ParameterState,
    value: Tensor<1>,
    gradient: Tensor<1>,
) -> Tensor<1> {
    let step = state.step as f64;
    let slots = &mut state.slots;
    match config {
        OptimizerConfig::Sgd(c) => {
            let gradient = decayed(gradient, &value, c.weight_decay);
            let direction = match slots.first_mut() {
                None => gradient,
                Some(buffer) => {
                    let kept = if state.step == 1 { 1.0 } else { 1.0 - c.dampening };
                    *buffer = buffer.clone() * c.momentum + gradient.clone() * kept;
                    if c.nesterov { gradient + buffer.clone() * c.momentum } else { buffer.clone() }
                }
            };
            value - direction * learning_rate
        }
        OptimizerConfig::Adagrad(c) => {
            let gradient = decayed(gradient, &value, c.weight_decay);
            let rate = learning_rate / (1.0 + (step - 1.0) * c.learning_rate_decay);
            slots[0] = slots[0].clone() + gradient.clone().square();
            value - gradient / (slots[0].clone().sqrt() + c.epsilon) * rate
        }
        OptimizerConfig::Adadelta(c) => {
            let gradient = decayed(gradient, &value, c.weight_decay);
            slots[0] = slots[0].clone() * c.rho + gradient.clone().square() * (1.0 - c.rho);
            let root = (slots[0].clone() + c.epsilon).sqrt();
            let delta = (slots[1].clone() + c.epsilon).sqrt() / root * gradient;
            slots[1] = slots[1].clone() * c.rho + delta.clone().square() * (1.0 - c.rho);
            value - delta * learning_rate
        }
        OptimizerConfig::RmsProp(c) => {
            let gradient = decayed(gradient, &value, c.weight_decay);
            slots[0] = slots[0].clone() * c.alpha + gradient.clone().square() * (1.0 - c.alpha);
            let mut variance = slots[0].clone();
            if c.centered {
                slots[1] = slots[1].clone() + (gradient.clone() - slots[1].clone()) * (1.0 - c.alpha);
                variance = (variance - slots[1].clone().square()).clamp_min(0.0);
            }
            let mut direction = gradient / (variance.sqrt() + c.epsilon);
            if c.momentum > 0.0 {
                let last = slots.len() - 1;
                slots[last] = slots[last].clone() * c.momentum + direction;
                direction = slots[last].clone();
            }
            value - direction * learning_rate
        }
        OptimizerConfig::Adam(Adam { beta1, beta2, epsilon, weight_decay }) => {
            let gradient = decayed(gradient, &value, *weight_decay);
            value - adam(slots, gradient, learning_rate, step, *beta1, *beta2, *epsilon)
        }
        OptimizerConfig::AdamW(AdamW { beta1, beta2, epsilon, weight_decay }) => {
            let value = value * (1.0 - learning_rate * weight_decay);
            value - adam(slots, gradient, learning_rate, step, *beta1, *beta2, *epsilon)
        }
    }
}

/// The gradient of the loss plus `weight_decay / 2` times the parameter's squared norm.
fn decayed(gradient: Tensor<1>, value: &Tensor<1>, weight_decay: f64) -> Tensor<1> {
    if weight_decay == 0.0 { gradient } else { gradient + value.clone() * weight_decay }
}

/// What Adam subtracts from the parameter.
fn adam(
    slots: &mut [Tensor<1>],
    gradient: Tensor<1>,
    learning_rate: f64,
    step: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
) -> Tensor<1> {
    slots[0] = slots[0].clone() + (gradient.clone() - slots[0].clone()) * (1.0 - beta1);
    slots[1] = slots[1].clone() * beta2 + gradient.square() * (1.0 - beta2);
    let root = slots[1].clone().sqrt() / (1.0 - beta2.powf(step)).sqrt() + epsilon;
    slots[0].clone() / root * (learning_rate / (1.0 - beta1.powf(step)))
}
