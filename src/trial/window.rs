//! One second of a trial.

use super::Tally;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happened in one second. Requests count where they were intended or ended; `tallies` are
/// cumulated over the measured requests since the trial began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Number of the window, from 0.
    pub index: u32,
    /// End of the window, since the trial's start.
    pub end: Duration,
    /// Requests that became due in it, measured or not.
    pub intended: u64,
    /// Requests that ended well in it.
    pub ok: u64,
    /// Requests that ended otherwise in it.
    pub not_ok: u64,
    /// Requests whose latency condition was decided in it: good, late or failed.
    pub decided: u64,
    /// Of these, those that were late or failed.
    pub late: u64,
    /// Requests in flight at its end.
    pub in_flight: u64,
    /// Measured requests that have ended so far.
    pub measured_ended: u64,
    /// Not-good observations so far, one tally per SLO of the plan.
    pub tallies: Vec<Tally>,
}
