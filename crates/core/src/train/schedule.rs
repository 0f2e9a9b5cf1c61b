//! Learning-rate schedules: a factor of the base learning rate for each step, from the step's number alone (but for
//! [`Curve::Plateau`], which follows the validation score).

use std::f64::consts::PI;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, cli::suggest};

/// A schedule: a curve, with an optional linear warm-up in front of it.
///
/// Written in a configuration file as `{"warmup": 100, "curve": {"curve": "cosine", "final_fraction": 0.01}}`; what is
/// left out is a constant rate without warm-up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Steps of warm-up (Goyal et al. 2017, section 2.2): step `t` has `(t + 1) / (w + 1)` of the curve's first factor, so
    /// that the first step after the warm-up is the first at the full rate. 0 for none.
    pub warmup: u64,
    /// What follows; its steps are counted from the end of the warm-up.
    pub curve: Curve,
}

/// How the learning rate goes from the first step to the last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "curve", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Curve {
    /// 1 throughout.
    #[default]
    Constant,
    /// Multiplied by `factor` after `every` steps, again and again; PyTorch's `StepLR`.
    Step {
        /// Steps at the same rate, at least 1.
        every: u64,
        /// What the rate is multiplied by, above 0 (default 0.1).
        #[serde(default = "tenth")]
        factor: f64,
    },
    /// Half a cosine from 1 to `final_fraction` (Loshchilov and Hutter 2017, equation 5, without restarts); PyTorch's
    /// `CosineAnnealingLR` over all steps: the last step lies just above the final fraction.
    Cosine {
        /// Where it ends, between 0 and 1 (default 0).
        #[serde(default)]
        final_fraction: f64,
    },
    /// Up by half a cosine over the first `rise` of the steps, then down to nearly nothing (Smith and Topin 2018);
    /// PyTorch's `OneCycleLR` with cosine annealing. The base learning rate is its peak; momentum is left alone.
    OneCycle {
        /// Share of the steps that go up, above 0 and below 1 (default 0.3).
        #[serde(default = "rise")]
        rise: f64,
        /// The first step has the peak divided by this, at least 1 (default 25).
        #[serde(default = "start_divisor")]
        start_divisor: f64,
        /// The last step has the first divided by this, at least 1 (default 1e4).
        #[serde(default = "final_divisor")]
        final_divisor: f64,
    },
    /// Multiplied by `factor` whenever the validation score has not risen for more than `patience` epochs; PyTorch's
    /// `ReduceLROnPlateau` with mode `max` and an absolute threshold. The steps' numbers play no part: [`Plateau`] does the counting.
    ///
    /// [`Plateau`]: super::plateau::Plateau
    Plateau {
        /// What the rate is multiplied by, above 0 and below 1 (default 0.1).
        #[serde(default = "tenth")]
        factor: f64,
        /// Epochs without a better score that are let pass (default 2; PyTorch: 10).
        #[serde(default = "plateau_patience")]
        patience: u64,
        /// What a better score must have more than the best before (default 0.0001).
        #[serde(default = "plateau_threshold")]
        threshold: f64,
        /// Epochs after a reduction that are not counted (default 0).
        #[serde(default)]
        cooldown: u64,
        /// The factor below which the rate does not go, from 0 to 1 (default 0).
        #[serde(default)]
        final_fraction: f64,
    },
}

fn tenth() -> f64 {
    0.1
}

fn rise() -> f64 {
    0.3
}

fn start_divisor() -> f64 {
    25.0
}

fn final_divisor() -> f64 {
    1e4
}

fn plateau_patience() -> u64 {
    2
}

fn plateau_threshold() -> f64 {
    1e-4
}

impl ScheduleConfig {
    /// What to multiply the base learning rate by at `step` (from 0) of `total` steps.
    ///
    /// Steps beyond the last have the last one's factor, those of a cosine its final fraction.
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        if step < self.warmup {
            return self.curve.factor(0, total.saturating_sub(self.warmup)) * (step + 1) as f64
                / (self.warmup as f64 + 1.0);
        }
        self.curve.factor(step - self.warmup, total.saturating_sub(self.warmup))
    }

    /// Refuses settings outside their range.
    pub fn validate(&self) -> Result<()> {
        let require = |setting: &str, found: f64, holds: bool, expected: &str| {
            if holds && found.is_finite() {
                return Ok(());
            }
            let curve = self.curve.name();
            Err(Error::Config(format!("schedule {curve}: {setting}: found {found}; expected a number {expected}")))
        };
        match self.curve {
            Curve::Constant => Ok(()),
            Curve::Step { every, factor } => {
                require("every", every as f64, every >= 1, "of steps, at least 1")?;
                require("factor", factor, factor > 0.0, "above 0")
            }
            Curve::Cosine { final_fraction: f } => {
                require("final_fraction", f, (0.0..=1.0).contains(&f), "between 0 and 1")
            }
            Curve::OneCycle { rise, start_divisor, final_divisor } => {
                require("rise", rise, rise > 0.0 && rise < 1.0, "above 0 and below 1")?;
                require("start_divisor", start_divisor, start_divisor >= 1.0, "at least 1")?;
                require("final_divisor", final_divisor, final_divisor >= 1.0, "at least 1")
            }
            Curve::Plateau { factor, threshold, final_fraction: f, .. } => {
                require("factor", factor, factor > 0.0 && factor < 1.0, "above 0 and below 1")?;
                require("threshold", threshold, threshold >= 0.0, "at least 0")?;
                require("final_fraction", f, (0.0..=1.0).contains(&f), "between 0 and 1")
            }
        }
    }
}

impl Curve {
    /// Every name that configuration files accept.
    pub const NAMES: [&'static str; 5] = ["constant", "step", "cosine", "one-cycle", "plateau"];

    /// The name in configuration files and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step { .. } => "step",
            Self::Cosine { .. } => "cosine",
            Self::OneCycle { .. } => "one-cycle",
            Self::Plateau { .. } => "plateau",
        }
    }

    fn factor(&self, step: u64, total: u64) -> f64 {
        match *self {
            Self::Constant | Self::Plateau { .. } => 1.0,
            Self::Step { every, factor } => factor.powf((step / every.max(1)) as f64),
            Self::Cosine { final_fraction } => anneal(1.0, final_fraction, step as f64 / total.max(1) as f64),
            Self::OneCycle { rise, start_divisor, final_divisor } => {
                let first = 1.0 / start_divisor;
                let (peak, last) = (rise * total as f64 - 1.0, total as f64 - 1.0);
                let step = step as f64;
                if step <= peak {
                    anneal(first, 1.0, step / peak)
                } else {
                    anneal(1.0, first / final_divisor, (step - peak.max(0.0)) / (last - peak.max(0.0)))
                }
            }
        }
    }
}

/// From `start` to `end` along half a cosine; `share` beyond 0 to 1 (or 0/0, of an empty range) is its end.
fn anneal(start: f64, end: f64, share: f64) -> f64 {
    let share = if (0.0..=1.0).contains(&share) { share } else { 1.0 };
    end + (start - end) / 2.0 * (1.0 + (PI * share).cos())
}

impl FromStr for Curve {
    type Err = Error;

    /// The curve of that name with its default settings; `step` has none for `every`, so it is written `step:EVERY` or
    /// `step:EVERY:FACTOR`. (A configuration file and `--set` can set all of them.)
    fn from_str(text: &str) -> Result<Self> {
        let of_type = |rest: &str| {
            let mut parts = rest.split(':');
            let every = parts.next().and_then(|every| every.parse().ok())?;
            let factor = parts.next().map_or(Some(tenth()), |factor| factor.parse().ok())?;
            parts.next().is_none().then_some(Self::Step { every, factor })
        };
        match text.split_once(':').unwrap_or((text, "")) {
            ("constant", "") => Ok(Self::Constant),
            ("cosine", "") => Ok(Self::Cosine { final_fraction: 0.0 }),
            ("one-cycle", "") => {
                Ok(Self::OneCycle { rise: rise(), start_divisor: start_divisor(), final_divisor: final_divisor() })
            }
            ("plateau", "") => Ok(Self::Plateau {
                factor: tenth(),
                patience: plateau_patience(),
                threshold: plateau_threshold(),
                cooldown: 0,
                final_fraction: 0.0,
            }),
            ("step", rest) => of_type(rest).ok_or_else(|| {
                Error::Config(format!(
                    "schedule {text:?}: expected step:EVERY or step:EVERY:FACTOR, such as step:1000:0.1"
                ))
            }),
            (name, "") => Err(Error::Config(suggest::unknown("schedule", name, &Self::NAMES))),
            (name, rest) => {
                Err(Error::Config(format!("schedule {name}: found {rest:?} after the name; expected nothing")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(warmup: u64, curve: Curve) -> ScheduleConfig {
        ScheduleConfig { warmup, curve }
    }

    #[test]
    fn warmup_ends_at_the_full_rate() {
        let factors: Vec<f64> = (0..6).map(|step| schedule(4, Curve::Constant).factor(step, 10)).collect();
        for (found, expected) in factors.iter().zip([0.2, 0.4, 0.6, 0.8, 1.0, 1.0]) {
            assert!((found - expected).abs() < 1e-15, "{factors:?}");
        }
    }

    #[test]
    fn steps_multiply() {
        let step = schedule(0, Curve::Step { every: 2, factor: 0.5 });
        assert_eq!([0, 1, 2, 3, 4].map(|i| step.factor(i, 5)), [1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn cosine_passes_through_its_middle() {
        let cosine = schedule(0, Curve::Cosine { final_fraction: 0.2 });
        assert_eq!(cosine.factor(0, 8), 1.0);
        assert!((cosine.factor(4, 8) - 0.6).abs() < 1e-12);
        assert!((cosine.factor(8, 8) - 0.2).abs() < 1e-12);
        assert_eq!(cosine.factor(100, 8), cosine.factor(8, 8));
    }

    #[test]
    fn configuration_is_strict() {
        let parse = serde_json::from_str::<ScheduleConfig>;
        assert_eq!(parse("{}").unwrap(), ScheduleConfig::default());
        let cosine = r#"{"warmup": 3, "curve": {"curve": "cosine"}}"#;
        assert_eq!(parse(cosine).unwrap(), schedule(3, Curve::Cosine { final_fraction: 0.0 }));
        assert!(parse(r#"{"warm_up": 3}"#).is_err());
        assert!(parse(r#"{"curve": {"curve": "cosine", "final": 0}}"#).is_err());
        assert!(parse(r#"{"curve": {"curve": "step"}}"#).is_err());
        let error = schedule(0, Curve::Step { every: 0, factor: 0.1 }).validate().unwrap_err().to_string();
        assert_eq!(error, "schedule step: every: found 0; expected a number of steps, at least 1");
        assert!(schedule(0, Curve::Cosine { final_fraction: f64::NAN }).validate().is_err());
    }

    #[test]
    fn names_parse() {
        for name in Curve::NAMES {
            let text = if name == "step" { "step:10" } else { name };
            assert_eq!(text.parse::<Curve>().unwrap().name(), name);
        }
        assert_eq!("step:5:0.3".parse::<Curve>().unwrap(), Curve::Step { every: 5, factor: 0.3 });
        let error = "cosin".parse::<Curve>().unwrap_err().to_string();
        assert_eq!(error, r#"unknown schedule "cosin"; did you mean "cosine"?"#);
        for bad in ["step", "step:x", "step:1:2:3", "cosine:3"] {
            assert!(bad.parse::<Curve>().is_err(), "{bad}");
        }
    }

    fn any_curve() -> impl Strategy<Value = Curve> {
        prop_oneof![
            Just(Curve::Constant),
            (1..50u64, 0.01..1.0f64).prop_map(|(every, factor)| Curve::Step { every, factor }),
            (0.0..=1.0f64).prop_map(|final_fraction| Curve::Cosine { final_fraction }),
            (0.01..0.99f64, 1.0..100.0f64, 1.0..1e5f64).prop_map(|(rise, start_divisor, final_divisor)| {
                Curve::OneCycle { rise, start_divisor, final_divisor }
            }),
            Just("plateau".parse().unwrap()),
        ]
    }

    proptest! {
        #[test]
        fn factor_lies_between_nothing_and_the_base_rate(
            curve in any_curve(), warmup in 0..30u64, step in 0..300u64, total in 0..200u64,
        ) {
            let schedule = schedule(warmup, curve);
            prop_assert!(schedule.validate().is_ok());
            let factor = schedule.factor(step, total);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&factor), "{factor}");
            if step + 1 < warmup {
                prop_assert!(factor <= schedule.factor(step + 1, total));
            }
        }
    }
}
