//! What the tests against stored reference numbers share: the inputs' formula, the digests, parameters by name.
#![allow(dead_code)] // Each test file uses a part of it.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Reads `tests/reference/<name>`.
pub(crate) fn reference<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The reference scripts' `ramp`: entry i is ((7919 i + 104729 k) mod 2001 - 1000) / 1000.
pub(crate) fn ramp_values(count: usize, k: usize) -> Vec<f64> {
    (0..count).map(|i| (((7919 * i + 104_729 * k) % 2001) as f64 - 1000.0) / 1000.0).collect()
}

pub(crate) fn ramp<const D: usize>(shape: [usize; D], k: usize, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = ramp_values(shape.iter().product(), k).into_iter().map(|v| v as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The `scatter` of `backbones.py`.
pub(crate) fn scatter_values(count: usize, k: usize) -> Vec<f64> {
    let mix = |i: usize| {
        let h = (i as u32).wrapping_add(104_729_u32.wrapping_mul(k as u32)).wrapping_mul(2_654_435_761);
        let h = (h ^ (h >> 15)).wrapping_mul(2_246_822_519);
        (h ^ (h >> 13)) % 20_001
    };
    (0..count).map(|i| (f64::from(mix(i)) - 10_000.0) / 10_000.0).collect()
}

pub(crate) fn scatter<const D: usize>(shape: [usize; D], k: usize, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = scatter_values(shape.iter().product(), k).into_iter().map(|v| v as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

pub(crate) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_into_vec_as::<f32>().unwrap()
}

/// The device with gradients on which the tests train.
pub(crate) fn training_device() -> Device {
    Device::default().autodiff()
}

/// A tensor as the scripts store it: norm and some entries.
#[derive(Deserialize, Debug, Clone)]
pub(crate) struct Digest {
    pub shape: Vec<usize>,
    pub norm: f64,
    pub samples: Vec<f64>,
}

impl Digest {
    /// Compares to `tolerance`, relative to the norm and to each entry, or to the root mean square where an entry is smaller.
    pub(crate) fn check<const D: usize>(&self, what: &str, tensor: Tensor<D>, tolerance: f64) {
        assert_eq!(tensor.dims().as_slice(), self.shape, "{what}: shape");
        let flat = values(&tensor);
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

/// Calls `f(name, shape)` for every tensor of a module, with names as PyTorch has them: no level for an enum's variant.
pub(crate) fn tensors(module: &impl Module) -> Vec<(String, Vec<usize>)> {
    let mut names = Names::default();
    module.visit(&mut names);
    names.found
}

/// The values of the tensor called `name`; no other tensor is touched.
pub(crate) fn tensor(module: &impl Module, name: &str) -> Vec<f32> {
    let mut find = Find { path: Place::default(), name, found: None };
    module.visit(&mut find);
    find.found.unwrap_or_else(|| panic!("no tensor {name}"))
}

struct Find<'a> {
    path: Place,
    name: &'a str,
    found: Option<Vec<f32>>,
}

impl ModuleVisitor for Find<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.path.name() == self.name {
            self.found = Some(values(&param.val()));
        }
    }
}

#[derive(Default)]
struct Names {
    path: Place,
    found: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for Names {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((self.path.name(), param.lazy_shape().to_vec()));
    }
}

/// Module path without the levels of enums.
#[derive(Default)]
struct Place(Vec<String>);

impl Place {
    fn enter(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.push(name.into());
        }
    }
    fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.pop();
        }
    }
    fn name(&self) -> String {
        self.0.join(".")
    }
}

/// Gives every parameter the value of the scripts' `fill`.
pub(crate) struct Fill {
    path: Place,
    numbers: fn(usize, usize) -> Vec<f64>,
    next: usize,
    /// Running means and variances met, where these are filled too.
    running: Option<[usize; 2]>,
}

impl Fill {
    pub(crate) fn apply<M: Module>(module: M) -> M {
        module.map(&mut Self { path: Place::default(), numbers: ramp_values, next: 0, running: None })
    }

    /// Gives every parameter and running statistic the value of `fill_all` in `backbones.py`.
    pub(crate) fn apply_to_all<M: Module>(module: M) -> M {
        module.map(&mut Self { path: Place::default(), numbers: scatter_values, next: 0, running: Some([0; 2]) })
    }

    fn running<const D: usize>(&mut self, name: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(met) = &mut self.running else { return param };
        let [means, variances] = met;
        let (next, start, scale, shift) =
            if name.ends_with("mean") { (means, 5000, 10.0, 0.0) } else { (variances, 6000, 2.0, 1.0) };
        let k = start + *next;
        *next += 1;
        param.map(|old| {
            let dims = old.dims();
            let filled: Vec<f32> =
                (self.numbers)(dims.iter().product(), k).iter().map(|v| (shift + v / scale) as f32).collect();
            let new = Tensor::from_data(TensorData::new(filled, dims), &old.device().without_autodiff());
            if old.is_autodiff() { new.autodiff() } else { new }
        })
    }
}

impl ModuleMapper for Fill {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        if name.contains("running_") {
            return self.running(&name, param);
        }
        let k = self.next;
        self.next += 1;
        param.map(|old| {
            let dims = old.dims();
            let ramp = (self.numbers)(dims.iter().product(), k);
            let scaled: Vec<f32> = match D {
                1 if name.ends_with("weight") => ramp.iter().map(|v| (1.0 + v / 4.0) as f32).collect(),
                1 => ramp.iter().map(|v| (v / 10.0) as f32).collect(),
                2 => {
                    // PyTorch's layout is [outputs, inputs].
                    let scale = (6.0 / dims[0] as f64).sqrt();
                    let (inputs, outputs) = (dims[0], dims[1]);
                    (0..ramp.len()).map(|i| (ramp[i % outputs * inputs + i / outputs] * scale) as f32).collect()
                }
                _ => {
                    let fan_in: usize = dims[1..].iter().product();
                    ramp.iter().map(|v| (v * (6.0 / fan_in as f64).sqrt()) as f32).collect()
                }
            };
            let new = Tensor::from_data(TensorData::new(scaled, dims), &old.device().without_autodiff());
            if old.is_autodiff() { new.autodiff().require_grad() } else { new }
        })
    }
}

/// Checks the gradient of every parameter against its digest by name; each of the digests must be met.
pub(crate) struct CheckGradients<'a> {
    path: Place,
    gradients: &'a burn::tensor::Gradients,
    expected: BTreeMap<String, Digest>,
    tolerance: f64,
}

impl<'a> CheckGradients<'a> {
    pub(crate) fn run(
        module: &impl Module,
        gradients: &'a burn::tensor::Gradients,
        expected: &BTreeMap<String, Digest>,
        tolerance: f64,
    ) {
        let mut check = Self { path: Place::default(), gradients, expected: expected.clone(), tolerance };
        module.visit(&mut check);
        assert!(check.expected.is_empty(), "parameters not found: {:?}", check.expected.keys());
    }
}

impl ModuleVisitor for CheckGradients<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        if name.contains("running_") {
            return;
        }
        let expected = self.expected.remove(&name).unwrap_or_else(|| panic!("PyTorch has no {name}"));
        let gradient = param.val().grad(self.gradients).unwrap_or_else(|| panic!("no gradient for {name}"));
        let gradient = if D == 2 { gradient.swap_dims(0, 1) } else { gradient };
        expected.check(&name, gradient, self.tolerance);
    }
}

/// Checks the running statistics, by name.
pub(crate) struct CheckBuffers {
    path: Place,
    expected: BTreeMap<String, Digest>,
    tolerance: f64,
}

impl CheckBuffers {
    pub(crate) fn run(module: &impl Module, expected: &BTreeMap<String, Digest>, tolerance: f64) {
        let mut check = Self { path: Place::default(), expected: expected.clone(), tolerance };
        module.visit(&mut check);
        assert!(check.expected.is_empty(), "buffers not found: {:?}", check.expected.keys());
    }
}

impl ModuleVisitor for CheckBuffers {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        if name.contains("running_") {
            let expected = self.expected.remove(&name).unwrap_or_else(|| panic!("PyTorch has no {name}"));
            expected.check(&name, param.val(), self.tolerance);
        }
    }
}

/// Every number of a module, in the order of its tensors.
#[derive(Default)]
pub(crate) struct Collect(pub(crate) Vec<f32>);

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(values(&param.val()));
    }
}

/// The Euclidean norm of every parameter's gradient, with the parameter's name.
pub(crate) fn gradient_norms(module: &impl Module, gradients: &burn::tensor::Gradients) -> Vec<(String, f64)> {
    let mut norms = GradientNorms { path: Place::default(), gradients, found: Vec::new() };
    module.visit(&mut norms);
    norms.found
}

struct GradientNorms<'a> {
    path: Place,
    gradients: &'a burn::tensor::Gradients,
    found: Vec<(String, f64)>,
}

impl ModuleVisitor for GradientNorms<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }
    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        if name.contains("running_") {
            return;
        }
        let gradient = param.val().grad(self.gradients).unwrap_or_else(|| panic!("no gradient for {name}"));
        let norm = values(&gradient).iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        self.found.push((name, norm));
    }
}
