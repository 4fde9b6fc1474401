//! One second of a trial.

use super::{Cells, Series, Tally};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What happened in one second. Requests count where they were intended or ended; `tallies` are
/// cumulated over the measured requests since the trial began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// Lengths of time of the requests that ended well in it, measured or not; what was not observed
    /// is absent.
    pub latency: BTreeMap<Series, Cells>,
}

impl Window {
    /// Series that windows hold.
    pub const SERIES: [Series; 5] =
        [Series::Ttfc, Series::Tbc, Series::E2e, Series::SendLag, Series::ReceiveLag];

    /// Adds what another worker saw in the same second.
    pub fn join(&mut self, other: &Self) {
        self.count(other);
        self.end = self.end.max(other.end);
        self.in_flight += other.in_flight;
        self.carry(other);
    }

    /// Adds what a worker that has ended, with this as its last window, had seen until then.
    pub fn carry(&mut self, other: &Self) {
        self.measured_ended += other.measured_ended;
        if self.tallies.len() < other.tallies.len() {
            self.tallies.resize(other.tallies.len(), Tally::default());
        }
        for (tally, theirs) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.merge(*theirs);
        }
    }

    /// Adds the window that follows this one.
    pub(super) fn extend(&mut self, next: &Self) {
        self.count(next);
        self.end = next.end;
        self.in_flight = next.in_flight;
        self.measured_ended = next.measured_ended;
        self.tallies.clone_from(&next.tallies);
    }

    fn count(&mut self, other: &Self) {
        self.intended += other.intended;
        self.ok += other.ok;
        self.not_ok += other.not_ok;
        self.decided += other.decided;
        self.late += other.late;
        for (series, cells) in &other.latency {
            self.latency.entry(*series).or_default().merge(cells);
        }
    }
}
