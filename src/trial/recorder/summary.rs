//! From what was counted to the report of the trial.

use super::{Expected, Totals};
use crate::slo::{Metric, Rule, Slo, Statistic};
use crate::trial::{
    Distribution, Ended, Evidence, Observed, Rates, Readings, Seen, Series, SloResult, Tally,
    Timeline, TokenSource, TrialPlan, TrialReport, Turnover, examine, judge,
};
use crate::units::as_f64;
use std::collections::BTreeMap;

/// The end of a trial: what the totals do not know.
#[derive(Debug, Clone)]
pub struct Closing {
    /// How it ended.
    pub ended: Ended,
    /// What all workers together were expected to see.
    pub expected: Expected,
    /// The generator's own figures.
    pub readings: Readings,
    /// Its windows.
    pub timeline: Timeline,
}

impl Totals {
    /// The report of the trial that these are the totals of.
    #[must_use]
    pub fn report(self, plan: TrialPlan, closing: Closing) -> TrialReport {
        let Closing { ended, expected, mut readings, timeline } = closing;
        readings.in_flight_mean = self.in_flight_mean;
        let dropped = self.latency.iter().map(Distribution::dropped).sum();
        let none = Distribution::default();
        let summary = Summary { totals: &self, expected };
        let rates = summary.rates();
        let health = examine(&Seen {
            plan: &plan,
            counts: &self.counts,
            send_lag: self.latency(Series::SendLag).unwrap_or(&none),
            receive_lag: self.latency(Series::ReceiveLag).unwrap_or(&none),
            loop_lag: &self.loop_lag,
            chunks: self.chunks,
            dropped,
            timeline: &timeline,
            readings,
            turnover: summary.turnover(rates),
        });
        let slos: Vec<SloResult> = plan
            .slos
            .iter()
            .zip(self.tallies.iter().zip(&self.cut_short))
            .map(|(slo, (tally, cut))| summary.result(slo, *tally, *cut, rates))
            .collect();
        TrialReport {
            ended,
            evidence: together(&slos, ended),
            elapsed: self.elapsed,
            requests: self.requests,
            token_source: summary.token_source(),
            tpot_undefined: self.tpot_undefined,
            rates: rates.unwrap_or_default(),
            failures: BTreeMap::new(),
            slos,
            health,
            plan,
            counts: self.counts,
            latency: Series::ALL.into_iter().zip(self.latency).collect(),
            windows: timeline.into_windows(),
        }
    }

    fn latency(&self, series: Series) -> Option<&Distribution> {
        self.latency.get(series as usize)
    }
}

/// The totals, read.
struct Summary<'a> {
    totals: &'a Totals,
    expected: Expected,
}

impl Summary<'_> {
    /// For Little's law: every request of a steady closed loop ends well.
    fn turnover(&self, rates: Option<Rates>) -> Option<Turnover> {
        let totals = self.totals;
        let mean_response = totals.latency(Series::E2eClosed)?.mean()?;
        let span = totals.last_measured.checked_sub(totals.first_measured?)?;
        Some(Turnover { mean_response, per_s: rates?.achieved, span })
    }

    fn token_source(&self) -> TokenSource {
        match (self.expected.has_tokens, self.totals.with_usage, self.totals.without_usage) {
            (false, ..) => TokenSource::None,
            (true, 0, _) => TokenSource::Chunks,
            (true, _, 0) => TokenSource::Usage,
            (true, ..) => TokenSource::Mixed,
        }
    }

    /// Over the measured period: from the first measured arrival to the last, or to the end where
    /// the trial was cut before. What was achieved counts every request that ended in it, so that a
    /// backlog that drains later does not count; `None` without a period.
    fn rates(&self) -> Option<Rates> {
        let totals = self.totals;
        let goes_on = totals.counts.intended < self.expected.requests;
        let last = if goes_on { totals.elapsed } else { totals.last_measured };
        let span = last.saturating_sub(totals.first_measured?).as_secs_f64();
        let per_s = |n: u64| as_f64(n) / span;
        (span > 0.0).then(|| Rates {
            offered: per_s(totals.counts.intended),
            achieved: per_s(totals.ok_in_period),
            good: per_s(totals.good_in_period),
            tokens: per_s(totals.tokens_in_period),
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
        let n = self.totals.counts.ended();
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
        let Some(distribution) =
            series_of(slo.metric).and_then(|series| self.totals.latency(series))
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
