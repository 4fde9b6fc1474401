//! How many requests may be in flight. An arrival above it is never queued: a queue of ours would be
//! measured as the target's latency, or hide it.

use super::probe;
use crate::trial::{Load, Outcome, Scarce, TrialPlan};
use crate::units::as_f64;
use std::time::Duration;

/// Descriptors that are left to everything else.
const DESCRIPTORS_KEPT: u64 = 256;
/// Share of the local ports that we may take.
const PORTS_SHARE: f64 = 0.9;
/// Share of the memory that is available which requests in flight may take …
const MEMORY_SHARE: f64 = 0.25;
/// … at this many bytes each, with its connection.
const MEMORY_PER_REQUEST: f64 = 32.0 * 1_024.0;
/// Fewest requests that an open loop may have in flight: a short time-out must not turn a burst of
/// arrivals into refusals.
const OPEN_LOOP_MIN: usize = 64;

/// Requests in flight that each of our own resources allows; `None`: no limit, or none is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) fd: Option<usize>,
    pub(super) port: Option<usize>,
    pub(super) memory: Option<usize>,
}

impl Allowed {
    /// What this machine allows now, under this limit on descriptors, towards so many addresses of
    /// the target; 0 addresses: no ports are needed.
    pub(super) fn read(descriptors_limit: Option<u64>, addresses: usize) -> Self {
        Self {
            fd: by_descriptors(descriptors_limit),
            port: probe::port_range()
                .filter(|_| addresses > 0)
                .map(|range| by_ports(range, addresses)),
            memory: probe::memory_available().map(by_memory),
        }
    }

    /// The smallest, and whose it is; the first of equal ones.
    pub(super) fn tightest(self) -> Option<(usize, Scarce)> {
        [(self.fd, Scarce::Fd), (self.port, Scarce::Port), (self.memory, Scarce::Memory)]
            .into_iter()
            .filter_map(|(requests, scarce)| Some((requests?, scarce)))
            .min_by_key(|(requests, _)| *requests)
    }
}

impl From<Option<usize>> for Allowed {
    /// What descriptors allow.
    fn from(fd: Option<usize>) -> Self {
        Self { fd, ..Self::default() }
    }
}

/// Requests that descriptors allow under this limit; `None`: no limit.
pub(super) fn by_descriptors(limit: Option<u64>) -> Option<usize> {
    let free = limit?.saturating_sub(DESCRIPTORS_KEPT);
    Some(usize::try_from(free).unwrap_or(usize::MAX))
}

/// Requests that this many local ports allow, towards so many addresses.
fn by_ports(range: u64, addresses: usize) -> usize {
    floor(PORTS_SHARE * as_f64(range) * as_f64(addresses as u64))
}

/// Requests that so many bytes of memory allow.
fn by_memory(available: u64) -> usize {
    floor(MEMORY_SHARE * as_f64(available) / MEMORY_PER_REQUEST)
}

/// Most requests in flight, and what it means to reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cap {
    /// Requests.
    pub(super) requests: usize,
    /// How a request above it ends.
    pub(super) outcome: Outcome,
    /// The resource of ours that bounds it below the need; `None`: the need does.
    pub(super) scarce: Option<Scarce>,
}

impl Cap {
    /// The smaller of what the load needs (open loop: twice what is in flight when every request
    /// takes until its time-out) and what our own resources allow. Beyond the need, the target holds
    /// too much; below it, we are the limit.
    pub(super) fn new(
        plan: &TrialPlan,
        requests_per_session: f64,
        timeout: Duration,
        by_resources: impl Into<Allowed>,
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
        match by_resources.into().tightest() {
            Some((requests, scarce)) if requests < by_need => {
                Self { requests, outcome: Outcome::Resource, scarce: Some(scarce) }
            }
            _ => Self { requests: by_need, outcome: Outcome::Unsent, scarce: None },
        }
    }

    /// What a refused request's entry says.
    pub(super) fn detail(self) -> String {
        match (self.requests, self.scarce) {
            (requests, Some(scarce)) => {
                format!("our own limit of {requests} connections was reached, for want of {scarce}")
            }
            (requests, None) => format!("{requests} requests were in flight already"),
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
fn ceil(x: f64) -> usize {
    whole(x.ceil(), 1e6)
}

/// The whole number below.
fn floor(x: f64) -> usize {
    whole(x.floor(), 1e15)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped; what is no number becomes 0"
)]
fn whole(x: f64, most: f64) -> usize {
    x.clamp(0.0, most) as usize
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Cap, by_descriptors, by_memory, by_ports};
    use crate::trial::{Load, Outcome, Scarce, TrialPlan};
    use crate::units::{KnobValue, Rate};
    use crate::workload::Arrivals;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn plan(load: Load) -> TrialPlan {
        TrialPlan {
            index: 0,
            check: "c".into(),
            purpose: crate::trial::Purpose::Play,
            side: crate::trial::Side::Only,
            knob: "k".into(),
            value: KnobValue::new(1.0).unwrap(),
            load,
            setting: None,
            seed: 1,
            cut: 0,
            count: 1,
            slos: Vec::new(),
            time_limit: Duration::from_secs(1),
            request_limit: u64::MAX,
        }
    }

    fn closed(concurrency: u32) -> Load {
        Load::Closed { concurrency: NonZeroU32::new(concurrency).unwrap() }
    }

    #[test]
    fn need_and_resources_bound_it_and_say_whose_fault_it_is() {
        let open =
            |r| Load::Open { rate: Rate::per_second(r).unwrap(), arrivals: Arrivals::Poisson };
        for (load, seconds, limit, requests, outcome, warm) in [
            (open(10.0), 120, Some(100_000), 3_600, Outcome::Unsent, 10),
            (open(10.0), 120, None, 3_600, Outcome::Unsent, 10),
            (open(10.0), 120, Some(1_024), 768, Outcome::Resource, 10),
            (open(0.2), 1, Some(1_024), 64, Outcome::Unsent, 1),
            (open(9_999.0), 120, Some(100), 0, Outcome::Resource, 0),
            (closed(300), 120, Some(1_024), 300, Outcome::Unsent, 300),
            (closed(300), 120, Some(356), 100, Outcome::Resource, 100),
        ] {
            let cap =
                Cap::new(&plan(load), 1.5, Duration::from_secs(seconds), by_descriptors(limit));
            let scarce = (outcome == Outcome::Resource).then_some(Scarce::Fd);
            assert_eq!(cap, Cap { requests, outcome, scarce }, "{load:?}");
            assert_eq!(cap.warm_connections(load), warm, "{load:?}");
            assert!(cap.detail().contains(&requests.to_string()));
        }
    }

    #[test]
    fn the_tightest_resource_is_named() {
        let plenty = Allowed { fd: Some(900), port: Some(900), memory: Some(900) };
        for (allowed, scarce) in [
            (plenty, None),
            (Allowed::default(), None),
            (Allowed { fd: Some(99), ..plenty }, Some(Scarce::Fd)),
            (Allowed { port: Some(99), ..plenty }, Some(Scarce::Port)),
            (Allowed { memory: Some(99), ..plenty }, Some(Scarce::Memory)),
            (Allowed { fd: Some(99), port: Some(98), memory: Some(97) }, Some(Scarce::Memory)),
            (Allowed { fd: Some(99), port: Some(99), memory: Some(99) }, Some(Scarce::Fd)),
        ] {
            let cap = Cap::new(&plan(closed(100)), 1.0, Duration::from_secs(1), allowed);
            assert_eq!(cap.scarce, scarce, "{allowed:?}");
            assert_eq!(cap.outcome == Outcome::Resource, scarce.is_some(), "{allowed:?}");
            if let Some(scarce) = scarce {
                assert!(cap.detail().contains(&scarce.to_string()), "{}", cap.detail());
            }
        }
    }

    #[test]
    fn ports_and_memory_are_not_used_up() {
        assert_eq!(by_ports(28_232, 1), 25_408);
        assert_eq!(by_ports(28_232, 3), 76_226);
        assert_eq!(by_memory(1 << 30), 8_192);
        assert_eq!(by_memory(0), 0);
        assert_eq!(Allowed::read(Some(356), 0).fd, Some(100));
        assert_eq!(Allowed::read(None, 0).port, None);
    }
}
