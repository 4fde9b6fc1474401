//! What a check found out.

use super::Void;
use crate::config::plan::Limit;
use crate::search::Rule;
use crate::slo;
use crate::stats::{Band, Response};
use crate::trial::{Ended, InvalidReason};
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
    pub better: slo::Better,
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
    /// An accepted capacity was tested at its limits.
    Tested(Box<Tested>),
    /// Two targets were compared; the metrics are those of the head.
    Compared(Box<Compared>),
    /// The generator was the limit.
    Invalid(Limited),
    /// Other processes disturbed so many trials that nothing can be said.
    Busy {
        /// How many.
        voids: usize,
    },
    /// The target changed while it was measured.
    Drifted(Drifted),
}

impl Conclusion {
    /// That the capacity lies on one side of this value.
    pub(super) fn bound(value: f64, side: fn(KnobValue) -> Self) -> Self {
        KnobValue::new(value).map_or(Self::Invalid(Limited::default()), side)
    }

    /// Whether anything was measured that stands.
    #[must_use]
    pub fn is_measurement(&self) -> bool {
        match self {
            Self::Found
            | Self::AtLeast(_)
            | Self::NoneHolds(_)
            | Self::Tested(_)
            | Self::Compared(_) => true,
            Self::Inconclusive(_) | Self::Invalid(_) | Self::Busy { .. } | Self::Drifted(_) => {
                false
            }
        }
    }

    /// Why it is no measurement that anybody may go by, and what to do; `None` for any other.
    #[must_use]
    pub fn unsound(&self) -> Option<String> {
        match self {
            Self::Invalid(limited) => Some(limited.to_string()),
            Self::Busy { voids } => Some(format!(
                "machine busy: other processes disturbed {voids} trials that broke a condition; \
                 stop them, or give the target cores of its own"
            )),
            Self::Drifted(drifted) => Some(drifted.to_string()),
            Self::Found
            | Self::AtLeast(_)
            | Self::NoneHolds(_)
            | Self::Tested(_)
            | Self::Compared(_)
            | Self::Inconclusive(_) => None,
        }
    }
}

/// A target that was not the same at the end of a search as at its beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drifted {
    /// The likeliest change of its capacity from one trial to the next, relative.
    pub per_trial: f64,
    /// Probability that it changed.
    pub probability: f64,
    /// Full trials behind it.
    pub trials: u32,
    /// Trials that something else on the machine disturbed: it may have been the machine that changed.
    pub disturbed: usize,
}

impl fmt::Display for Drifted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.per_trial < 0.0 { "fell" } else { "rose" };
        let who = if self.disturbed == 0 { "the target" } else { "the target, or this machine," };
        write!(
            f,
            "{who} drifted: what it carries {way} by about {:.1} % from each trial to the next ({} \
             trials, {:.0} % sure); ",
            self.per_trial.abs() * 100.0,
            self.trials,
            self.probability * 100.0
        )?;
        if self.disturbed > 0 {
            let trials = if self.disturbed == 1 { "trial was" } else { "trials were" };
            write!(
                f,
                "{} {trials} disturbed by something else on this machine: measure when it is quiet; \
                 if it still drifts, ",
                self.disturbed
            )?;
        }
        f.write_str(
            "it keeps state or warms up: try `between_trials: restart`, or turn its own cache off",
        )
    }
}

/// An accepted capacity, tested at its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    /// What was accepted.
    pub accepted: KnobValue,
    /// One entry for each limit that was looked at, in order; after a broken one none is looked at.
    pub lines: Vec<Ruled>,
    /// Whether it is better by as much as the largest loss that is allowed.
    pub better: Better,
    /// Relative loss of which 90 % certainty says that it is not more, where a limit was kept.
    pub ruled_out: Option<f64>,
}

/// What a head carries, compared with what its base carries on the same machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Capacity of the base, where its trials lie on both sides of it.
    pub base: Option<Estimate>,
    /// Capacity of the head / capacity of the base.
    pub relation: Relation,
    /// One entry for each relative limit of the capacity; each lies `at` a value of the relation, and its
    /// `trials` are pairs of them.
    pub lines: Vec<Ruled>,
    /// Whether the head is better by as much as the largest loss that is allowed.
    pub better: Better,
}

/// The ratio of two capacities, as far as trials tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Relation {
    /// The estimate; `None` where only a bound is known.
    pub value: Option<f64>,
    /// Lower end of its interval of 90 %; `None`: not known.
    pub low: Option<f64>,
    /// Upper end; `None`: not known.
    pub high: Option<f64>,
}

/// What one limit of the capacity came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruled {
    /// The limit.
    pub limit: Limit,
    /// Value of the knob at which it lies.
    pub at: f64,
    /// On which side of it the capacity lies.
    pub line: Line,
    /// Probability that the capacity lies beyond it.
    pub risk: f64,
    /// Full trials behind the decision.
    pub trials: u32,
    /// When it counts as decided.
    pub rule: Rule,
}

/// On which side of a limit the capacity lies.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// On the good one.
    Kept,
    /// On the bad one.
    Broken,
    /// Not decided, for this reason.
    Open(Gap),
}

/// Whether a tested capacity is better than the accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// By so much that the measurement is the likelier cause.
    TooGood,
    /// It is.
    Yes,
    /// Not by as much as would be called better.
    No,
    /// Nobody looked.
    Unknown,
}

/// What the full trials say together.
#[derive(Debug, Clone, PartialEq)]
pub struct Belief {
    /// With 90 % certainty the capacity is at least this; `None`: no trial held.
    pub at_least: Option<f64>,
    /// With 90 % certainty it is at most this; `None`: no trial broke a condition.
    pub at_most: Option<f64>,
    /// How the service responds to load.
    pub response: Response,
    /// How far each condition lay from its limit in the trial closest to the capacity, as a difference of
    /// logits: positive is beyond it.
    pub margins: Vec<(String, f64)>,
    /// The full trials near the capacity, in order.
    pub seen: Vec<Seen>,
    /// Share that the condition of the curve allows.
    pub allowed: f64,
    /// The share that is not good, by load.
    pub curve: Vec<CurvePoint>,
}

/// One full trial near the capacity: enough to compute the estimate again.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Value of the knob.
    pub value: f64,
    /// How it ended.
    pub ended: Ended,
    /// Requests of its measured sessions.
    pub requests: u64,
    /// Its worst condition.
    pub slo: String,
    /// Observations of that which were not good.
    pub not_good: u64,
    /// All observations of it.
    pub n: u64,
}

/// A point of the response curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Value of the knob.
    pub value: f64,
    /// Share of observations that are not good there.
    pub share: Band,
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
                "the time budget of {} ended before the evidence was enough; raise `budget.time`",
                humantime::format_duration(whole_seconds(*budget))
            ),
            Self::Requests { budget } => {
                write!(
                    f,
                    "the budget of {budget} requests ended before the evidence was enough; raise `budget.requests`"
                )
            }
            Self::Trials { limit } => {
                write!(
                    f,
                    "{limit} trials did not tell: the capacity lies close to the limit, or something disturbs the target"
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
    /// What the full trials say together.
    pub belief: Option<Belief>,
    /// Trials that say nothing, because something else may have decided them.
    pub voids: Vec<Void>,
    /// Time that the check's trials took.
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests {
    use super::Drifted;

    #[test]
    fn a_machine_that_was_disturbed_is_named_beside_the_target() {
        let quiet = Drifted { per_trial: -0.012, probability: 0.97, trials: 11, disturbed: 0 };
        let said = quiet.to_string();
        assert!(
            said.starts_with("the target drifted: what it carries fell by about 1.2 %"),
            "{said}"
        );
        assert!(!said.contains("machine"), "{said}");
        let said = Drifted { disturbed: 3, ..quiet }.to_string();
        assert!(said.starts_with("the target, or this machine, drifted: "), "{said}");
        assert!(said.contains("; 3 trials were disturbed by something else"), "{said}");
    }
}
