//! Text for people: numbers, times, and what HTML needs.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A space that does not break and is narrow: between digit groups and before units.
const NARROW: char = '\u{202f}';

/// A number in four significant digits, with digit groups, or as a power of ten where that is shorter.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match value {
        _ if !value.is_finite() => not_finite(value),
        _ if value.fract() == 0.0 && size < 1e15 => grouped(&format!("{value:.0}")),
        _ if (1e-4..1e6).contains(&size) => {
            let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
            let text = format!("{value:.decimals$}");
            let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            grouped(text)
        }
        _ => scientific(value, 3),
    }
}

/// A share as a percentage: 0.9783 is `97.8 %`.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1}{NARROW}%", 100.0 * share) } else { not_finite(share) }
}

/// A duration in the two largest units: `1 h 12 min`, `48.3 s`, `12 ms`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = |large, large_unit, small, small_unit| format!("{large} {large_unit} {small} {small_unit}");
    match seconds {
        0 if time.as_millis() < 1000 => format!("{} ms", time.as_millis()),
        0..60 => format!("{:.1} s", (time.as_millis() / 100) as f64 / 10.0),
        60..3600 => parts(seconds / 60, "min", seconds % 60, "s"),
        3600..86400 => parts(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => parts(seconds / 86400, "d", seconds / 3600 % 24, "h"),
    }
}

/// A moment in Universal Time, to the minute: `2026-11-23 18:40 UTC`. Moments before 1970 are shown as 1970.
///
/// The calendar is computed from the day number with eras of 400 years, as in H. Hinnant, "chrono-compatible low-level
/// date algorithms" (2013).
pub fn utc(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // Days since 1 March of the year 0: leap days then end a year.
    let days = seconds / 86400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", seconds / 3600 % 24, seconds / 60 % 60)
}

/// Text as it must stand in HTML and SVG, in elements and in quoted attributes. Control characters, which neither may
/// hold, become the replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            _ if character.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// How wide `text` is at most, in pixels at a font size of `size`, in the fonts a page is likely to be shown in.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let ems: f64 = text.chars().map(character_width).sum();
    ems * size
}

/// `text`, shortened with an ellipsis to at most `limit` pixels.
pub(super) fn fit(text: &str, size: f64, limit: f64) -> Cow<'_, str> {
    if width(text, size) <= limit {
        return Cow::Borrowed(text);
    }
    let mut left = limit / size - character_width('…');
    let keep = |character: &char| {
        left -= character_width(*character);
        left >= 0.0
    };
    let mut short: String = text.chars().take_while(keep).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    Cow::Owned(short)
}

/// Width in ems, rounded up.
fn character_width(character: char) -> f64 {
    match character {
        '.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'i' | 'j' | 'l' | 'I' | '(' | ')' | '[' | ']' => 0.4,
        'f' | 't' | 'r' | '-' | '/' | ' ' | NARROW => 0.43,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 1.0,
        'A'..='Z' => 0.75,
        '\u{1100}'.. => 1.1,
        _ => 0.64,
    }
}

/// Groups of three digits before the decimal point, from five digits on.
pub(super) fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("\u{2212}", digits));
    let mut text = String::from(sign);
    for (index, digit) in digits.char_indices() {
        if digits.len() > 4 && index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(NARROW);
        }
        text.push(digit);
    }
    text + fraction
}

/// `1.2·10⁻⁵` with so many digits after the point at most.
pub(super) fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if digits > 0 { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let raised = |character| match character {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        _ => char::from_u32('⁰' as u32 + (character as u32 - '0' as u32)).unwrap_or('⁰'),
    };
    let power: String = exponent.chars().map(raised).collect();
    match mantissa {
        "1" => format!("10{power}"),
        "-1" => format!("\u{2212}10{power}"),
        _ => format!("{}·10{power}", grouped(mantissa)),
    }
}

fn not_finite(value: f64) -> String {
    let text = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "∞"
    } else {
        "\u{2212}∞"
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers() {
        let cases = [
            (0.0, "0"),
            (0.5, "0.5"),
            (0.312_749, "0.3127"),
            (-2.5, "\u{2212}2.5"),
            (1234.0, "1234"),
            (12345.678, "12\u{202f}346"),
            (1_234_567.0, "1\u{202f}234\u{202f}567"),
            (0.000_012_34, "1.234·10⁻⁵"),
            (1e-5, "10⁻⁵"),
            (-1.5e20, "\u{2212}1.5·10²⁰"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "\u{2212}∞"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
        assert_eq!(percent(0.9783), "97.8\u{202f}%");
        assert_eq!(percent(f64::NAN), "NaN");
    }

    #[test]
    fn durations() {
        let cases = [
            (12, "12 ms"),
            (999, "999 ms"),
            (48_390, "48.3 s"),
            (59_990, "59.9 s"),
            (72_000, "1 min 12 s"),
            (4_320_000, "1 h 12 min"),
            (93_600_000, "1 d 2 h"),
        ];
        for (milliseconds, expected) in cases {
            assert_eq!(duration(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn moments() {
        // From `date -u -d @N`.
        let cases = [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (1_798_761_599, "2026-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn nothing_escapes_into_markup() {
        assert_eq!(
            escape("<b a='1' c=\"2\">&\u{0}\u{1b}\n"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\u{fffd}\u{fffd}\n"
        );
    }

    proptest! {
        #[test]
        fn fitted_text_fits(text in "\\PC{0,40}", limit in 12.0..200.0_f64) {
            let short = fit(&text, 12.0, limit);
            prop_assert!(width(&short, 12.0) <= limit + 1e-9 || short == "…");
        }
    }
}
