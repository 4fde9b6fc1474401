//! The result of a trial.

use super::{
    Counts, Distribution, Evidence, Health, Outcome, Series, SloResult, StopReason, TrialPlan,
    Window,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every measured request ended by itself.
    Complete,
    /// The outcome could no longer change.
    Settled,
    /// The target was overloaded.
    Overload,
    /// Its time limit, or the budget, ran out, or the generator was the limit: then it is invalid.
    Stopped,
}

impl From<StopReason> for Ended {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Settled => Self::Settled,
            StopReason::Overload => Self::Overload,
            StopReason::Generator => Self::Stopped,
        }
    }
}

/// Where token counts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// The server's own `usage`.
    Usage,
    /// Output chunks: an estimate, because a chunk may hold several tokens.
    Chunks,
    /// Some answers had `usage`, others not.
    Mixed,
    /// The protocol has no tokens.
    None,
}

/// Rates over the measured period, per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Requests that the schedule wanted.
    pub offered: f64,
    /// Requests that were ok.
    pub achieved: f64,
    /// Requests that met every per-request SLO.
    pub good: f64,
    /// Output tokens of requests that were ok.
    pub tokens: f64,
}

/// The result of a trial.
#[derive(Debug, Clone)]
pub struct TrialReport {
    /// What was asked.
    pub plan: TrialPlan,
    /// How it ended.
    pub ended: Ended,
    /// What it says about all SLOs together; meaningless unless [`TrialReport::is_valid`].
    pub evidence: Evidence,
    /// Length, from the first arrival to the end.
    pub elapsed: Duration,
    /// Requests sent in all, measured or not: what the budget counts.
    pub requests: u64,
    /// Counts of the measured requests.
    pub counts: Counts,
    /// Lengths of time of the measured requests that were ok (`tbc`: of all that gave chunks).
    pub latency: BTreeMap<Series, Distribution>,
    /// Rates over the measured period.
    pub rates: Rates,
    /// One result per SLO of the plan.
    pub slos: Vec<SloResult>,
    /// The generator's own figures.
    pub health: Health,
    /// Where token counts come from.
    pub token_source: TokenSource,
    /// Requests whose `tpot` is undefined (fewer than two tokens or chunks): left out, and counted.
    pub tpot_undefined: u64,
    /// One example of what a failure looked like, per class: untrusted text, bounded by its maker.
    pub failures: BTreeMap<Outcome, String>,
    /// One entry per second.
    pub windows: Vec<Window>,
}

impl TrialReport {
    /// Whether the generator did its part, so that the trial says something about the target.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.health.invalid.is_empty()
    }
}
