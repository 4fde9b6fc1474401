//! Counts what one worker sees of a trial: fed with what happened to each request, asked for windows
//! and, at the end, for the totals, which add up over workers.

#[cfg(test)]
mod accounting;
mod summary;
#[cfg(test)]
mod tests;
mod totals;

use super::cells::Tray;
use super::request::{InFlight, Lengths, is_late, is_overdue, is_within, observation};
use super::slots::Slots;
use super::trace::{TraceRow, ns};
use super::{
    Ended, Outcome, Readings, Series, Timeline, TrialPlan, TrialReport, Window, send_lag_limit,
};
use crate::slo::Metric;
use std::time::Duration;
pub use summary::Closing;
pub use totals::Totals;

/// A request: turn `turn` of session `session` of the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// Number of the session in the sequence.
    pub session: u64,
    /// Number of the turn in the session.
    pub turn: u32,
}

/// Token counts as the server gave them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Its class.
    pub outcome: Outcome,
    /// Token counts, where the server gave them.
    pub usage: Option<Usage>,
    /// Times it was sent again because a reused connection had died.
    pub reconnects: u32,
}

impl Ending {
    /// An ending without token counts.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, usage: None, reconnects: 0 }
    }
}

/// What a worker is expected to see of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Requests in the measured sessions that it plays.
    pub requests: u64,
    /// Most requests that it may send.
    pub request_limit: u64,
    /// Whether output chunks of this protocol stand for tokens.
    pub has_tokens: bool,
    /// Whether sessions pause between turns: then fewer requests than sessions are in flight.
    pub has_pauses: bool,
}

/// Records a worker's part of a trial. Times are since the trial's start.
#[derive(Debug)]
pub struct Recorder {
    plan: TrialPlan,
    expected: Expected,
    in_flight: Slots,
    totals: Totals,
    window: Window,
    trays: Trays,
    /// Rows since the last time they were taken; `None`: nobody wants them.
    rows: Option<Vec<TraceRow>>,
    /// A request that leaves later than this is late by our own fault.
    send_lag_limit: Duration,
    measured_late: u64,
    /// Time in flight of all requests together, within the measured period.
    in_flight_time: Duration,
    /// Whether no request has failed so far: a failed one makes a closed-loop client pause.
    is_steady: bool,
}

impl Recorder {
    /// A recorder for `plan`.
    #[must_use]
    pub fn new(plan: TrialPlan, expected: Expected) -> Self {
        Self {
            totals: Totals::new(plan.slos.len()),
            send_lag_limit: send_lag_limit(&plan),
            measured_late: 0,
            plan,
            expected,
            in_flight: Slots::default(),
            window: Window::default(),
            trays: Trays::default(),
            rows: None,
            in_flight_time: Duration::ZERO,
            is_steady: true,
        }
    }

    /// With a row for each request.
    #[must_use]
    pub fn traced(self) -> Self {
        Self { rows: Some(Vec::new()), ..self }
    }

    /// The rows of the requests that have ended since the last time.
    pub fn take_rows(&mut self) -> Vec<TraceRow> {
        self.rows.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The schedule wants this request at `at`.
    pub fn intended(&mut self, id: RequestId, at: Duration) {
        self.totals.requests += 1;
        self.due(id, at);
    }

    fn due(&mut self, id: RequestId, at: Duration) {
        let measured = self.plan.measured().contains(&id.session);
        self.window.intended += 1;
        if measured {
            self.totals.due(at);
        }
        self.in_flight.insert(id, InFlight::new(at, measured));
    }

    /// A connection was opened for the request, which took this long: until then the target (or the
    /// way to it) kept it from being sent, not the generator.
    pub fn connected(&mut self, id: RequestId, took: Duration) {
        if let Some(request) = self.in_flight.get_mut(id) {
            request.connecting += took;
            if request.measured {
                self.totals.record(Series::Connect, took);
            }
        }
    }

    /// The first byte of the request was accepted by the socket: what keeps the rest of it from going
    /// out is the target, not the generator.
    pub fn begun(&mut self, id: RequestId) {
        if let Some(request) = self.in_flight.get_mut(id) {
            request.begun = true;
        }
    }

    /// The last byte of the request was accepted by the socket. The send lag is the generator's own
    /// share of the time until then.
    pub fn written(&mut self, id: RequestId, at: Duration) {
        let Some(request) = self.in_flight.get_mut(id) else { return };
        if request.written.is_some() {
            return;
        }
        request.written = Some(at);
        let lag = at.saturating_sub(request.intended + request.connecting);
        let is_late = lag > self.send_lag_limit;
        self.window.sending.written += 1;
        self.window.sending.late += u64::from(is_late);
        if request.measured {
            self.totals.counts.written += 1;
            self.measured_late += u64::from(is_late);
            self.totals.record(Series::SendLag, lag);
        }
        self.trays.record(Series::SendLag, lag);
    }

    /// The first byte of the answer came.
    pub fn first_byte(&mut self, id: RequestId, at: Duration) {
        if let Some(request) = self.in_flight.get_mut(id) {
            request.first_byte.get_or_insert(at);
        }
    }

    /// An output chunk came; `answer` is false for reasoning.
    pub fn chunk(&mut self, id: RequestId, at: Duration, answer: bool) {
        self.note_chunk(id, at, answer, None);
    }

    /// An output chunk came at `at` by the kernel's clock, and was read so much later; `None`: the
    /// kernel gave no stamp, and `at` is our own clock's.
    pub fn received(&mut self, id: RequestId, at: Duration, answer: bool, lag: Option<Duration>) {
        self.note_chunk(id, at, answer, Some(lag));
    }

    fn note_chunk(
        &mut self,
        id: RequestId,
        at: Duration,
        answer: bool,
        read: Option<Option<Duration>>,
    ) {
        let Some(request) = self.in_flight.get_mut(id) else { return };
        if let Some(lag) = read {
            if request.measured {
                self.totals.received(lag);
            }
            if let Some(lag) = lag {
                self.trays.record(Series::ReceiveLag, lag);
            }
        }
        request.first_byte.get_or_insert(at);
        request.first_chunk.get_or_insert(at);
        if answer {
            request.first_answer.get_or_insert(at);
        }
        request.chunks += 1;
        if self.rows.is_some() {
            request.chunks_ns.push(ns(at));
        }
        let Some(last) = request.last_chunk.replace(at) else { return };
        let gap = at.saturating_sub(last);
        for (slo, tally) in self.plan.slos.iter().zip(&mut self.totals.tallies) {
            if slo.metric == Metric::Tbc {
                let good = is_within(slo, gap);
                request.late_gaps |= !good;
                if request.measured {
                    tally.add(good);
                }
            }
        }
        if request.measured {
            self.totals.gap(gap);
        }
        self.trays.record(Series::Tbc, gap);
    }

    /// The request ended.
    pub fn end(&mut self, id: RequestId, at: Duration, ending: Ending) {
        let Some(mut request) = self.in_flight.remove(id) else { return };
        self.in_flight_time += self.in_period(request.intended, at);
        let ok = ending.outcome == Outcome::Ok;
        if ok {
            self.window.ok += 1;
        } else {
            self.window.not_ok += 1;
        }
        self.window.sending.resource += u64::from(ending.outcome == Outcome::Resource);
        self.is_steady &= ok;
        if !request.counted_late {
            self.window.decided += 1;
            let late = !ok || is_late(&self.plan.slos, &request, at, true);
            self.window.late += u64::from(late);
        }
        let tokens = match ending.usage {
            Some(usage) => usage.completion_tokens,
            None if self.expected.has_tokens => request.chunks,
            None => 0,
        };
        let lengths = Lengths::of(&request, at, tokens);
        let mut all_good = ok && !request.late_gaps;
        for (slo, tally) in self.plan.slos.iter().zip(&mut self.totals.tallies) {
            if let Some(good) = observation(slo, ending.outcome, &lengths, &request, at) {
                all_good &= good;
                if request.measured {
                    tally.add(good);
                }
            }
        }
        if ok {
            if self.is_in_period(at) {
                self.totals.ended_in_period(all_good, tokens);
            }
            self.trays.record(Series::E2e, lengths.e2e);
            if let Some(ttfc) = lengths.ttfc {
                self.trays.record(Series::Ttfc, ttfc);
            }
        }
        if request.measured {
            self.totals.ended(&request, ending, &lengths, self.expected.has_tokens);
        }
        if let Some(rows) = &mut self.rows {
            rows.push(request.row(id, at, ending));
        }
    }

    /// A request that was due at `intended` and is given up at `at` without being sent: over a cap
    /// ([`Outcome::Unsent`], [`Outcome::Resource`]). It counts as due, and not towards the budget.
    pub fn not_sent(&mut self, id: RequestId, intended: Duration, at: Duration, outcome: Outcome) {
        self.due(id, intended);
        self.end(id, at, Ending::of(outcome));
    }

    /// A request that will never be sent, because an earlier turn of its session failed.
    pub fn lost(&mut self, id: RequestId, at: Duration) {
        self.not_sent(id, at, at, Outcome::Unsent);
    }

    /// The event loop got its turn this long after it had asked for it.
    pub fn looped(&mut self, lag: Duration) {
        self.totals.loop_lag.record(lag);
        let strain = &mut self.window.strain;
        strain.loop_lag_max = strain.loop_lag_max.max(lag);
    }

    /// The system's clock was set so many times: stamps around it are not used.
    pub fn clock_stepped(&mut self, times: u64) {
        self.totals.chunks.clock_steps = times;
    }

    fn goes_on(&self) -> bool {
        self.totals.counts.intended < self.expected.requests
    }

    /// Whether `at` lies in the measured period: from the first measured arrival to the last.
    fn is_in_period(&self, at: Duration) -> bool {
        self.totals.first_measured.is_some() && (self.goes_on() || at <= self.totals.last_measured)
    }

    /// Whether all requests that may be sent have been.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.totals.requests >= self.expected.request_limit
    }

    /// Whether every measured request has ended.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.totals.counts.ended() >= self.expected.requests
    }

    /// Requests in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How much of a request's time lies in the measured period: from the first measured arrival to
    /// the last.
    fn in_period(&self, intended: Duration, end: Duration) -> Duration {
        let Some(first) = self.totals.first_measured else { return Duration::ZERO };
        let end = if self.goes_on() { end } else { end.min(self.totals.last_measured) };
        end.saturating_sub(intended.max(first))
    }

    /// Mean requests in flight, where it must equal the concurrency: without pauses and failures
    /// (which make a client back off).
    fn in_flight_mean(&self, now: Duration) -> Option<f64> {
        let last = if self.goes_on() { now } else { self.totals.last_measured };
        let span = last.saturating_sub(self.totals.first_measured?).as_secs_f64();
        let steady =
            !self.expected.has_pauses && self.is_steady && self.totals.counts.not_ok() == 0;
        (steady && span > 0.0).then(|| self.in_flight_time.as_secs_f64() / span)
    }

    /// Closes the current window at `now` and opens the next. Measured requests that wait beyond a
    /// limit count as not good at once, so that a target that never answers is seen in time.
    pub fn close_window(&mut self, now: Duration) -> Window {
        let next = Window { index: self.window.index + 1, ..Window::default() };
        let mut window = std::mem::replace(&mut self.window, next);
        window.end = now;
        window.in_flight = self.in_flight.len() as u64;
        window.measured_due = self.totals.counts.intended;
        window.measured_ended = self.totals.counts.ended();
        window.sending.measured_late = self.measured_late;
        window.sending.measured_held_back = self.totals.counts.held_back;
        window.tallies.clone_from(&self.totals.tallies);
        for (series, tray) in Window::SERIES.into_iter().zip(&mut self.trays.0) {
            let cells = tray.empty();
            if cells.n() > 0 {
                window.latency.insert(series, cells);
            }
        }
        let slos = &self.plan.slos;
        self.in_flight.for_each(|request| {
            if !request.counted_late && is_late(slos, request, now, false) {
                request.counted_late = true;
                window.decided += 1;
                window.late += 1;
            }
            if request.measured {
                for (slo, tally) in slos.iter().zip(&mut window.tallies) {
                    if is_overdue(slo, request, now) {
                        tally.add(false);
                    }
                }
            }
        });
        window
    }

    /// Ends the trial at `now`: a measured request still in flight is unfinished and counts against
    /// the SLOs; measured requests that never became due are not counted at all, and what was in
    /// flight only to keep the load on is dropped.
    #[must_use]
    pub fn finish(mut self, now: Duration, ended: Ended) -> Finished {
        let slos = &self.plan.slos;
        let open: Vec<(RequestId, Vec<bool>)> = self
            .in_flight
            .iter()
            .filter(|(_, request)| request.measured)
            .map(|(id, request)| {
                (id, slos.iter().map(|slo| is_overdue(slo, request, now)).collect())
            })
            .collect();
        // What is dropped was in flight too.
        let dropped = self.in_flight.iter().filter(|(_, request)| !request.measured);
        let dropped: Duration =
            dropped.map(|(_, request)| self.in_period(request.intended, now)).sum();
        self.in_flight_time += dropped;
        for (id, overdue) in open {
            let before = self.totals.tallies.clone();
            self.end(id, now, Ending::of(Outcome::Unfinished));
            self.totals.cut(ended, &before, &overdue);
        }
        let (window, rows) = (self.close_window(now), self.take_rows());
        self.totals.elapsed = now;
        self.totals.in_flight_mean = self.in_flight_mean(now);
        Finished { window, rows, totals: self.totals }
    }
}

/// What the open window holds of each series that windows hold.
#[derive(Debug, Default)]
struct Trays([Tray; Window::SERIES.len()]);

impl Trays {
    fn record(&mut self, series: Series, length: Duration) {
        let mut shown = self.0.iter_mut().zip(Window::SERIES);
        if let Some((tray, _)) = shown.find(|(_, shown)| *shown == series) {
            tray.record(length);
        }
    }
}

impl Recorder {
    /// The report of a trial that this recorder saw alone, and whose earlier windows are these.
    #[must_use]
    pub fn into_report(
        self,
        now: Duration,
        ended: Ended,
        readings: Readings,
        mut timeline: Timeline,
    ) -> TrialReport {
        let (plan, expected) = (self.plan.clone(), self.expected);
        let Finished { window, totals, .. } = self.finish(now, ended);
        timeline.push(window);
        totals.report(plan, Closing { ended, expected, readings, timeline })
    }
}

/// What a recorder leaves.
#[derive(Debug)]
pub struct Finished {
    /// The last window, as long as the time since the one before.
    pub window: Window,
    /// Rows that nobody took.
    pub rows: Vec<TraceRow>,
    /// What was counted.
    pub totals: Totals,
}
