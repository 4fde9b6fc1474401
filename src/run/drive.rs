//! The only loop between a check and the world.

use super::{Budget, Journal, Rig, RunError};
use crate::check::{Check, Finding, History, Step};
use crate::trial::{TrialPlan, TrialReport, Window};

/// Told what happens, to show it to a person.
pub trait Observer {
    /// A trial begins.
    fn started(&mut self, plan: &TrialPlan);
    /// A second of it has passed.
    fn window(&mut self, window: &Window);
    /// It ended.
    fn ended(&mut self, trial: &TrialReport);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn started(&mut self, _: &TrialPlan) {}
    fn window(&mut self, _: &Window) {}
    fn ended(&mut self, _: &TrialReport) {}
}

/// Asks `check` for trials and runs them on `rig` until it has its finding. All that the check
/// knows, it learned from the history; each trial is on disk before anyone reasons about it. The budget
/// holds the time since the rig was made and the requests in the history.
///
/// # Errors
/// The target died, the journal cannot be written, or somebody interrupted. What was measured until
/// then is in the journal, and in `history`.
pub async fn drive(
    check: &dyn Check,
    history: &mut History,
    budget: Budget,
    rig: &mut impl Rig,
    journal: &mut impl Journal,
    observer: &mut dyn Observer,
) -> Result<Finding, RunError> {
    loop {
        let plan = match check.next(history) {
            Step::Done(finding) => return Ok(*finding),
            Step::Run { plan, after } => {
                rig.wait(after).await?;
                budget.bound(&plan, rig.elapsed(), history.requests())
            }
        };
        observer.started(&plan);
        let mut watch = check.watch(&plan);
        let trial =
            rig.run_trial(&plan, watch.as_mut(), &mut |window| observer.window(window)).await?;
        observer.ended(&trial);
        journal.append(&trial)?;
        history.push(trial);
    }
}
