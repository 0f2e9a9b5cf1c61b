//! Parts of networks: spectral normalisation, averaged weights, and the two players' gradients.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::weights::{self, tensors_of};
use ognivo_gan::average::Average;
use ognivo_gan::mixture::model::MixtureConfig;
use ognivo_gan::spectral::SpectralNorm;
use serde::Deserialize;

/// Made by `reference/spectral_norm.py`.
#[derive(Deserialize)]
struct Case {
    shape: [usize; 2],
    weight: Vec<f32>,
    sigma: f64,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("reference/spectral_norm.json")).unwrap()
}

#[test]
fn the_power_iteration_comes_to_the_largest_singular_value() {
    let device = Device::default().autodiff();
    for Case { shape, weight, sigma } in cases() {
        let matrix = Tensor::<2>::from_data(TensorData::new(weight.clone(), shape), &device);
        let norm = SpectralNorm::new(shape[0], &device);
        let mut found = 0.0;
        for _ in 0..200 {
            let normalised = norm.forward(matrix.clone()).inner().into_data();
            let first = weight.iter().position(|value| value.abs() > 0.1).unwrap();
            found = f64::from(weight[first] / normalised.as_slice::<f32>().unwrap()[first]);
        }
        assert!((found / sigma - 1.0).abs() < 1e-5, "{shape:?}: {found} {sigma}");
        // The same as a filter of four dimensions, in evaluation, which moves nothing.
        let [rows, columns] = shape;
        let before = tensors_of(&norm);
        let plain = norm.valid().forward(Tensor::<4>::from_data(
            TensorData::new(weight.clone(), [rows, columns, 1, 1]),
            &Device::default(),
        ));
        let first = weight.iter().position(|value| value.abs() > 0.1).unwrap();
        let found = f64::from(weight[first] / plain.into_data().as_slice::<f32>().unwrap()[first]);
        assert!((found / sigma - 1.0).abs() < 1e-5);
        assert_eq!(tensors_of(&norm), before);
    }
}

#[test]
fn the_gradient_through_the_norm_agrees_with_finite_differences() {
    let device = Device::default().autodiff();
    let Case { shape, weight, .. } = cases().remove(1);
    let norm = SpectralNorm::new(shape[0], &device);
    let matrix = |values: &[f32]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), &device);
    (0..200).for_each(|_| _ = norm.forward(matrix(&weight)));
    let probe: Vec<f32> = (0..weight.len()).map(|index| (index as f32).cos()).collect();
    let loss = |x: Tensor<2>| (norm.forward(x) * matrix(&probe)).sum();
    let x = matrix(&weight).require_grad();
    let gradients = loss(x.clone()).backward();
    let gradient = x.grad(&gradients).unwrap().into_data();
    for (index, found) in gradient.as_slice::<f32>().unwrap().iter().enumerate() {
        let moved = |by: f32| {
            let mut values = weight.clone();
            values[index] += by;
            f64::from(loss(matrix(&values)).into_scalar::<f32>())
        };
        let difference = (moved(0.01) - moved(-0.01)) / 0.02;
        assert!((f64::from(*found) - difference).abs() < 5e-3, "{index}: {found} {difference}");
    }
}

#[test]
fn a_discriminator_with_spectral_norm_stretches_no_distance() {
    let device = Device::default().autodiff();
    let config = MixtureConfig { spectral_norm: true, hidden: 16, ..MixtureConfig::default() };
    let discriminator = config.discriminator(2, &device).unwrap();
    let points =
        Tensor::<2>::from_data(TensorData::new((0..64).map(|i| (i as f32 * 0.7).sin()).collect(), [32, 2]), &device);
    (0..50).for_each(|_| _ = discriminator.forward(points.clone()));
    let frozen = discriminator.valid();
    let points = points.inner();
    let logits = frozen.forward(points.clone()).into_data();
    let (logits, points) = (logits.as_slice::<f32>().unwrap().to_vec(), points.into_data());
    let points = points.as_slice::<f32>().unwrap();
    for (i, a) in points.chunks(2).enumerate() {
        for (j, b) in points.chunks(2).enumerate().skip(i + 1) {
            let distance = ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
            assert!((logits[i] - logits[j]).abs() <= distance * 1.001 + 1e-6);
        }
    }
    assert!(tensors_of(&discriminator).keys().any(|name| name == "norms.0.u"), "its vector is part of the record");
}

#[test]
fn averages_follow_by_the_stated_rule() {
    let device = Device::default();
    let config = MixtureConfig { hidden: 3, layers: 1, latent: 2, ..MixtureConfig::default() };
    let filled = |value: f32| {
        let module = config.generator(2, &device).unwrap();
        let tensors = tensors_of(&module).into_iter();
        let tensors = tensors.map(|(name, data)| {
            let count = data.shape().num_elements();
            (name, TensorData::new(vec![value; count], data.shape().to_vec()))
        });
        weights::load_into(module, tensors.collect(), Path::new("filled")).unwrap()
    };
    let value = |average: &Average<_>| {
        let tensors = tensors_of(average.module());
        let values: Vec<f32> = tensors.values().flat_map(|data| data.as_slice::<f32>().unwrap().to_vec()).collect();
        assert!(values.iter().all(|value| *value == values[0]));
        f64::from(values[0])
    };
    let fresh = config.generator(2, &device).unwrap();
    let average = Average::new(fresh, tensors_of(&filled(1.0)), 0.5, Path::new("start")).unwrap();
    assert_eq!(value(&average), 1.0);
    // The first weight of the old average is 1 / 10, in the long run the decay.
    let average = average.follow(&filled(2.0), 0);
    assert!((value(&average) - 1.9).abs() < 1e-6);
    let average = average.follow(&filled(0.0), 1000);
    assert!((value(&average) - 0.95).abs() < 1e-6);
}
