//! One request in flight, and what it says about each condition once it has ended.

use super::{Outcome, Series};
use crate::slo::{Metric, Rule, Slo};
use std::time::Duration;

/// A request in flight.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) intended: Duration,
    pub(super) written: Option<Duration>,
    pub(super) first_byte: Option<Duration>,
    pub(super) first_chunk: Option<Duration>,
    pub(super) first_answer: Option<Duration>,
    pub(super) last_chunk: Option<Duration>,
    pub(super) chunks: u64,
    pub(super) measured: bool,
    /// Whether a gap was beyond a limit.
    pub(super) late_gaps: bool,
}

/// The lengths of time of one request.
pub(super) struct Lengths {
    pub(super) ttfc: Option<Duration>,
    pub(super) ttfb: Option<Duration>,
    pub(super) ttft_answer: Option<Duration>,
    pub(super) e2e: Duration,
    pub(super) e2e_closed: Duration,
    pub(super) tpot: Option<Duration>,
}

impl Lengths {
    pub(super) fn of(request: &InFlight, end: Duration, tokens: u64) -> Self {
        let since = |at: Duration| at.saturating_sub(request.intended);
        let last = request.last_chunk.unwrap_or(end);
        let tpot = match (request.first_chunk, request.chunks, tokens) {
            (Some(first), 2.., 2..) => {
                let ns = last.saturating_sub(first).as_nanos() / u128::from(tokens - 1);
                u64::try_from(ns).ok().map(Duration::from_nanos)
            }
            _ => None,
        };
        Self {
            ttfc: request.first_chunk.map(since),
            ttfb: request.first_byte.map(since),
            ttft_answer: request.first_answer.map(since),
            e2e: since(last),
            e2e_closed: since(end),
            tpot,
        }
    }

    pub(super) fn all(&self, request: &InFlight) -> impl Iterator<Item = (Series, Duration)> {
        let lag = request.written.map(|written| written.saturating_sub(request.intended));
        let sent = |length: Option<Duration>| Some(length?.saturating_sub(lag?));
        [
            (Series::Ttfc, self.ttfc),
            (Series::Ttfb, self.ttfb),
            (Series::TtftAnswer, self.ttft_answer),
            (Series::E2e, Some(self.e2e)),
            (Series::E2eClosed, Some(self.e2e_closed)),
            (Series::Tpot, self.tpot),
            (Series::TtfcSent, sent(self.ttfc)),
            (Series::E2eSent, sent(Some(self.e2e))),
        ]
        .into_iter()
        .filter_map(|(series, length)| Some((series, length?)))
    }

    fn get(&self, metric: Metric) -> Option<Duration> {
        match metric {
            Metric::Ttfc => self.ttfc,
            Metric::Ttfb => self.ttfb,
            Metric::TtftAnswer => self.ttft_answer,
            Metric::E2e => Some(self.e2e),
            Metric::E2eClosed => Some(self.e2e_closed),
            Metric::Tpot => self.tpot,
            Metric::Tbc
            | Metric::ErrorRate
            | Metric::ShedRate
            | Metric::Success
            | Metric::Throughput
            | Metric::Goodput
            | Metric::TokensPerS => None,
        }
    }
}

/// Whether a length is good; `None` where the condition is no share of observations.
pub(super) fn is_within(slo: &Slo, length: Duration) -> Option<bool> {
    matches!(slo.rule(), Rule::Share { .. })
        .then(|| slo.comparison.holds(length.as_secs_f64(), slo.limit.value()))
}

/// What one ended request says about a condition; `None`: nothing.
pub(super) fn observation(
    slo: &Slo,
    outcome: Outcome,
    lengths: &Lengths,
    request: &InFlight,
    end: Duration,
) -> Option<bool> {
    let ok = outcome == Outcome::Ok;
    match slo.metric {
        Metric::ErrorRate | Metric::Success => Some(ok),
        Metric::ShedRate => Some(outcome != Outcome::Shed),
        Metric::Throughput | Metric::Goodput | Metric::TokensPerS => None,
        // Gaps were counted as they came; one still open at an unplanned end is not good.
        Metric::Tbc => match (ok, request.last_chunk) {
            (false, Some(last)) => is_within(slo, end.saturating_sub(last)).filter(|good| !good),
            _ => None,
        },
        // Undefined for a short answer: left out, never 0. A failure is not good.
        Metric::Tpot if ok && lengths.tpot.is_none() => None,
        Metric::Ttfc
        | Metric::Ttfb
        | Metric::TtftAnswer
        | Metric::E2e
        | Metric::E2eClosed
        | Metric::Tpot => {
            let within = lengths.get(slo.metric).is_some_and(|length| {
                slo.comparison.holds(length.as_secs_f64(), slo.limit.value())
            });
            Some(ok && within)
        }
    }
}

/// Whether a request in flight can no longer be good for this condition.
pub(super) fn is_overdue(slo: &Slo, request: &InFlight, now: Duration) -> bool {
    let (Some(limit), Rule::Share { .. }) = (slo.latency_limit(), slo.rule()) else { return false };
    let age = now.saturating_sub(request.intended);
    match slo.metric {
        Metric::Ttfc => request.first_chunk.unwrap_or(now).saturating_sub(request.intended) > limit,
        Metric::Ttfb => request.first_byte.is_none() && age > limit,
        Metric::TtftAnswer => request.first_answer.is_none() && age > limit,
        Metric::E2e | Metric::E2eClosed => age > limit,
        Metric::Tbc => request.last_chunk.is_some_and(|last| now.saturating_sub(last) > limit),
        Metric::Tpot
        | Metric::ErrorRate
        | Metric::ShedRate
        | Metric::Success
        | Metric::Throughput
        | Metric::Goodput
        | Metric::TokensPerS => false,
    }
}
