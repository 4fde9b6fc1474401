//! The experiments, sans-IO: a check is asked for the next trial until it has a finding.
//!
//! A check never opens a socket and never reads a clock. What it needs of a baseline reaches it as
//! plain data ([`Prior`]), so that it stays below `baseline` and `gate`.

mod capacity;
mod finding;
mod sizing;
mod watch;

pub use capacity::Capacity;
pub use finding::{Binding, Conclusion, Estimate, Finding, Gap, Limited};
pub use watch::Curtail;

use crate::trial::{TrialPlan, TrialReport, Watch};
use crate::units::KnobValue;
use crate::workload::SequenceId;
use std::time::Duration;

/// An experiment. `next` is a pure function of what happened: the same history gives the same step,
/// so a journal replays, a killed run resumes, and a simulation needs no clock.
pub trait Check {
    /// The next trial, or the finding.
    fn next(&self, history: &History) -> Step;

    /// What may end a trial of this plan early.
    fn watch(&self, plan: &TrialPlan) -> Box<dyn Watch>;

    /// What the check will cost, so that the reader knows before it starts and a budget that cannot
    /// hold it is refused.
    fn cost(&self) -> Cost;
}

/// What a check wants.
#[derive(Debug, Clone)]
pub enum Step {
    /// Run this trial.
    Run(Box<TrialPlan>),
    /// It has its answer.
    Done(Box<Finding>),
}

/// The trials of a check so far, valid or not, in order.
#[derive(Debug, Default)]
pub struct History {
    trials: Vec<TrialReport>,
}

impl History {
    /// Adds a trial.
    pub fn push(&mut self, trial: TrialReport) {
        self.trials.push(trial);
    }

    /// All trials, in order.
    #[must_use]
    pub fn trials(&self) -> &[TrialReport] {
        &self.trials
    }

    /// Requests sent in all of them.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.trials.iter().map(|trial| trial.requests).sum()
    }
}

/// What a check may know of an earlier measurement of the same thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    /// The value found then: where to start.
    pub value: KnobValue,
    /// The sequence that was played: played again, so that the two can be compared.
    pub sequence: SequenceId,
}

/// The share of the run's budget that one check may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Time for its trials.
    pub time: Duration,
    /// Requests for its trials.
    pub requests: u64,
}

/// What a check will cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// One full trial, pause included.
    pub trial: Duration,
    /// The least time in which any answer is possible; less, and nothing is tried.
    pub least: Duration,
    /// The least requests, likewise.
    pub requests_least: u64,
    /// What it usually takes.
    pub typical: Duration,
    /// Trials that it usually takes.
    pub trials: u32,
    /// Measured sessions of a full trial.
    pub sessions_per_trial: u64,
}
