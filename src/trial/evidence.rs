//! What a trial says about each SLO: exact counts of "not good within the limit".

use crate::slo::{Rule, Slo};
use crate::units::{as_f64, at_least_one};
use serde::{Deserialize, Serialize};

/// Three values on purpose: "not enough evidence" is never folded into "met".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// All conditions held.
    Met,
    /// At least one did not.
    Violated,
    /// The trial is too small, or was stopped before it could tell.
    Undecided,
}

/// Observations of one SLO, counted exactly and beside every histogram, so that none can clip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Observations that were not good within the limit: late, failed, shed or never ended.
    pub not_good: u64,
    /// All observations.
    pub n: u64,
}

impl Tally {
    /// Adds one observation.
    pub fn add(&mut self, good: bool) {
        self.n += 1;
        self.not_good += u64::from(!good);
    }

    /// Adds those of `other`.
    pub fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.not_good += other.not_good;
    }
}

/// A condition is settled when it is broken by this factor: the rest cannot bring it back.
const SETTLED_FACTOR: f64 = 4.0;

/// The share of observations that are not good which settles a condition that allows the share
/// `allowed`: four times as much, or, where that is more than half, halfway from there to all.
#[must_use]
pub fn settled_share(allowed: f64) -> f64 {
    let settled = SETTLED_FACTOR * allowed;
    if settled > 0.5 { f64::midpoint(1.0, allowed) } else { settled }
}

/// What a trial says about one SLO.
#[derive(Debug, Clone, PartialEq)]
pub struct SloResult {
    /// The condition.
    pub slo: Slo,
    /// Its counts; for a condition on a number `n` is the sample behind it.
    pub tally: Tally,
    /// The number observed, in the metric's base unit; `None` when it lies among requests that never
    /// ended well, or when nothing was observed.
    pub observed: Option<f64>,
    /// What follows.
    pub evidence: Evidence,
}

impl SloResult {
    /// Share of observations that may be not good; `None` for a condition on a number.
    #[must_use]
    pub fn allowed(&self) -> Option<f64> {
        match self.slo.rule() {
            Rule::Share { allowed, .. } => Some(allowed.get()),
            Rule::Number => None,
        }
    }

    /// Fewest observations with which this condition can be decided: below `1 / p0` the quantile is
    /// the maximum, and one slow request decides.
    #[must_use]
    pub fn needed(slo: &Slo) -> u64 {
        match slo.rule() {
            Rule::Share { allowed, .. } if allowed.get() > 0.0 => {
                at_least_one((1.0 / allowed.get()).round())
            }
            Rule::Share { .. } | Rule::Number => 1,
        }
    }
}

/// Decides a condition from its counts.
#[must_use]
pub fn judge(slo: &Slo, tally: Tally, observed: Option<f64>) -> Evidence {
    match slo.rule() {
        Rule::Share { allowed, strict } => {
            if tally.n < SloResult::needed(slo) {
                // By definition too small to tell, unless even the smallest sample that could tell
                // would be settled by what was seen.
                return if as_f64(tally.not_good) > SETTLED_FACTOR {
                    Evidence::Violated
                } else {
                    Evidence::Undecided
                };
            }
            if share_holds(tally.not_good, allowed.get(), tally.n, strict) {
                Evidence::Met
            } else {
                Evidence::Violated
            }
        }
        Rule::Number => match observed {
            None if tally.n == 0 => Evidence::Undecided,
            // The number lies among requests that never ended: infinite.
            None => Evidence::Violated,
            Some(value) if slo.comparison.holds(value, slo.limit.value()) => Evidence::Met,
            Some(_) => Evidence::Violated,
        },
    }
}

/// `not_good <= allowed * n`, or `<` where strict, without rounding 1 % of 300 to 2.9999.
#[must_use]
pub fn share_holds(not_good: u64, allowed: f64, n: u64, strict: bool) -> bool {
    let bound = allowed * as_f64(n);
    let nearest = bound.round();
    let bound = if (bound - nearest).abs() < 1e-6 { nearest } else { bound };
    let k = as_f64(not_good);
    if strict { k < bound || (not_good == 0 && allowed > 0.0) } else { k <= bound }
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Tally, judge};
    use crate::slo::Slo;

    #[test]
    fn counts_decide_exactly_at_the_limit() {
        let p99 = Slo::parse("p99 ttfc < 1s").unwrap();
        let errors = Slo::parse("error_rate < 1%").unwrap();
        let all = Slo::parse("success >= 100%").unwrap();
        for (slo, not_good, n, expected) in [
            (&p99, 3, 300, Evidence::Met),
            (&p99, 4, 300, Evidence::Violated),
            (&errors, 2, 300, Evidence::Met),
            (&errors, 3, 300, Evidence::Violated),
            (&all, 0, 5, Evidence::Met),
            (&all, 1, 5, Evidence::Violated),
        ] {
            assert_eq!(
                judge(slo, Tally { not_good, n }, None),
                expected,
                "{slo}: {not_good} of {n}"
            );
        }
    }

    #[test]
    fn too_few_samples_are_undecided_whether_good_or_bad() {
        let p99 = Slo::parse("p99 ttfc < 1s").unwrap();
        assert_eq!(judge(&p99, Tally { not_good: 0, n: 99 }, None), Evidence::Undecided);
        assert_eq!(judge(&p99, Tally { not_good: 1, n: 99 }, None), Evidence::Undecided);
        assert_eq!(judge(&p99, Tally { not_good: 30, n: 99 }, None), Evidence::Violated);
        assert_eq!(judge(&p99, Tally { not_good: 0, n: 0 }, None), Evidence::Undecided);
    }

    #[test]
    fn a_number_that_nobody_observed_is_never_met() {
        let mean = Slo::parse("mean ttfc < 1s").unwrap();
        assert_eq!(judge(&mean, Tally { not_good: 0, n: 0 }, None), Evidence::Undecided);
        assert_eq!(judge(&mean, Tally { not_good: 5, n: 5 }, None), Evidence::Violated);
        assert_eq!(judge(&mean, Tally { not_good: 0, n: 5 }, Some(0.2)), Evidence::Met);
        assert_eq!(judge(&mean, Tally { not_good: 0, n: 5 }, Some(1.2)), Evidence::Violated);
    }
}
