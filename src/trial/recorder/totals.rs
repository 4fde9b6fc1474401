//! What a trial comes to: counts, tallies and distributions, of one worker or of all.

use super::Ending;
use crate::trial::request::{InFlight, Lengths};
use crate::trial::{Chunks, Counts, Distribution, Ended, Outcome, Series, Tally};
use std::time::Duration;

/// What a worker counted. The totals of several workers add up to the trial's.
#[derive(Debug, Clone)]
pub struct Totals {
    pub(super) counts: Counts,
    /// Requests sent, measured or not.
    pub(super) requests: u64,
    /// One distribution per [`Series`], in their order.
    pub(super) latency: Vec<Distribution>,
    pub(super) loop_lag: Distribution,
    pub(super) tallies: Vec<Tally>,
    /// Observations that count as not good only because the trial was ended, one number per SLO.
    pub(super) cut_short: Vec<u64>,
    /// Requests, measured or not, that ended well in the measured period.
    pub(super) ok_in_period: u64,
    /// Of these, those that met every condition on a request.
    pub(super) good_in_period: u64,
    /// Output tokens of these.
    pub(super) tokens_in_period: u64,
    pub(super) with_usage: u64,
    pub(super) without_usage: u64,
    pub(super) tpot_undefined: u64,
    pub(super) chunks: Chunks,
    pub(super) first_measured: Option<Duration>,
    pub(super) last_measured: Duration,
    pub(super) in_flight_mean: Option<f64>,
    pub(super) elapsed: Duration,
}

impl Totals {
    pub(super) fn new(slos: usize) -> Self {
        Self {
            counts: Counts::default(),
            requests: 0,
            latency: Series::ALL.iter().map(|_| Distribution::default()).collect(),
            loop_lag: Distribution::default(),
            tallies: vec![Tally::default(); slos],
            cut_short: vec![0; slos],
            ok_in_period: 0,
            good_in_period: 0,
            tokens_in_period: 0,
            with_usage: 0,
            without_usage: 0,
            tpot_undefined: 0,
            chunks: Chunks::default(),
            first_measured: None,
            last_measured: Duration::ZERO,
            in_flight_mean: None,
            elapsed: Duration::ZERO,
        }
    }

    /// Adds what another worker counted in the same trial.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.requests += other.requests;
        self.latency.iter_mut().zip(&other.latency).for_each(|(sum, part)| sum.merge(part));
        self.loop_lag.merge(&other.loop_lag);
        self.tallies.iter_mut().zip(&other.tallies).for_each(|(sum, part)| sum.merge(*part));
        self.cut_short.iter_mut().zip(&other.cut_short).for_each(|(sum, part)| *sum += part);
        self.ok_in_period += other.ok_in_period;
        self.good_in_period += other.good_in_period;
        self.tokens_in_period = self.tokens_in_period.saturating_add(other.tokens_in_period);
        self.with_usage += other.with_usage;
        self.without_usage += other.without_usage;
        self.tpot_undefined += other.tpot_undefined;
        self.chunks = self.chunks.merge(other.chunks);
        self.first_measured = match (self.first_measured, other.first_measured) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last_measured = self.last_measured.max(other.last_measured);
        let means = self.in_flight_mean.zip(other.in_flight_mean);
        self.in_flight_mean = means.map(|(a, b)| a + b);
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    pub(super) fn record(&mut self, series: Series, length: Duration) {
        if let Some(distribution) = self.latency.get_mut(series as usize) {
            distribution.record(length);
        }
    }

    /// A measured request became due.
    pub(super) fn due(&mut self, at: Duration) {
        self.counts.intended += 1;
        self.first_measured.get_or_insert(at);
        self.last_measured = self.last_measured.max(at);
    }

    pub(super) fn received(&mut self, lag: Option<Duration>) {
        match lag {
            Some(lag) => {
                self.chunks.stamped += 1;
                self.record(Series::ReceiveLag, lag);
            }
            None => self.chunks.unstamped += 1,
        }
    }

    pub(super) fn gap(&mut self, gap: Duration) {
        // Two chunks of one read have the same time.
        self.chunks.gaps += 1;
        self.chunks.coalesced += u64::from(gap.is_zero());
        self.record(Series::Tbc, gap);
    }

    pub(super) fn ended_in_period(&mut self, all_good: bool, tokens: u64) {
        self.ok_in_period += 1;
        self.good_in_period += u64::from(all_good);
        self.tokens_in_period = self.tokens_in_period.saturating_add(tokens);
    }

    /// A measured request ended.
    pub(super) fn ended(
        &mut self,
        request: &InFlight,
        ending: Ending,
        lengths: &Lengths,
        has_tokens: bool,
    ) {
        self.counts.end(ending.outcome);
        let is_ours = !ending.outcome.keeps_from_sending() && !request.begun;
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
        self.tpot_undefined += u64::from(has_tokens && lengths.tpot.is_none());
        for (series, length) in lengths.all(request) {
            self.record(series, length);
        }
    }

    /// The trial was ended while a request was still open; `before` are the tallies without it.
    pub(super) fn cut(&mut self, ended: Ended, before: &[Tally], overdue: &[bool]) {
        let each = self.tallies.iter_mut().zip(before).zip(&mut self.cut_short).zip(overdue);
        for (((tally, before), cut), overdue) in each {
            match ended {
                // Its evidence stands without them: what was still open says nothing.
                Ended::Settled | Ended::Overload if !overdue => *tally = *before,
                Ended::Stopped if !overdue => *cut += tally.not_good - before.not_good,
                Ended::Settled | Ended::Overload | Ended::Stopped | Ended::Complete => {}
            }
        }
    }
}
