//! One request in flight, and what it says about each condition once it has ended.

use super::recorder::Ending;
use super::trace::{TraceRow, ns};
use super::{Outcome, RequestId, Series};
use crate::slo::{Metric, Rule, Slo};
use std::time::Duration;

/// A request in flight.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) intended: Duration,
    /// Time in which connections were opened for it.
    pub(super) connecting: Duration,
    /// Whether a part of it went out.
    pub(super) begun: bool,
    pub(super) written: Option<Duration>,
    pub(super) first_byte: Option<Duration>,
    pub(super) first_chunk: Option<Duration>,
    pub(super) first_answer: Option<Duration>,
    pub(super) last_chunk: Option<Duration>,
    pub(super) chunks: u64,
    pub(super) measured: bool,
    /// Whether a gap was beyond a limit.
    pub(super) late_gaps: bool,
    /// Whether a window counted it as late while it was in flight.
    pub(super) counted_late: bool,
    /// When each chunk came, in nanoseconds; empty where nobody wants to know.
    pub(super) chunks_ns: Vec<u64>,
}

impl InFlight {
    pub(super) fn new(intended: Duration, measured: bool) -> Self {
        Self {
            intended,
            connecting: Duration::ZERO,
            begun: false,
            written: None,
            first_byte: None,
            first_chunk: None,
            first_answer: None,
            last_chunk: None,
            chunks: 0,
            measured,
            late_gaps: false,
            counted_late: false,
            chunks_ns: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, id: RequestId, at: Duration, ending: Ending) -> TraceRow {
        TraceRow {
            session: id.session,
            turn: id.turn,
            measured: self.measured,
            outcome: ending.outcome,
            intended_ns: ns(self.intended),
            written_ns: self.written.map(ns),
            first_byte_ns: self.first_byte.map(ns),
            ended_ns: ns(at),
            connect_ns: ns(self.connecting),
            chunks_ns: std::mem::take(&mut self.chunks_ns),
            tokens: ending.usage.map(|usage| usage.completion_tokens),
            reconnects: ending.reconnects,
        }
    }
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

/// Whether a length is good for this condition.
pub(super) fn is_within(slo: &Slo, length: Duration) -> bool {
    slo.comparison.holds(length.as_secs_f64(), slo.limit.value())
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
            (false, Some(last)) => (!is_within(slo, end.saturating_sub(last))).then_some(false),
            (true, _) | (false, None) => None,
        },
        // Undefined for a short answer: left out, never 0. A failure is not good.
        Metric::Tpot if ok && lengths.tpot.is_none() => None,
        Metric::Ttfc
        | Metric::Ttfb
        | Metric::TtftAnswer
        | Metric::E2e
        | Metric::E2eClosed
        | Metric::Tpot => {
            Some(ok && lengths.get(slo.metric).is_some_and(|length| is_within(slo, length)))
        }
    }
}

/// Whether a request is late by a condition on the whole of it. Gaps are left out: one late gap among
/// hundreds does not make a request late.
pub(super) fn is_late(slos: &[Slo], request: &InFlight, at: Duration, ended: bool) -> bool {
    slos.iter()
        .filter(|slo| slo.metric != Metric::Tbc)
        .any(|slo| is_beyond(slo, request, at, ended) == Some(true))
}

/// Whether a request in flight can no longer be good for this condition.
pub(super) fn is_overdue(slo: &Slo, request: &InFlight, now: Duration) -> bool {
    matches!(slo.rule(), Rule::Share { .. }) && is_beyond(slo, request, now, false) == Some(true)
}

/// Whether a request is beyond an upper limit, ended at `at` or still running then; `None`: the
/// condition is no such limit, or nothing can be said yet.
fn is_beyond(slo: &Slo, request: &InFlight, at: Duration, ended: bool) -> Option<bool> {
    let limit = slo.latency_limit().filter(|_| slo.comparison.bounds_above())?;
    let since = |from: Duration, until: Option<Duration>| until.unwrap_or(at).saturating_sub(from);
    let length = match slo.metric {
        Metric::Ttfc => since(request.intended, request.first_chunk),
        Metric::Ttfb => since(request.intended, request.first_byte),
        Metric::TtftAnswer => since(request.intended, request.first_answer),
        Metric::E2e => since(request.intended, request.last_chunk.filter(|_| ended)),
        Metric::E2eClosed => since(request.intended, None),
        Metric::Tbc => since(request.last_chunk.filter(|_| !ended)?, None),
        Metric::Tpot
        | Metric::ErrorRate
        | Metric::ShedRate
        | Metric::Success
        | Metric::Throughput
        | Metric::Goodput
        | Metric::TokensPerS => return None,
    };
    Some(length > limit)
}
