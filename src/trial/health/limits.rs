//! Where the lines are drawn: for each signal the value that is noted and the one that is not
//! accepted.

use crate::slo::{Slo, Statistic};
use crate::trial::TrialPlan;
use std::time::Duration;

/// A value above `noted` is worth a word, one above `accepted` makes the trial invalid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits<T> {
    pub(super) noted: T,
    pub(super) accepted: T,
}

/// Lag as a share of the tightest latency limit …
const LAG_SHARE: Limits<f64> = Limits { noted: 0.02, accepted: 0.10 };
/// … where what is accepted never falls below this …
const LAG_FLOOR: Duration = Duration::from_millis(1);
/// … and what counts without any latency condition.
const LAG_WITHOUT_LIMIT: Limits<Duration> =
    Limits { noted: Duration::from_millis(1), accepted: Duration::from_millis(10) };
/// Lag of the loop that is accepted where the kernel stamps arrivals: the stamps stay right.
const LOOP_LAG_WITH_STAMPS: Duration = Duration::from_millis(50);
/// Time for which we may hold what has arrived.
pub(super) const RECEIVE_LAG: Limits<Duration> =
    Limits { noted: Duration::from_millis(2), accepted: Duration::from_millis(50) };
/// Share of reads without a stamp up to which the trial is judged as one with stamps.
pub(super) const UNSTAMPED_SHARE: f64 = 0.01;
/// Share of gaps of unknown length that is accepted …
pub(super) const COALESCED_SHARE: f64 = 0.01;
/// … or any, while our loop was quicker than this: then the target sent them together.
pub(super) const COALESCED_LOOP_LAG: Duration = Duration::from_millis(1);
/// Share of a worker's CPU.
pub(super) const CPU_SHARE: Limits<f64> = Limits { noted: 0.60, accepted: 0.85 };
/// CPU that others may use before it is noted, in cores.
pub(super) const FOREIGN_CORES: f64 = 0.05;
/// Share of the intended requests that must have left.
pub(super) const WRITTEN_SHARE: Limits<f64> = Limits { noted: 0.998, accepted: 0.99 };
/// Share of the asked concurrency that must have been in flight.
pub(super) const IN_FLIGHT_SHARE: Limits<f64> = Limits { noted: 0.99, accepted: 0.97 };
/// How far requests in flight may be from throughput times response time …
pub(super) const LITTLE_SHARE: Limits<f64> = Limits { noted: 0.02, accepted: 0.05 };
/// … over a period of at least this many response times: requests that lie across its ends are
/// counted by one side only.
pub(super) const LITTLE_RESPONSES_MIN: f64 = 20.0;
/// Share of the descriptor limit above which a trial is not trusted.
pub(super) const DESCRIPTORS_SHARE: f64 = 0.95;
/// Seconds in a row that must be bad before a bad second counts.
pub(super) const ROW: u32 = 3;
/// Share of late requests in each of these seconds …
pub(super) const BEHIND_SHARE: f64 = 0.5;
/// … of at least this many in all of them.
pub(super) const BEHIND_WRITTEN_MIN: u64 = 20;
/// The quantile that is protected from a crowded machine where no condition names one.
const QUANTILE: f64 = 0.99;

impl Limits<Duration> {
    fn of(tightest: Option<Duration>) -> Self {
        tightest.map_or(LAG_WITHOUT_LIMIT, |limit| Self {
            noted: limit.mul_f64(LAG_SHARE.noted),
            accepted: limit.mul_f64(LAG_SHARE.accepted).max(LAG_FLOOR),
        })
    }
}

/// Send lag: spoils what counts from the intended send.
pub(super) fn send_lag(plan: &TrialPlan) -> Limits<Duration> {
    Limits::of(plan.tightest_limit())
}

/// The largest send lag that is accepted at the 99th percentile: a request that left later than this
/// is late by our own fault.
#[must_use]
pub fn send_lag_limit(plan: &TrialPlan) -> Duration {
    send_lag(plan).accepted
}

/// Loop lag: spoils every length of time that we stamp ourselves.
pub(super) fn loop_lag(plan: &TrialPlan, has_stamps: bool) -> Limits<Duration> {
    let limits = Limits::of(plan.slos.iter().filter_map(Slo::latency_limit).min());
    if has_stamps { Limits { accepted: LOOP_LAG_WITH_STAMPS, ..limits } } else { limits }
}

/// Share of the time that a worker may wait for a CPU: an event that arrives meanwhile is late, so
/// this is about the share of spoilt events, and half of what a quantile leaves above it is kept.
pub(super) fn run_wait(plan: &TrialPlan) -> f64 {
    let quantiles = plan.slos.iter().filter_map(|slo| match slo.statistic {
        Statistic::Quantile(q) => Some(q.get()),
        Statistic::Mean | Statistic::Max | Statistic::Min | Statistic::Whole => None,
    });
    let highest = quantiles.max_by(f64::total_cmp).unwrap_or(QUANTILE);
    (1.0 - highest) / 2.0
}
