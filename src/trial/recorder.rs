//! Counts a trial: fed with what happened to each request, asked for windows and for the report.

mod summary;
#[cfg(test)]
mod tests;

use super::request::{InFlight, Lengths, is_late, is_overdue, is_within, observation};
use super::{
    Counts, Distribution, Ended, Outcome, Readings, Sending, Series, Strain, Tally, TrialPlan,
    TrialReport, Window,
};
use crate::slo::Metric;
use crate::units::as_f64;
use std::collections::BTreeMap;
use std::time::Duration;

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

/// What a trial is expected to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Requests in the measured sessions.
    pub requests: u64,
    /// Whether output chunks of this protocol stand for tokens.
    pub has_tokens: bool,
    /// Whether sessions pause between turns: then fewer requests than sessions are in flight.
    pub has_pauses: bool,
}

/// Records one trial. Times are since the trial's start.
#[derive(Debug)]
pub struct Recorder {
    plan: TrialPlan,
    expected: Expected,
    in_flight: BTreeMap<RequestId, InFlight>,
    counts: Counts,
    requests: u64,
    latency: BTreeMap<Series, Distribution>,
    tallies: Vec<Tally>,
    windows: Vec<Window>,
    window: Window,
    /// Requests, measured or not, that ended well in the measured period.
    ok_in_period: u64,
    /// Of these, those that met every condition on a request.
    good_in_period: u64,
    /// Output tokens of these.
    tokens_in_period: u64,
    with_usage: u64,
    without_usage: u64,
    tpot_undefined: u64,
    first_measured: Option<Duration>,
    last_measured: Duration,
    in_flight_area: f64,
    area_until: Duration,
    /// Whether no request has failed so far: a failed one makes a closed-loop client pause.
    is_steady: bool,
}

impl Recorder {
    /// A recorder for `plan`.
    #[must_use]
    pub fn new(plan: TrialPlan, expected: Expected) -> Self {
        let tallies = vec![Tally::default(); plan.slos.len()];
        Self {
            plan,
            expected,
            in_flight: BTreeMap::new(),
            counts: Counts::default(),
            requests: 0,
            latency: Series::ALL
                .into_iter()
                .map(|series| (series, Distribution::default()))
                .collect(),
            tallies,
            windows: Vec::new(),
            window: empty_window(0),
            ok_in_period: 0,
            good_in_period: 0,
            tokens_in_period: 0,
            with_usage: 0,
            without_usage: 0,
            tpot_undefined: 0,
            first_measured: None,
            last_measured: Duration::ZERO,
            in_flight_area: 0.0,
            area_until: Duration::ZERO,
            is_steady: true,
        }
    }

    fn is_measured(&self, session: u64) -> bool {
        (self.plan.cut..self.plan.cut + self.plan.count).contains(&session)
    }

    /// The schedule wants this request at `at`.
    pub fn intended(&mut self, id: RequestId, at: Duration) {
        self.requests += 1;
        self.due(id, at);
    }

    fn due(&mut self, id: RequestId, at: Duration) {
        self.advance_area(at);
        let measured = self.is_measured(id.session);
        self.window.intended += 1;
        if measured {
            self.counts.intended += 1;
            self.first_measured.get_or_insert(at);
            self.last_measured = self.last_measured.max(at);
        }
        self.in_flight.insert(
            id,
            InFlight {
                intended: at,
                connecting: Duration::ZERO,
                written: None,
                first_byte: None,
                first_chunk: None,
                first_answer: None,
                last_chunk: None,
                chunks: 0,
                measured,
                late_gaps: false,
                counted_late: false,
            },
        );
    }

    /// A connection was opened for the request, which took this long: until then the target (or the
    /// way to it) kept it from being sent, not the generator.
    pub fn connected(&mut self, id: RequestId, took: Duration) {
        if let Some(request) = self.in_flight.get_mut(&id) {
            request.connecting += took;
        }
    }

    /// The last byte of the request was accepted by the socket. The send lag is the generator's own
    /// share of the time until then.
    pub fn written(&mut self, id: RequestId, at: Duration) {
        if let Some(request) = self.in_flight.get_mut(&id)
            && request.written.is_none()
        {
            request.written = Some(at);
            if request.measured {
                self.counts.written += 1;
                let lag = at.saturating_sub(request.intended + request.connecting);
                record(&mut self.latency, Series::SendLag, lag);
            }
        }
    }

    /// The first byte of the answer came.
    pub fn first_byte(&mut self, id: RequestId, at: Duration) {
        if let Some(request) = self.in_flight.get_mut(&id) {
            request.first_byte.get_or_insert(at);
        }
    }

    /// An output chunk came; `answer` is false for reasoning.
    pub fn chunk(&mut self, id: RequestId, at: Duration, answer: bool) {
        let Some(request) = self.in_flight.get_mut(&id) else { return };
        request.first_byte.get_or_insert(at);
        request.first_chunk.get_or_insert(at);
        if answer {
            request.first_answer.get_or_insert(at);
        }
        request.chunks += 1;
        let Some(last) = request.last_chunk.replace(at) else { return };
        let gap = at.saturating_sub(last);
        if request.measured {
            record(&mut self.latency, Series::Tbc, gap);
        }
        for (slo, tally) in self.plan.slos.iter().zip(&mut self.tallies) {
            if slo.metric == Metric::Tbc {
                let good = is_within(slo, gap);
                request.late_gaps |= !good;
                if request.measured {
                    tally.add(good);
                }
            }
        }
    }

    /// The request ended.
    pub fn end(&mut self, id: RequestId, at: Duration, ending: Ending) {
        self.advance_area(at);
        let Some(request) = self.in_flight.remove(&id) else { return };
        let ok = ending.outcome == Outcome::Ok;
        if ok {
            self.window.ok += 1;
        } else {
            self.window.not_ok += 1;
        }
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
        for (slo, tally) in self.plan.slos.iter().zip(&mut self.tallies) {
            if let Some(good) = observation(slo, ending.outcome, &lengths, &request, at) {
                all_good &= good;
                if request.measured {
                    tally.add(good);
                }
            }
        }
        if ok && self.is_in_period(at) {
            self.ok_in_period += 1;
            self.good_in_period += u64::from(all_good);
            self.tokens_in_period = self.tokens_in_period.saturating_add(tokens);
        }
        if request.measured {
            self.end_measured(&request, ending, &lengths);
        }
    }

    fn end_measured(&mut self, request: &InFlight, ending: Ending, lengths: &Lengths) {
        self.counts.end(ending.outcome);
        let is_ours = !ending.outcome.keeps_from_sending();
        self.counts.held_back += u64::from(request.written.is_none() && is_ours);
        self.counts.reconnects += u64::from(ending.reconnects);
        if ending.outcome != Outcome::Ok {
            return;
        }
        if ending.usage.is_some() {
            self.with_usage += 1;
        } else {
            self.without_usage += 1;
        }
        self.tpot_undefined += u64::from(self.expected.has_tokens && lengths.tpot.is_none());
        for (series, length) in lengths.all(request) {
            record(&mut self.latency, series, length);
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

    /// Whether `at` lies in the measured period: from the first measured arrival to the last.
    fn is_in_period(&self, at: Duration) -> bool {
        let goes_on = self.counts.intended < self.expected.requests;
        self.first_measured.is_some() && (goes_on || at <= self.last_measured)
    }

    /// Whether all requests that may be sent have been.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.requests >= self.plan.request_limit
    }

    /// Whether every measured request has ended.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.counts.ended() >= self.expected.requests
    }

    /// Requests in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Integrates the requests in flight over the period in which measured ones become due.
    fn advance_area(&mut self, now: Duration) {
        let now = if self.counts.intended < self.expected.requests {
            now
        } else {
            now.min(self.last_measured)
        };
        if self.first_measured.is_none() {
            self.area_until = now;
            return;
        }
        let span = now.saturating_sub(self.area_until).as_secs_f64();
        self.in_flight_area += span * as_f64(self.in_flight.len() as u64);
        self.area_until = self.area_until.max(now);
    }

    /// Closes the current window at `now` and opens the next. Measured requests that wait beyond a
    /// limit count as not good at once, so that a target that never answers is seen in time.
    pub fn close_window(&mut self, now: Duration) -> Window {
        let mut window = std::mem::replace(&mut self.window, empty_window(0));
        self.window.index = window.index + 1;
        window.end = now;
        window.in_flight = self.in_flight.len() as u64;
        window.measured_ended = self.counts.ended();
        window.tallies = self.tallies.clone();
        for request in self.in_flight.values_mut() {
            if !request.counted_late && is_late(&self.plan.slos, request, now, false) {
                request.counted_late = true;
                window.decided += 1;
                window.late += 1;
            }
            if request.measured {
                for (slo, tally) in self.plan.slos.iter().zip(&mut window.tallies) {
                    if is_overdue(slo, request, now) {
                        tally.add(false);
                    }
                }
            }
        }
        self.windows.push(window.clone());
        window
    }

    /// Ends the trial at `now`: a measured request still in flight is unfinished and counts against
    /// the SLOs; measured requests that never became due are not counted at all, and what was in
    /// flight only to keep the load on is dropped.
    #[must_use]
    pub fn finish(mut self, now: Duration, ended: Ended, readings: Readings) -> TrialReport {
        let slos = &self.plan.slos;
        let open: Vec<(RequestId, Vec<bool>)> = self
            .in_flight
            .iter()
            .filter(|(_, request)| request.measured)
            .map(|(id, request)| {
                (*id, slos.iter().map(|slo| is_overdue(slo, request, now)).collect())
            })
            .collect();
        // Observations that count as not good only because we ended the trial.
        let mut cut_short = vec![0; self.tallies.len()];
        for (id, overdue) in open {
            let before = self.tallies.clone();
            self.end(id, now, Ending::of(Outcome::Unfinished));
            let each = self.tallies.iter_mut().zip(&before).zip(&mut cut_short).zip(overdue);
            for (((tally, before), cut), overdue) in each {
                match ended {
                    // Its evidence stands without them: what was still open says nothing.
                    Ended::Settled | Ended::Overload if !overdue => *tally = *before,
                    Ended::Stopped if !overdue => *cut += tally.not_good - before.not_good,
                    Ended::Settled | Ended::Overload | Ended::Stopped | Ended::Complete => {}
                }
            }
        }
        self.close_window(now);
        self.report(now, ended, readings, &cut_short)
    }
}

fn empty_window(index: u32) -> Window {
    Window {
        index,
        end: Duration::ZERO,
        intended: 0,
        ok: 0,
        not_ok: 0,
        decided: 0,
        late: 0,
        in_flight: 0,
        measured_ended: 0,
        tallies: Vec::new(),
        sending: Sending::default(),
        strain: Strain::default(),
    }
}

fn record(latency: &mut BTreeMap<Series, Distribution>, series: Series, length: Duration) {
    latency.entry(series).or_default().record(length);
}
