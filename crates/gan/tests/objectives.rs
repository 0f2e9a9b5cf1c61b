//! Losses and penalties against closed forms and finite differences.

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::random::stream;
use ognivo_gan::lipschitz::{STRETCH, penalty, stretches};
use ognivo_gan::objective::Objective;

fn device() -> Device {
    Device::default().autodiff()
}

/// Value and derivative of a loss at one logit.
fn at(logit: f32, loss: impl Fn(Tensor<2>) -> Tensor<1>) -> (f64, f64) {
    let x = Tensor::<2>::from_data([[logit]], &device()).require_grad();
    let value = loss(x.clone());
    let gradients = value.clone().backward();
    let gradient = x.grad(&gradients).unwrap().into_scalar::<f32>();
    (f64::from(value.into_scalar::<f32>()), f64::from(gradient))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `ln(1 + exp(x))` in double precision.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

const LOGITS: [f32; 9] = [-100.0, -30.0, -2.0, -0.5, 0.0, 0.5, 2.0, 30.0, 100.0];

/// The loss of a discriminator on a real or on a generated item alone, by subtracting what the other one adds.
fn close(found: (f64, f64), expected: (f64, f64), what: &str) {
    let near = |a: f64, b: f64| (a - b).abs() <= 2e-6 * b.abs().max(1.0);
    assert!(near(found.0, expected.0) && near(found.1, expected.1), "{what}: found {found:?}, expected {expected:?}");
}

#[test]
fn losses_and_gradients_are_the_closed_forms_at_any_logit() {
    // For each objective: the discriminator's loss on a real item, on a generated one, and the generator's, each with its derivative.
    type Form = fn(f64) -> (f64, f64);
    let minimax_real: Form = |l| (softplus(-l), sigmoid(l) - 1.0);
    let minimax_fake: Form = |l| (softplus(l), sigmoid(l));
    let cases: [(Objective, Form, Form, Form); 6] = [
        (Objective::Minimax, minimax_real, minimax_fake, |l| (-softplus(l), -sigmoid(l))),
        (Objective::NonSaturating, minimax_real, minimax_fake, |l| (softplus(-l), sigmoid(l) - 1.0)),
        (
            Objective::LeastSquares,
            |l| (0.5 * (l - 1.0).powi(2), l - 1.0),
            |l| (0.5 * l * l, l),
            |l| (0.5 * (l - 1.0).powi(2), l - 1.0),
        ),
        (
            Objective::Hinge,
            |l| ((1.0 - l).max(0.0), if l < 1.0 { -1.0 } else { 0.0 }),
            |l| ((1.0 + l).max(0.0), if l > -1.0 { 1.0 } else { 0.0 }),
            |l| (-l, -1.0),
        ),
        (Objective::WassersteinClipped { clip: 0.01 }, |l| (-l, -1.0), |l| (l, 1.0), |l| (-l, -1.0)),
        (Objective::WassersteinLipschitz { weight: 10.0 }, |l| (-l, -1.0), |l| (l, 1.0), |l| (-l, -1.0)),
    ];
    for (objective, real, fake, generator) in cases {
        for logit in LOGITS {
            let l = f64::from(logit);
            // The other item has logit 0, where its own loss is known.
            let zero = || Tensor::<2>::zeros([1, 1], &device());
            let found = at(logit, |x| objective.discriminator(x, zero(), 0.0));
            close(found, (real(l).0 + fake(0.0).0, real(l).1), &format!("{objective:?}, real, {logit}"));
            let found = at(logit, |x| objective.discriminator(zero(), x, 0.0));
            close(found, (fake(l).0 + real(0.0).0, fake(l).1), &format!("{objective:?}, fake, {logit}"));
            let found = at(logit, |x| objective.generator(x));
            close(found, generator(l), &format!("{objective:?}, generator, {logit}"));
        }
    }
}

#[test]
fn where_the_discriminator_is_sure_only_the_lectures_generator_has_no_slope() {
    let slope = |objective: Objective| at(-100.0, |x| objective.generator(x)).1;
    assert!(slope(Objective::Minimax).abs() < 1e-40);
    for objective in [Objective::NonSaturating, Objective::LeastSquares, Objective::Hinge] {
        assert!(slope(objective) <= -1.0);
    }
}

#[test]
fn smoothing_moves_the_optimum() {
    // The derivative of (1 - s) softplus(-l) + s softplus(l) is sigmoid(l) - (1 - s).
    for logit in LOGITS {
        let zero = || Tensor::<2>::zeros([1, 1], &device());
        let (_, slope) = at(logit, |x| Objective::NonSaturating.discriminator(x, zero(), 0.1));
        assert!((slope - (sigmoid(f64::from(logit)) - 0.9)).abs() < 1e-6, "{logit}: {slope}");
        let (_, slope) = at(logit, |x| Objective::LeastSquares.discriminator(x, zero(), 0.1));
        assert!((slope - (f64::from(logit) - 0.9)).abs() < 1e-5, "{logit}: {slope}");
    }
    assert_eq!(Objective::Minimax.optimum(3.0, 1.0, 0.0), Some(0.75));
    assert_eq!(Objective::LeastSquares.optimum(3.0, 1.0, 0.2), Some(0.75 * 0.8));
    assert_eq!(Objective::Hinge.optimum(3.0, 1.0, 0.0), None);
    assert_eq!(Objective::Minimax.optimum(0.0, 0.0, 0.0), Some(0.0), "no mass, no division by nothing");
}

/// A discriminator of one hidden layer with four tanh units, written out: weights `w` `[2, 4]` and `v` `[4, 1]`.
fn judge(x: Tensor<2>, w: Tensor<2>, v: Tensor<2>) -> Tensor<2> {
    x.matmul(w).tanh().matmul(v)
}

#[test]
fn the_penaltys_gradient_agrees_with_finite_differences() {
    let device = device();
    let real = Tensor::<2>::from_data([[1.0, 2.0], [0.5, -1.0], [-0.3, 0.4]], &device);
    let fake = Tensor::<2>::from_data([[-1.0, 0.3], [0.9, 1.0], [2.0, -0.7]], &device);
    let w = [0.9f32, -1.2, 0.7, 1.4, 0.6, 0.8, -1.1, 0.3];
    let v = [1.9f32, -2.2, 1.5, 2.7];
    let loss = |values: &[f32]| {
        let (w, v) = values.split_at(8);
        let w = Tensor::<2>::from_data(TensorData::new(w.to_vec(), [2, 4]), &device).require_grad();
        let v = Tensor::<2>::from_data(TensorData::new(v.to_vec(), [4, 1]), &device).require_grad();
        let (a, b, distance) = stretches(real.clone(), fake.clone(), &mut stream(3, &[]));
        let loss = penalty(judge(a, w.clone(), v.clone()), judge(b, w.clone(), v.clone()), distance);
        (loss, w, v)
    };
    let all = [w.as_slice(), v.as_slice()].concat();
    let (value, w, v) = loss(&all);
    assert!(f64::from(value.clone().into_scalar::<f32>()) > 0.1, "the penalty is at work");
    let gradients = value.backward();
    let gradient: Vec<f32> = [w.grad(&gradients).unwrap().into_data(), v.grad(&gradients).unwrap().into_data()]
        .iter()
        .flat_map(|data| data.as_slice::<f32>().unwrap().to_vec())
        .collect();
    for index in 0..all.len() {
        let moved = |by: f32| {
            let mut values = all.clone();
            values[index] += by;
            f64::from(loss(&values).0.into_scalar::<f32>())
        };
        let step = 1e-2;
        let difference = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
        let found = f64::from(gradient[index]);
        assert!((found - difference).abs() < 2e-2 * difference.abs().max(0.1), "{index}: {found} {difference}");
    }
}

#[test]
fn a_stretch_lies_on_its_segment_and_its_quotient_is_the_slope() {
    let device = Device::default();
    let real = Tensor::<2>::from_data([[3.0, 4.0], [1.0, 1.0]], &device);
    let fake = Tensor::<2>::from_data([[0.0, 0.0], [1.0, 1.0]], &device);
    let (a, b, distance) = stretches(real, fake, &mut stream(1, &[]));
    let values = |x: Tensor<2>| x.into_data().as_slice::<f32>().unwrap().to_vec();
    let (a, b, distance) = (values(a), values(b), values(distance));
    assert!((a[0] / a[1] - 0.75).abs() < 1e-6 && a[0] >= 0.0 && b[0] <= 3.0 + 1e-6);
    let length = ((b[0] - a[0]).powi(2) + (b[1] - a[1]).powi(2)).sqrt();
    assert!((f64::from(length) - 5.0 * STRETCH).abs() < 1e-6 && (distance[0] - length).abs() < 1e-6);
    assert_eq!(distance[1], 1.0, "items that are the same have no slope");
    // A linear critic of slope 3 is penalised by (3 - 1)^2, one of slope 1/2 not at all.
    for (slope, expected) in [(3.0f32, 4.0f32), (0.5, 0.0)] {
        let one = |x: f32| Tensor::<2>::from_data([[slope * x]], &device);
        let found = penalty(one(0.7), one(0.2), Tensor::from_data([[0.5f32]], &device)).into_scalar::<f32>();
        assert!((found - expected).abs() < 1e-5, "{found}");
    }
}
