//! Drawing tokens: hand values, frequencies, and what may never be drawn.

use ognivo_core::random;
use ognivo_sequence::language_model::sample::{SampleConfig, Sampler};
use proptest::prelude::*;

/// Logits of the probabilities 0.1, 0.2, 0.3, 0.4; a constant added to all changes nothing.
fn tenths() -> Vec<f32> {
    [0.2f32, 0.4, 0.1, 0.3].iter().map(|p| p.ln() + 5.0).collect()
}

fn config(temperature: f64, top_k: Option<usize>, top_p: Option<f64>) -> SampleConfig {
    SampleConfig { temperature, top_k, top_p }
}

/// Checks frequencies against probabilities by Pearson's chi-squared test: with 3 degrees of freedom it exceeds 16.27 once in
/// a thousand, and the seed is fixed.
fn check(config: SampleConfig, expected: [f64; 4]) {
    let draws = 40_000;
    let mut sampler = Sampler::new(config, 1).unwrap();
    let mut counts = [0.0; 4];
    (0..draws).for_each(|_| counts[sampler.draw(&tenths()).unwrap() as usize] += 1.0);
    let mut chi2 = 0.0;
    for (count, p) in counts.iter().zip(expected) {
        if p == 0.0 {
            assert_eq!(*count, 0.0, "{config:?}: {counts:?}");
        } else {
            let mean = p * f64::from(draws);
            chi2 += (count - mean) * (count - mean) / mean;
        }
    }
    assert!(chi2 < 16.27, "{config:?}: {counts:?}, chi2 {chi2}");
}

#[test]
fn frequencies_are_the_probabilities() {
    check(config(1.0, None, None), [0.2, 0.4, 0.1, 0.3]);
    // Temperature 1/2 squares the probabilities: 4, 16, 1, 9 of 30; temperature 1000 makes them equal.
    check(config(0.5, None, None), [4.0 / 30.0, 16.0 / 30.0, 1.0 / 30.0, 9.0 / 30.0]);
    check(config(1e3, None, None), [0.25; 4]);
    check(config(1e-300, None, None), [0.0, 1.0, 0.0, 0.0]);
    check(config(0.0, None, None), [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn top_k_leaves_the_likeliest() {
    check(config(1.0, Some(1), None), [0.0, 1.0, 0.0, 0.0]);
    check(config(1.0, Some(2), None), [0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]);
    check(config(1.0, Some(4), None), [0.2, 0.4, 0.1, 0.3]);
    check(config(1.0, Some(usize::MAX), None), [0.2, 0.4, 0.1, 0.3]);
}

#[test]
fn top_p_leaves_the_fewest_that_reach_it() {
    check(config(1.0, None, Some(1e-9)), [0.0, 1.0, 0.0, 0.0]);
    check(config(1.0, None, Some(0.39)), [0.0, 1.0, 0.0, 0.0]);
    check(config(1.0, None, Some(0.41)), [0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]);
    check(config(1.0, None, Some(0.71)), [2.0 / 9.0, 4.0 / 9.0, 0.0, 3.0 / 9.0]);
    check(config(1.0, None, Some(1.0)), [0.2, 0.4, 0.1, 0.3]);
    // After top-k 3 the shares are 4/9, 3/9, 2/9: two of them reach 0.75; of all four it takes three.
    check(config(1.0, Some(3), Some(0.75)), [0.0, 4.0 / 7.0, 0.0, 3.0 / 7.0]);
    check(config(1.0, None, Some(0.75)), [2.0 / 9.0, 4.0 / 9.0, 0.0, 3.0 / 9.0]);
    // The temperature comes first: of 16, 9, 4, 1 thirtieths the first reaches 0.5.
    check(config(0.5, None, Some(0.5)), [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn equal_logits_are_taken_in_order() {
    let mut greedy = Sampler::new(config(0.0, None, None), 1).unwrap();
    assert_eq!(greedy.draw(&[1.0, 3.0, 3.0, 2.0]).unwrap(), 1);
    let mut pair = Sampler::new(config(1.0, Some(2), None), 1).unwrap();
    assert!((0..200).all(|_| pair.draw(&[1.0, 1.0, 1.0, 1.0]).unwrap() < 2));
}

/// A draw inverts the cumulated probabilities at the next number of the seed's stream.
#[test]
fn draws_follow_from_the_seed() {
    let mut rng = random::stream(7, &[u64::from_le_bytes(*b"sampling")]);
    let mut sampler = Sampler::new(SampleConfig::default(), 7).unwrap();
    for _ in 0..200 {
        let expected = (random::uniform_f64(&mut rng) * 5.0) as u32;
        assert_eq!(sampler.draw(&[0.5; 5]).unwrap(), expected);
    }
    let drawn = |seed| {
        let mut sampler = Sampler::new(SampleConfig::default(), seed).unwrap();
        (0..20).map(|_| sampler.draw(&tenths()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}

#[test]
fn settings_out_of_range_are_refused() {
    let error = |config| Sampler::new(config, 1).unwrap_err().to_string();
    for temperature in [-1.0, -1e-9, f64::NAN, f64::INFINITY] {
        assert!(error(config(temperature, None, None)).contains("`temperature`: found"), "{temperature}");
    }
    assert!(error(config(1.0, Some(0), None)).contains("`top_k`: found 0; expected at least 1"));
    for top_p in [0.0, -0.1, 1.1, f64::NAN] {
        assert!(error(config(1.0, None, Some(top_p))).contains("`top_p`: found"), "{top_p}");
    }
    Sampler::new(config(-0.0, None, None), 1).unwrap();
}

#[test]
fn logits_that_are_no_numbers_are_an_error() {
    for temperature in [0.0, 1.0] {
        let mut sampler = Sampler::new(config(temperature, Some(2), Some(0.5)), 1).unwrap();
        let (nan, infinity) = (f32::NAN, f32::INFINITY);
        for logits in [&[][..], &[nan], &[1.0, nan], &[nan, 1.0], &[1.0, infinity], &[-infinity, -infinity]] {
            assert!(sampler.draw(logits).unwrap_err().to_string().contains("not numbers"), "{logits:?}");
        }
        // A token that is ruled out.
        assert_eq!(sampler.draw(&[-infinity, 0.0]).unwrap(), 1);
    }
}

proptest! {
    #[test]
    fn only_what_is_allowed_is_drawn(
        logits in proptest::collection::vec(-6i8..6, 1..40),
        top_k in proptest::option::of(1usize..50),
        top_p in proptest::option::of(0.01f64..1.0),
        temperature in 0.2f64..3.0,
        seed: u64,
    ) {
        let logits: Vec<f32> = logits.into_iter().map(f32::from).collect();
        let weight = |&token: &usize| (f64::from(logits[token]) / temperature).exp();
        let mut likeliest: Vec<usize> = (0..logits.len()).collect();
        likeliest.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        likeliest.truncate(top_k.unwrap_or(usize::MAX));
        let mut sampler = Sampler::new(config(temperature, top_k, top_p), seed).unwrap();
        for _ in 0..20 {
            let token = sampler.draw(&logits).unwrap() as usize;
            let rank = likeliest.iter().position(|&other| other == token);
            prop_assert!(rank.is_some(), "{token} is not among the top k");
            // What is likelier does not reach top-p alone.
            let before: f64 = likeliest[..rank.unwrap()].iter().map(weight).sum();
            let all: f64 = likeliest.iter().map(weight).sum();
            prop_assert!(before < top_p.unwrap_or(1.0) * all + 1e-9 * all);
        }
    }
}
