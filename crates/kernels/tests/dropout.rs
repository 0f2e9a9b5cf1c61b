//! Dropout: the mask's law, its independence of threads, and agreement with Burn's multiplication.
#![cfg(feature = "flex")]

mod support;

use burn::tensor::{Device, Tensor};
use ognivo_kernels::{dropout, dropout_reference};
use proptest::prelude::*;
use support::{assert_close, assert_threads_agree, outcome, values};

fn mask(count: usize, p: f64, seed: u64) -> Vec<f32> {
    dropout(Tensor::<1>::ones([count], &Device::flex()), p, seed).into_data().try_to_vec().unwrap()
}

#[test]
fn drops_the_asked_share_and_scales_the_rest() {
    let count = 200_000;
    for p in [0.1, 0.25, 0.5, 0.9] {
        let mask = mask(count, p, 7);
        let kept = mask.iter().filter(|value| **value != 0.0).count();
        assert!(mask.iter().all(|value| *value == 0.0 || *value == (1.0 / (1.0 - p)) as f32));
        // Five standard deviations of the binomial law.
        let spread = 5.0 * (count as f64 * p * (1.0 - p)).sqrt();
        assert!((kept as f64 - count as f64 * (1.0 - p)).abs() < spread, "p = {p}: kept {kept}");
    }
}

#[test]
fn neighbours_and_seeds_are_independent() {
    let count = 100_000;
    let one = mask(count, 0.5, 1);
    let share = |pairs: usize| pairs as f64 / count as f64;
    for lag in [1, 2, 4, 16, 64, 8192] {
        let both = one.iter().zip(&one[lag..]).filter(|(a, b)| **a != 0.0 && **b != 0.0).count();
        let expected = 0.25 * (count - lag) as f64 / count as f64;
        assert!((share(both) - expected).abs() < 0.01, "lag {lag}");
    }
    for seed in [0, 2, 1 << 32, u64::MAX] {
        let both = one.iter().zip(mask(count, 0.5, seed)).filter(|(a, b)| **a != 0.0 && *b != 0.0).count();
        assert!((share(both) - 0.25).abs() < 0.01, "seed {seed}");
    }
}

#[test]
fn a_prefix_has_the_same_mask() {
    assert_eq!(mask(100_003, 0.3, 5)[..777], mask(777, 0.3, 5));
}

#[test]
fn probabilities_zero_and_one() {
    assert!(mask(100, 0.0, 3).iter().all(|value| *value == 1.0));
    assert!(mask(100, 1.0, 3).iter().all(|value| *value == 0.0));
}

#[test]
#[should_panic(expected = "dropout: probability 1.5 is not in 0..=1")]
fn refuses_an_impossible_probability() {
    mask(1, 1.5, 0);
}

#[test]
fn nan_stays_nan_even_where_dropped() {
    let y = dropout(Tensor::<1>::full([100], f32::NAN, &Device::flex()), 0.5, 0);
    assert!(y.into_data().try_to_vec::<f32>().unwrap().iter().all(|value| value.is_nan()));
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    assert_threads_agree(&|x| dropout(x[0].clone() * 1.0, 0.4, 11), &[values(90_001, 2)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn equals_burn(rows in 1usize..40, columns in 1usize..500, p in 0.0f64..=1.0, seed: u64, transposed: bool) {
        let prepare = |x: &Tensor<1>| {
            let x = x.clone().reshape([rows, columns]);
            if transposed { x.transpose() } else { x }
        };
        let inputs = [values(rows * columns, 3)];
        let found = outcome(&|x| dropout(prepare(&x[0]), p, seed).reshape([-1]), &inputs);
        let expected = outcome(&|x| dropout_reference(prepare(&x[0]), p, seed).reshape([-1]), &inputs);
        assert_close(&found, &expected, 1e-6);
    }
}
