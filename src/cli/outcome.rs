//! The exit codes: one enum decides them all.

use clap::ValueEnum;
use std::process::ExitCode;

/// How the program ended. When several hold, the first in [`ExitStatus::ORDER`] is the exit code, and
/// every one is in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Every gate passed.
    Pass,
    /// A regression, or an absolute limit was broken.
    Regression,
    /// Usage or configuration error.
    Usage,
    /// The budget ended before the evidence did.
    Inconclusive,
    /// The target failed to start, or died.
    Target,
    /// The baseline is missing, empty, of an unknown schema or not comparable.
    Baseline,
    /// The measurement is invalid: the load generator was the limit, or the target drifted.
    Invalid,
    /// Interrupted; what was measured is saved.
    Interrupted,
}

/// Shown below `--help`; the README's table is compared with it by a test.
pub(super) const EXIT_CODES_HELP: &str = "\
Exit codes:
  0    every gate passed
  1    a regression, or an absolute limit was broken
  2    usage or configuration error
  3    inconclusive: the budget ended before the evidence did
  4    the target failed to start, or died
  5    the baseline is missing, empty, of an unknown schema or not comparable
  6    the measurement is invalid: generator the limit, machine busy, or target drifted
  130  interrupted; what was measured is saved";

impl ExitStatus {
    /// The order in which they win.
    pub const ORDER: [Self; 8] = [
        Self::Interrupted,
        Self::Usage,
        Self::Target,
        Self::Regression,
        Self::Baseline,
        Self::Invalid,
        Self::Inconclusive,
        Self::Pass,
    ];

    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Regression => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Target => 4,
            Self::Baseline => 5,
            Self::Invalid => 6,
            Self::Interrupted => 130,
        }
    }

    /// The one with that exit code; an unknown code is a usage error.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        Self::ORDER.into_iter().find(|status| status.code() == code).unwrap_or(Self::Usage)
    }

    /// The one that wins.
    #[must_use]
    pub fn worst(all: &[Self]) -> Self {
        Self::ORDER.into_iter().find(|status| all.contains(status)).unwrap_or(Self::Pass)
    }
}

/// Which exit codes a verb leaves with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExitCodes {
    /// Those of the table
    Standard,
    /// Those of `git bisect run`: 0 good, 1 bad, 125 cannot be tested
    GitBisect,
}

impl ExitCodes {
    /// The code of an outcome. Whoever interrupts a bisection ends it: from 128 on it stops.
    pub(super) fn code(self, status: ExitStatus) -> u8 {
        match (self, status) {
            (
                Self::GitBisect,
                ExitStatus::Pass | ExitStatus::Regression | ExitStatus::Interrupted,
            )
            | (Self::Standard, _) => status.code(),
            (Self::GitBisect, _) => BISECT_SKIP,
        }
    }
}

/// What `git bisect run` takes for a commit that cannot be tested.
const BISECT_SKIP: u8 = 125;

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::{EXIT_CODES_HELP, ExitCodes, ExitStatus};

    #[test]
    fn the_first_in_the_order_wins_whatever_the_order_of_arrival() {
        use ExitStatus::{
            Baseline, Inconclusive, Interrupted, Invalid, Pass, Regression, Target, Usage,
        };
        for (all, wins) in [
            (&[Pass, Regression, Baseline][..], Regression),
            (&[Regression, Target], Target),
            (&[Usage, Interrupted], Interrupted),
            (&[Inconclusive, Invalid], Invalid),
            (&[Invalid, Baseline], Baseline),
            (&[Inconclusive, Pass], Inconclusive),
            (&[], Pass),
        ] {
            assert_eq!(ExitStatus::worst(all), wins, "{all:?}");
        }
    }

    #[test]
    fn a_bisection_skips_what_says_nothing_and_stops_when_it_is_interrupted() {
        let bisect = |status| ExitCodes::GitBisect.code(status);
        let codes = ExitStatus::ORDER.map(|status| (status.code(), bisect(status)));
        assert_eq!(
            codes,
            [(130, 130), (2, 125), (4, 125), (1, 1), (5, 125), (6, 125), (3, 125), (0, 0)]
        );
    }

    #[test]
    fn every_code_is_in_the_help() {
        for status in ExitStatus::ORDER {
            let line = format!("\n  {:<5}", status.code());
            assert!(EXIT_CODES_HELP.contains(&line), "{status:?}");
        }
    }
}
