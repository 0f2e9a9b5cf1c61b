//! Pooling against Burn, PyTorch and hand values.
#![cfg(feature = "flex")]

mod support;

use burn::tensor::Tensor;
use ognivo_kernels::{
    avg_pool2d, avg_pool2d_reference, max_pool2d, max_pool2d_reference, relu_max_pool2d, relu_max_pool2d_reference,
};
use proptest::prelude::*;
use support::{assert_close, assert_slopes, assert_threads_agree, golden, outcome, values};

const GOLDEN: &str = include_str!("reference/pool_norm.txt");

fn check(name: &str, shape: [usize; 4], operation: impl Fn(Tensor<4>) -> Tensor<4>) {
    let operation = |x: &[Tensor<1>]| operation(x[0].clone().reshape(shape)).reshape([-1]);
    let inputs = [values(shape.iter().product(), 1)];
    assert_close(&outcome(&operation, &inputs), &golden(GOLDEN, name), 1e-6);
}

#[test]
fn equals_pytorch() {
    check("max_2", [2, 3, 4, 6], |x| max_pool2d(x, [2, 2], [2, 2], [0, 0], false));
    check("max_3_2_1", [2, 2, 7, 6], |x| max_pool2d(x, [3, 3], [2, 2], [1, 1], false));
    check("max_ceil", [1, 2, 6, 8], |x| max_pool2d(x, [2, 3], [3, 2], [1, 0], true));
    check("relu_max", [2, 2, 4, 4], |x| relu_max_pool2d(x, [2, 2], [2, 2], [0, 0], false));
    check("avg_2", [2, 2, 4, 5], |x| avg_pool2d(x, [2, 2], [2, 2], [0, 0], true, false));
    check("avg_pad", [1, 2, 6, 5], |x| avg_pool2d(x, [3, 3], [2, 2], [1, 1], true, true));
    check("avg_ceil", [1, 2, 6, 5], |x| avg_pool2d(x, [3, 3], [2, 2], [1, 1], false, true));
    check("avg_all", [2, 3, 3, 4], |x| avg_pool2d(x, [3, 4], [3, 4], [0, 0], true, false));
}

/// One plane of `height` rows, pooled by 2 by 2 windows side by side, through both the special and the general code.
fn pooled(x: &[f32], width: usize) -> [Vec<Vec<f32>>; 2] {
    let height = x.len() / width;
    let run = |padding: usize| {
        outcome(
            &|x| {
                let x = x[0].clone().reshape([1, 1, height, width]);
                max_pool2d(x, [2, 2 + padding], [2, 2 + padding], [0, 0], padding > 0).reshape([-1])
            },
            &[x.to_vec()],
        )
    };
    [run(0), run(1)]
}

#[test]
fn the_first_of_equal_maxima_gets_the_gradient() {
    let w = values(1, 99)[0];
    for found in pooled(&[3.0, 3.0, 3.0, 3.0], 2) {
        assert_eq!(found, [vec![3.0], vec![w, 0.0, 0.0, 0.0]]);
    }
    for found in pooled(&[1.0, 2.0, 2.0, 2.0], 2) {
        assert_eq!(found, [vec![2.0], vec![0.0, w, 0.0, 0.0]]);
    }
    let low = f32::NEG_INFINITY;
    for found in pooled(&[low; 4], 2) {
        assert_eq!(found, [vec![low], vec![w, 0.0, 0.0, 0.0]]);
    }
}

#[test]
fn nan_wins() {
    let w = values(1, 99)[0];
    for place in 0..4 {
        let mut x = [1.0, 2.0, 3.0, 0.0];
        x[place] = f32::NAN;
        for found in pooled(&x, 2) {
            assert!(found[0][0].is_nan());
            let expected: Vec<f32> = (0..4).map(|index| if index == place { w } else { 0.0 }).collect();
            assert_eq!(found[1], expected);
        }
    }
}

#[test]
fn a_window_of_padding_alone_is_minus_infinity_without_gradient() {
    let pool =
        |x: &[Tensor<1>]| max_pool2d(x[0].clone().reshape([1, 1, 1, 2]), [1, 1], [1, 1], [0, 1], false).reshape([-1]);
    let found = outcome(&pool, &[vec![5.0, 6.0]]);
    assert_eq!(found[0], [f32::NEG_INFINITY, 5.0, 6.0, f32::NEG_INFINITY]);
    assert_eq!(found[1], values(4, 99)[1..3]);
}

#[test]
fn windows_of_more_than_255_places() {
    let inputs = [values(2 * 20 * 19, 4)];
    let x = |x: &[Tensor<1>]| x[0].clone().reshape([1, 2, 20, 19]);
    let found = outcome(&|i| max_pool2d(x(i), [16, 17], [3, 1], [2, 5], false).reshape([-1]), &inputs);
    let expected = outcome(&|i| max_pool2d_reference(x(i), [16, 17], [3, 1], [2, 5], false).reshape([-1]), &inputs);
    assert_close(&found, &expected, 1e-6);
}

#[test]
fn a_plane_smaller_than_the_window_gives_nothing() {
    let device = burn::tensor::Device::flex();
    let y = max_pool2d(Tensor::zeros([2, 3, 1, 4], &device), [2, 2], [2, 2], [0, 0], false);
    assert_eq!(y.dims(), [2, 3, 0, 2]);
    let y = avg_pool2d(Tensor::zeros([2, 3, 4, 1], &device), [2, 2], [2, 2], [0, 0], true, false);
    assert_eq!(y.dims(), [2, 3, 2, 0]);
}

#[test]
fn gradient_is_the_slope() {
    // Values far enough apart that a step changes no maximum.
    let x: Vec<f32> = (0..60).map(|i| ((i * 37) % 60) as f32 / 10.0).collect();
    let x4 = |x: &[Tensor<1>]| x[0].clone().reshape([1, 2, 5, 6]);
    let inputs = [x];
    assert_slopes(&|i| max_pool2d(x4(i), [3, 2], [2, 1], [1, 0], false).reshape([-1]), &inputs, 2e-2, 1e-3);
    assert_slopes(&|i| max_pool2d(x4(i), [2, 2], [2, 2], [0, 0], false).reshape([-1]), &inputs, 2e-2, 1e-3);
    assert_slopes(&|i| avg_pool2d(x4(i), [3, 2], [2, 1], [1, 0], false, true).reshape([-1]), &inputs, 2e-2, 1e-3);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let inputs = [values(3 * 5 * 41 * 40, 6)];
    let x4 = |x: &[Tensor<1>]| x[0].clone().reshape([3, 5, 41, 40]);
    assert_threads_agree(&|i| relu_max_pool2d(x4(i), [2, 2], [2, 2], [0, 0], false).reshape([-1]), &inputs);
    assert_threads_agree(&|i| max_pool2d(x4(i), [3, 3], [1, 2], [1, 1], true).reshape([-1]), &inputs);
    assert_threads_agree(&|i| avg_pool2d(x4(i), [3, 3], [1, 2], [1, 1], true, true).reshape([-1]), &inputs);
    assert_threads_agree(&|i| avg_pool2d(x4(i), [41, 40], [1, 1], [0, 0], true, true).reshape([-1]), &inputs);
}

prop_compose! {
    fn pooling()(
        shape in [1usize..4, 1usize..4, 1usize..14, 1usize..40],
        kernel in [1usize..5, 1usize..5],
        stride in [1usize..5, 1usize..5],
        padding in [0usize..3, 0usize..3],
        plain: bool,
    ) -> ([usize; 4], [usize; 2], [usize; 2], [usize; 2]) {
        if plain {
            (shape, [2, 2], [2, 2], [0, 0])
        } else {
            (shape, kernel, stride, [padding[0].min(kernel[0] / 2), padding[1].min(kernel[1] / 2)])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn equals_burn(
        (shape, kernel, stride, padding) in pooling(),
        ceil_mode: bool,
        count_padding: bool,
        swapped: bool,
        salt in 0usize..50,
    ) {
        // Ten levels only, so that maxima are often equal.
        let coarse = values(shape.iter().product(), salt).into_iter().map(|v| (v * 5.0).round()).collect();
        let inputs = [coarse];
        let x4 = |x: &[Tensor<1>]| {
            let x = x[0].clone();
            if swapped { x.reshape([shape[1], shape[0], shape[2], shape[3]]).swap_dims(0, 1) } else { x.reshape(shape) }
        };
        let found = outcome(&|i| max_pool2d(x4(i), kernel, stride, padding, ceil_mode).reshape([-1]), &inputs);
        let expected = outcome(&|i| max_pool2d_reference(x4(i), kernel, stride, padding, ceil_mode).reshape([-1]), &inputs);
        assert_close(&found, &expected, 1e-6);
        let found = outcome(&|i| relu_max_pool2d(x4(i), kernel, stride, padding, ceil_mode).reshape([-1]), &inputs);
        let expected =
            outcome(&|i| relu_max_pool2d_reference(x4(i), kernel, stride, padding, ceil_mode).reshape([-1]), &inputs);
        assert_close(&found, &expected, 1e-6);
        let found =
            outcome(&|i| avg_pool2d(x4(i), kernel, stride, padding, count_padding, ceil_mode).reshape([-1]), &inputs);
        let expected = outcome(
            &|i| avg_pool2d_reference(x4(i), kernel, stride, padding, count_padding, ceil_mode).reshape([-1]),
            &inputs,
        );
        assert_close(&found, &expected, 1e-6);
    }
}
