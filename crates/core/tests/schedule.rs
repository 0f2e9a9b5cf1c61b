//! Schedules against PyTorch's; `reference/schedules.py` and `reference/plateau.py` made the numbers.

use ognivo_core::train::plateau::Plateau;
use ognivo_core::train::schedule::{Curve, ScheduleConfig};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    config: ScheduleConfig,
    total: u64,
    factors: Vec<f64>,
}

#[test]
fn factors_are_pytorchs() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/schedules.json")).unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        case.config.validate().unwrap();
        assert_eq!(case.factors.len() as u64, case.total);
        for (step, expected) in case.factors.iter().enumerate() {
            let found = case.config.factor(step as u64, case.total);
            assert!((found - expected).abs() < 1e-9, "{:?}: step {step}: {found} instead of {expected}", case.config);
        }
    }
}

#[derive(Deserialize)]
struct PlateauCase {
    curve: Curve,
    scores: Vec<f64>,
    factors: Vec<f64>,
}

#[test]
fn a_plateau_is_pytorchs() {
    let cases: Vec<PlateauCase> = serde_json::from_str(include_str!("reference/plateau.json")).unwrap();
    assert_eq!(cases.len(), 5);
    for PlateauCase { curve, scores, factors } in cases {
        assert!(factors[factors.len() - 1] < 0.5, "else this test could not fail");
        let mut plateau = Plateau::default();
        for (epoch, (&score, &expected)) in scores.iter().zip(&factors).enumerate() {
            plateau.observe(&curve, score);
            let found = plateau.factor();
            assert!((found - expected).abs() < 1e-12, "{curve:?}: epoch {epoch}: {found} instead of {expected}");
            // What a checkpoint keeps is all there is.
            plateau = serde_json::from_value(serde_json::to_value(&plateau).unwrap()).unwrap();
        }
    }
}

#[test]
fn other_curves_follow_no_score() {
    let mut plateau = Plateau::default();
    (0..20).for_each(|_| plateau.observe(&Curve::Constant, 1.0));
    assert_eq!(plateau, Plateau::default());
}
