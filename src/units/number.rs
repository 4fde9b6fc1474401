//! How a number is written, wherever a person reads it: rounded to what its interval supports,
//! grouped, with a real minus; never `NaN`, `inf`, `-0` or an exponent.

/// What stands where there is no number.
pub const NONE: &str = "–";
/// Between groups of three digits: does not break a line.
const GROUP: char = '\u{a0}';
const MINUS: char = '\u{2212}';
/// Most decimals that are printed of what was measured.
const DECIMALS_MAX: i32 = 6;
/// Decimals of what somebody wrote; they hide what a multiplication added.
const DECIMALS_FULL: i32 = 9;
/// Beyond this the digits say nothing any more.
const LARGEST: f64 = 1e15;

/// An estimate with its interval: `41.0 [39.8, 42.1]`. Two significant digits of the half-width, and
/// no decimals where all three are whole: `9 [8, 9]`. An interval without width is left out.
#[must_use]
pub fn estimate(value: f64, low: f64, high: f64) -> String {
    match decimals_of(value, low, high) {
        Some(decimals) => format!(
            "{} [{}, {}]",
            fixed(value, decimals),
            fixed(low, decimals),
            fixed(high, decimals)
        ),
        None => plain(value),
    }
}

/// The estimate alone, to the same digits as [`estimate`].
#[must_use]
pub fn rounded(value: f64, low: f64, high: f64) -> String {
    supported_by(decimals_of(value, low, high), value)
}

/// The same with its unit: `41.0 sessions/s [39.8, 42.1]`; here the interval always stands.
#[must_use]
pub fn with_unit(value: f64, low: f64, high: f64, unit: &str) -> String {
    let decimals = decimals_of(value, low, high);
    let text = |number| supported_by(decimals, number);
    let space = if unit.is_empty() { "" } else { " " };
    format!("{}{space}{unit} [{}, {}]", text(value), text(low), text(high))
}

/// The digits of [`rounded`] for a program: a plain decimal without groups, signs of ours or exponent.
/// `None` for what is no number, or too large to mean one.
#[must_use]
pub fn decimal(value: f64, low: f64, high: f64) -> Option<String> {
    let is_number = |number: f64| number.is_finite() && number.abs() < LARGEST;
    if ![value, low, high].into_iter().all(is_number) {
        return None;
    }
    Some(match decimals_of(value, low, high) {
        Some(decimals) => digits(value, decimals),
        None => significant(value, 12).to_string(),
    })
}

/// The digits of [`plain`] for a program, likewise.
#[must_use]
pub fn plain_decimal(value: f64) -> Option<String> {
    let is_number = value.is_finite() && value.abs() < LARGEST;
    is_number.then(|| trimmed(&digits(value, decimals_of_plain(value))).to_owned())
}

/// A finite number with this many decimals; a zero has no sign.
fn digits(value: f64, decimals: i32) -> String {
    let places = usize::try_from(decimals).unwrap_or(0);
    let text = format!("{:.places$}", tens(value, decimals));
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// `value` for a file: with one digit more than [`rounded`] shows, so that it reads as it was. A number
/// whose interval has no width was counted, and keeps all digits that a JSON number can. Keeps the
/// order of `low`, `value` and `high`; what is not finite stays as it is.
#[must_use]
pub fn stored(value: f64, low: f64, high: f64) -> f64 {
    let Some(decimals) = supported(low, high).map(|decimals| decimals + 1) else {
        return significant(value, 12);
    };
    let places = usize::try_from(decimals).unwrap_or(0);
    // Through text, so that the result is the double nearest to the short decimal.
    format!("{:.places$}", tens(value, decimals)).parse().unwrap_or(value) + 0.0
}

/// `value` with this many leading digits, at least one; never `-0`.
#[must_use]
pub fn significant(value: f64, digits: usize) -> f64 {
    let decimals = digits.saturating_sub(1);
    format!("{value:.decimals$e}").parse().unwrap_or(value) + 0.0
}

/// A relative change with its interval: `−23.9 % [−27.0, −20.6]`, from shares.
#[must_use]
pub fn change(value: f64, low: f64, high: f64) -> String {
    let (value, low, high) = (value * 1e2, low * 1e2, high * 1e2);
    match decimals_between(low, high) {
        Some(decimals) => format!(
            "{} % [{}, {}]",
            signed(value, decimals),
            signed(low, decimals),
            signed(high, decimals)
        ),
        None => format!("{} %", signed(value, one_below_one(value))),
    }
}

/// A relative change in a heading: `−24 %`, from a share.
#[must_use]
pub fn change_short(value: f64) -> String {
    format!("{} %", signed(value * 1e2, one_below_one(value * 1e2)))
}

/// A relative change with its interval in a heading: `+0.7 % [−8, +9]`, from shares.
#[must_use]
pub fn change_short_with_interval(value: f64, low: f64, high: f64) -> String {
    let short = change_short(value);
    match decimals_between(low * 1e2, high * 1e2) {
        Some(decimals) => {
            let decimals = decimals.clamp(0, one_below_one((high - low) * 50.0));
            format!("{short} [{}, {}]", signed(low * 1e2, decimals), signed(high * 1e2, decimals))
        }
        None => short,
    }
}

/// A share as percent: `1.2 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", plain(share * 1e2))
}

/// A number without an interval, to about three significant digits: `742`, `0.53`, `1 810`.
#[must_use]
pub fn plain(value: f64) -> String {
    trimmed(&fixed(value, decimals_of_plain(value))).to_owned()
}

fn decimals_of_plain(value: f64) -> i32 {
    match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 => 3,
        size if size >= 0.01 => 4,
        _ => DECIMALS_MAX,
    }
}

/// A number that somebody wrote, such as a limit: all its digits.
#[must_use]
pub fn in_full(value: f64) -> String {
    trimmed(&fixed(value, DECIMALS_FULL)).to_owned()
}

/// A relative limit, with all its digits and its sign: `−10 %`, `+2.5 %`, from a share.
#[must_use]
pub fn change_in_full(share: f64) -> String {
    format!("{} %", trimmed(&signed(share * 1e2, DECIMALS_FULL)))
}

/// A count: `1 912`.
#[must_use]
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// A count of things: `1 trial`, `1 912 requests`.
#[must_use]
pub fn counted(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A length of time in seconds: `4 min 40 s`, `52 s`, `0.4 s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NONE.to_owned();
    }
    if seconds < 9.95 {
        return format!("{} s", plain((seconds * 10.0).round() / 10.0));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite, not negative; a cast saturates"
    )]
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, 0) => format!("{min} min"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, 0, _) => format!("{} h", count(h)),
        (h, min, _) => format!("{} h {min} min", count(h)),
    }
}

/// Decimals that show two significant digits of the half-width (one of 0.95 and more counts as 1.0),
/// and none where all three are whole; negative: rounded to tens, hundreds …; `None` without a width.
#[must_use]
pub fn decimals_of(value: f64, low: f64, high: f64) -> Option<i32> {
    let are_whole = [value, low, high].iter().all(|number| number.fract() == 0.0);
    decimals_between(low, high).map(|decimals| if are_whole { decimals.min(0) } else { decimals })
}

/// A number with the decimals of [`decimals_of`].
fn supported_by(decimals: Option<i32>, number: f64) -> String {
    decimals.map_or_else(|| plain(number), |decimals| fixed(number, decimals))
}

fn decimals_between(low: f64, high: f64) -> Option<i32> {
    supported(low, high).map(|decimals| decimals.clamp(-12, DECIMALS_MAX))
}

fn supported(low: f64, high: f64) -> Option<i32> {
    let half = (high - low) / 2.0;
    if !half.is_finite() || half <= 0.0 || half >= LARGEST {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the logarithm of a finite number is small"
    )]
    let power = (half / 0.95 * (1.0 + 1e-9)).log10().floor() as i32;
    Some(1 - power)
}

/// A number with this many decimals; negative: rounded to tens, hundreds …
fn fixed(value: f64, decimals: i32) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value.abs() >= LARGEST {
        let sign = if value < 0.0 { MINUS.to_string() } else { String::new() };
        return format!("{sign}over {}", grouped("1000000000000000"));
    }
    let text = digits(value, decimals);
    let size = text.trim_start_matches('-');
    let (whole, fraction) = size.split_once('.').map_or((size, None), |(w, f)| (w, Some(f)));
    let mut out = String::new();
    if text.starts_with('-') {
        out.push(MINUS);
    }
    out.push_str(&grouped(whole));
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Where decimals are negative, rounded to tens, hundreds …; else as it is.
fn tens(value: f64, decimals: i32) -> f64 {
    let step = 10f64.powi(-decimals);
    if decimals < 0 { (value / step).round() * step } else { value }
}

/// Without zeros that say nothing.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn one_below_one(value: f64) -> i32 {
    i32::from(value.abs() < 0.95)
}

/// With its sign; a zero has none and no decimals either.
fn signed(value: f64, decimals: i32) -> String {
    let text = fixed(value, decimals);
    if text.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
        return "0".to_owned();
    }
    let is_positive = text.starts_with(|c: char| c.is_ascii_digit() || c == 'o');
    if is_positive { format!("+{text}") } else { text }
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(GROUP);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{
        change, change_in_full, change_short, change_short_with_interval, count, decimal, duration,
        estimate, fixed, in_full, plain, plain_decimal, significant, stored, with_unit,
    };
    use proptest::prelude::*;

    #[test]
    fn numbers_are_rounded_to_what_the_interval_supports() {
        for (value, low, high, expected) in [
            (41.02, 39.84, 42.09, "41.0 [39.8, 42.1]"),
            (31.2, 30.1, 32.0, "31.2 [30.1, 32.0]"),
            (16_384.0, 16_384.0, 16_384.0, "16\u{a0}384"),
            (16_384.0, 14_100.0, 18_700.0, "16\u{a0}400 [14\u{a0}100, 18\u{a0}700]"),
            (0.0123, 0.0119, 0.0127, "0.01230 [0.01190, 0.01270]"),
            (-3.0, -9.0, 3.5, "−3.0 [−9.0, 3.5]"),
            (-3.0, -9.0, 3.0, "−3 [−9, 3]"),
            (9.0, 8.0, 9.0, "9 [8, 9]"),
        ] {
            assert_eq!(estimate(value, low, high), expected);
        }
    }

    #[test]
    fn a_file_keeps_one_digit_more_than_is_shown() {
        for ((value, low, high), expected, shown) in [
            ((41.037_218, 40.2, 42.0), 41.037, "41.04 [40.20, 42.00]"),
            ((41.037_218, 39.9, 41.9), 41.04, "41.0 [39.9, 41.9]"),
            ((1_048_576.0, 1_048_576.0, 1_048_576.0), 1_048_576.0, "1\u{a0}048\u{a0}576"),
            (
                (123_426.0, 110_000.0, 140_000.0),
                123_400.0,
                "123\u{a0}000 [110\u{a0}000, 140\u{a0}000]",
            ),
            ((0.231_234, 0.198_7, 0.262_1), 0.231_2, "0.231 [0.199, 0.262]"),
            ((-0.000_01, -0.5, 0.5), 0.0, "0.00 [−0.50, 0.50]"),
        ] {
            let got = stored(value, low, high);
            assert!((got - expected).abs() < 1e-12, "{value}: {got}");
            assert!(!got.is_sign_negative(), "{value} became -0");
            assert_eq!(estimate(got, low, high), shown);
        }
        assert!(stored(f64::NAN, 0.0, 1.0).is_nan());
        assert!((stored(1.234_567e-9, 1.2e-9, 1.3e-9) - 1.2346e-9).abs() < 1e-15);
        assert!((significant(0.051_249, 3) - 0.0512).abs() < 1e-15);
    }

    #[test]
    fn programs_read_plain_decimals() {
        for ((value, low, high), expected) in [
            ((41.02, 39.84, 42.09), "41.0"),
            ((16_400.4, 14_100.0, 18_700.0), "16400"),
            ((1_048_576.0, 1_048_576.0, 1_048_576.0), "1048576"),
            ((0.25, 0.25, 0.25), "0.25"),
            ((-0.001, -0.5, 0.5), "0.00"),
            ((-0.239, -0.27, -0.206), "-0.239"),
        ] {
            assert_eq!(decimal(value, low, high).as_deref(), Some(expected));
        }
        assert_eq!(decimal(1.0, f64::NEG_INFINITY, 2.0), None);
        assert_eq!(decimal(1e15, 1e15, 1e15), None);
        let plain = [32_768.0, 38.44, 0.5312, -0.0].map(plain_decimal);
        assert_eq!(plain.map(Option::unwrap), ["32768", "38.4", "0.531", "0"]);
        assert_eq!(plain_decimal(f64::NAN), None);
    }

    #[test]
    fn what_somebody_wrote_keeps_its_digits() {
        assert_eq!([in_full(1_234.5), in_full(0.07 * 100.0)], ["1\u{a0}234.5", "7"]);
        let limits = [-0.1, 0.025, 0.0].map(change_in_full);
        assert_eq!(limits, ["−10 %", "+2.5 %", "0 %"]);
        assert_eq!(with_unit(180.0, 170.0, 190.0, "ms"), "180 ms [170, 190]");
        assert_eq!(with_unit(8.0, 8.0, 8.0, ""), "8 [8, 8]");
    }

    #[test]
    fn changes_have_a_sign_unless_they_are_nothing() {
        assert_eq!(change(-0.2389, -0.27, -0.206), "−23.9 % [−27.0, −20.6]");
        assert_eq!(change(0.0, 0.0, 0.0), "0 %");
        assert_eq!(change_short(-0.2389), "−24 %");
        assert_eq!(change_short(0.00001), "0 %");
        assert_eq!(change_short_with_interval(0.007, -0.08, 0.09), "+0.7 % [−8, +9]");
        assert_eq!(change_short_with_interval(-0.061, -0.153, 0.04), "−6 % [−15, +4]");
    }

    #[test]
    fn numbers_without_an_interval_have_three_digits() {
        for (value, expected) in [
            (742.4, "742"),
            (1810.4, "1\u{a0}810"),
            (0.5312, "0.531"),
            (41.0, "41"),
            (2.5, "2.5"),
            (-0.0, "0"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(plain(value), expected);
        }
        assert_eq!(count(1_234_567), "1\u{a0}234\u{a0}567");
    }

    #[test]
    fn lengths_of_time_read_as_people_say_them() {
        for (seconds, expected) in
            [(0.42, "0.4 s"), (52.3, "52 s"), (280.0, "4 min 40 s"), (3_600.0, "1 h")]
        {
            assert_eq!(duration(seconds), expected);
        }
    }

    proptest! {
        #[test]
        fn no_number_reads_as_nonsense(value in proptest::num::f64::ANY, low in proptest::num::f64::ANY, high in proptest::num::f64::ANY, decimals in -20..6) {
            for text in [
                estimate(value, low, high),
                change(value, low, high),
                change_short(value),
                change_short_with_interval(value, low, high),
                plain(value),
                in_full(value),
                with_unit(value, low, high, "ms"),
                fixed(value, decimals),
                duration(value),
            ] {
                prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
                prop_assert!(!text.contains(['-', 'e', 'E']) || text.contains("over"), "{text}");
                prop_assert!(!text.contains("−0 "), "{text}");
                prop_assert!(text.chars().count() < 120, "{text}");
            }
        }

        #[test]
        fn a_program_can_read_every_decimal(value in proptest::num::f64::ANY, low in proptest::num::f64::ANY, high in proptest::num::f64::ANY) {
            if let Some(text) = decimal(value, low, high) {
                prop_assert!(text.parse::<f64>().is_ok_and(f64::is_finite), "{text}");
                prop_assert!(!text.contains(['e', 'E', '\u{2212}', '\u{a0}']), "{text}");
            }
        }

        #[test]
        fn a_file_keeps_the_order(low in 0.01..1e6_f64, a in 0.0..1e3_f64, b in 0.0..1e3_f64) {
            let (value, high) = (low + a, low + a + b);
            let stored = |number| stored(number, low, high);
            prop_assert!(stored(low) <= stored(value) && stored(value) <= stored(high));
        }
    }
}
