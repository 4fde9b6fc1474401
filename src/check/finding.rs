//! What a check found out.

use crate::slo::Better;
use crate::trial::InvalidReason;
use crate::units::number::with_unit;
use crate::units::{KnobValue, Ratio};
use crate::workload::SequenceId;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A number with everything that must be said beside it. There is no way to print one without its
/// interval: `Display` prints all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Nominal confidence of the interval.
    pub confidence: Ratio,
    /// Unit of the three numbers.
    pub unit: String,
    /// Which direction is an improvement.
    pub better: Better,
    /// Measured requests behind it, over all trials that entered it.
    pub samples: u64,
    /// Trials that entered it.
    pub trials: u32,
    /// Standard deviation between trials, relative to the value.
    pub spread: Ratio,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({:.0} %, {} requests in {} trials)",
            with_unit(self.value, self.low, self.high, &self.unit),
            self.confidence.get() * 100.0,
            self.samples,
            self.trials
        )
    }
}

/// How sure a check is of its answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    /// The estimate stands with its interval.
    Found,
    /// The top of the range held: the capacity is at least this; not a capacity.
    AtLeast(KnobValue),
    /// The bottom of the range did not hold: no capacity in the range.
    NoneHolds(KnobValue),
    /// The evidence was not enough; says what is missing.
    Inconclusive(Gap),
    /// The generator was the limit.
    Invalid(Limited),
}

/// Why the generator was the limit, and of what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limited {
    /// Why the last trial was invalid.
    pub reasons: Vec<InvalidReason>,
    /// Sessions per second that this machine can offer: the most of a valid trial, else what was
    /// foretold; `None`: not known.
    pub can_offer_per_s: Option<f64>,
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reasons.is_empty() {
            return f.write_str("the load generator was the limit");
        }
        let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        f.write_str(&reasons.join("; "))
    }
}

/// What was missing for an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Gap {
    /// The time budget of the check ended.
    Time {
        /// What it had.
        budget: Duration,
    },
    /// The request budget of the check ended.
    Requests {
        /// What it had.
        budget: u64,
    },
    /// `max_trials` was reached.
    Trials {
        /// The limit.
        limit: u32,
    },
    /// Trials hold too few requests to decide a condition.
    Samples {
        /// The condition.
        slo: String,
        /// Observations that one trial had.
        had: u64,
        /// Observations that are needed.
        needed: u64,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { budget } => write!(
                f,
                "the time budget of {} ended before repeated trials agreed; raise `budget.time`",
                humantime::format_duration(whole_seconds(*budget))
            ),
            Self::Requests { budget } => {
                write!(
                    f,
                    "the budget of {budget} requests ended before repeated trials agreed; raise `budget.requests`"
                )
            }
            Self::Trials { limit } => {
                write!(
                    f,
                    "{limit} trials did not agree; raise `max_trials`, or find out what disturbs the target"
                )
            }
            Self::Samples { slo, had, needed } => {
                write!(
                    f,
                    "`{slo}` needs {needed} observations a trial and had {had}; raise `trial`"
                )
            }
        }
    }
}

/// A budget is what is left of a run, to the nanosecond: nobody wants to read that.
fn whole_seconds(length: Duration) -> Duration {
    Duration::from_secs((length + Duration::from_millis(500)).as_secs())
}

/// The condition that breaks first, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The condition.
    pub slo: String,
    /// The knob's value at which it was broken.
    pub at: KnobValue,
    /// What was observed there, in the metric's base unit; `None`: beyond everything that ended.
    pub observed: Option<f64>,
    /// Observations that were not good.
    pub not_good: u64,
    /// All observations.
    pub n: u64,
    /// What the highest load that held observed for the same condition.
    pub held: Option<(KnobValue, f64)>,
}

/// The answer of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Name of the check.
    pub check: String,
    /// Name of the knob.
    pub knob: String,
    /// How sure it is.
    pub conclusion: Conclusion,
    /// Named metrics; `capacity` is missing unless the conclusion is `Found`.
    pub metrics: BTreeMap<String, Estimate>,
    /// The condition that breaks first, where one did.
    pub binding: Option<Binding>,
    /// The sequence that the trials near the estimate played, and their nominal length.
    pub sequence: Option<(SequenceId, Duration)>,
    /// Standard deviation of the estimate's logarithm, for comparisons.
    pub sd_log: Option<f64>,
    /// Time that the check's trials took.
    pub elapsed: Duration,
}
