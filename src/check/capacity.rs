//! How much load the target carries within its SLOs: the experiment behind `capacity`.

use super::sizing::Sizing;
use super::watch::Curtail;
use super::{
    Allowance, Binding, Check, Conclusion, Cost, Estimate, Finding, Gap, History, Limited, Prior,
    Step,
};
use crate::config::plan::{CapacityPlan, CheckPlan, Knob};
use crate::search::{Answer, Ask, Bisect, Point, Scale};
use crate::slo::{Better, Slo};
use crate::stats::wilson;
use crate::trial::{Ended, Evidence, Load, Purpose, SloResult, TrialPlan, TrialReport, Watch};
use crate::units::{KnobValue, Rate, Ratio, share};
use crate::workload::SessionLaw;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

/// Nominal confidence of the interval.
const CONFIDENCE: f64 = 0.90;
/// Half-width of a 90 % interval in standard deviations of a normal law.
const Z_90: f64 = 1.645;
/// Time between two trials that the budget reckons with: the target settles, connections open.
const BETWEEN_TRIALS: Duration = Duration::from_millis(500);

/// The capacity experiment.
#[derive(Debug, Clone)]
pub struct Capacity {
    name: String,
    search: CapacityPlan,
    slos: Vec<Slo>,
    sizing: Sizing,
    prior: Option<Prior>,
    allowance: Allowance,
}

impl Capacity {
    /// The check `plan` over this law of sessions. `longest_request` is the total time-out.
    #[must_use]
    pub fn new(
        plan: &CheckPlan,
        law: &SessionLaw,
        seed: u64,
        longest_request: Duration,
        prior: Option<Prior>,
        allowance: Allowance,
    ) -> Self {
        let slos: Vec<Slo> = plan.slos.iter().map(|slo| slo.slo.clone()).collect();
        let sizing = Sizing::new(&plan.capacity, law, seed, &slos, longest_request);
        // Another seed is another sequence: nothing to be compared with.
        let prior = prior.filter(|prior| prior.sequence.seed == seed);
        Self {
            name: plan.name.clone(),
            search: plan.capacity.clone(),
            slos,
            sizing,
            prior,
            allowance,
        }
    }

    fn bisect(&self) -> Bisect {
        Bisect {
            from: self.search.from.get(),
            to: self.search.to.map(KnobValue::get),
            expand: self.search.expand,
            precision: self.search.precision.get(),
            scale: if self.search.knob.is_whole() { Scale::Whole } else { Scale::Real },
            start: self.prior.as_ref().map(|prior| prior.value.get()),
        }
    }

    fn plan(&self, history: &History, value: f64, purpose: Purpose) -> Option<TrialPlan> {
        let size = match purpose {
            Purpose::Probe => self.sizing.probe(value),
            Purpose::Play => self.sizing.play(value, history, self.prior.as_ref()),
        };
        let load = match self.search.knob {
            Knob::Rate(arrivals) => Load::Open { rate: Rate::per_second(value)?, arrivals },
            Knob::Concurrency => Load::Closed { concurrency: whole(value)? },
        };
        Some(TrialPlan {
            index: u32::try_from(history.trials().len()).ok()?,
            check: self.name.clone(),
            purpose,
            knob: self.search.knob.name().to_owned(),
            value: KnobValue::new(value)?,
            load,
            seed: self.sizing.seed(),
            cut: size.cut,
            count: size.count,
            slos: self.slos.clone(),
            time_limit: size.time_limit,
            request_limit: self.allowance.requests.saturating_sub(history.requests()),
        })
    }

    /// The trial that the search asks for.
    fn asked(&self, history: &History, ask: &Ask) -> Option<TrialPlan> {
        match *ask {
            Ask::Probe(value) => self.plan(history, value, Purpose::Probe),
            Ask::Play(value) => self.plan(history, value, Purpose::Play),
            Ask::Done(_) => None,
        }
    }

    /// Why this trial cannot be afforded, if it cannot.
    fn gap(&self, history: &History, plan: &TrialPlan) -> Option<Gap> {
        let spent: Duration =
            history.trials().iter().map(|trial| trial.elapsed + BETWEEN_TRIALS).sum();
        let expected = self.sizing.expected_time(plan, history).saturating_add(BETWEEN_TRIALS);
        if history.trials().len() >= self.search.max_trials as usize {
            Some(Gap::Trials { limit: self.search.max_trials })
        } else if spent.saturating_add(expected) > self.allowance.time {
            Some(Gap::Time { budget: self.allowance.time })
        } else if history.requests() + self.sizing.expected_requests(plan) > self.allowance.requests
        {
            Some(Gap::Requests { budget: self.allowance.requests })
        } else {
            None
        }
    }

    fn conclude(&self, history: &History, answer: Option<Answer>, gap: Option<Gap>) -> Step {
        let trials = || history.trials().iter().filter(|trial| counts_as_play(trial));
        let mut metrics = BTreeMap::new();
        let mut sd_log = None;
        let conclusion = match (answer, gap) {
            (Some(Answer::Crossing { value, low, high, noise }), _) => {
                metrics
                    .insert("capacity".to_owned(), self.estimate(history, value, low, high, noise));
                metrics.insert("error_rate".to_owned(), error_rate(history));
                sd_log = Some((high / low).ln() / (2.0 * Z_90));
                Conclusion::Found
            }
            (Some(Answer::AtLeast(value)), _) => {
                metrics.insert("error_rate".to_owned(), error_rate(history));
                KnobValue::new(value)
                    .map_or(Conclusion::Invalid(Limited::default()), Conclusion::AtLeast)
            }
            (Some(Answer::NoneHolds(value)), _) => KnobValue::new(value)
                .map_or(Conclusion::Invalid(Limited::default()), Conclusion::NoneHolds),
            (None, Some(gap)) => Conclusion::Inconclusive(gap),
            (None, None) => Conclusion::Inconclusive(Gap::Trials { limit: self.search.max_trials }),
        };
        Step::Done(Box::new(Finding {
            check: self.name.clone(),
            knob: self.search.knob.name().to_owned(),
            conclusion,
            metrics,
            binding: binding(history),
            sequence: trials().next().map(|trial| self.sizing.identity(trial)),
            sd_log,
            elapsed: history.trials().iter().map(|trial| trial.elapsed).sum(),
        }))
    }

    fn estimate(&self, history: &History, value: f64, low: f64, high: f64, noise: f64) -> Estimate {
        let entered: Vec<&TrialReport> =
            history.trials().iter().filter(|trial| counts_as_play(trial)).collect();
        Estimate {
            value,
            low,
            high,
            confidence: Ratio::new(CONFIDENCE).unwrap_or(Ratio::ZERO),
            unit: self.search.knob.unit().to_owned(),
            better: Better::Higher,
            samples: entered.iter().map(|trial| trial.counts.ended()).sum(),
            trials: u32::try_from(entered.len()).unwrap_or(u32::MAX),
            spread: Ratio::new(noise.clamp(0.0, 1.0)).unwrap_or(Ratio::ZERO),
        }
    }
}

impl Check for Capacity {
    fn next(&self, history: &History) -> Step {
        if let Some(stop) = self.cannot_go_on(history) {
            return stop;
        }
        let points = points(history);
        let search = self.bisect();
        let run = |plan: TrialPlan| match self.gap(history, &plan) {
            Some(gap) => self.conclude(history, search.settle(&points), Some(gap)),
            None => Step::Run(Box::new(plan)),
        };
        // An invalid trial says nothing: the same load once more, if that can be afforded.
        if let Some(last) = history.trials().last().filter(|trial| !trial.is_valid()) {
            let again = TrialPlan { index: last.plan.index + 1, ..last.plan.clone() };
            let is_over = self.gap(history, &again).is_some() && search.settle(&points).is_none();
            return if is_over { self.invalid(history, last) } else { run(again) };
        }
        let ask = search.next(&points);
        if let Ask::Done(answer) = ask {
            return self.conclude(history, Some(answer), None);
        }
        let Some(plan) = self.asked(history, &ask) else {
            return self.conclude(history, None, None);
        };
        run(plan)
    }

    fn watch(&self, plan: &TrialPlan) -> Box<dyn Watch> {
        Box::new(Curtail::new(plan, self.sizing.requests(plan)))
    }

    fn cost(&self) -> Cost {
        let mut cost = self.sizing.cost(self.prior.as_ref(), BETWEEN_TRIALS);
        let none = History::default();
        if let Some(first) = self.asked(&none, &self.bisect().next(&[])) {
            let expected = self.sizing.expected_time(&first, &none);
            cost.least = cost.least.max(expected.saturating_add(BETWEEN_TRIALS));
            cost.requests_least = cost.requests_least.max(self.sizing.expected_requests(&first));
        }
        cost
    }
}

impl Capacity {
    /// Two invalid trials in a row, a trial that the budget cut, or two that were too small to tell.
    fn cannot_go_on(&self, history: &History) -> Option<Step> {
        let trials = history.trials();
        let last = trials.last()?;
        let before = trials.len().checked_sub(2).and_then(|i| trials.get(i));
        if !last.is_valid() && before.is_some_and(|before| !before.is_valid()) {
            return Some(self.invalid(history, last));
        }
        if last.ended == Ended::Stopped && last.evidence == Evidence::Undecided {
            let gap = if last.requests >= last.plan.request_limit {
                Gap::Requests { budget: self.allowance.requests }
            } else {
                Gap::Time { budget: self.allowance.time }
            };
            return Some(self.conclude(history, self.bisect().settle(&points(history)), Some(gap)));
        }
        let undecided = last.slos.iter().find(|result| result.evidence == Evidence::Undecided)?;
        if last.evidence != Evidence::Undecided || !last.is_valid() {
            return None;
        }
        let needed = SloResult::needed(&undecided.slo);
        let gap = Gap::Samples { slo: undecided.slo.to_string(), had: undecided.tally.n, needed };
        Some(self.conclude(history, None, Some(gap)))
    }

    /// Ends with the reasons of the last trial.
    fn invalid(&self, history: &History, last: &TrialReport) -> Step {
        let mut step = self.conclude(history, None, None);
        if let Step::Done(finding) = &mut step {
            let can_offer_per_s = offered(history).or(last.health.readings.can_offer_per_s);
            let reasons = last.health.invalid.clone();
            finding.conclusion = Conclusion::Invalid(Limited { reasons, can_offer_per_s });
        }
        step
    }
}

/// The most sessions per second that a valid trial offered.
fn offered(history: &History) -> Option<f64> {
    let rates = history.trials().iter().filter(|trial| trial.is_valid()).filter_map(|trial| {
        match trial.plan.load {
            Load::Open { rate, .. } => Some(rate.as_per_second()),
            Load::Closed { .. } => None,
        }
    });
    rates.max_by(f64::total_cmp)
}

/// The answers that the search reasons with: valid trials that decided.
fn points(history: &History) -> Vec<Point> {
    let decided = |trial: &&TrialReport| trial.is_valid() && trial.evidence != Evidence::Undecided;
    history
        .trials()
        .iter()
        .filter(decided)
        .map(|trial| Point {
            value: trial.plan.value.get(),
            held: trial.evidence == Evidence::Met,
            full: trial.plan.purpose == Purpose::Play,
        })
        .collect()
}

fn counts_as_play(trial: &TrialReport) -> bool {
    trial.is_valid() && trial.plan.purpose == Purpose::Play
}

/// Requests that were not ok, over all full trials that held: what a baseline must not hide.
fn error_rate(history: &History) -> Estimate {
    let held: Vec<&TrialReport> = history
        .trials()
        .iter()
        .filter(|trial| counts_as_play(trial) && trial.evidence == Evidence::Met)
        .collect();
    let samples: u64 = held.iter().map(|trial| trial.counts.ended()).sum();
    let failed: u64 = held.iter().map(|trial| trial.counts.not_ok()).sum();
    let (low, high) = wilson(failed, samples, Z_90);
    Estimate {
        value: share(failed, samples.max(1)),
        low: low.get(),
        high: high.get(),
        confidence: Ratio::new(CONFIDENCE).unwrap_or(Ratio::ZERO),
        unit: String::new(),
        better: Better::Lower,
        samples,
        trials: u32::try_from(held.len()).unwrap_or(u32::MAX),
        spread: Ratio::ZERO,
    }
}

/// The condition that broke at the lowest load, by the largest excess over what it allows.
fn binding(history: &History) -> Option<Binding> {
    let valid = || history.trials().iter().filter(|trial| trial.is_valid());
    let by_value =
        |a: &&TrialReport, b: &&TrialReport| a.plan.value.get().total_cmp(&b.plan.value.get());
    // An overload that was seen before any measured request had ended names no condition.
    let is_broken = |result: &&SloResult| result.evidence == Evidence::Violated;
    let lowest = valid()
        .filter(|trial| trial.evidence == Evidence::Violated)
        .filter(|trial| trial.slos.iter().any(|result| is_broken(&result)))
        .min_by(by_value)?;
    let broken = lowest.slos.iter().filter(is_broken);
    let worst = broken.max_by(|a, b| excess(a).total_cmp(&excess(b)))?;
    let held = valid().filter(|trial| trial.evidence == Evidence::Met).max_by(by_value).and_then(
        |trial| {
            let same = trial.slos.iter().find(|result| result.slo == worst.slo)?;
            Some((trial.plan.value, same.observed?))
        },
    );
    Some(Binding {
        slo: worst.slo.to_string(),
        at: lowest.plan.value,
        observed: worst.observed,
        not_good: worst.tally.not_good,
        n: worst.tally.n,
        held,
    })
}

fn excess(result: &SloResult) -> f64 {
    let n = result.tally.n.max(1);
    let share = Ratio::new(share(result.tally.not_good, n)).map_or(1.0, Ratio::get);
    match result.allowed() {
        Some(allowed) if allowed > 0.0 => share / allowed,
        Some(_) | None => f64::INFINITY,
    }
}

fn whole(value: f64) -> Option<NonZeroU32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of u32"
    )]
    let whole = value.round().clamp(0.0, f64::from(u32::MAX)) as u32;
    NonZeroU32::new(whole)
}
