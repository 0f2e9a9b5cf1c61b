//! Rectified linear unit against Burn, PyTorch and hand values.
#![cfg(feature = "flex")]

mod support;

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_kernels::{leaky_relu, leaky_relu_reference, relu, relu_reference};
use proptest::prelude::*;
use support::{assert_close, assert_slopes, assert_threads_agree, golden, outcome, values};

#[test]
fn equals_pytorch() {
    let expected = golden(include_str!("reference/pool_norm.txt"), "relu");
    assert_close(&outcome(&|x| relu(x[0].clone()), &[values(30, 1)]), &expected, 1e-6);
}

#[test]
fn zero_infinity_and_nan() {
    let x = vec![-0.0, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 2.0, f32::MIN_POSITIVE];
    let found = outcome(&|x| relu(x[0].clone() * 1.0), std::slice::from_ref(&x));
    assert_close(&found, &outcome(&|x| relu_reference(x[0].clone()), &[x]), 0.0);
    assert!(found[0][2].is_nan());
    let w = values(8, 99);
    assert_eq!(found[1], [0.0, 0.0, w[2], w[3], 0.0, 0.0, w[6], w[7]]);
}

#[test]
fn a_leaky_unit_has_its_slope_on_the_left_and_at_zero() {
    let x = vec![-0.0, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.5, 2.0];
    let found = outcome(&|x| leaky_relu(x[0].clone() * 1.0, 0.2), std::slice::from_ref(&x));
    let w = values(7, 99);
    assert_eq!(found[0][3..], [f32::INFINITY, f32::NEG_INFINITY, -1.5 * 0.2, 2.0]);
    assert_eq!(found[1], [0.2 * w[0], 0.2 * w[1], w[2], w[3], 0.2 * w[4], 0.2 * w[5], w[6]]);
    assert!(found[0][2].is_nan());
    for slope in [0.0, 0.01, 0.2, 1.0] {
        let all = [values(1000, 1)];
        let burn = outcome(&|x| leaky_relu_reference(x[0].clone(), slope), &all);
        assert_close(&outcome(&|x| leaky_relu(x[0].clone(), slope), &all), &burn, 1e-7);
    }
    let x = values(40, 3).into_iter().map(|v| v + 0.1 * v.signum()).collect();
    assert_slopes(&|x| leaky_relu(x[0].clone(), 0.3), &[x], 1e-2, 1e-3);
}

#[test]
fn leaves_a_shared_input_alone() {
    let device = Device::flex();
    let x = Tensor::<1>::from_floats([-1.0, 1.0], &device);
    let y = relu(x.clone());
    assert_eq!(x.into_data(), TensorData::from([-1.0f32, 1.0]));
    assert_eq!(y.into_data(), TensorData::from([0.0f32, 1.0]));
}

#[test]
fn other_dtypes_use_the_reference() {
    let device = Device::flex();
    let x = Tensor::<2>::from_data(TensorData::from([[-1.5f64, 2.5]]), (&device, burn::tensor::DType::F64));
    assert_eq!(relu(x).into_data(), TensorData::from([[0.0f64, 2.5]]));
}

#[test]
fn gradient_is_the_slope() {
    let x = values(40, 3).into_iter().map(|v| v + 0.1 * v.signum()).collect();
    assert_slopes(&|x| relu(x[0].clone()), &[x], 1e-2, 1e-3);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    assert_threads_agree(&|x| relu(x[0].clone() * 1.0), &[values(70_001, 2)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn equals_burn(rows in 1usize..40, columns in 1usize..700, transposed: bool, fresh: bool, salt in 0usize..50) {
        let prepare = |x: &Tensor<1>| {
            let x = x.clone().reshape([rows, columns]);
            let x = if fresh { x * 1.0 } else { x };
            if transposed { x.transpose() } else { x }
        };
        let inputs = [values(rows * columns, salt)];
        let found = outcome(&|x| relu(prepare(&x[0])).reshape([-1]), &inputs);
        let expected = outcome(&|x| relu_reference(prepare(&x[0])).reshape([-1]), &inputs);
        assert_close(&found, &expected, 0.0);
    }
}
