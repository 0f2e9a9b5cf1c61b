//! The update rules in one pass over memory, for `f32` parameters of the CPU backend.
//!
//! An update reads and writes each number once (Adam: 28 bytes a parameter) and is bound by memory. No fused
//! multiply-add is used and every element stands alone, so the result has the same bits for any instruction set and
//! any number of threads.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::ParameterState;
use super::config::{Adam as AdamConfig, AdamW, OptimizerConfig};
use crate::train::host::{host, is_host, slice, slice_mut};

/// Elements that one thread takes at a time; below twice this a parameter is not worth a second thread.
const GRAIN: usize = 1 << 16;
/// Elements worked on in registers: two AVX-512 vectors.
const BLOCK: usize = 32;

/// Whether [`update`] can be used on these.
pub(super) fn applies<const D: usize>(value: &Tensor<D>, gradient: &Tensor<D>) -> bool {
    is_host(value) && is_host(gradient)
}

/// The updated parameter; `state.step` counts this update and `state.slots` change in place.
pub(super) fn update<const D: usize>(
    config: &OptimizerConfig,
    learning_rate: f64,
    state: &mut ParameterState,
    value: Tensor<D>,
    gradient: Tensor<D>,
) -> Tensor<D> {
    let mut value = host(value);
    let gradient = host(gradient);
    let mut slots: Vec<FlexTensor> = state.slots.drain(..).map(host).collect();
    let mut memory: Vec<&mut [f32]> = slots.iter_mut().map(slice_mut).collect();
    apply(config, learning_rate, state.step, slice_mut(&mut value), slice(&gradient), &mut memory);
    state.slots = slots.into_iter().map(Tensor::from_primitive::<Flex>).collect();
    Tensor::from_primitive::<Flex>(value)
}

/// Picks the rule; scalars are worked out in double precision, as PyTorch does.
fn apply(
    config: &OptimizerConfig,
    learning_rate: f64,
    step: u64,
    value: &mut [f32],
    gradient: &[f32],
    slots: &mut [&mut [f32]],
) {
    let rate = learning_rate as f32;
    let adam = |c: &AdamConfig, shrink: f64| Adam {
        step_size: (learning_rate / (1.0 - c.beta1.powf(step as f64))) as f32,
        root_correction: (1.0 - c.beta2.powf(step as f64)).sqrt() as f32,
        take1: (1.0 - c.beta1) as f32,
        beta2: c.beta2 as f32,
        take2: (1.0 - c.beta2) as f32,
        epsilon: c.epsilon as f32,
        weight_decay: c.weight_decay as f32,
        shrink: shrink as f32,
    };
    match config {
        OptimizerConfig::Sgd(c) => {
            let kept = if step == 1 { 1.0 } else { 1.0 - c.dampening } as f32;
            let weight_decay = c.weight_decay as f32;
            let rule = Sgd { rate, weight_decay, momentum: c.momentum as f32, kept, nesterov: c.nesterov };
            match slots {
                [] => split::<0, _>(rule, value, gradient, []),
                slots => split::<1, _>(rule, value, gradient, array(slots)),
            }
        }
        OptimizerConfig::Adagrad(c) => {
            let rate = (learning_rate / (1.0 + (step - 1) as f64 * c.learning_rate_decay)) as f32;
            let rule = Adagrad { rate, epsilon: c.epsilon as f32, weight_decay: c.weight_decay as f32 };
            split::<1, _>(rule, value, gradient, array(slots));
        }
        OptimizerConfig::Adadelta(c) => {
            let (rho, take) = (c.rho as f32, (1.0 - c.rho) as f32);
            let rule = Adadelta { rate, rho, take, epsilon: c.epsilon as f32, weight_decay: c.weight_decay as f32 };
            split::<2, _>(rule, value, gradient, array(slots));
        }
        OptimizerConfig::RmsProp(c) => {
            let (alpha, take, momentum) = (c.alpha as f32, (1.0 - c.alpha) as f32, c.momentum as f32);
            let (epsilon, weight_decay) = (c.epsilon as f32, c.weight_decay as f32);
            macro_rules! run {
                ($slots:literal, $centered:literal, $momentum:literal) => {{
                    let rule = RmsProp::<$centered, $momentum> { rate, alpha, take, momentum, epsilon, weight_decay };
                    split::<$slots, _>(rule, value, gradient, array(slots))
                }};
            }
            match (c.centered, c.momentum > 0.0) {
                (false, false) => run!(1, false, false),
                (false, true) => run!(2, false, true),
                (true, false) => run!(2, true, false),
                (true, true) => run!(3, true, true),
            }
        }
        OptimizerConfig::Adam(c) => split::<2, _>(adam(c, 1.0), value, gradient, array(slots)),
        OptimizerConfig::AdamW(AdamW { beta1, beta2, epsilon, weight_decay }) => {
            let c = AdamConfig { beta1: *beta1, beta2: *beta2, epsilon: *epsilon, weight_decay: 0.0 };
            split::<2, _>(adam(&c, 1.0 - learning_rate * weight_decay), value, gradient, array(slots));
        }
    }
}

/// One element of a rule with `S` slots: the new parameter and slots from the parameter, the gradient and the slots.
trait Rule<const S: usize>: Copy + Send + Sync {
    fn element(self, value: f32, gradient: f32, slots: [f32; S]) -> (f32, [f32; S]);
}

#[derive(Clone, Copy)]
struct Sgd {
    rate: f32,
    weight_decay: f32,
    momentum: f32,
    kept: f32,
    nesterov: bool,
}

impl<const S: usize> Rule<S> for Sgd {
    #[inline(always)]
    fn element(self, value: f32, gradient: f32, mut slots: [f32; S]) -> (f32, [f32; S]) {
        let gradient = gradient + self.weight_decay * value;
        let mut direction = gradient;
        if S == 1 {
            slots[0] = self.momentum * slots[0] + self.kept * gradient;
            direction = if self.nesterov { gradient + self.momentum * slots[0] } else { slots[0] };
        }
        (value - self.rate * direction, slots)
    }
}

#[derive(Clone, Copy)]
struct Adagrad {
    rate: f32,
    epsilon: f32,
    weight_decay: f32,
}

impl Rule<1> for Adagrad {
    #[inline(always)]
    fn element(self, value: f32, gradient: f32, [sum]: [f32; 1]) -> (f32, [f32; 1]) {
        let gradient = gradient + self.weight_decay * value;
        let sum = sum + gradient * gradient;
        (value - self.rate * (gradient / (sum.sqrt() + self.epsilon)), [sum])
    }
}

#[derive(Clone, Copy)]
struct Adadelta {
    rate: f32,
    rho: f32,
    take: f32,
    epsilon: f32,
    weight_decay: f32,
}

impl Rule<2> for Adadelta {
    #[inline(always)]
    fn element(self, value: f32, gradient: f32, [square, change]: [f32; 2]) -> (f32, [f32; 2]) {
        let gradient = gradient + self.weight_decay * value;
        let square = self.rho * square + self.take * (gradient * gradient);
        let delta = (change + self.epsilon).sqrt() / (square + self.epsilon).sqrt() * gradient;
        let change = self.rho * change + self.take * (delta * delta);
        (value - self.rate * delta, [square, change])
    }
}

/// Slots: mean square, mean if `CENTERED`, velocity if `MOMENTUM`.
#[derive(Clone, Copy)]
struct RmsProp<const CENTERED: bool, const MOMENTUM: bool> {
    rate: f32,
    alpha: f32,
    take: f32,
    momentum: f32,
    epsilon: f32,
    weight_decay: f32,
}

impl<const S: usize, const CENTERED: bool, const MOMENTUM: bool> Rule<S> for RmsProp<CENTERED, MOMENTUM> {
    #[inline(always)]
    fn element(self, value: f32, gradient: f32, mut slots: [f32; S]) -> (f32, [f32; S]) {
        let gradient = gradient + self.weight_decay * value;
        slots[0] = self.alpha * slots[0] + self.take * (gradient * gradient);
        let mut variance = slots[0];
        if CENTERED {
            slots[1] += self.take * (gradient - slots[1]);
            variance = (variance - slots[1] * slots[1]).max(0.0);
        }
        let mut direction = gradient / (variance.sqrt() + self.epsilon);
        if MOMENTUM {
            slots[S - 1] = self.momentum * slots[S - 1] + direction;
            direction = slots[S - 1];
        }
        (value - self.rate * direction, slots)
    }
}

/// Adam with `shrink` 1, AdamW with `weight_decay` 0.
#[derive(Clone, Copy)]
struct Adam {
    step_size: f32,
    root_correction: f32,
    take1: f32,
    beta2: f32,
    take2: f32,
    epsilon: f32,
    weight_decay: f32,
    shrink: f32,
}

impl Rule<2> for Adam {
    #[inline(always)]
    fn element(self, value: f32, gradient: f32, [mean, square]: [f32; 2]) -> (f32, [f32; 2]) {
        let gradient = gradient + self.weight_decay * value;
        let mean = mean + self.take1 * (gradient - mean);
        let square = self.beta2 * square + self.take2 * (gradient * gradient);
        let root = square.sqrt() / self.root_correction + self.epsilon;
        (self.shrink * value - self.step_size * (mean / root), [mean, square])
    }
}

/// The slots as an array.
fn array<'a, const S: usize>(slots: &'a mut [&mut [f32]]) -> [&'a mut [f32]; S] {
    let mut slots = slots.iter_mut();
    std::array::from_fn(|_| &mut **slots.next().expect("one tensor for each slot of the rule"))
}

/// Halves big parameters among rayon's threads. Elements are independent, so the halves may lie anywhere.
fn split<const S: usize, R: Rule<S>>(rule: R, value: &mut [f32], gradient: &[f32], slots: [&mut [f32]; S]) {
    assert!(gradient.len() == value.len() && slots.iter().all(|slot| slot.len() == value.len()));
    if value.len() < 2 * GRAIN || rayon::current_num_threads() == 1 {
        return sweep_fastest(rule, value, gradient, slots);
    }
    let middle = value.len() / 2 / BLOCK * BLOCK;
    let (value, value_tail) = value.split_at_mut(middle);
    let (gradient, gradient_tail) = gradient.split_at(middle);
    let mut head: [&mut [f32]; S] = std::array::from_fn(|_| &mut [][..]);
    let mut tail: [&mut [f32]; S] = std::array::from_fn(|_| &mut [][..]);
    for (i, slot) in slots.into_iter().enumerate() {
        (head[i], tail[i]) = slot.split_at_mut(middle);
    }
    rayon::join(|| split(rule, value, gradient, head), || split(rule, value_tail, gradient_tail, tail));
}

/// [`sweep`] compiled for the widest vectors that this processor has.
fn sweep_fastest<const S: usize, R: Rule<S>>(rule: R, value: &mut [f32], gradient: &[f32], slots: [&mut [f32]; S]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
        fn avx512<const S: usize, R: Rule<S>>(rule: R, value: &mut [f32], gradient: &[f32], slots: [&mut [f32]; S]) {
            sweep(rule, value, gradient, slots);
        }
        #[target_feature(enable = "avx2")]
        fn avx2<const S: usize, R: Rule<S>>(rule: R, value: &mut [f32], gradient: &[f32], slots: [&mut [f32]; S]) {
            sweep(rule, value, gradient, slots);
        }
        let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        if wide && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has every feature that the function was compiled for.
            return unsafe { avx512(rule, value, gradient, slots) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { avx2(rule, value, gradient, slots) };
        }
    }
    sweep(rule, value, gradient, slots);
}

/// Applies the rule to every element. Blocks are copied to local arrays, which cannot overlap, so that the inner loop
/// becomes vector instructions.
#[inline(always)]
fn sweep<const S: usize, R: Rule<S>>(rule: R, value: &mut [f32], gradient: &[f32], slots: [&mut [f32]; S]) {
    let whole = value.len() / BLOCK * BLOCK;
    for start in (0..whole).step_by(BLOCK) {
        let mut v = block(value, start);
        let g = block(gradient, start);
        let mut s: [[f32; BLOCK]; S] = std::array::from_fn(|k| block(slots[k], start));
        for i in 0..BLOCK {
            let (new, kept) = rule.element(v[i], g[i], std::array::from_fn(|k| s[k][i]));
            v[i] = new;
            for k in 0..S {
                s[k][i] = kept[k];
            }
        }
        value[start..start + BLOCK].copy_from_slice(&v);
        for k in 0..S {
            slots[k][start..start + BLOCK].copy_from_slice(&s[k]);
        }
    }
    for i in whole..value.len() {
        let (new, kept) = rule.element(value[i], gradient[i], std::array::from_fn(|k| slots[k][i]));
        value[i] = new;
        for k in 0..S {
            slots[k][i] = kept[k];
        }
    }
}

#[inline(always)]
fn block(values: &[f32], start: usize) -> [f32; BLOCK] {
    let mut block = [0.0; BLOCK];
    block.copy_from_slice(&values[start..start + BLOCK]);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let numbers =
            |a: u32, b: u32| -> Vec<f32> { (0..1003).map(|i| ((i * a % b) as f32 - b as f32 / 2.0) / 97.0).collect() };
        let run = |sweep: fn(Adam, &mut [f32], &[f32], [&mut [f32]; 2])| {
            let (mut value, mut mean, mut square) = (numbers(7, 1009), vec![0.0; 1003], vec![0.0; 1003]);
            for step in 1..=5 {
                let rule = Adam {
                    step_size: 0.01,
                    root_correction: 0.1 * step as f32,
                    take1: 0.1,
                    beta2: 0.999,
                    take2: 0.001,
                    epsilon: 1e-8,
                    weight_decay: 0.01,
                    shrink: 0.999,
                };
                sweep(rule, &mut value, &numbers(step, 499), [&mut mean, &mut square]);
            }
            [value, mean, square].map(|numbers| numbers.into_iter().map(f32::to_bits).collect::<Vec<_>>())
        };
        assert_eq!(run(sweep_fastest), run(sweep));
    }
}
