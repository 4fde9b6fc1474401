//! The hard bounds of a run.

use crate::check::{Allowance, Cost};
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
    pub fn admit(check: &str, cost: Cost, allowance: Allowance) -> Result<(), Refusal> {
        let check = check.to_owned();
        if cost.least > allowance.time {
            return Err(Refusal::Time { check, needs: cost.least, has: allowance.time });
        }
        if cost.requests_least > allowance.requests {
            let (needs, has) = (cost.requests_least, allowance.requests);
            return Err(Refusal::Requests { check, needs, has });
        }
        Ok(())
    }

    /// The plan with its time limit cut to what is left of the run.
    #[must_use]
    pub fn bound(&self, plan: &TrialPlan, spent: Duration) -> TrialPlan {
        let left = self.time.saturating_sub(spent);
        TrialPlan { time_limit: plan.time_limit.min(left), ..plan.clone() }
    }
}
