//! Counts a trial: fed with what happened to each request, asked for windows and for the report.

use super::evidence::as_f64;
use super::request::{InFlight, Lengths, is_overdue, is_within, observation};
use super::{
    Counts, Distribution, Ended, Evidence, Observed, Outcome, Rates, Readings, Series, SloResult,
    Tally, TokenSource, TrialPlan, TrialReport, Window, examine, judge,
};
use crate::slo::{Metric, Slo, Statistic};
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
    good: u64,
    tokens: u64,
    with_usage: u64,
    without_usage: u64,
    tpot_undefined: u64,
    first_measured: Option<Duration>,
    last_measured: Duration,
    in_flight_area: f64,
    area_until: Duration,
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
            good: 0,
            tokens: 0,
            with_usage: 0,
            without_usage: 0,
            tpot_undefined: 0,
            first_measured: None,
            last_measured: Duration::ZERO,
            in_flight_area: 0.0,
            area_until: Duration::ZERO,
        }
    }

    fn is_measured(&self, session: u64) -> bool {
        (self.plan.cut..self.plan.cut + self.plan.count).contains(&session)
    }

    /// The schedule wants this request at `at`.
    pub fn intended(&mut self, id: RequestId, at: Duration) {
        self.advance_area(at);
        let measured = self.is_measured(id.session);
        self.requests += 1;
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
                written: None,
                first_byte: None,
                first_chunk: None,
                first_answer: None,
                last_chunk: None,
                chunks: 0,
                measured,
                late_gaps: false,
            },
        );
    }

    /// The last byte of the request was accepted by the socket.
    pub fn written(&mut self, id: RequestId, at: Duration) {
        if let Some(request) = self.in_flight.get_mut(&id)
            && request.written.is_none()
        {
            request.written = Some(at);
            if request.measured {
                self.counts.written += 1;
                let lag = at.saturating_sub(request.intended);
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
        if let Some(last) = request.last_chunk.replace(at)
            && request.measured
        {
            let gap = at.saturating_sub(last);
            record(&mut self.latency, Series::Tbc, gap);
            for (slo, tally) in self.plan.slos.iter().zip(&mut self.tallies) {
                if slo.metric == Metric::Tbc
                    && let Some(good) = is_within(slo, gap)
                {
                    tally.add(good);
                    request.late_gaps |= !good;
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
        let late = !ok || self.is_late(&request, at);
        self.window.decided += 1;
        self.window.late += u64::from(late);
        if !request.measured {
            return;
        }
        self.counts.end(ending.outcome);
        self.counts.reconnects += u64::from(ending.reconnects);
        let tokens = ending.usage.map_or(request.chunks, |usage| usage.completion_tokens);
        let lengths = Lengths::of(&request, at, tokens);
        if ok {
            if ending.usage.is_some() {
                self.with_usage += 1;
            } else {
                self.without_usage += 1;
            }
            self.tokens += tokens;
            self.tpot_undefined += u64::from(lengths.tpot.is_none());
            for (series, length) in lengths.all(&request) {
                record(&mut self.latency, series, length);
            }
        }
        let mut all_good = ok && !request.late_gaps;
        for (slo, tally) in self.plan.slos.iter().zip(&mut self.tallies) {
            if let Some(good) = observation(slo, ending.outcome, &lengths, &request, at) {
                tally.add(good);
                all_good &= good;
            }
        }
        self.good += u64::from(all_good);
    }

    /// A request that will never be sent, because an earlier turn of its session failed.
    pub fn lost(&mut self, id: RequestId, at: Duration) {
        self.intended(id, at);
        self.requests -= 1;
        self.end(id, at, Ending::of(Outcome::Unsent));
    }

    fn is_late(&self, request: &InFlight, at: Duration) -> bool {
        let age = |until: Option<Duration>| until.unwrap_or(at).saturating_sub(request.intended);
        self.plan.slos.iter().any(|slo| match (slo.metric, slo.latency_limit()) {
            (Metric::Ttfc, Some(limit)) => age(request.first_chunk) > limit,
            (Metric::E2e, Some(limit)) => age(request.last_chunk) > limit,
            _ => false,
        })
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
        for request in self.in_flight.values() {
            if request.first_chunk.is_none() && self.is_late(request, now) {
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

    /// Ends the trial at `now`: what is still in flight is unfinished and counts against the SLOs;
    /// measured requests that never became due are not counted at all.
    #[must_use]
    pub fn finish(mut self, now: Duration, ended: Ended, mut readings: Readings) -> TrialReport {
        let open: Vec<RequestId> = self.in_flight.keys().copied().collect();
        for id in open {
            self.end(id, now, Ending::of(Outcome::Unfinished));
        }
        self.close_window(now);
        readings.in_flight_mean = self.in_flight_mean();
        let dropped = self.latency.values().map(Distribution::dropped).sum();
        let none = Distribution::default();
        let send_lag = self.latency.get(&Series::SendLag).unwrap_or(&none);
        let health = examine(&self.plan, &self.counts, send_lag, dropped, readings);
        let rates = self.rates(now);
        let slos: Vec<SloResult> = self
            .plan
            .slos
            .iter()
            .zip(&self.tallies)
            .map(|(slo, tally)| self.result(slo, *tally, rates))
            .collect();
        TrialReport {
            ended,
            evidence: together(&slos, ended),
            elapsed: now,
            requests: self.requests,
            token_source: self.token_source(),
            tpot_undefined: self.tpot_undefined,
            rates,
            failures: BTreeMap::new(),
            slos,
            health,
            plan: self.plan,
            counts: self.counts,
            latency: self.latency,
            windows: self.windows,
        }
    }

    /// Mean requests in flight, where it must equal the concurrency: without pauses and failures
    /// (which make a client back off).
    fn in_flight_mean(&self) -> Option<f64> {
        let span = self.area_until.saturating_sub(self.first_measured?).as_secs_f64();
        let steady = !self.expected.has_pauses && self.counts.not_ok() == 0;
        (steady && span > 0.0).then(|| self.in_flight_area / span)
    }

    fn token_source(&self) -> TokenSource {
        match (self.expected.has_tokens, self.with_usage, self.without_usage) {
            (false, ..) => TokenSource::None,
            (true, _, 0) => TokenSource::Usage,
            (true, 0, _) => TokenSource::Chunks,
            (true, ..) => TokenSource::Mixed,
        }
    }

    /// Over the measured period: from the first measured arrival to the last, or to the end where
    /// the trial was cut before.
    fn rates(&self, now: Duration) -> Rates {
        let first = self.first_measured.unwrap_or_default();
        let last =
            if self.counts.intended < self.expected.requests { now } else { self.last_measured };
        let span = last.saturating_sub(first).as_secs_f64();
        if span <= 0.0 {
            return Rates::default();
        }
        let per_s = |n: u64| as_f64(n) / span;
        Rates {
            offered: per_s(self.counts.intended),
            achieved: per_s(self.counts.of(Outcome::Ok)),
            good: per_s(self.good),
            tokens: per_s(self.tokens),
        }
    }

    fn result(&self, slo: &Slo, tally: Tally, rates: Rates) -> SloResult {
        let n = self.counts.ended();
        let share = |k: u64| (n > 0).then(|| as_f64(k) / as_f64(n));
        let not_ok = self.counts.not_ok();
        let (tally, observed) = match slo.metric {
            Metric::ErrorRate | Metric::Success if tally.n == 0 => (tally, None),
            Metric::ErrorRate => (tally, share(not_ok)),
            Metric::ShedRate => (tally, share(self.counts.of(Outcome::Shed))),
            Metric::Success => (tally, share(self.counts.of(Outcome::Ok))),
            Metric::Throughput => (Tally { not_good: 0, n }, Some(rates.achieved)),
            Metric::Goodput => (Tally { not_good: 0, n }, Some(rates.good)),
            Metric::TokensPerS => (Tally { not_good: 0, n }, Some(rates.tokens)),
            Metric::Ttfc
            | Metric::Tbc
            | Metric::Tpot
            | Metric::E2e
            | Metric::E2eClosed
            | Metric::Ttfb
            | Metric::TtftAnswer => self.latency_of(slo, tally),
        };
        let observed = if tally.n == 0 { None } else { observed };
        SloResult { slo: slo.clone(), tally, observed, evidence: judge(slo, tally, observed) }
    }

    fn latency_of(&self, slo: &Slo, tally: Tally) -> (Tally, Option<f64>) {
        let Some(distribution) = series_of(slo.metric).and_then(|series| self.latency.get(&series))
        else {
            return (tally, None);
        };
        // `tbc` counts chunks, the others requests, of which those that were not ok are infinite.
        let censored = tally.n.saturating_sub(distribution.n());
        let observed = match slo.statistic {
            Statistic::Quantile(q) => match distribution.quantile(q.get(), censored) {
                Some(Observed::At(at)) => Some(at),
                Some(Observed::Beyond) | None => None,
            },
            Statistic::Mean => distribution.mean(),
            Statistic::Min => distribution.min(),
            Statistic::Max if censored > 0 => None,
            Statistic::Max => distribution.max(),
            Statistic::Whole => None,
        };
        (tally, observed.map(|length| length.as_secs_f64()))
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
    }
}

fn record(latency: &mut BTreeMap<Series, Distribution>, series: Series, length: Duration) {
    latency.entry(series).or_default().record(length);
}

fn series_of(metric: Metric) -> Option<Series> {
    match metric {
        Metric::Ttfc => Some(Series::Ttfc),
        Metric::Tbc => Some(Series::Tbc),
        Metric::Tpot => Some(Series::Tpot),
        Metric::E2e => Some(Series::E2e),
        Metric::E2eClosed => Some(Series::E2eClosed),
        Metric::Ttfb => Some(Series::Ttfb),
        Metric::TtftAnswer => Some(Series::TtftAnswer),
        Metric::ErrorRate
        | Metric::ShedRate
        | Metric::Success
        | Metric::Throughput
        | Metric::Goodput
        | Metric::TokensPerS => None,
    }
}

/// All conditions together: one that is violated decides, one that is undecided withholds "met"; a
/// trial that was cut by its time limit proves nothing good.
fn together(slos: &[SloResult], ended: Ended) -> Evidence {
    let any = |evidence| slos.iter().any(|result| result.evidence == evidence);
    match ended {
        Ended::Settled | Ended::Overload => Evidence::Violated,
        _ if any(Evidence::Violated) => Evidence::Violated,
        _ if slos.is_empty() || any(Evidence::Undecided) => Evidence::Undecided,
        Ended::Stopped => Evidence::Undecided,
        Ended::Complete => Evidence::Met,
    }
}
