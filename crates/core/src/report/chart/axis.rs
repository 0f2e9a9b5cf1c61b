//! Scales with ticks at round numbers.

use super::super::text::{grouped, scientific, width};
use super::svg::FONT;

/// Numbers beyond this cannot be drawn: sums of two would overflow.
const LARGEST: f64 = 1e300;

/// How ticks are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Unit {
    #[default]
    Number,
    Percent,
}

/// Maps values between `low` and `high` to pixels; ticks are values with their labels, ascending.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<(f64, String)>,
    log: bool,
}

/// A step between ticks: `mantissa * 10^exponent` with a mantissa of 1, 2 or 5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    mantissa: f64,
    exponent: i32,
}

/// Whether a value can stand on an axis.
pub(super) fn drawable(value: f64, log: bool) -> bool {
    value.abs() <= LARGEST && (!log || value > 0.0)
}

/// Smallest and largest of the drawable values.
pub(super) fn range(values: impl Iterator<Item = f64>, log: bool) -> Option<(f64, f64)> {
    values.filter(|&value| drawable(value, log)).fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

impl Axis {
    /// A linear axis of about `count` ticks, `low` and `high` moved outwards to ticks.
    pub(super) fn round((low, high): (f64, f64), count: f64, whole: bool, unit: Unit) -> Self {
        let (low, high) = apart(low, high);
        let step = Step::new((high - low) / count.max(1.0), whole);
        // A number that misses a tick by rounding alone must not add another.
        let first = (low / step.size() + 1e-9).floor();
        let last = (high / step.size() - 1e-9).ceil().max(first + 1.0);
        let (low, high) = (step.times(first), step.times(last));
        Self { low, high, ticks: step.ticks(low, high, unit), log: false }
    }

    /// A linear axis from `low` to `high` exactly, with as many ticks as have room in `pixels`.
    pub(super) fn exact((low, high): (f64, f64), pixels: f64, whole: bool) -> Self {
        let (low, high) = apart(low, high);
        fewer(pixels, |count| {
            let step = Step::new((high - low) / count, whole);
            Self { low, high, ticks: step.ticks(low, high, Unit::Number), log: false }
        })
    }

    /// A logarithmic axis between two positive numbers; `outwards` moves its ends to ticks.
    pub(super) fn log((low, high): (f64, f64), pixels: f64, outwards: bool) -> Self {
        let high = if high / low < 1.01 { low * 1.01 } else { high };
        fewer(pixels, |count| {
            let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
            let decades = f64::from(last - first).max(1.0);
            let mantissas: &[f64] = match count / (high.log10() - low.log10()).max(1.0) {
                3.0.. => &[1.0, 2.0, 5.0],
                2.0.. => &[1.0, 3.0],
                _ => &[1.0],
            };
            let stride = (decades / count).ceil().max(1.0) as usize;
            let exponents = (first..=last).step_by(stride);
            let all = exponents
                .flat_map(|exponent| mantissas.iter().map(move |&mantissa| Step { mantissa, exponent }.size()));
            let mut all: Vec<f64> = all.filter(|tick| drawable(*tick, true)).collect();
            let (mut from, mut to) = (low, high);
            if outwards {
                from = all.iter().copied().rfind(|&tick| tick <= low * (1.0 + 1e-9)).unwrap_or(low);
                to = all.iter().copied().find(|&tick| tick >= high * (1.0 - 1e-9)).unwrap_or(high);
            }
            all.retain(|&tick| tick >= from * (1.0 - 1e-9) && tick <= to * (1.0 + 1e-9));
            let ticks = all.into_iter().map(|tick| (tick, log_label(tick))).collect();
            Self { low: from, high: to, ticks, log: true }
        })
    }

    /// The pixel of `value`, where `low` is at `start` and `high` at `end`.
    pub(super) fn place(&self, value: f64, start: f64, end: f64) -> f64 {
        let share = if self.log {
            (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            (value - self.low) / (self.high - self.low)
        };
        start + share * (end - start)
    }

    /// Width of the widest label.
    pub(super) fn label_width(&self) -> f64 {
        self.ticks.iter().map(|(_, label)| width(label, FONT)).fold(0.0, f64::max)
    }

    /// Whether labels written side by side along `pixels` keep apart.
    fn fits(&self, pixels: f64) -> bool {
        let edges = |(value, label): &(f64, String)| {
            let (centre, half) = (self.place(*value, 0.0, pixels), width(label, FONT) / 2.0);
            (centre - half, centre + half)
        };
        self.ticks.windows(2).all(|pair| edges(&pair[0]).1 + 10.0 <= edges(&pair[1]).0)
    }
}

/// The axis with most ticks whose labels have room.
fn fewer(pixels: f64, axis: impl Fn(f64) -> Axis) -> Axis {
    let most = (pixels / 45.0).clamp(2.0, 12.0) as u32;
    (1..=most).rev().map(|count| axis(f64::from(count))).find(|axis| axis.fits(pixels)).unwrap_or_else(|| {
        let mut axis = axis(1.0);
        axis.ticks.truncate(1);
        axis
    })
}

/// Two ends that differ enough to lie between ticks.
fn apart(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    match () {
        () if size < 1e-290 => (0.0, 1.0),
        () if high - low <= 1e-9 * size => (low - 0.05 * size, high + 0.05 * size),
        () => (low, high),
    }
}

impl Step {
    /// The next round step from `least` on; a `whole` one is at least 1.
    fn new(least: f64, whole: bool) -> Self {
        let least = if whole { least.max(1.0) } else { least };
        let exponent = (least.log10().floor() as i32).clamp(-290, 300);
        let rest = least / power(exponent);
        let mantissa = [1.0, 2.0, 5.0].into_iter().find(|&mantissa| mantissa >= rest * (1.0 - 1e-9));
        match mantissa {
            Some(mantissa) => Self { mantissa, exponent },
            None => Self { mantissa: 1.0, exponent: exponent + 1 },
        }
    }

    fn size(self) -> f64 {
        self.times(1.0)
    }

    /// So many steps, divided rather than multiplied below 1 so that 3 * 0.1 is 0.3.
    fn times(self, count: f64) -> f64 {
        if self.exponent < 0 {
            count * self.mantissa / power(-self.exponent)
        } else {
            count * self.mantissa * power(self.exponent)
        }
    }

    fn ticks(self, low: f64, high: f64, unit: Unit) -> Vec<(f64, String)> {
        let first = (low / self.size() - 1e-6).ceil();
        let count = ((high / self.size() + 1e-6).floor() - first).clamp(0.0, 100.0) as u32;
        let values = (0..=count).map(|index| self.times(first + f64::from(index)));
        values
            .filter(|tick| tick.is_finite())
            .map(|tick| (tick, self.label(tick, unit, low.abs().max(high.abs()))))
            .collect()
    }

    /// A tick with the digits that its step needs, on an axis whose largest number is `largest`.
    fn label(self, tick: f64, unit: Unit, largest: f64) -> String {
        let decimals = |exponent: i32| exponent.min(0).unsigned_abs() as usize;
        match unit {
            Unit::Percent if self.exponent >= -8 => {
                format!("{}\u{202f}%", grouped(&format!("{:.*}", decimals(self.exponent + 2), 100.0 * tick)))
            }
            _ if tick == 0.0 => "0".to_owned(),
            _ if self.exponent >= -4 && largest < 1e7 => grouped(&format!("{tick:.*}", decimals(self.exponent))),
            _ => scientific(tick, (tick.abs().log10().floor() as i32 - self.exponent).clamp(0, 17) as usize),
        }
    }
}

fn log_label(tick: f64) -> String {
    let exponent = tick.log10().floor();
    match exponent {
        -4.0..0.0 => format!("{tick:.*}", -exponent as usize),
        0.0..7.0 => grouped(&format!("{tick:.0}")),
        _ => scientific(tick, 0),
    }
}

fn power(exponent: i32) -> f64 {
    10_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn round_ticks_by_hand() {
        let axis = |low, high, count, whole, unit| Axis::round((low, high), count, whole, unit);
        assert_eq!(labels(&axis(0.03, 0.97, 5.0, false, Unit::Number)), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            labels(&axis(0.912, 0.978, 4.0, false, Unit::Percent)),
            ["90\u{202f}%", "92\u{202f}%", "94\u{202f}%", "96\u{202f}%", "98\u{202f}%"]
        );
        assert_eq!(labels(&axis(-3.0, 12.0, 4.0, false, Unit::Number)), ["\u{2212}5", "0", "5", "10", "15"]);
        assert_eq!(labels(&axis(0.0, 2.0, 5.0, true, Unit::Number)), ["0", "1", "2"]);
        assert_eq!(
            labels(&axis(0.0, 42_000.0, 3.0, false, Unit::Number)),
            ["0", "20\u{202f}000", "40\u{202f}000", "60\u{202f}000"]
        );
        assert_eq!(labels(&axis(0.0, 3e-7, 3.0, false, Unit::Number)), ["0", "10⁻⁷", "2·10⁻⁷", "3·10⁻⁷"]);
    }

    #[test]
    fn log_ticks_by_hand() {
        assert_eq!(labels(&Axis::log((0.03, 2.0), 400.0, true)), ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&Axis::log((1e-5, 1e3), 300.0, true)).first(), Some(&"10⁻⁵"));
    }

    proptest! {
        #[test]
        fn every_axis_has_ticks_that_keep_apart(
            a in prop_oneof![-1e300..1e300, -10.0..10.0, Just(0.0), -1e-300..1e-300],
            span in prop_oneof![Just(0.0), 0.0..1e-12, 0.0..1e6],
            pixels in 100.0..1000.0_f64,
            whole: bool,
        ) {
            let range = (a, a + span);
            for axis in [Axis::round(range, 5.0, whole, Unit::Number), Axis::exact(range, pixels, whole)] {
                let (slack, inside) = (1e-6 * (axis.high - axis.low), axis.low < axis.high);
                prop_assert!(inside && axis.low <= range.0 + slack && range.1 <= axis.high + slack, "{axis:?}");
                prop_assert!(axis.ticks.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1), "{axis:?}");
                prop_assert!(axis.ticks.len() <= 20);
            }
            prop_assert!(Axis::exact(range, pixels, whole).fits(pixels));
            prop_assert!(Axis::round(range, 5.0, whole, Unit::Percent).ticks.len() >= 2);
        }

        #[test]
        fn every_log_axis_holds_its_range(low in -300.0..299.0_f64, decades in 0.0..600.0_f64, pixels in 100.0..1000.0_f64) {
            let (low, high) = (10_f64.powf(low), 10_f64.powf((low + decades).min(300.0)));
            let axis = Axis::log((low, high), pixels, true);
            prop_assert!(axis.low <= low * (1.0 + 1e-6) && high <= axis.high * (1.0 + 1e-6), "{axis:?}");
            prop_assert!(axis.fits(pixels));
            prop_assert!((0.0..=1.0 + 1e-9).contains(&axis.place(high, 0.0, 1.0)));
        }
    }
}
