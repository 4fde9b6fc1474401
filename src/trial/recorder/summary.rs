//! From what was counted to the report of the trial.

use super::Recorder;
use crate::slo::{Metric, Rule, Slo, Statistic};
use crate::trial::{
    Chunks, Distribution, Ended, Evidence, Observed, Rates, Readings, Seen, Series, SloResult,
    Tally, TokenSource, TrialReport, Turnover, examine, judge,
};
use crate::units::as_f64;
use std::collections::BTreeMap;
use std::time::Duration;

impl Recorder {
    /// The report; `cut_short` holds for each condition the observations that are not good only
    /// because the trial was ended while their requests were still within every limit.
    pub(super) fn report(
        self,
        now: Duration,
        ended: Ended,
        mut readings: Readings,
        cut_short: &[u64],
    ) -> TrialReport {
        readings.in_flight_mean = self.in_flight_mean();
        let dropped = self.latency.values().map(Distribution::dropped).sum();
        let none = Distribution::default();
        let send_lag = self.latency.get(&Series::SendLag).unwrap_or(&none);
        let rates = self.rates(now);
        let health = examine(&Seen {
            plan: &self.plan,
            counts: &self.counts,
            send_lag,
            receive_lag: &none,
            loop_lag: &none,
            chunks: Chunks::default(),
            dropped,
            windows: &self.windows,
            readings,
            turnover: self.turnover(rates),
        });
        let slos: Vec<SloResult> = self
            .plan
            .slos
            .iter()
            .zip(self.tallies.iter().zip(cut_short))
            .map(|(slo, (tally, cut))| self.result(slo, *tally, *cut, rates))
            .collect();
        TrialReport {
            ended,
            evidence: together(&slos, ended),
            elapsed: now,
            requests: self.requests,
            token_source: self.token_source(),
            tpot_undefined: self.tpot_undefined,
            rates: rates.unwrap_or_default(),
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
        let steady = !self.expected.has_pauses && self.is_steady && self.counts.not_ok() == 0;
        (steady && span > 0.0).then(|| self.in_flight_area / span)
    }

    /// For Little's law: every request of a steady closed loop ends well.
    fn turnover(&self, rates: Option<Rates>) -> Option<Turnover> {
        let mean_response = self.latency.get(&Series::E2eClosed)?.mean()?;
        let span = self.area_until.checked_sub(self.first_measured?)?;
        Some(Turnover { mean_response, per_s: rates?.achieved, span })
    }

    fn token_source(&self) -> TokenSource {
        match (self.expected.has_tokens, self.with_usage, self.without_usage) {
            (false, ..) => TokenSource::None,
            (true, 0, _) => TokenSource::Chunks,
            (true, _, 0) => TokenSource::Usage,
            (true, ..) => TokenSource::Mixed,
        }
    }

    /// Over the measured period: from the first measured arrival to the last, or to the end where
    /// the trial was cut before. What was achieved counts every request that ended in it, so that a
    /// backlog that drains later does not count; `None` without a period.
    fn rates(&self, now: Duration) -> Option<Rates> {
        let first = self.first_measured?;
        let last =
            if self.counts.intended < self.expected.requests { now } else { self.last_measured };
        let span = last.saturating_sub(first).as_secs_f64();
        let per_s = |n: u64| as_f64(n) / span;
        (span > 0.0).then(|| Rates {
            offered: per_s(self.counts.intended),
            achieved: per_s(self.ok_in_period),
            good: per_s(self.good_in_period),
            tokens: per_s(self.tokens_in_period),
        })
    }

    /// A condition is not called violated for requests that were cut short while still good.
    fn result(&self, slo: &Slo, tally: Tally, cut_short: u64, rates: Option<Rates>) -> SloResult {
        let (tally, observed) = self.observed(slo, tally, rates);
        let mut evidence = judge(slo, tally, observed);
        if evidence == Evidence::Violated && cut_short > 0 {
            let not_good = tally.not_good.saturating_sub(cut_short);
            let at_best = match slo.rule() {
                Rule::Share { .. } => Tally { not_good, n: tally.n },
                Rule::Number => Tally { not_good, n: tally.n.saturating_sub(cut_short) },
            };
            let (at_best, observed) = self.observed(slo, at_best, rates);
            if judge(slo, at_best, observed) != Evidence::Violated {
                evidence = Evidence::Undecided;
            }
        }
        SloResult { slo: slo.clone(), tally, observed, evidence }
    }

    fn observed(&self, slo: &Slo, tally: Tally, rates: Option<Rates>) -> (Tally, Option<f64>) {
        let n = self.counts.ended();
        let share = |k: u64| (tally.n > 0).then(|| as_f64(k) / as_f64(tally.n));
        // A rate that is undefined has no sample behind it and decides nothing.
        let rate = |rate: fn(Rates) -> f64| match rates {
            Some(rates) => (Tally { not_good: 0, n }, Some(rate(rates))),
            None => (Tally::default(), None),
        };
        let (tally, observed) = match slo.metric {
            Metric::ErrorRate | Metric::ShedRate => (tally, share(tally.not_good)),
            Metric::Success => (tally, share(tally.n - tally.not_good)),
            Metric::Throughput => rate(|rates| rates.achieved),
            Metric::Goodput => rate(|rates| rates.good),
            Metric::TokensPerS if self.expected.has_tokens => rate(|rates| rates.tokens),
            Metric::TokensPerS => (Tally::default(), None),
            Metric::Ttfc
            | Metric::Tbc
            | Metric::Tpot
            | Metric::E2e
            | Metric::E2eClosed
            | Metric::Ttfb
            | Metric::TtftAnswer => self.latency_of(slo, tally),
        };
        let observed = if tally.n == 0 { None } else { observed };
        (tally, observed)
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
            // One that never came may be as large as it likes: so is the mean.
            Statistic::Mean | Statistic::Max if censored > 0 => None,
            Statistic::Mean => distribution.mean(),
            Statistic::Min => distribution.min(),
            Statistic::Max => distribution.max(),
            Statistic::Whole => None,
        };
        (tally, observed.map(|length| length.as_secs_f64()))
    }
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
