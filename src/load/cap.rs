//! How many requests may be in flight. An arrival above it is never queued: a queue of ours would be
//! measured as the target's latency, or hide it.

use crate::trial::{Load, Outcome, TrialPlan};
use std::time::Duration;

/// Most requests in flight, and what it means to reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cap {
    /// Requests.
    pub(super) requests: usize,
    /// How a request above it ends.
    pub(super) outcome: Outcome,
}

/// Descriptors that are left to everything else.
const DESCRIPTORS_KEPT: u64 = 256;
/// Fewest requests that an open loop may have in flight: a short time-out must not turn a burst of
/// arrivals into refusals.
const OPEN_LOOP_MIN: usize = 64;

/// Requests that our own resources allow under this limit on descriptors; `None`: no limit.
pub(super) fn by_descriptors(limit: Option<u64>) -> Option<usize> {
    let free = limit?.saturating_sub(DESCRIPTORS_KEPT);
    Some(usize::try_from(free).unwrap_or(usize::MAX))
}

impl Cap {
    /// The smaller of what the load needs (open loop: twice what is in flight when every request
    /// takes until its time-out) and what our own resources allow. Beyond the need, the target holds
    /// too much; below it, we are the limit.
    pub(super) fn new(
        plan: &TrialPlan,
        requests_per_session: f64,
        timeout: Duration,
        by_resources: Option<usize>,
    ) -> Self {
        let by_need = match plan.load {
            Load::Closed { concurrency } => {
                usize::try_from(concurrency.get()).unwrap_or(usize::MAX)
            }
            Load::Open { rate, .. } => {
                let rate = rate.as_per_second() * requests_per_session;
                ceil(2.0 * rate * timeout.as_secs_f64()).max(OPEN_LOOP_MIN)
            }
        };
        match by_resources {
            Some(allowed) if allowed < by_need => {
                Self { requests: allowed, outcome: Outcome::Resource }
            }
            _ => Self { requests: by_need, outcome: Outcome::Unsent },
        }
    }

    /// What a refused request's entry says.
    pub(super) fn detail(self) -> String {
        let Self { requests, outcome } = self;
        if outcome == Outcome::Resource {
            format!("our own limit of {requests} connections was reached")
        } else {
            format!("{requests} requests were in flight already")
        }
    }

    /// Connections worth opening before the start: the concurrency, or a second of arrivals.
    pub(super) fn warm_connections(self, load: Load) -> usize {
        const OPEN_LOOP_MAX: usize = 256;
        match load {
            Load::Closed { .. } => self.requests,
            Load::Open { rate, .. } => {
                ceil(rate.as_per_second()).min(OPEN_LOOP_MAX).min(self.requests)
            }
        }
    }
}

/// The next whole number, at most a million.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped; what is no number becomes 0"
)]
fn ceil(x: f64) -> usize {
    x.ceil().clamp(0.0, 1e6) as usize
}

#[cfg(test)]
mod tests {
    use super::{Cap, by_descriptors};
    use crate::trial::{Load, Outcome, TrialPlan};
    use crate::units::{KnobValue, Rate};
    use crate::workload::Arrivals;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn plan(load: Load) -> TrialPlan {
        TrialPlan {
            index: 0,
            check: "c".into(),
            purpose: crate::trial::Purpose::Play,
            knob: "k".into(),
            value: KnobValue::new(1.0).unwrap(),
            load,
            seed: 1,
            cut: 0,
            count: 1,
            slos: Vec::new(),
            time_limit: Duration::from_secs(1),
            request_limit: u64::MAX,
        }
    }

    #[test]
    fn need_and_resources_bound_it_and_say_whose_fault_it_is() {
        let open =
            |r| Load::Open { rate: Rate::per_second(r).unwrap(), arrivals: Arrivals::Poisson };
        let closed = Load::Closed { concurrency: NonZeroU32::new(300).unwrap() };
        for (load, seconds, limit, requests, outcome, warm) in [
            (open(10.0), 120, Some(100_000), 3_600, Outcome::Unsent, 10),
            (open(10.0), 120, None, 3_600, Outcome::Unsent, 10),
            (open(10.0), 120, Some(1_024), 768, Outcome::Resource, 10),
            (open(0.2), 1, Some(1_024), 64, Outcome::Unsent, 1),
            (open(9_999.0), 120, Some(100), 0, Outcome::Resource, 0),
            (closed, 120, Some(1_024), 300, Outcome::Unsent, 300),
            (closed, 120, Some(356), 100, Outcome::Resource, 100),
        ] {
            let cap =
                Cap::new(&plan(load), 1.5, Duration::from_secs(seconds), by_descriptors(limit));
            assert_eq!(cap, Cap { requests, outcome }, "{load:?}");
            assert_eq!(cap.warm_connections(load), warm, "{load:?}");
            assert!(cap.detail().contains(&requests.to_string()));
        }
    }
}
