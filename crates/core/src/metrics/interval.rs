//! A measured share with its confidence interval.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the standard normal distribution: 95 % of its mass lies within `±Z_95`.
///
/// NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.1, carried to double precision.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// A value between two bounds that hold the true value with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The measured value.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Interval {
    /// The share `successes / trials` with the Wilson score interval at 95 %.
    ///
    /// ```text
    /// centre = (p + z²/2n) / (1 + z²/n)
    /// half   = z √(p(1-p)/n + z²/4n²) / (1 + z²/n)
    /// ```
    ///
    /// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). Unlike the
    /// normal approximation it stays within 0 and 1 and is not empty at 0 or n successes. Of no trials the value is NaN
    /// and the bounds are 0 and 1: nothing is known. More successes than trials count as all.
    pub fn wilson(successes: u64, trials: u64) -> Self {
        if trials == 0 {
            return Self { value: f64::NAN, low: 0.0, high: 1.0 };
        }
        let (k, n) = (successes.min(trials), trials as f64);
        let p = k as f64 / n;
        let z2 = Z_95 * Z_95;
        let shrink = 1.0 + z2 / n;
        let centre = (p + z2 / (2.0 * n)) / shrink;
        let half = Z_95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / shrink;
        Self {
            value: p,
            // At the ends the bound is the end itself; rounding must not put it beside.
            low: if k == 0 { 0.0 } else { centre - half },
            high: if k == trials { 1.0 } else { centre + half },
        }
    }

    /// The mean of some measurements with Student's interval at 95 %, for measurements that are normally distributed around it. Of one
    /// measurement nothing is known of the spread: the bounds are infinite; of none the value is NaN too.
    ///
    /// ```text
    /// mean ± t(n - 1) s / √n,   s² = Σ (x - mean)² / (n - 1)
    /// ```
    pub fn of_mean(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let half = match values.len() {
            0 | 1 => f64::INFINITY,
            count => student_95(count - 1) * (squares / (n - 1.0) / n).sqrt(),
        };
        Self { value: mean, low: mean - half, high: mean + half }
    }
}

/// The 97.5 % quantile of Student's t distribution. NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2; beyond it, of more than 30
/// degrees of freedom, two terms of the expansion about the normal quantile (Abramowitz and Stegun 1964, 26.7.5), exact to 0.001.
fn student_95(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    let (z, n) = (Z_95, freedom as f64);
    let expanded = || z + (z.powi(3) + z) / (4.0 * n) + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * n * n);
    TABLE.get(freedom.wrapping_sub(1)).copied().unwrap_or_else(expanded)
}

/// As percentages: `97.8 % (95 % interval 96.8 to 98.5 %)`; the precision, one digit by default, can be given.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(1);
        let Self { value, low, high } = self;
        let [value, low, high] = [value, low, high].map(|share| 100.0 * share);
        write!(f, "{value:.digits$} % (95 % interval {low:.digits$} to {high:.digits$} %)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `statsmodels.stats.proportion.proportion_confint(method="wilson")`'s formula with scipy's quantile:
    /// tests/reference/metrics.py.
    #[test]
    fn wilson_equals_the_reference() {
        for (successes, trials, low, high) in WILSON {
            let interval = Interval::wilson(successes, trials);
            assert_eq!(interval.value, successes as f64 / trials as f64);
            assert!((interval.low - low).abs() < 1e-14, "{successes}/{trials}: {} != {low}", interval.low);
            assert!((interval.high - high).abs() < 1e-14, "{successes}/{trials}: {} != {high}", interval.high);
        }
    }

    #[test]
    fn nothing_measured_is_nothing_known() {
        let interval = Interval::wilson(0, 0);
        assert!(interval.value.is_nan());
        assert_eq!((interval.low, interval.high), (0.0, 1.0));
    }

    /// Student's own second table (1908, "The probable error of a mean"): hours of sleep gained, 0.75 +- 1.28 by drug A, by scipy's
    /// `t.interval(0.95, 9, mean, sem)` -0.5298 to 2.0298.
    #[test]
    fn the_mean_has_students_interval() {
        let found = Interval::of_mean(&[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
        assert!((found.value - 0.75).abs() < 1e-12);
        assert!((found.low + 0.5298).abs() < 2e-3 && (found.high - 2.0298).abs() < 2e-3, "{found:?}");
        assert_eq!(Interval::of_mean(&[0.5]), Interval { value: 0.5, low: f64::NEG_INFINITY, high: f64::INFINITY });
        assert!(Interval::of_mean(&[]).value.is_nan());
        // The table goes over into the expansion: 2.042 at 30, 2.040 at 31, 1.984 at 100.
        assert!((student_95(31) - 2.040).abs() < 1e-3 && (student_95(100) - 1.984).abs() < 1e-3);
    }

    #[test]
    fn shown_in_percent() {
        let interval = Interval { value: 0.9783, low: 0.96812, high: 0.98549 };
        assert_eq!(interval.to_string(), "97.8 % (95 % interval 96.8 to 98.5 %)");
        assert_eq!(format!("{interval:.2}"), "97.83 % (95 % interval 96.81 to 98.55 %)");
    }

    proptest! {
        #[test]
        fn holds_the_value_and_mirrors(trials in 1_u64..1_000_000, share in 0.0..=1.0_f64) {
            let successes = (share * trials as f64) as u64;
            let interval = Interval::wilson(successes, trials);
            prop_assert!(0.0 <= interval.low && interval.low <= interval.value);
            prop_assert!(interval.value <= interval.high && interval.high <= 1.0);
            prop_assert!(interval.low < interval.high);
            let mirrored = Interval::wilson(trials - successes, trials);
            prop_assert!((mirrored.low - (1.0 - interval.high)).abs() < 1e-12);
        }
    }

    const WILSON: [(u64, u64, f64, f64); 8] = [
        (0, 10, 0.0, 0.27753279986288926),
        (1, 10, 0.017876213095072924, 0.40415002679523854),
        (5, 10, 0.23659309051256394, 0.7634069094874361),
        (10, 10, 0.7224672001371106, 1.0),
        (1, 1, 0.2065493143772374, 1.0),
        (352, 360, 0.9567691737312188, 0.988697571908474),
        (9876, 10000, 0.9852361608857194, 0.9895893639031967),
        (1, 1000000, 1.7652457674537176e-07, 5.664911804311445e-06),
    ];
}
