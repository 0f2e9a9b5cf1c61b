//! What the tests share: numbers that the reference scripts make too, and what they store of a tensor.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use ognivo_core::weights::{NamedTensors, load_into, tensors_of};
use ognivo_sequence::cell::{Stack, StackConfig};
use serde::Deserialize;

/// Numbers in [-1, 1]: entry i is ((7919 i + 104729 k) mod 2001 - 1000) / 1000, times `scale`.
pub(crate) fn ramp_data(shape: &[usize], k: usize, scale: f64) -> TensorData {
    let number = |i: usize| ((7919 * i + 104_729 * k) % 2001) as f64 - 1000.0;
    let values: Vec<f32> = (0..shape.iter().product()).map(|i| (number(i) / 1000.0 * scale) as f32).collect();
    TensorData::new(values, shape.to_vec())
}

pub(crate) fn ramp<const D: usize>(shape: [usize; D], k: usize, scale: f64, device: &Device) -> Tensor<D> {
    Tensor::from_data(ramp_data(&shape, k, scale), device)
}

pub(crate) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_into_vec_as::<f32>().unwrap()
}

/// The device with gradients.
pub(crate) fn training_device() -> Device {
    Device::default().autodiff()
}

/// The script's file.
pub(crate) fn reference<T: for<'a> Deserialize<'a>>() -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/cells.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The stack with these weights.
pub(crate) fn stack_of(config: &StackConfig, input: usize, tensors: NamedTensors, device: &Device) -> Stack {
    load_into(config.init(input, device).unwrap(), tensors, Path::new("test")).unwrap()
}

/// The stack whose parameters, in the order of their names, are `ramp` 0, 1, 2, ... times 0.6.
pub(crate) fn filled(config: &StackConfig, input: usize, device: &Device) -> Stack {
    let mut tensors = tensors_of(&config.init(input, device).unwrap());
    for (k, data) in tensors.values_mut().enumerate() {
        *data = ramp_data(&data.shape().to_vec(), k, 0.6);
    }
    stack_of(config, input, tensors, device)
}

/// The gradients of a module by the names of its parameters; 0 where a loss does not depend on one.
pub(crate) fn gradients_of<M: Module>(module: &M, gradients: &Gradients) -> NamedTensors {
    struct Exchange<'a>(&'a Gradients);
    impl ModuleMapper for Exchange<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let gradient = param.val().grad(self.0).unwrap_or_else(|| param.val().inner().zeros_like());
            Param::from_tensor(gradient)
        }
    }
    tensors_of(&module.clone().map(&mut Exchange(gradients)))
}

/// A tensor as the script stores it: norm and some entries.
#[derive(Deserialize, Debug, Clone)]
pub(crate) struct Digest {
    pub shape: Vec<usize>,
    pub norm: f64,
    pub samples: Vec<f64>,
}

impl Digest {
    /// Compares to `tolerance`, relative to the norm and to each entry, or to the root mean square where an entry is smaller.
    pub(crate) fn check(&self, what: &str, data: &TensorData, tolerance: f64) {
        assert_eq!(data.shape().to_vec(), self.shape, "{what}: shape");
        let flat = data.clone().try_into_vec_as::<f32>().unwrap();
        let norm = flat.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let close = |found: f64, expected: f64, scale: f64| (found - expected).abs() <= tolerance * scale;
        assert!(close(norm, self.norm, self.norm), "{what}: norm {norm}, expected {}", self.norm);
        let typical = self.norm / (flat.len() as f64).sqrt();
        for (j, &expected) in self.samples.iter().enumerate() {
            let place = (7919 * j) % flat.len();
            let found = f64::from(flat[place]);
            assert!(
                close(found, expected, expected.abs().max(typical)),
                "{what}: entry {place} is {found}, expected {expected}"
            );
        }
    }
}

/// Both have the same names, shapes and numbers, to `tolerance` of the largest number of each tensor.
pub(crate) fn assert_close(what: &str, found: &NamedTensors, expected: &NamedTensors, tolerance: f32) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    for (name, expected) in expected {
        assert_eq!(found[name].shape(), expected.shape(), "{what}: {name}");
        let [found, expected] = [&found[name], expected].map(|data| data.clone().try_into_vec_as::<f32>().unwrap());
        let scale = expected.iter().fold(1e-6f32, |largest, value| largest.max(value.abs()));
        for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!(
                (found - expected).abs() <= tolerance * scale,
                "{what}: {name}, entry {place}: {found}, expected {expected}"
            );
        }
    }
}

pub(crate) type Digests = BTreeMap<String, Digest>;
