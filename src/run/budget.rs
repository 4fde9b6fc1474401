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
#[error(
    "check `{check}` cannot be answered within the budget: it needs at least {} for its trials and has {}",
    humantime::format_duration(*needs),
    humantime::format_duration(*has)
)]
pub struct Refusal {
    /// The check.
    pub check: String,
    /// The least time in which any answer is possible.
    pub needs: Duration,
    /// What is left for it.
    pub has: Duration,
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
        if cost.least > allowance.time {
            let seconds = |length: Duration| Duration::from_secs(length.as_secs().max(1));
            return Err(Refusal {
                check: check.to_owned(),
                needs: seconds(cost.least),
                has: seconds(allowance.time),
            });
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
