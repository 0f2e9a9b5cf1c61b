//! Optimisers against PyTorch's (`reference/optimizers.py` made the numbers), against Burn's Adam, and themselves.
#![cfg(feature = "flex")]

use std::collections::HashMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::train::optimizer::{Adam, Optimizer, OptimizerConfig, RmsProp, Sgd};
use serde::Deserialize;

/// The problem of `reference/optimizers.py`: two parameters, and two tensors that no optimiser may touch.
#[derive(Module, Debug)]
struct Quadratic {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    buffer: Param<Tensor<1>>,
    running: burn::module::RunningState<Tensor<1>>,
}

/// Start, curvature and target of parameter numbers.
fn problem<const D: usize>(shape: [usize; D], device: &Device) -> [Tensor<D>; 3] {
    let count = shape.iter().product::<usize>();
    let make = |f: fn(usize) -> f32| Tensor::from_data(TensorData::new((0..count).map(f).collect(), shape), device);
    [
        make(|i| ((i * 3 % 17) as f32 - 8.0) / 8.0),
        make(|i| (i * 7 % 11 + 1) as f32 / 11.0),
        make(|i| ((i * 5 % 13) as f32 - 6.0) / 6.0),
    ]
}

impl Quadratic {
    fn new(weight: [usize; 2], device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(problem(weight, device)[0].clone()),
            bias: Param::from_tensor(problem([7], device)[0].clone()),
            buffer: Param::from_tensor(Tensor::ones([3], device)).set_require_grad(false),
            running: burn::module::RunningState::new(Tensor::ones([2], device)),
        }
    }

    /// Loss of step `step`, without the bias in every fourth.
    fn loss(&self, step: usize) -> Tensor<1> {
        fn half<const D: usize>(parameter: &Param<Tensor<D>>) -> Tensor<1> {
            let value = parameter.val();
            let [_, curvature, target] = problem(value.dims(), &value.device());
            ((value - target).square() * curvature * 0.5).sum()
        }
        let loss = half(&self.weight);
        let loss = if step % 4 == 3 { loss } else { loss + half(&self.bias) };
        (loss + self.buffer.val().sum() * 0.0) * (1.0 + (step % 3) as f64 / 10.0)
    }

    fn values(&self) -> [Vec<f32>; 2] {
        let numbers = |data: TensorData| data.try_into_vec().unwrap();
        [numbers(self.weight.val().into_data()), numbers(self.bias.val().into_data())]
    }
}

/// Makes steps `steps` and returns the losses before each.
fn train(
    module: Quadratic,
    optimizer: &mut Optimizer,
    rate: f64,
    steps: std::ops::Range<usize>,
) -> (Quadratic, Vec<f32>) {
    let mut losses = Vec::new();
    let module = steps.fold(module, |module, step| {
        let loss = module.loss(step);
        let gradients = GradientsParams::from_grads(loss.backward(), &module);
        losses.push(loss.into_scalar::<f32>());
        optimizer.step(rate, module, gradients)
    });
    (module, losses)
}

#[derive(Deserialize)]
struct Case {
    case: String,
    config: OptimizerConfig,
    learning_rate: f64,
    default_rate: bool,
    losses: Vec<f32>,
    values: HashMap<usize, [Vec<f32>; 2]>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("reference/optimizers.json")).unwrap()
}

fn assert_close(case: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance * e.abs().max(0.1), "{case}: number {i}: {f} instead of {e}");
    }
}

#[test]
fn both_paths_walk_pytorchs_path() {
    let device = Device::flex().autodiff();
    assert_eq!(cases().len(), 16);
    for case in cases() {
        if case.default_rate {
            assert_eq!(case.config.default_learning_rate(), case.learning_rate, "{}", case.case);
        }
        let fused = Optimizer::new(case.config.clone()).unwrap();
        for mut optimizer in [fused.clone(), fused.with_tensor_operations()] {
            let mut module = Quadratic::new([3, 13], &device);
            let mut losses = Vec::new();
            for (from, to) in [(0, 1), (1, 5), (5, 20)] {
                let (trained, more) = train(module, &mut optimizer, case.learning_rate, from..to);
                losses.extend(more);
                for (found, expected) in trained.values().iter().zip(&case.values[&to]) {
                    assert_close(&case.case, found, expected, 2e-6);
                }
                module = trained;
            }
            assert_close(&case.case, &losses, &case.losses, 1e-5);
            // Step 12 weighs the same terms as step 0.
            assert!(losses[12] < losses[0], "{}: {losses:?}", case.case);
        }
    }
}

#[test]
fn fused_pass_is_the_tensor_operations() {
    // Large enough for several threads, and for a tail behind the last block.
    let device = Device::flex().autodiff();
    for case in cases() {
        let fused = Optimizer::new(case.config.clone()).unwrap();
        let [one, other] = [fused.clone(), fused.with_tensor_operations()].map(|mut optimizer| {
            let (module, _) = train(Quadratic::new([521, 701], &device), &mut optimizer, case.learning_rate, 0..4);
            let state = optimizer.state(&module);
            (module.values(), state)
        });
        for (found, expected) in one.0.iter().zip(&other.0) {
            assert_close(&case.case, found, expected, 1e-6);
        }
        assert_eq!(one.1.len(), other.1.len());
        for ((name, found), (other_name, expected)) in one.1.iter().zip(&other.1) {
            assert_eq!((name, found.shape()), (other_name, expected.shape()));
            if name.ends_with("/step") {
                assert_eq!(found, expected);
            } else {
                let numbers = |data: &TensorData| data.clone().try_into_vec::<f32>().unwrap();
                assert_close(name, &numbers(found), &numbers(expected), 1e-6);
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let device = Device::flex().autodiff();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut optimizer = Optimizer::new(OptimizerConfig::default()).unwrap();
            train(Quadratic::new([521, 701], &device), &mut optimizer, 1e-2, 0..3).0.values()
        })
    };
    let alone = run(1);
    assert_eq!(alone, run(2));
    assert_eq!(alone, run(5));
}

#[test]
fn adam_is_burns_adam() {
    let device = Device::flex().autodiff();
    let mut ours = Optimizer::new(OptimizerConfig::default()).unwrap();
    let mut burns = burn::optim::AdamConfig::new().with_epsilon(1e-8).init();
    let (trained, _) = train(Quadratic::new([3, 13], &device), &mut ours, 0.03, 0..20);
    let expected = (0..20).fold(Quadratic::new([3, 13], &device), |module, step| {
        let gradients = GradientsParams::from_grads(module.loss(step).backward(), &module);
        burns.step(0.03, module, gradients)
    });
    for (found, expected) in trained.values().iter().zip(&expected.values()) {
        // Burn keeps its betas in single precision.
        assert_close("adam", found, expected, 1e-4);
    }
}

#[test]
fn a_loaded_state_goes_on_with_the_same_bits() {
    let device = Device::flex().autodiff();
    for case in cases() {
        let start = || Optimizer::new(case.config.clone()).unwrap();
        let rate = case.learning_rate;
        let mut optimizer = start();
        let (uninterrupted, _) = train(Quadratic::new([3, 13], &device), &mut optimizer, rate, 0..11);

        let mut optimizer = start();
        let (module, _) = train(Quadratic::new([3, 13], &device), &mut optimizer, rate, 0..5);
        let state = optimizer.state(&module);
        // Another process has other parameter identifiers.
        let copy = |data: TensorData| data.try_into_vec::<f32>().unwrap();
        let mut resumed = Quadratic::new([3, 13], &device);
        let weight = TensorData::new(copy(module.weight.val().into_data()), [3, 13]);
        resumed.weight = Param::from_tensor(Tensor::from_data(weight, &device));
        resumed.bias =
            Param::from_tensor(Tensor::from_data(TensorData::new(copy(module.bias.val().into_data()), [7]), &device));
        let mut optimizer = start();
        optimizer.load_state(&resumed, state.iter().cloned().collect::<HashMap<_, _>>(), Path::new("c")).unwrap();
        assert_eq!(optimizer.state(&resumed), state, "{}", case.case);
        let (resumed, _) = train(resumed, &mut optimizer, rate, 5..11);
        assert_eq!(resumed.values(), uninterrupted.values(), "{}", case.case);
    }
}

#[test]
fn state_has_pytorchs_names_and_counts_each_parameters_steps() {
    let device = Device::flex().autodiff();
    let mut optimizer = Optimizer::new(OptimizerConfig::default()).unwrap();
    assert!(optimizer.state(&Quadratic::new([3, 13], &device)).is_empty());
    let (module, _) = train(Quadratic::new([3, 13], &device), &mut optimizer, 1e-3, 0..6);
    let state = optimizer.state(&module);
    let names: Vec<(&str, Vec<usize>)> =
        state.iter().map(|(name, data)| (name.as_str(), data.shape().to_vec())).collect();
    let expected = [
        ("weight/step", vec![1]),
        ("weight/exp_avg", vec![3, 13]),
        ("weight/exp_avg_sq", vec![3, 13]),
        ("bias/step", vec![1]),
        ("bias/exp_avg", vec![7]),
        ("bias/exp_avg_sq", vec![7]),
    ];
    assert_eq!(names, expected);
    assert_eq!(state[0].1.clone().try_into_vec::<i64>().unwrap(), [6]);
    assert_eq!(state[3].1.clone().try_into_vec::<i64>().unwrap(), [5]);
}

#[test]
fn a_foreign_state_is_refused_by_name() {
    let device = Device::flex().autodiff();
    let module = Quadratic::new([3, 13], &device);
    let mut optimizer = Optimizer::new(OptimizerConfig::default()).unwrap();
    let (module, _) = train(module, &mut optimizer, 1e-3, 0..2);
    let good: HashMap<String, TensorData> = optimizer.state(&module).into_iter().collect();
    type Spoil = fn(&mut HashMap<String, TensorData>);
    let spoilt: [(Spoil, &str); 7] = [
        (|s| _ = s.insert("head.weight/exp_avg".into(), TensorData::from([0.0f32])), "head.weight/exp_avg"),
        (|s| _ = s.insert("weight/momentum_buffer".into(), TensorData::from([0.0f32])), "weight/momentum_buffer"),
        (|s| _ = s.insert("weight/exp_avg".into(), TensorData::from([0.0f32; 39])), "weight/exp_avg: found f32 [39]"),
        (|s| _ = s.insert("bias/exp_avg".into(), TensorData::from([0.0f64; 7])), "bias/exp_avg: found f64 [7]"),
        (|s| _ = s.remove("bias/step"), "bias/step: found nothing"),
        (|s| _ = s.remove("weight/exp_avg_sq"), "weight/exp_avg_sq: found nothing"),
        (|s| _ = s.insert("weight/step".into(), TensorData::from([-1i64])), "weight/step: found -1"),
    ];
    for (spoil, named) in spoilt {
        let mut state = good.clone();
        spoil(&mut state);
        let error = optimizer.load_state(&module, state, Path::new("c")).unwrap_err().to_string();
        assert!(error.starts_with("c: optimizer state ") && error.contains(named), "{error}");
        assert_eq!(optimizer.state(&module).into_iter().collect::<HashMap<_, _>>(), good, "unchanged by a refusal");
    }
}

/// Addresses of the parameters' memory.
struct Addresses(Vec<*const u8>);

impl ModuleVisitor for Addresses {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let tensor = parameter.base().inner().try_into_primitive::<burn::backend::Flex>().unwrap();
        self.0.push(tensor.bytes().as_ptr());
    }
}

#[test]
fn parameters_change_in_place_and_stay_trainable() {
    let device = Device::flex().autodiff().gradient_checkpointing();
    let addresses = |module: &Quadratic| {
        let mut addresses = Addresses(Vec::new());
        module.visit(&mut addresses);
        addresses.0
    };
    let module = Quadratic::new([521, 701], &device);
    let before = addresses(&module);
    let mut optimizer = Optimizer::new(OptimizerConfig::default()).unwrap();
    let (module, _) = train(module, &mut optimizer, 1e-3, 0..3);
    assert_eq!(addresses(&module), before);
    assert!(module.weight.val().is_require_grad() && module.bias.val().is_require_grad());
    assert!(!module.buffer.val().is_require_grad());
}

#[test]
fn frozen_parameters_and_buffers_stay() {
    let device = Device::flex().autodiff();
    let mut module = Quadratic::new([3, 13], &device);
    module.bias = module.bias.set_require_grad(false);
    let before = module.values();
    let mut gradients = GradientsParams::from_grads(module.loss(0).backward(), &module);
    for id in [module.bias.id, module.buffer.id] {
        gradients.register(id, Tensor::<1>::ones([7], &Device::flex()));
    }
    let mut optimizer = Optimizer::new(OptimizerConfig::Sgd(Sgd::default())).unwrap();
    let module = optimizer.step(0.1, module, gradients);
    assert_ne!(module.values()[0], before[0]);
    assert_eq!(module.values()[1], before[1]);
    assert_eq!(module.buffer.val().into_data(), TensorData::from([1.0f32; 3]));
    assert_eq!(module.running.value().into_data(), TensorData::from([1.0f32; 2]));
}

#[test]
fn a_clone_keeps_its_values() {
    let device = Device::flex().autodiff();
    let module = Quadratic::new([3, 13], &device);
    let kept = module.clone();
    let before = kept.values();
    let mut optimizer = Optimizer::new(OptimizerConfig::default()).unwrap();
    let (trained, _) = train(module, &mut optimizer, 0.1, 0..2);
    assert_eq!(kept.values(), before);
    assert_ne!(trained.values(), before);
}

#[test]
fn centred_rmsprop_survives_a_constant_gradient() {
    // The running variance of a constant falls below zero by rounding.
    let device = Device::flex().autodiff();
    let config = OptimizerConfig::RmsProp(RmsProp { alpha: 0.1, centered: true, ..RmsProp::default() });
    let fused = Optimizer::new(config).unwrap();
    for mut optimizer in [fused.clone(), fused.with_tensor_operations()] {
        let mut module = Quadratic::new([3, 13], &device);
        for _ in 0..100 {
            let mut gradients = GradientsParams::new();
            gradients.register(module.bias.id, Tensor::<1>::full([7], 0.37, &Device::flex()));
            module = optimizer.step(1e-9, module, gradients);
        }
        assert!(module.values()[1].iter().all(|x| x.is_finite()), "{:?}", module.values()[1]);
    }
}

#[test]
fn double_precision_takes_the_tensor_operations() {
    let device = Device::flex().autodiff();
    let mut module = Quadratic::new([3, 13], &device);
    module.bias = Param::from_tensor(module.bias.val().inner().cast(burn::tensor::FloatDType::F64).autodiff());
    let mut gradients = GradientsParams::new();
    gradients.register(module.bias.id, module.bias.val().inner());
    let mut optimizer = Optimizer::new(OptimizerConfig::Sgd(Sgd { momentum: 0.9, ..Sgd::default() })).unwrap();
    let module = optimizer.step(0.5, module, gradients);
    let halved: Vec<f64> = (0..7).map(|i| ((i * 3 % 17) as f64 - 8.0) / 16.0).collect();
    assert_eq!(module.bias.val().into_data(), TensorData::new(halved, [7]));
}

#[test]
fn configuration_is_strict_and_checked() {
    let parse = |text: &str| serde_json::from_str::<OptimizerConfig>(text);
    for name in OptimizerConfig::NAMES {
        let named: OptimizerConfig = name.parse().unwrap();
        assert_eq!(named.name(), name);
        assert_eq!(parse(&format!(r#"{{"optimizer": "{name}"}}"#)).unwrap(), named);
        assert_eq!(parse(&serde_json::to_string(&named).unwrap()).unwrap(), named);
        named.validate().unwrap();
    }
    assert_eq!(parse(r#"{"optimizer": "adam"}"#).unwrap(), OptimizerConfig::default());
    assert!(parse(r#"{"optimizer": "adam", "beta_1": 0.5}"#).is_err());
    assert!(parse(r#"{"optimizer": "lion"}"#).is_err());
    let error = "adma".parse::<OptimizerConfig>().unwrap_err().to_string();
    assert_eq!(error, r#"unknown optimizer "adma"; did you mean "adam"?"#);
    let refused = [
        (OptimizerConfig::Adam(Adam { beta2: 1.0, ..Adam::default() }), "adam: beta2: found 1"),
        (OptimizerConfig::Adam(Adam { epsilon: f64::NAN, ..Adam::default() }), "adam: epsilon: found NaN"),
        (OptimizerConfig::Sgd(Sgd { momentum: -1.0, ..Sgd::default() }), "sgd: momentum: found -1"),
        (OptimizerConfig::Sgd(Sgd { nesterov: true, ..Sgd::default() }), "sgd: nesterov: found momentum 0"),
        (
            OptimizerConfig::RmsProp(RmsProp { weight_decay: f64::INFINITY, ..RmsProp::default() }),
            "weight_decay: found inf",
        ),
    ];
    for (config, named) in refused {
        let error = Optimizer::new(config).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
