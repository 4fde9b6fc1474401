//! The hard bounds of a run.

use crate::check::{Allowance, Check, Cost, History, Step};
use crate::trial::TrialPlan;
use std::time::Duration;

/// What a run may use, counted from its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Longest time.
    pub time: Duration,
    /// Most requests.
    pub requests: u64,
}

/// Why a check cannot begin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No answer is possible in the time that it has.
    #[error(
        "check `{check}` cannot be answered within the budget: it needs at least {} for its trials and has {}",
        humantime::format_duration(*needs),
        humantime::format_duration(*has)
    )]
    Time {
        /// The check.
        check: String,
        /// The least time in which any answer is possible.
        needs: Duration,
        /// What is left for it.
        has: Duration,
    },
    /// It would end before its first trial.
    #[error(
        "check `{check}` cannot be answered within the budget: not even its first trial fits into {} and {} requests",
        humantime::format_duration(has.time),
        has.requests
    )]
    FirstTrial {
        /// The check.
        check: String,
        /// What is left for it.
        has: Allowance,
    },
}

impl Budget {
    /// An even share of what is left, for one of `checks_left` checks.
    #[must_use]
    pub fn share(&self, spent: Duration, requests: u64, checks_left: u32) -> Allowance {
        let shares = checks_left.max(1);
        Allowance {
            time: self.time.saturating_sub(spent) / shares,
            requests: self.requests.saturating_sub(requests) / u64::from(shares),
        }
    }

    /// Refuses a check that cannot be answered with what it is allowed: said before it starts.
    ///
    /// # Errors
    /// Names what it needs and what it has.
    pub fn admit(name: &str, check: &dyn Check, has: Allowance) -> Result<Cost, Refusal> {
        let cost = check.cost();
        if cost.least > has.time {
            let seconds = |length: Duration| Duration::from_secs(length.as_secs().max(1));
            let (needs, has) = (seconds(cost.least), seconds(has.time));
            return Err(Refusal::Time { check: name.to_owned(), needs, has });
        }
        match check.next(&History::default()) {
            Step::Run(_) => Ok(cost),
            Step::Done(_) => Err(Refusal::FirstTrial { check: name.to_owned(), has }),
        }
    }

    /// The plan with its limits cut to what is left of the run.
    #[must_use]
    pub fn bound(&self, plan: &TrialPlan, spent: Duration, requests: u64) -> TrialPlan {
        TrialPlan {
            time_limit: plan.time_limit.min(self.time.saturating_sub(spent)),
            request_limit: plan.request_limit.min(self.requests.saturating_sub(requests)),
            ..plan.clone()
        }
    }
}
