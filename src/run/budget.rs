//! The hard bounds of a run.

use crate::check::{Allowance, Check, Cost};
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
    /// Too little time.
    #[error(
        "check `{check}` cannot be answered within the budget: its trials need at least {:.1} s and it has {:.1} s",
        needs.as_secs_f64(),
        has.as_secs_f64()
    )]
    Time {
        /// The check.
        check: String,
        /// The least time in which any answer is possible.
        needs: Duration,
        /// What is left for it.
        has: Duration,
    },
    /// Too few requests.
    #[error(
        "check `{check}` cannot be answered within the budget: a trial needs at least {needs} requests and it has {has}"
    )]
    Requests {
        /// The check.
        check: String,
        /// The least number with which any answer is possible.
        needs: u64,
        /// What is left for it.
        has: u64,
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
        let (cost, check) = (check.cost(), name.to_owned());
        if cost.least > has.time {
            return Err(Refusal::Time { check, needs: cost.least, has: has.time });
        }
        if cost.requests_least > has.requests {
            let (needs, has) = (cost.requests_least, has.requests);
            return Err(Refusal::Requests { check, needs, has });
        }
        Ok(cost)
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
