//! Batch normalisation against Burn, PyTorch and double precision.
#![cfg(feature = "flex")]

mod support;

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_kernels::*;
use proptest::prelude::*;
use support::{assert_close, assert_slopes, assert_threads_agree, golden, line, outcome, outcome_on, values};

const GOLDEN: &str = include_str!("reference/pool_norm.txt");
const SHAPE: [usize; 4] = [3, 2, 3, 5];

fn x4(x: &Tensor<1>, shape: [usize; 4]) -> Tensor<4> {
    x.clone().reshape(shape)
}

fn inputs(shape: [usize; 4], channel_inputs: usize) -> Vec<Vec<f32>> {
    let mut inputs = vec![values(shape.iter().product(), 1)];
    inputs.extend((0..channel_inputs).map(|index| values(shape[1], index + 2)));
    inputs
}

fn flat(result: (Tensor<4>, BatchStatistics)) -> Tensor<1> {
    result.0.reshape([-1])
}

#[test]
fn equals_pytorch() {
    let found = outcome(&|i| flat(batch_norm2d(x4(&i[0], SHAPE), i[1].clone(), i[2].clone(), 1e-5)), &inputs(SHAPE, 2));
    assert_close(&found, &golden(GOLDEN, "norm"), 1e-5);
    let relu = |i: &[Tensor<1>]| flat(batch_norm2d_relu(x4(&i[0], SHAPE), i[1].clone(), i[2].clone(), 1e-5));
    assert_close(&outcome(&relu, &inputs(SHAPE, 2)), &golden(GOLDEN, "norm_relu"), 1e-5);
    let add_relu = |i: &[Tensor<1>]| {
        flat(batch_norm2d_add_relu(x4(&i[0], SHAPE), x4(&i[1], SHAPE), i[2].clone(), i[3].clone(), 1e-5))
    };
    let four = [values(90, 1), values(90, 2), values(2, 3), values(2, 4)];
    assert_close(&outcome(&add_relu, &four), &golden(GOLDEN, "norm_add_relu"), 1e-5);
}

#[test]
fn inference_equals_pytorch() {
    let device = Device::flex().autodiff();
    let statistics = BatchStatistics {
        mean: Tensor::from_floats(values(2, 7).as_slice(), &device),
        variance: Tensor::<1>::from_floats(values(2, 8).as_slice(), &device) + 2.0,
    };
    let run = |i: &[Tensor<1>]| {
        batch_norm2d_inference(x4(&i[0], SHAPE), i[1].clone(), i[2].clone(), statistics.clone(), 1e-3).reshape([-1])
    };
    assert_close(&outcome(&run, &inputs(SHAPE, 2)), &golden(GOLDEN, "norm_inference"), 1e-5);
}

#[test]
fn statistics_are_the_batch_moments() {
    let device = Device::flex();
    let x = Tensor::<1>::from_floats(values(90, 1).as_slice(), &device).reshape(SHAPE);
    let (_, found) = batch_norm2d(x, Tensor::ones([2], &device), Tensor::zeros([2], &device), 1e-5);
    let read = |t: Tensor<1>| vec![t.into_data().try_to_vec::<f32>().unwrap()];
    assert_close(&read(found.mean), &[line(GOLDEN, "norm.mean").unwrap()], 1e-6);
    assert_close(&read(found.variance), &[line(GOLDEN, "norm.variance").unwrap()], 1e-6);
}

#[test]
fn statistics_stay_accurate_far_from_zero_and_over_many_values() {
    let shape = [7, 2, 61, 70];
    let count: usize = shape.iter().product();
    for offset in [0.0, 1e3, 3e4] {
        let x: Vec<f32> = values(count, 5).into_iter().map(|v| v + offset).collect();
        let device = Device::flex();
        let tensor = Tensor::<4>::from_data(TensorData::new(x.clone(), shape), &device);
        let (_, found) = batch_norm2d(tensor, Tensor::ones([2], &device), Tensor::zeros([2], &device), 0.0);
        let (mean, variance) = (
            found.mean.into_data().try_to_vec::<f32>().unwrap(),
            found.variance.into_data().try_to_vec::<f32>().unwrap(),
        );
        for channel in 0..2 {
            let plane = shape[2] * shape[3];
            let of_channel: Vec<f64> =
                (0..shape[0]).flat_map(|n| &x[(2 * n + channel) * plane..][..plane]).map(|v| f64::from(*v)).collect();
            let exact_mean = of_channel.iter().sum::<f64>() / of_channel.len() as f64;
            let exact = of_channel.iter().map(|v| (v - exact_mean).powi(2)).sum::<f64>() / of_channel.len() as f64;
            assert!((f64::from(mean[channel]) - exact_mean).abs() <= 1e-7 * exact_mean.abs().max(1.0));
            assert!((f64::from(variance[channel]) / exact - 1.0).abs() <= 1e-6, "variance at offset {offset}");
        }
    }
}

#[test]
fn a_constant_channel_gives_the_shift() {
    let device = Device::flex();
    let x = Tensor::<4>::full([2, 1, 3, 3], 0.1, &device);
    let gamma = Tensor::from_floats([3.0], &device);
    let (y, statistics) = batch_norm2d(x, gamma, Tensor::from_floats([0.5], &device), 1e-5);
    for value in y.into_data().try_to_vec::<f32>().unwrap() {
        assert!((value - 0.5).abs() < 1e-5);
    }
    assert!(statistics.variance.into_scalar::<f32>().abs() < 1e-12);
}

#[test]
fn nan_spreads_over_its_channel_alone() {
    let mut all = inputs(SHAPE, 2);
    all[0][0] = f32::NAN;
    let found = outcome(&|i| flat(batch_norm2d_relu(x4(&i[0], SHAPE), i[1].clone(), i[2].clone(), 1e-5)), &all);
    for (index, y) in found[0].iter().enumerate() {
        assert_eq!(y.is_nan(), (index / 15) % 2 == 0, "value {index}");
    }
    assert!(found[2][0].is_nan() && !found[2][1].is_nan());
}

#[test]
fn gradient_is_the_slope() {
    let shape = [2, 2, 2, 3];
    let all = [values(24, 1), values(24, 4), vec![0.7, -1.2], vec![0.3, 0.2]];
    let three = [all[0].clone(), all[2].clone(), all[3].clone()];
    let plain = |i: &[Tensor<1>]| flat(batch_norm2d(x4(&i[0], shape), i[1].clone(), i[2].clone(), 1e-2));
    assert_slopes(&plain, &three, 1e-2, 5e-3);
    let relu = |i: &[Tensor<1>]| flat(batch_norm2d_relu(x4(&i[0], shape), i[1].clone(), i[2].clone(), 1e-2));
    assert_slopes(&relu, &three, 2e-3, 1e-2);
    let leaky =
        |i: &[Tensor<1>]| flat(batch_norm2d_leaky_relu(x4(&i[0], shape), i[1].clone(), i[2].clone(), 1e-2, 0.2));
    assert_slopes(&leaky, &three, 2e-3, 1e-2);
    let add_relu = |i: &[Tensor<1>]| {
        flat(batch_norm2d_add_relu(x4(&i[0], shape), x4(&i[1], shape), i[2].clone(), i[3].clone(), 1e-2))
    };
    assert_slopes(&add_relu, &all, 2e-3, 1e-2);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for shape in [[5, 3, 70, 63], [17, 9, 8, 8]] {
        let count = shape.iter().product();
        let run = |i: &[Tensor<1>]| {
            let (y, statistics) =
                batch_norm2d_add_relu(x4(&i[0], shape), x4(&i[1], shape), i[2].clone(), i[3].clone(), 1e-5);
            let joined: Tensor<1> = Tensor::cat(vec![statistics.mean, statistics.variance], 0);
            let autodiff = Tensor::from_data(joined.into_data(), &i[0].device());
            Tensor::cat(vec![y.reshape([-1]), autodiff], 0)
        };
        assert_threads_agree(&run, &[values(count, 1), values(count, 2), values(shape[1], 3), values(shape[1], 4)]);
        let run = |i: &[Tensor<1>]| flat(batch_norm2d_relu(x4(&i[0], shape), i[1].clone(), i[2].clone(), 1e-5));
        assert_threads_agree(&run, &[values(count, 1), values(shape[1], 3), values(shape[1], 4)]);
    }
}

/// Every operation between others that autodiff computes again in the backward pass: nothing that they need is written
/// over.
#[test]
fn gradient_checkpointing_changes_nothing() {
    let shape = [2, 3, 4, 6];
    let run = |i: &[Tensor<1>]| {
        let x = relu((x4(&i[0], shape) * x4(&i[1], shape)).exp() - 1.0);
        let (x, _) = batch_norm2d_relu(x.clone() * x, i[2].clone(), i[3].clone(), 1e-3);
        let (x, _) = batch_norm2d_add_relu(x.clone().exp(), x * 2.0, i[2].clone(), i[3].clone(), 1e-3);
        let x = dropout(x.clone() * x, 0.3, 4).exp();
        let x = max_pool2d(x.clone() * x, [2, 2], [2, 2], [0, 0], false) * 0.5;
        (avg_pool2d(x.clone() * x, [2, 3], [1, 1], [0, 0], true, false) + 1.0).log().reshape([-1])
    };
    let all = [values(144, 1), values(144, 2), vec![0.5, -0.2, 0.3], vec![0.1, 0.4, 0.2]];
    let plain = outcome(&run, &all);
    assert!(plain[1].iter().any(|gradient| *gradient != 0.0));
    assert_close(&outcome_on(Device::flex().autodiff().gradient_checkpointing(), &run, &all), &plain, 0.0);
    let reference = |i: &[Tensor<1>]| {
        let x = relu_reference((x4(&i[0], shape) * x4(&i[1], shape)).exp() - 1.0);
        let (x, _) = batch_norm2d_relu_reference(x.clone() * x, i[2].clone(), i[3].clone(), 1e-3);
        let (x, _) = batch_norm2d_add_relu_reference(x.clone().exp(), x * 2.0, i[2].clone(), i[3].clone(), 1e-3);
        let x = dropout_reference(x.clone() * x, 0.3, 4).exp();
        let x = max_pool2d_reference(x.clone() * x, [2, 2], [2, 2], [0, 0], false) * 0.5;
        (avg_pool2d_reference(x.clone() * x, [2, 3], [1, 1], [0, 0], true, false) + 1.0).log().reshape([-1])
    };
    assert_close(&plain, &outcome(&reference, &all), 1e-4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn equals_burn(
        shape in [1usize..6, 1usize..7, 1usize..12, 1usize..20],
        swapped: bool,
        fresh: bool,
        salt in 0usize..50,
    ) {
        prop_assume!(shape[0] * shape[2] * shape[3] > 1);
        let count = shape.iter().product();
        let all = [values(count, salt), values(count, salt + 1), values(shape[1], salt + 2), values(shape[1], salt + 3)];
        let view = |x: &Tensor<1>| {
            let x = if fresh { x.clone() * 1.0 } else { x.clone() };
            if swapped { x.reshape([shape[1], shape[0], shape[2], shape[3]]).swap_dims(0, 1) } else { x.reshape(shape) }
        };
        // The residual takes part in every case, so that all have four inputs.
        let plain = |i: &[Tensor<1>]| flat(batch_norm2d(view(&i[0]), i[2].clone(), i[3].clone(), 1e-2)) + i[1].clone();
        let plain_reference =
            |i: &[Tensor<1>]| flat(batch_norm2d_reference(view(&i[0]), i[2].clone(), i[3].clone(), 1e-2)) + i[1].clone();
        assert_close(&outcome(&plain, &all), &outcome(&plain_reference, &all), 2e-5);
        let relu = |i: &[Tensor<1>]| flat(batch_norm2d_relu(view(&i[0]), i[2].clone(), i[3].clone(), 1e-2)) + i[1].clone();
        let relu_reference = |i: &[Tensor<1>]| {
            flat(batch_norm2d_relu_reference(view(&i[0]), i[2].clone(), i[3].clone(), 1e-2)) + i[1].clone()
        };
        assert_close(&outcome(&relu, &all), &outcome(&relu_reference, &all), 2e-5);
        let leaky = |i: &[Tensor<1>]| {
            flat(batch_norm2d_leaky_relu(view(&i[0]), i[2].clone(), i[3].clone(), 1e-2, 0.2)) + i[1].clone()
        };
        let leaky_reference = |i: &[Tensor<1>]| {
            flat(batch_norm2d_leaky_relu_reference(view(&i[0]), i[2].clone(), i[3].clone(), 1e-2, 0.2)) + i[1].clone()
        };
        assert_close(&outcome(&leaky, &all), &outcome(&leaky_reference, &all), 2e-5);
        let add = |i: &[Tensor<1>]| {
            flat(batch_norm2d_add_relu(view(&i[0]), view(&i[1]), i[2].clone(), i[3].clone(), 1e-2))
        };
        let add_reference = |i: &[Tensor<1>]| {
            flat(batch_norm2d_add_relu_reference(view(&i[0]), view(&i[1]), i[2].clone(), i[3].clone(), 1e-2))
        };
        assert_close(&outcome(&add, &all), &outcome(&add_reference, &all), 2e-5);
        let statistics = |i: &[Tensor<1>]| BatchStatistics { mean: i[3].clone() * 0.5, variance: i[2].clone().square() };
        let five = [all[0].clone(), all[1].clone(), all[2].clone(), all[3].clone()];
        let inference = |i: &[Tensor<1>]| {
            batch_norm2d_inference(view(&i[0]), i[2].clone(), i[3].clone(), statistics(i), 1e-1).reshape([-1]) + i[1].clone()
        };
        let inference_reference = |i: &[Tensor<1>]| {
            let y = batch_norm2d_inference_reference(view(&i[0]), i[2].clone(), i[3].clone(), statistics(i), 1e-1);
            y.reshape([-1]) + i[1].clone()
        };
        assert_close(&outcome(&inference, &five), &outcome(&inference_reference, &five), 2e-5);
    }
}
