//! Clipping against PyTorch's; `reference/clip.py` made the numbers.
#![cfg(feature = "flex")]

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::train::clip::{clip_norm, clip_value, gradient_norm};
use serde::Deserialize;

#[derive(Module, Debug)]
struct Two {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    again: Param<Tensor<2>>,
}

/// A module and the gradients of `reference/clip.py`; one parameter is there twice, as a tied weight is.
fn two(device: &Device) -> (Two, GradientsParams) {
    let numbers =
        |count: usize, scale: f32| -> Vec<f32> { (0..count).map(|i| ((i * 5 % 13) as f32 - 6.0) * scale).collect() };
    let weight = Param::from_tensor(Tensor::zeros([3, 13], device));
    let module = Two { again: weight.clone(), weight, bias: Param::from_tensor(Tensor::zeros([7], device)) };
    let plain = device.clone().inner();
    let mut gradients = GradientsParams::new();
    let weight = TensorData::new(numbers(39, 0.5), [3, 13]);
    gradients.register(module.weight.id, Tensor::<2>::from_data(weight, &plain));
    gradients.register(module.bias.id, Tensor::<1>::from_data(TensorData::new(numbers(7, 0.25), [7]), &plain));
    (module, gradients)
}

fn values(module: &Two, gradients: &GradientsParams) -> [Vec<f32>; 2] {
    let weight = gradients.get::<2>(module.weight.id).unwrap().into_data();
    let bias = gradients.get::<1>(module.bias.id).unwrap().into_data();
    [weight.try_into_vec().unwrap(), bias.try_into_vec().unwrap()]
}

#[derive(Deserialize)]
struct Case {
    max: f64,
    norm: f64,
    by_norm: [Vec<f32>; 2],
    by_value: [Vec<f32>; 2],
}

#[test]
fn clipped_gradients_are_pytorchs() {
    let device = Device::flex().autodiff();
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/clip.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let (module, gradients) = two(&device);
        assert!((gradient_norm(&module, &gradients) / case.norm - 1.0).abs() < 1e-6);
        let (gradients, norm) = clip_norm(&module, gradients, case.max);
        assert!((norm / case.norm - 1.0).abs() < 1e-6, "{norm} instead of {}", case.norm);
        for (found, expected) in values(&module, &gradients).iter().flatten().zip(case.by_norm.iter().flatten()) {
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} instead of {expected}");
        }
        let (module, gradients) = two(&device);
        assert_eq!(values(&module, &clip_value(&module, gradients, case.max)), case.by_value);
    }
}

#[test]
fn a_norm_that_is_not_finite_changes_nothing() {
    let (module, mut gradients) = two(&Device::flex().autodiff());
    let infinite = Tensor::<1>::full([7], f32::INFINITY, &Device::flex());
    gradients.register(module.bias.id, infinite);
    let before = values(&module, &gradients);
    let (gradients, norm) = clip_norm(&module, gradients, 1.0);
    assert_eq!(norm, f64::INFINITY);
    assert_eq!(values(&module, &gradients), before);
}

#[test]
fn without_gradients_the_norm_is_nothing() {
    let (module, _) = two(&Device::flex().autodiff());
    let (gradients, norm) = clip_norm(&module, GradientsParams::new(), 1.0);
    assert_eq!(norm, 0.0);
    assert!(gradients.is_empty());
}
