//! The functions of gates, written so that loops over them become vector code.

const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// 1.5 * 2^23: adding it leaves a number's nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `e^x` as `(2^n, e^r - 1)` with `x = n ln 2 + r` and `|r| <= ln 2 / 2`; `x` between -87 and 88.
///
/// The second is the Taylor polynomial of degree 7, whose remainder is below `2e-8` of it.
#[inline(always)]
fn split_exp(x: f32) -> (f32, f32) {
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    (power, r + r * r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail))))
}

/// `1 / (1 + e^-x)`, with a relative error below 5e-7; NaN of NaN.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    let (power, part) = split_exp(clamp(-x, 87.0));
    1.0 / (1.0 + (power + power * part))
}

/// The hyperbolic tangent, with a relative error below 5e-7; NaN of NaN.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    // e^2x - 1 loses nothing where it is small, and (e^2x - 1) / (e^2x + 1) is tanh x.
    let (power, part) = split_exp(clamp(2.0 * x, 20.0));
    let minus_one = power * part + (power - 1.0);
    minus_one / (minus_one + 2.0)
}

/// `x` cut to between `-limit` and `limit`; NaN stays.
#[inline(always)]
fn clamp(x: f32, limit: f32) -> f32 {
    let x = if x > limit { limit } else { x };
    if x < -limit { -limit } else { x }
}

#[cfg(test)]
mod tests {
    use super::{sigmoid, tanh};

    fn worst(found: fn(f32) -> f32, exact: fn(f64) -> f64, range: f32) -> f64 {
        let points = (-200_000..=200_000).map(|i| range * i as f32 / 200_000.0);
        let error = |x: f32| ((f64::from(found(x)) - exact(f64::from(x))) / exact(f64::from(x)).abs().max(1e-30)).abs();
        points.filter(|x| *x != 0.0).map(error).fold(0.0, f64::max)
    }

    #[test]
    fn accurate_everywhere() {
        assert!(worst(sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 80.0) < 5e-7);
        for range in [1e-6, 1e-2, 0.5, 2.0, 20.0] {
            let worst = worst(tanh, f64::tanh, range);
            assert!(worst < 5e-7, "{worst:e} within {range}");
        }
    }

    #[test]
    fn ends_and_nan() {
        assert_eq!([tanh(f32::INFINITY), tanh(f32::NEG_INFINITY), tanh(0.0)], [1.0, -1.0, 0.0]);
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert!(sigmoid(f32::NEG_INFINITY) < 1e-37 && sigmoid(-1e9) >= 0.0);
        assert!(tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
    }
}
