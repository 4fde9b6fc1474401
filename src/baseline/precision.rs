//! How many digits a number deserves: as many as its interval supports.

use crate::units::Quantity;

/// Digits kept of a number whose interval has no width: it was counted, not estimated. All of them
/// survive a JSON number.
const EXACT_DIGITS: i32 = 12;

/// `value` with the two leading digits of the interval's half-width and one guard digit.
///
/// Rounding keeps the order of `low`, `value` and `high`. A number that is not finite is returned as
/// it is.
#[must_use]
pub fn rounded(value: f64, low: f64, high: f64) -> f64 {
    match exponent((high - low) / 2.0) {
        Some(half_width) => at(value, half_width - 2),
        None => significant(value, EXACT_DIGITS),
    }
}

/// `value` as text for people, with the two leading digits of the interval's width.
#[must_use]
pub fn shown(value: f64, low: f64, high: f64) -> String {
    let last = match exponent(high - low) {
        Some(width) => width - 1,
        None => return significant(value, EXACT_DIGITS).to_string(),
    };
    let value = at(value, last);
    format!("{value:.decimals$}", decimals = decimals(last))
}

/// Factor from a report's unit (`ms`, `%`) to the metric's base unit; 1 for all others.
#[must_use]
pub fn base_factor(unit: &str) -> f64 {
    Quantity::parse(&format!("1{unit}")).map_or(1.0, Quantity::value)
}

/// `value` with this many leading digits.
pub(super) fn significant(value: f64, digits: i32) -> f64 {
    exponent(value).map_or(value, |leading| at(value, leading - digits + 1))
}

/// Rounds to the multiple of `10^last`; never gives `-0`.
fn at(value: f64, last: i32) -> f64 {
    let rounded = if last > 0 {
        let step = 10_f64.powi(last);
        (value / step).round() * step
    } else {
        // Through text, so that the result is the double nearest to the short decimal.
        format!("{value:.decimals$}", decimals = decimals(last)).parse().unwrap_or(value)
    };
    rounded + 0.0
}

fn decimals(last: i32) -> usize {
    usize::try_from(-last).unwrap_or(0)
}

/// Decimal exponent of the leading digit; `None` for zero and for what is not finite.
fn exponent(value: f64) -> Option<i32> {
    if !value.is_finite() || value == 0.0 {
        return None;
    }
    // Six decimals: a width of 1 that a subtraction made 0.999999999 is still 1.
    format!("{:.6e}", value.abs()).split_once('e')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{rounded, shown, significant};

    #[test]
    fn a_number_keeps_the_digits_that_its_interval_supports() {
        for ((value, low, high), kept, text) in [
            ((41.037_218, 40.1, 42.0), 41.037, "41.0"),
            ((41.037_218, 39.9, 41.9), 41.04, "41.0"),
            ((16_384.0, 16_384.0, 16_384.0), 16_384.0, "16384"),
            ((1_048_576.0, 1_048_576.0, 1_048_576.0), 1_048_576.0, "1048576"),
            ((123_456.0, 110_000.0, 140_000.0), 123_500.0, "123000"),
            ((0.231_234, 0.198_7, 0.262_1), 0.2312, "0.231"),
            ((0.0, 0.0, 0.0), 0.0, "0"),
            ((-0.000_01, -0.5, 0.5), 0.0, "0.0"),
        ] {
            let got = rounded(value, low, high);
            assert!((got - kept).abs() < 1e-12, "{value}: {got}");
            assert!(!got.is_sign_negative(), "{value} became -0");
            assert_eq!(shown(value, low, high), text);
        }
        assert!(rounded(f64::NAN, 0.0, 1.0).is_nan());
        assert!((significant(0.051_249, 3) - 0.0512).abs() < 1e-15);
    }

    proptest::proptest! {
        #[test]
        fn rounding_keeps_the_order(low in 0.01..1e6_f64, a in 0.0..1e3_f64, b in 0.0..1e3_f64) {
            let (value, high) = (low + a, low + a + b);
            let round = |x| rounded(x, low, high);
            proptest::prop_assert!(round(low) <= round(value) && round(value) <= round(high));
        }
    }
}
