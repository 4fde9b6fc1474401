//! Service level objectives: conditions on a trial, such as `p99 ttfc < 500ms`.
//!
//! Knows nothing of how a trial is run; only how a condition reads and what it counts.

mod metric;
mod parse;

pub use metric::{Better, Metric};
pub use parse::ParseSloError;

use crate::units::{Quantity, Ratio};
use std::fmt;
use std::time::Duration;

/// How the observations of a trial become one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// `pNN`: the order statistic at `ceil(q * n)`; a request that was not ok counts as infinite.
    Quantile(Ratio),
    /// Arithmetic mean; infinite when an observation never came.
    Mean,
    /// Largest observation; infinite when one never came.
    Max,
    /// Smallest observation.
    Min,
    /// The metric is one number per trial already (`error_rate`, `throughput`).
    Whole,
}

/// Which side of the limit is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// Whether `value` lies on the good side of `limit`.
    #[must_use]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::LessOrEqual => value <= limit,
            Self::Greater => value > limit,
            Self::GreaterOrEqual => value >= limit,
        }
    }

    /// Whether smaller values are the good ones.
    #[must_use]
    pub fn bounds_above(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual)
    }
}

/// A condition on a trial. `Display` is the canonical text; `parse ∘ Display` is the identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// What is taken of the observations.
    pub statistic: Statistic,
    /// What is observed.
    pub metric: Metric,
    /// Which side of the limit is good.
    pub comparison: Comparison,
    /// The limit, in the metric's unit.
    pub limit: Quantity,
}

/// How an [`Slo`] is decided from the counts of a trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Met iff at most `allowed * n` of the `n` observations were not good (STRICT: fewer than).
    Share {
        /// Allowed share of observations that were not good, `p0`.
        allowed: Ratio,
        /// Whether exactly `allowed * n` is already too many (`error_rate < 1%`).
        strict: bool,
    },
    /// Met iff the trial's number lies on the good side: one yes or no per trial.
    Number,
}

impl Slo {
    /// Reads a condition such as `p99 ttfc < 500ms`.
    ///
    /// # Errors
    /// Names the byte range that is not understood and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ParseSloError> {
        parse::slo(text)
    }

    /// How this condition is decided.
    #[must_use]
    pub fn rule(&self) -> Rule {
        let limit = self.limit.value();
        let strict = matches!(self.comparison, Comparison::Less | Comparison::Greater);
        let share = |allowed: f64, strict| match Ratio::new(allowed) {
            Some(allowed) => Rule::Share { allowed, strict },
            None => Rule::Number,
        };
        match (self.statistic, self.metric) {
            (Statistic::Quantile(q), _) => share(1.0 - q.get(), false),
            (_, Metric::ErrorRate | Metric::ShedRate) if self.comparison.bounds_above() => {
                share(limit, strict)
            }
            (_, Metric::Success) if !self.comparison.bounds_above() => share(1.0 - limit, strict),
            _ => Rule::Number,
        }
    }

    /// Whether one observation that is not good breaks it (`success >= 100%`, `p100`).
    #[must_use]
    pub fn allows_no_failure(&self) -> bool {
        matches!(self.rule(), Rule::Share { allowed, .. } if allowed == Ratio::ZERO)
    }

    /// The limit of a latency condition; `None` for the others.
    #[must_use]
    pub fn latency_limit(&self) -> Option<Duration> {
        self.metric.is_latency().then(|| self.limit.as_duration()).flatten()
    }

    /// Whether this condition bounds the share of requests that fail: it is broken where all do.
    #[must_use]
    pub fn bounds_failures(&self) -> bool {
        let is_above = self.comparison.bounds_above();
        let worst = match (self.metric, is_above) {
            (Metric::ErrorRate | Metric::ShedRate, true) => 1.0,
            (Metric::Success, false) => 0.0,
            _ => return false,
        };
        !self.comparison.holds(worst, self.limit.value())
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.statistic {
            Statistic::Quantile(q) => {
                // Rounded so that 0.99 prints as 99 and not as 98.99999.
                let percent = format!("{:.6}", q.get() * 100.0);
                let percent = percent.trim_end_matches('0').trim_end_matches('.');
                write!(f, "p{percent} ")?;
            }
            Statistic::Mean => f.write_str("mean ")?,
            Statistic::Max => f.write_str("max ")?,
            Statistic::Min => f.write_str("min ")?,
            Statistic::Whole => {}
        }
        let comparison = match self.comparison {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        };
        write!(f, "{} {comparison} {}", self.metric.name(), self.limit)
    }
}
