//! All checks of a suite, one after the other, on one rig.

use super::{Budget, Journal, Observer, Refusal, Rig, RunError, drive};
use crate::check::{Aim, Allowance, Capacity, Cost, Finding, History, Place, Setup};
use crate::config::Plan;
use crate::config::plan::{CheckPlan, TargetSource};
use std::collections::BTreeSet;

/// What became of one check.
#[derive(Debug)]
pub struct CheckRun {
    /// Its name.
    pub name: String,
    /// Its finding; `None` when the run ended before.
    pub finding: Option<Finding>,
    /// Its trials.
    pub history: History,
}

/// What became of a suite.
#[derive(Debug, Default)]
pub struct SuiteRun {
    /// The checks that were begun, in the order of the suite.
    pub checks: Vec<CheckRun>,
    /// Why it ended early, if it did.
    pub problem: Option<RunError>,
}

/// Names of checks to run; all of them when empty.
pub type Only = BTreeSet<String>;

/// The checks of the plan that `only` asks for.
pub fn chosen<'a>(plan: &'a Plan, only: &'a Only) -> impl Iterator<Item = &'a CheckPlan> {
    plan.checks.values().filter(move |check| only.is_empty() || only.contains(&check.name))
}

/// What is to be run, and what for.
#[derive(Clone, Copy)]
pub struct Orders<'a> {
    /// The suite.
    pub plan: &'a Plan,
    /// Which of its checks.
    pub only: &'a Only,
    /// What each check is for.
    pub aim: &'a dyn Fn(&str) -> Aim,
    /// Speed of the reference work when the baseline was measured, else at the start of this run, where it
    /// is known.
    pub reference_speed: Option<f64>,
}

/// What each chosen check will cost, refused here if the budget cannot hold it.
///
/// # Errors
/// The first check that cannot be answered within its share of the budget.
pub fn announce(orders: &Orders<'_>) -> Result<Vec<(String, Cost, Allowance)>, Refusal> {
    let plan = orders.plan;
    let checks: Vec<&CheckPlan> = chosen(plan, orders.only).collect();
    let count = u32::try_from(checks.len()).unwrap_or(u32::MAX);
    let allowance = budget(plan).share(std::time::Duration::ZERO, 0, count);
    checks
        .into_iter()
        .map(|check| {
            let capacity = orders.capacity(check, allowance);
            let cost = Budget::admit(&check.name, &capacity, allowance)?;
            Ok((check.name.clone(), cost, allowance))
        })
        .collect()
}

/// Runs the chosen checks. Ends early when the target dies, the journal cannot be written or
/// somebody interrupts; what was measured until then is kept.
pub async fn run_suite(
    orders: &Orders<'_>,
    rig: &mut impl Rig,
    journal: &mut impl Journal,
    observer: &mut dyn Observer,
) -> SuiteRun {
    let plan = orders.plan;
    let mut suite = SuiteRun::default();
    let checks: Vec<&CheckPlan> = chosen(plan, orders.only).collect();
    let mut requests = 0;
    for (done, check) in checks.iter().enumerate() {
        let left = u32::try_from(checks.len() - done).unwrap_or(u32::MAX);
        let allowance = budget(plan).share(rig.elapsed(), requests, left);
        let capacity = orders.capacity(check, allowance);
        let mut history = History::default();
        let left = Budget { requests: plan.budget.requests - requests, ..budget(plan) };
        let result = drive(&capacity, &mut history, left, rig, journal, observer).await;
        requests = (requests + history.requests()).min(plan.budget.requests);
        let (finding, problem) = match result {
            Ok(finding) => (Some(finding), None),
            Err(problem) => (None, Some(problem)),
        };
        suite.checks.push(CheckRun { name: check.name.clone(), finding, history });
        if problem.is_some() {
            suite.problem = problem;
            break;
        }
    }
    suite
}

fn budget(plan: &Plan) -> Budget {
    Budget { time: plan.budget.time, requests: plan.budget.requests }
}

impl<'a> Orders<'a> {
    /// Every check of the plan, to be measured as if for the first time.
    #[must_use]
    pub fn first(plan: &'a Plan, only: &'a Only) -> Self {
        Self { plan, only, aim: &|_| Aim::Measure(None), reference_speed: None }
    }

    fn capacity(&self, check: &CheckPlan, allowance: Allowance) -> Capacity {
        let plan = self.plan;
        let aim = (self.aim)(&check.name);
        let base = plan.base.as_ref().filter(|_| matches!(aim, Aim::Compare(_)));
        let is_here = |source: &TargetSource| match source {
            TargetSource::Managed(_) | TargetSource::Demo(_) => true,
            TargetSource::Url(_) => false,
        };
        // What is not ours but runs here, too, would look like a neighbour of the other one.
        let place = if is_here(&plan.target.source) && base.is_none_or(is_here) {
            Place::Here { reference_speed: self.reference_speed }
        } else {
            Place::Elsewhere
        };
        let setup = Setup {
            plan: check,
            law: &plan.sessions,
            seed: plan.seed,
            longest_request: plan.target.timeouts.total,
            allowance,
            place,
            checks: chosen(plan, self.only).count(),
        };
        Capacity::new(setup, aim)
    }
}
