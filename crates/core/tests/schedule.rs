//! Schedules against PyTorch's; `reference/schedules.py` made the numbers.

use ognivo_core::train::schedule::ScheduleConfig;
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
