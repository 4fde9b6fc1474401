//! A number with its unit, as it stands in an SLO or a configuration: `500ms`, `1%`, `100/s`.

use std::fmt;
use std::time::Duration;

/// What a [`Quantity`] measures. Values are kept in the base unit named here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds (`us`, `ms`, `s`, `m`, `h`).
    Seconds,
    /// A share, 1 = all (`%`).
    Ratio,
    /// Per second (`/s`).
    PerSecond,
    /// Bytes (`B`, `KiB`, `MiB`, `GiB`).
    Bytes,
    /// A plain count, without a unit.
    Count,
}

/// A finite number in the base unit of [`Unit`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    value: f64,
    unit: Unit,
}

/// Why a text is no [`Quantity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseQuantityError {
    /// There is no number at the start.
    #[error("expected a number, found `{found}`")]
    NotANumber {
        /// The text as written.
        found: String,
    },
    /// The number has no unit although one is needed.
    #[error("`{found}` has no unit")]
    MissingUnit {
        /// The text as written.
        found: String,
    },
    /// The unit is not one of ours.
    #[error("unknown unit `{unit}`")]
    UnknownUnit {
        /// The unit as written.
        unit: String,
    },
}

impl Quantity {
    /// `None` unless `value` is finite.
    #[must_use]
    pub fn new(value: f64, unit: Unit) -> Option<Self> {
        value.is_finite().then_some(Self { value, unit })
    }

    /// The number in the base unit.
    #[must_use]
    pub fn value(self) -> f64 {
        self.value
    }

    /// What it measures.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// The length of time, if it is one and not negative.
    #[must_use]
    pub fn as_duration(self) -> Option<Duration> {
        (self.unit == Unit::Seconds).then(|| Duration::try_from_secs_f64(self.value).ok()).flatten()
    }

    /// From a unit as it is written (`ms`, `%`) to its base unit; 1 for words that are no unit.
    #[must_use]
    pub fn factor(unit: &str) -> f64 {
        Self::parse(&format!("1{unit}")).map_or(1.0, Self::value)
    }

    /// Parses one number with one unit; `100_000` may be grouped by underscores.
    ///
    /// # Errors
    /// Says which part of the text is not understood.
    pub fn parse(text: &str) -> Result<Self, ParseQuantityError> {
        let text = text.trim();
        let split = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_' | '+' | '-')))
            .unwrap_or(text.len());
        let (digits, suffix) = text.split_at(split);
        let number: f64 = digits
            .replace('_', "")
            .parse()
            .map_err(|_| ParseQuantityError::NotANumber { found: text.to_owned() })?;
        // A division by a power of ten rounds correctly, a multiplication by its inverse does not.
        let (divisor, factor, unit) = match suffix.trim_start() {
            "us" | "µs" => (1e6, 1.0, Unit::Seconds),
            "ms" => (1e3, 1.0, Unit::Seconds),
            "s" => (1.0, 1.0, Unit::Seconds),
            "m" => (1.0, 60.0, Unit::Seconds),
            "h" => (1.0, 3600.0, Unit::Seconds),
            "%" => (1e2, 1.0, Unit::Ratio),
            "/s" => (1.0, 1.0, Unit::PerSecond),
            "B" => (1.0, 1.0, Unit::Bytes),
            "KiB" => (1.0, 1024.0, Unit::Bytes),
            "MiB" => (1.0, 1_048_576.0, Unit::Bytes),
            "GiB" => (1.0, 1_073_741_824.0, Unit::Bytes),
            "" => (1.0, 1.0, Unit::Count),
            other => return Err(ParseQuantityError::UnknownUnit { unit: other.to_owned() }),
        };
        Self::new(number / divisor * factor, unit)
            .ok_or(ParseQuantityError::NotANumber { found: text.to_owned() })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// At most nine decimals, none that say nothing.
        fn short(value: f64) -> String {
            let text = format!("{value:.9}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        let v = self.value;
        match self.unit {
            Unit::Seconds if v != 0.0 && v.abs() < 1e-3 => write!(f, "{}us", short(v * 1e6)),
            Unit::Seconds if v != 0.0 && v.abs() < 1.0 => write!(f, "{}ms", short(v * 1e3)),
            Unit::Seconds => write!(f, "{}s", short(v)),
            Unit::Ratio => write!(f, "{}%", short(v * 100.0)),
            Unit::PerSecond => write!(f, "{}/s", short(v)),
            Unit::Bytes if v.abs() >= 1_048_576.0 => write!(f, "{}MiB", short(v / 1_048_576.0)),
            Unit::Bytes if v.abs() >= 1024.0 => write!(f, "{}KiB", short(v / 1024.0)),
            Unit::Bytes => write!(f, "{}B", short(v)),
            Unit::Count => f.write_str(&short(v)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ParseQuantityError, Quantity, Unit};
    use std::time::Duration;

    #[test]
    fn numbers_with_units_become_base_units() {
        for (text, value, unit) in [
            ("500ms", 0.5, Unit::Seconds),
            ("2s", 2.0, Unit::Seconds),
            ("1.5 m", 90.0, Unit::Seconds),
            ("250us", 0.00025, Unit::Seconds),
            ("1%", 0.01, Unit::Ratio),
            ("100/s", 100.0, Unit::PerSecond),
            ("512MiB", 536_870_912.0, Unit::Bytes),
            ("100_000", 100_000.0, Unit::Count),
        ] {
            let parsed = Quantity::parse(text).unwrap();
            assert!((parsed.value() - value).abs() < 1e-9 * value.abs(), "{text}: {parsed:?}");
            assert_eq!(parsed.unit(), unit, "{text}");
            let again = Quantity::parse(&parsed.to_string()).unwrap();
            assert!((again.value() - value).abs() < 1e-9 * value.abs(), "{text} -> {parsed}");
        }
        assert_eq!(Quantity::parse("2s").unwrap().as_duration(), Some(Duration::from_secs(2)));
        assert_eq!(Quantity::parse("-2s").unwrap().as_duration(), None);
    }

    #[test]
    fn nonsense_is_refused_with_its_part_named() {
        assert!(matches!(Quantity::parse("fast"), Err(ParseQuantityError::NotANumber { .. })));
        assert!(matches!(Quantity::parse(""), Err(ParseQuantityError::NotANumber { .. })));
        assert!(matches!(Quantity::parse("1-2s"), Err(ParseQuantityError::NotANumber { .. })));
        assert_eq!(
            Quantity::parse("5 parsecs"),
            Err(ParseQuantityError::UnknownUnit { unit: "parsecs".into() })
        );
    }
}
