//! A verdict's word, symbol and exit code: the one place that has them.

use crate::config::plan::FailOn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a gate, a check or a whole run came to, worst first: the order in which they decide the exit
/// code of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There is no verdict: `problem` says why.
    Error,
    /// Worse than the limit, relative or absolute.
    Regression,
    /// The baseline was measured elsewhere or of something else.
    Incomparable,
    /// There is no baseline yet.
    New,
    /// The measurement says nothing about the target.
    Invalid,
    /// The budget ended before the evidence did.
    Inconclusive,
    /// Better than the baseline beyond doubt.
    Improvement,
    /// Measured, with nothing to compare on purpose.
    Measured,
    /// Within the limit.
    Pass,
    /// Not measured, because nothing relevant changed.
    Skipped,
}

/// Symbols that stand for the exit code 0; every other symbol in a heading stands for another code.
#[cfg(test)]
pub(super) const GREEN: [&str; 4] = ["✅", "📏", "⏭️", NOT_FAILING];
/// Symbol of a heading whose verdict `fail_on` hid.
pub(super) const NOT_FAILING: &str = "⚪";

impl Verdict {
    /// Every verdict, worst first.
    pub const ALL: [Self; 10] = [
        Self::Error,
        Self::Regression,
        Self::Incomparable,
        Self::New,
        Self::Invalid,
        Self::Inconclusive,
        Self::Improvement,
        Self::Measured,
        Self::Pass,
        Self::Skipped,
    ];

    /// The word in reports and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Regression => "regression",
            Self::Incomparable => "incomparable",
            Self::New => "new",
            Self::Invalid => "invalid",
            Self::Inconclusive => "inconclusive",
            Self::Improvement => "improvement",
            Self::Measured => "measured",
            Self::Pass => "pass",
            Self::Skipped => "skipped",
        }
    }

    /// The symbol that stands beside the word, never instead of it.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Error => "💥",
            Self::Regression => "❌",
            Self::Incomparable | Self::Inconclusive => "❔",
            Self::New => "🆕",
            Self::Invalid => "⛔",
            Self::Improvement | Self::Pass => "✅",
            Self::Measured => "📏",
            Self::Skipped => "⏭️",
        }
    }

    /// The exit code that it asks for before `fail_on`; an error's own code stands in its problem.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Regression => 1,
            Self::Inconclusive => 3,
            Self::Error => 4,
            Self::Incomparable | Self::New => 5,
            Self::Invalid => 6,
            Self::Improvement | Self::Measured | Self::Pass | Self::Skipped => 0,
        }
    }

    /// Whether it is red unless `fail_on` says otherwise.
    #[must_use]
    pub fn is_red(self) -> bool {
        self.exit_code() != 0
    }
}

impl From<FailOn> for Verdict {
    fn from(fail_on: FailOn) -> Self {
        match fail_on {
            FailOn::Regression => Self::Regression,
            FailOn::Inconclusive => Self::Inconclusive,
            FailOn::Invalid => Self::Invalid,
            FailOn::Incomparable => Self::Incomparable,
            FailOn::New => Self::New,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GREEN, Verdict};

    #[test]
    fn a_symbol_is_green_exactly_where_the_exit_code_is_zero() {
        for verdict in Verdict::ALL {
            assert_eq!(GREEN.contains(&verdict.symbol()), !verdict.is_red(), "{verdict:?}");
        }
    }

    #[test]
    fn the_order_is_the_order_of_the_exit_codes() {
        assert!(Verdict::ALL.is_sorted());
        let mut codes: Vec<u8> = Verdict::ALL.iter().map(|verdict| verdict.exit_code()).collect();
        codes.dedup();
        assert_eq!(codes, [4, 1, 5, 6, 3, 0]);
    }

    #[test]
    fn the_word_is_what_files_hold() {
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.word());
        }
    }
}
