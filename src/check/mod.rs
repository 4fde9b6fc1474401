//! The experiments, sans-IO: a check is asked for the next trial until it has a finding.
//!
//! A check never opens a socket and never reads a clock. What it needs of a baseline reaches it as
//! plain data ([`Prior`]), so that it stays below `baseline` and `gate`.

mod against;
mod capacity;
mod conclude;
mod course;
mod defend;
mod dial;
mod finding;
mod measure;
mod reading;
mod sequences;
mod sizing;
mod watch;

pub use capacity::{Capacity, Setup};
pub use course::Void;
pub use defend::SUSPICIOUS;
pub use finding::{
    Belief, Better, Binding, Compared, Conclusion, CurvePoint, Drifted, Estimate, Finding, Gap,
    Limited, Line, Relation, Ruled, Seen, Tested,
};
pub use reading::Disturbance;
pub use sequences::OVER_SEQUENCES;
pub use watch::Curtail;

use crate::stats::Response;
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
    Run {
        /// The trial.
        plan: Box<TrialPlan>,
        /// Wait so long before it.
        after: Duration,
    },
    /// It has its answer.
    Done(Box<Finding>),
}

impl Step {
    /// A trial, at once.
    fn run(plan: TrialPlan) -> Self {
        Self::Run { plan: Box::new(plan), after: Duration::ZERO }
    }
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
    /// The capacity found then.
    pub value: KnobValue,
    /// Standard deviation of its logarithm.
    pub sd_log: f64,
    /// Standard deviation of the logarithm of the capacity from one run to another.
    pub machine_sd: f64,
    /// How the service responded to load.
    pub response: Response,
    /// The sequence that was played: played again, so that the two can be compared.
    pub sequence: SequenceId,
}

/// What a check is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Aim {
    /// To find the capacity; an earlier measurement says where to start, and with which sequence.
    Measure(Option<Prior>),
    /// To find out whether it still lies within its limits.
    Defend(Prior),
    /// To find out whether one of two targets carries less than the other; about where the base's
    /// capacity lies, where that is known.
    Compare(Option<KnobValue>),
}

/// Where the target runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// On this machine: what else uses its CPU can be seen.
    Here {
        /// Speed of the reference work when the accepted measurement was made, else at the start of the
        /// run, where it is known.
        reference_speed: Option<f64>,
    },
    /// On another one.
    Elsewhere,
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
