//! How much load the target carries within its SLOs: the experiment behind `capacity`. Here is what
//! searching for it and defending an accepted one have in common.

use super::course::{Course, Patience, Reader, State};
use super::dial::trial_at;
use super::sizing::Sizing;
use super::{Aim, Allowance, Check, Conclusion, Cost, Gap, History, Limited, Place, Prior, Step};
use crate::config::plan::{CapacityPlan, CheckPlan, GateLimits, Method};
use crate::search::{Range, Scale};
use crate::slo::Slo;
use crate::trial::{Load, Purpose, Side, TrialPlan, TrialReport, Watch};
use crate::units::KnobValue;
use crate::workload::SessionLaw;
use std::time::Duration;

/// Time between two trials that the budget reckons with: the target settles, connections open.
const BETWEEN_TRIALS: Duration = Duration::from_millis(500);

/// What a capacity check is made of.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// What the suite says of the check.
    pub plan: &'a CheckPlan,
    /// The law of the sessions.
    pub law: &'a SessionLaw,
    /// Seed of the sequence.
    pub seed: u64,
    /// The total time-out of a request.
    pub longest_request: Duration,
    /// What the check may use.
    pub allowance: Allowance,
    /// Where the target runs.
    pub place: Place,
    /// Checks of the run: they share the error budget.
    pub checks: usize,
}

/// The capacity experiment.
#[derive(Debug, Clone)]
pub struct Capacity {
    pub(super) name: String,
    pub(super) search: CapacityPlan,
    pub(super) limits: GateLimits,
    pub(super) sizing: Sizing,
    pub(super) aim: Aim,
    pub(super) place: Place,
    pub(super) checks: usize,
    slos: Vec<Slo>,
    allowance: Allowance,
}

impl Capacity {
    /// The check with this aim. An accepted measurement of another seed is of another sequence: there
    /// is nothing to be compared with, so the capacity is searched.
    #[must_use]
    pub fn new(setup: Setup<'_>, aim: Aim) -> Self {
        let Setup { plan, law, seed, longest_request, allowance, place, checks } = setup;
        let slos: Vec<Slo> = plan.slos.iter().map(|slo| slo.slo.clone()).collect();
        let sizing = Sizing::new(&plan.capacity, law, seed, &slos, longest_request);
        let same = |prior: &Prior| prior.sequence.seed == seed;
        let aim = match (aim, plan.capacity.method) {
            (Aim::Compare(hint), _) => Aim::Compare(hint),
            (Aim::Defend(prior), Method::Posterior) if same(&prior) => Aim::Defend(prior),
            // A value at which the service turns is found as soon as it is tested.
            (Aim::Defend(prior) | Aim::Measure(Some(prior)), _) if same(&prior) => {
                Aim::Measure(Some(prior))
            }
            (Aim::Defend(_) | Aim::Measure(_), _) => Aim::Measure(None),
        };
        Self {
            name: plan.name.clone(),
            search: plan.capacity.clone(),
            limits: plan.gates.get("capacity").copied().unwrap_or_default(),
            sizing,
            aim,
            place,
            checks,
            slos,
            allowance,
        }
    }

    /// The values that may be tried.
    pub(super) fn range(&self) -> Range {
        Range {
            from: self.search.from.get(),
            to: self.search.to.map(KnobValue::get),
            expand: self.search.expand,
            scale: if self.search.knob.is_whole() { Scale::Whole } else { Scale::Real },
        }
    }

    /// Time that the check may use.
    pub(super) fn allowance(&self) -> Duration {
        self.allowance.time
    }

    /// What is known of an earlier measurement of the same sequence.
    pub(super) fn prior(&self) -> Option<&Prior> {
        match &self.aim {
            Aim::Defend(prior) => Some(prior),
            Aim::Measure(prior) => prior.as_ref(),
            Aim::Compare(_) => None,
        }
    }

    /// A trial at this value.
    pub(super) fn plan(
        &self,
        history: &History,
        value: f64,
        purpose: Purpose,
    ) -> Option<TrialPlan> {
        let size = match purpose {
            Purpose::Probe => self.sizing.probe(value),
            Purpose::Play | Purpose::Anchor | Purpose::Above => {
                self.sizing.play(value, history, self.prior())
            }
        };
        let (load, setting) = trial_at(&self.search.knob, value)?;
        Some(TrialPlan {
            index: u32::try_from(history.trials().len()).ok()?,
            check: self.name.clone(),
            purpose,
            side: Side::Only,
            knob: self.search.knob.name().to_owned(),
            value: KnobValue::new(value)?,
            load,
            setting,
            seed: self.sizing.seed(),
            cut: size.cut,
            count: size.count,
            slos: self.slos.clone(),
            time_limit: size.time_limit,
            request_limit: self.allowance.requests.saturating_sub(history.requests()),
        })
    }

    /// Why this trial, with so many more like it, cannot be afforded, if it cannot.
    pub(super) fn gap(
        &self,
        history: &History,
        course: &Course,
        plan: &TrialPlan,
        more: u32,
    ) -> Option<Gap> {
        let played: Duration =
            history.trials().iter().map(|trial| trial.elapsed + BETWEEN_TRIALS).sum();
        let spent = played.saturating_add(course.waited());
        let expected = self.sizing.expected_time(plan, history).saturating_add(BETWEEN_TRIALS);
        let expected = expected.saturating_mul(1 + more);
        let requests = self.sizing.expected_requests(plan).saturating_mul(u64::from(1 + more));
        if history.trials().len() >= self.search.max_trials as usize {
            Some(Gap::Trials { limit: self.search.max_trials })
        } else if spent.saturating_add(expected) > self.allowance.time {
            Some(Gap::Time { budget: self.allowance.time })
        } else if history.requests() + requests > self.allowance.requests {
            Some(Gap::Requests { budget: self.allowance.requests })
        } else {
            None
        }
    }

    pub(super) fn course(&self, history: &History) -> Course {
        let patience = match self.aim {
            Aim::Defend(_) | Aim::Compare(_) => Patience::Ends,
            Aim::Measure(_) => Patience::Counts,
        };
        let (sizing, place, allowance) = (&self.sizing, self.place, self.allowance);
        Course::of(history, &Reader { sizing, place, patience, allowance })
    }

    /// The same trial once more, if that can be afforded.
    fn again(
        &self,
        history: &History,
        course: &Course,
        last: &TrialReport,
        after: Duration,
    ) -> Option<Step> {
        let plan = TrialPlan {
            index: last.plan.index + 1,
            request_limit: self.allowance.requests.saturating_sub(history.requests()),
            ..last.plan.clone()
        };
        let can_afford = self.gap(history, course, &plan, 0).is_none();
        can_afford.then(|| Step::Run { plan: Box::new(plan), after })
    }

    /// What cannot be made good ends the check.
    fn dead_end(&self, history: &History, course: &Course, last: &TrialReport) -> Option<Step> {
        let invalid = || Conclusion::Invalid(self.limited(history, last));
        let conclusion = match &course.state {
            State::Onwards | State::Undecided(_) => return None,
            State::Invalid => invalid(),
            State::Busy => Conclusion::Busy { voids: course.voids.len() },
            State::Again(after) => {
                if let Some(step) = self.again(history, course, last, *after) {
                    return Some(step);
                }
                // What was measured before may be enough for an answer.
                if last.is_valid() || self.has_answer(course) {
                    return None;
                }
                invalid()
            }
        };
        Some(self.conclude(history, course, conclusion))
    }

    /// Why the last trial was invalid.
    fn limited(&self, history: &History, last: &TrialReport) -> Limited {
        let can_offer_per_s = offered(history).or(last.health.readings.can_offer_per_s);
        Limited { reasons: last.health.invalid.clone(), can_offer_per_s }
    }
}

impl Check for Capacity {
    fn next(&self, history: &History) -> Step {
        let course = self.course(history);
        if let Some(last) = history.trials().last()
            && last.plan.purpose != Purpose::Above
            && let Some(step) = self.dead_end(history, &course, last)
        {
            return step;
        }
        match &self.aim {
            Aim::Defend(prior) => self.defend(history, &course, prior),
            Aim::Measure(_) => self.measure(history, &course),
            Aim::Compare(hint) => self.compare(history, &course, *hint),
        }
    }

    fn watch(&self, plan: &TrialPlan) -> Box<dyn Watch> {
        Box::new(super::Curtail::new(plan, self.sizing.requests(plan)))
    }

    fn cost(&self) -> Cost {
        let mut cost = self.sizing.cost(&self.aim, BETWEEN_TRIALS);
        let none = History::default();
        let first = match &self.aim {
            Aim::Defend(prior) => self.first_test(&none, prior),
            Aim::Measure(_) => self.first_look(&none),
            Aim::Compare(hint) => self.first_pair(&none, *hint),
        };
        if let Some(first) = first {
            let expected = self.sizing.expected_time(&first, &none);
            cost.least = cost.least.max(expected.saturating_add(BETWEEN_TRIALS));
            cost.requests_least = cost.requests_least.max(self.sizing.expected_requests(&first));
        }
        cost
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
