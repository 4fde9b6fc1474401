//! All checks of a suite, one after the other, on one rig.

use super::{Budget, Journal, Observer, Refusal, Rig, RunError, drive};
use crate::check::{Allowance, Capacity, Cost, Finding, History, Prior};
use crate::config::Plan;
use crate::config::plan::CheckPlan;
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

/// What each chosen check will cost, refused here if the budget cannot hold it.
///
/// # Errors
/// The first check that cannot be answered within its share of the budget.
pub fn announce(
    plan: &Plan,
    only: &Only,
    prior: &dyn Fn(&str) -> Option<Prior>,
) -> Result<Vec<(String, Cost, Allowance)>, Refusal> {
    let checks: Vec<&CheckPlan> = chosen(plan, only).collect();
    let count = u32::try_from(checks.len()).unwrap_or(u32::MAX);
    let allowance = budget(plan).share(std::time::Duration::ZERO, 0, count);
    checks
        .into_iter()
        .map(|check| {
            let capacity = capacity(plan, check, prior(&check.name), allowance);
            let cost = Budget::admit(&check.name, &capacity, allowance)?;
            Ok((check.name.clone(), cost, allowance))
        })
        .collect()
}

/// Runs the chosen checks. Ends early when the target dies, the journal cannot be written or
/// somebody interrupts; what was measured until then is kept.
pub async fn run_suite(
    plan: &Plan,
    only: &Only,
    prior: &dyn Fn(&str) -> Option<Prior>,
    rig: &mut impl Rig,
    journal: &mut impl Journal,
    observer: &mut dyn Observer,
) -> SuiteRun {
    let mut suite = SuiteRun::default();
    let checks: Vec<&CheckPlan> = chosen(plan, only).collect();
    let mut requests = 0;
    for (done, check) in checks.iter().enumerate() {
        let left = u32::try_from(checks.len() - done).unwrap_or(u32::MAX);
        let allowance = budget(plan).share(rig.elapsed(), requests, left);
        let capacity = capacity(plan, check, prior(&check.name), allowance);
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

fn capacity(
    plan: &Plan,
    check: &CheckPlan,
    prior: Option<Prior>,
    allowance: Allowance,
) -> Capacity {
    Capacity::new(check, &plan.sessions, plan.seed, plan.target.timeouts.total, prior, allowance)
}
