//! Fully connected layers against Burn's operation, finite differences, and themselves on other numbers of threads.
#![cfg(feature = "flex")]

mod support;

use burn::tensor::Tensor;
use ognivo_kernels::{linear, linear_reference};
use proptest::prelude::*;
use support::{assert_close, assert_slopes, assert_threads_agree, outcome, values};

type Linear = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

/// The layer on flat inputs: `x`, the weight (as PyTorch keeps it, if `transposed`), and maybe a bias.
fn run(linear: Linear, [rows, inputs, outputs]: [usize; 3], transposed: bool, x: &[Tensor<1>]) -> Tensor<1> {
    let weight = match transposed {
        true => x[1].clone().reshape([outputs, inputs]).transpose(),
        false => x[1].clone().reshape([inputs, outputs]),
    };
    linear(x[0].clone().reshape([rows, inputs]), weight, x.get(2).cloned()).reshape([-1])
}

fn inputs([rows, inputs, outputs]: [usize; 3], biased: bool) -> Vec<Vec<f32>> {
    let mut all = vec![values(rows * inputs, 1), values(inputs * outputs, 2)];
    all.extend(biased.then(|| values(outputs, 3)));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equals_burn(
        rows in 1..150usize, depth in prop_oneof![1..80usize, Just(513)], outputs in 1..140usize,
        transposed: bool, biased: bool,
    ) {
        let sizes = [rows, depth, outputs];
        let inputs = inputs(sizes, biased);
        let found = outcome(&|x| run(linear, sizes, transposed, x), &inputs);
        let expected = outcome(&|x| run(linear_reference, sizes, transposed, x), &inputs);
        assert_close(&found, &expected, 1e-5);
    }
}

#[test]
fn gradients_are_slopes() {
    for transposed in [false, true] {
        assert_slopes(&|x| run(linear, [3, 4, 5], transposed, x), &inputs([3, 4, 5], true), 1e-1, 1e-4);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for transposed in [false, true] {
        assert_threads_agree(&|x| run(linear, [300, 600, 150], transposed, x), &inputs([300, 600, 150], true));
    }
}

#[test]
#[should_panic(expected = "the inputs of x and of the weight")]
fn refuses_sizes_that_do_not_fit() {
    run(
        |x, w, b| linear(x.slice([0..2, 0..2]), w, b),
        [2, 3, 4],
        false,
        &[values(6, 0), values(12, 0)].map(|v| Tensor::from_floats(v.as_slice(), &burn::tensor::Device::flex())),
    );
}
