//! Why a run cannot be a baseline.

/// Why a run cannot be a baseline.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The run has no findings.
    #[error("the run holds no finding")]
    Nothing,
    /// A finding is of a check that the suite does not have.
    #[error("the suite has no check `{check}`")]
    UnknownCheck {
        /// The check.
        check: String,
    },
    /// A check was found twice.
    #[error("check `{check}` has two findings; accept one run of it")]
    Repeated {
        /// The check.
        check: String,
    },
    /// A check of the suite was neither measured now nor accepted before.
    #[error("check `{check}` was not measured and has no earlier baseline; run the whole suite")]
    NotMeasured {
        /// The check.
        check: String,
    },
    /// The generator was the limit.
    #[error("check `{check}` is invalid: {reason}")]
    Invalid {
        /// The check.
        check: String,
        /// The reasons.
        reason: String,
    },
    /// The evidence was not enough.
    #[error("check `{check}` is inconclusive: {gap}")]
    Inconclusive {
        /// The check.
        check: String,
        /// What is missing.
        gap: String,
    },
    /// It only asked whether the capacity still lies within its limits.
    #[error(
        "check `{check}` tested the accepted capacity and did not measure it; \
         measure it with `plimsoll measure --budget 7m`"
    )]
    Tested {
        /// The check.
        check: String,
    },
    /// It only asked which of two targets carries more.
    #[error(
        "check `{check}` compared two targets and measured neither; \
         measure it with `plimsoll measure --budget 7m`"
    )]
    Compared {
        /// The check.
        check: String,
    },
    /// Too few trials stand behind the estimate.
    #[error(
        "check `{check}` has {near} full trials near its capacity and a baseline needs {needed}; \
         measure it with `plimsoll measure --budget 7m`"
    )]
    TooFewTrials {
        /// The check.
        check: String,
        /// Trials that it has.
        near: usize,
        /// Trials that are needed.
        needed: usize,
    },
    /// Runs that are to be merged did not measure the same thing.
    #[error("the runs of check `{check}` cannot be merged: {difference}")]
    Unlike {
        /// The check.
        check: String,
        /// What differs.
        difference: String,
    },
    /// The top of the range held: no capacity was found.
    #[error(
        "check `{check}` held up to {value}, the top of its range: that is no capacity; raise `to`"
    )]
    Censored {
        /// The check.
        check: String,
        /// Highest value tried.
        value: f64,
    },
    /// Nothing held.
    #[error(
        "check `{check}` broke its conditions at {value}, the bottom of its range; lower `from`"
    )]
    NoneHolds {
        /// The check.
        check: String,
        /// Lowest value tried.
        value: f64,
    },
    /// There is no capacity, or its interval reaches down to zero.
    #[error("check `{check}` has no capacity whose interval lies above zero")]
    NoCapacity {
        /// The check.
        check: String,
    },
    /// It failed more than it may, so its latencies say nothing.
    #[error("check `{check}` has {metric} = {value}, against its limit `{limit}`")]
    OverErrorLimit {
        /// The check.
        check: String,
        /// `error_rate`, `shed_rate` or `success`.
        metric: String,
        /// What was measured.
        value: String,
        /// The condition.
        limit: String,
    },
    /// A metric has no samples behind it.
    #[error("`{metric}` of check `{check}` has no samples")]
    NoSamples {
        /// The check.
        check: String,
        /// The metric.
        metric: String,
    },
    /// A metric is no finite number inside its interval.
    #[error("`{metric}` of check `{check}` is no finite number inside its interval")]
    NotANumber {
        /// The check.
        check: String,
        /// The metric.
        metric: String,
    },
    /// The sequence played is not known, so nothing could be compared with it.
    #[error("check `{check}` does not say which sequence of sessions it played")]
    NoSequence {
        /// The check.
        check: String,
    },
    /// A check that is kept was measured elsewhere; it would pass for one of this machine.
    #[error("check `{check}` was accepted elsewhere ({difference}); run the whole suite here")]
    Elsewhere {
        /// The check that would be kept.
        check: String,
        /// The first difference.
        difference: String,
    },
}
