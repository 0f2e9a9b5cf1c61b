//! The transposed convolution against Burn's operation, its own slopes, and itself on other layouts.
#![cfg(feature = "flex")]

mod support;

use burn::tensor::{Device, Tensor, ops::ConvTransposeOptions};
use ognivo_kernels::{conv_transpose2d, conv_transpose2d_reference};
use support::{assert_close, assert_slopes, outcome, values};

/// Input, weight, stride, padding, padding_out, dilation, groups.
type Case = ([usize; 4], [usize; 4], [usize; 2], [usize; 2], [usize; 2], [usize; 2], usize);

const CASES: [Case; 8] = [
    // DCGAN's layers.
    ([2, 8, 7, 7], [8, 4, 4, 4], [2, 2], [1, 1], [0, 0], [1, 1], 1),
    ([3, 16, 4, 4], [16, 32, 4, 4], [2, 2], [1, 1], [0, 0], [1, 1], 1),
    ([1, 4, 1, 1], [4, 8, 7, 7], [1, 1], [0, 0], [0, 0], [1, 1], 1),
    ([2, 3, 5, 6], [3, 2, 3, 3], [2, 2], [1, 1], [1, 1], [1, 1], 1),
    // Groups, dilation, unequal sides.
    ([2, 4, 5, 3], [4, 3, 3, 2], [2, 3], [2, 1], [1, 2], [2, 1], 2),
    ([1, 6, 4, 9], [6, 1, 1, 5], [1, 2], [0, 2], [0, 0], [1, 1], 6),
    // A kernel smaller than the stride leaves pixels that only the bias reaches.
    ([2, 3, 3, 4], [3, 2, 1, 1], [2, 3], [0, 0], [1, 2], [1, 1], 1),
    ([2, 3, 4, 4], [3, 5, 3, 3], [1, 1], [1, 1], [0, 0], [1, 1], 1),
];

type Function = fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>, ConvTransposeOptions<2>) -> Tensor<4>;

fn run(function: Function, case: Case, inputs: &[Tensor<1>], biased: bool) -> Tensor<1> {
    let (x, weight, stride, padding, padding_out, dilation, groups) = case;
    let options = ConvTransposeOptions::new(stride, padding, padding_out, dilation, groups);
    let bias = biased.then(|| inputs[2].clone());
    let y = function(inputs[0].clone().reshape(x), inputs[1].clone().reshape(weight), bias, options);
    let count = y.shape().num_elements();
    y.reshape([count])
}

fn inputs(case: Case, biased: bool) -> Vec<Vec<f32>> {
    let (x, weight, .., groups) = case;
    let mut inputs = vec![values(x.iter().product(), 1), values(weight.iter().product(), 2)];
    if biased {
        inputs.push(values(weight[1] * groups, 3));
    }
    inputs
}

#[test]
fn values_and_gradients_are_those_of_burns_operation() {
    for case in CASES {
        for biased in [true, false] {
            let inputs = inputs(case, biased);
            let found = outcome(&|inputs| run(conv_transpose2d, case, inputs, biased), &inputs);
            let expected = outcome(&|inputs| run(conv_transpose2d_reference, case, inputs, biased), &inputs);
            assert_close(&found, &expected, 2e-6);
        }
    }
}

#[test]
fn gradients_are_the_slopes() {
    for case in [CASES[3], CASES[4], CASES[6]] {
        assert_slopes(&|inputs| run(conv_transpose2d, case, inputs, true), &inputs(case, true), 0.25, 2e-3);
    }
}

#[test]
fn views_are_read_as_their_contiguous_copies() {
    let device = Device::flex();
    let x = Tensor::<1>::from_floats(values(2 * 5 * 4 * 3, 1).as_slice(), &device).reshape([3, 4, 5, 2]);
    let weight = Tensor::<1>::from_floats(values(3 * 2 * 4 * 4, 2).as_slice(), &device).reshape([2, 3, 4, 4]);
    let options = ConvTransposeOptions::new([2, 2], [1, 1], [0, 0], [1, 1], 1);
    let (x, weight) = (x.swap_dims(0, 3), weight.swap_dims(0, 1));
    let x = x.swap_dims(1, 3).slice([0..2, 0..3]);
    let copy = |t: &Tensor<4>| Tensor::<4>::from_data(t.clone().into_data(), &device);
    let of_views = conv_transpose2d(x.clone(), weight.clone(), None, options.clone());
    assert_eq!(of_views.into_data(), conv_transpose2d(copy(&x), copy(&weight), None, options).into_data());
}

#[test]
fn sizes_that_do_not_fit_are_said() {
    let device = Device::flex();
    let tensor = |shape: [usize; 4]| Tensor::<4>::zeros(shape, &device);
    let said = |x, weight, options| {
        let panic =
            std::panic::catch_unwind(|| conv_transpose2d(tensor(x), tensor(weight), None, options)).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    };
    let options = |padding, padding_out| ConvTransposeOptions::new([2, 2], padding, padding_out, [1, 1], 1);
    assert!(said([1, 3, 4, 4], [4, 2, 3, 3], options([0, 0], [0, 0])).contains("3 channels"));
    assert!(said([1, 3, 1, 1], [3, 2, 3, 3], options([2, 2], [0, 0])).contains("leaves nothing"));
    assert!(said([1, 3, 4, 4], [3, 2, 3, 3], options([0, 0], [2, 0])).contains("padding_out"));
}
