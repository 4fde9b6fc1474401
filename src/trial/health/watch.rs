//! Ends a trial that can only become invalid.

use super::examine::is_near;
use super::limits::WRITTEN_SHARE;
use super::rows::Rows;
use crate::trial::{Flow, StopReason, Watch, Window};
use crate::units::as_f64;

/// Looks at the generator's own figures as windows close, and says stop as soon as it is certain that
/// [`examine`](super::examine) will call the trial invalid, whatever comes.
#[derive(Debug, Clone)]
pub struct GeneratorWatch {
    /// Measured requests of the whole trial.
    requests: u64,
    descriptors_limit: Option<u64>,
    descriptors: u64,
    rows: Rows,
}

impl GeneratorWatch {
    /// For a trial with at most `requests` measured requests under this limit on descriptors.
    #[must_use]
    pub fn new(requests: u64, descriptors_limit: Option<u64>) -> Self {
        Self { requests, descriptors_limit, descriptors: 0, rows: Rows::default() }
    }

    /// So many descriptors are open now; counts from the next window on.
    pub fn descriptors(&mut self, open: Option<u64>) {
        self.descriptors = self.descriptors.max(open.unwrap_or(0));
    }

    fn is_hopeless(&mut self, window: &Window) -> bool {
        self.rows.see(window);
        let sent = window.sending;
        let total = self.requests;
        let missing = as_f64(total.saturating_sub(sent.measured_held_back));
        self.rows.found_busy.is_some()
            || self.rows.found_behind.is_some()
            || self.rows.resource > 0
            // More are late than may lie above a 99th percentile of all.
            || sent.measured_late > total / 100
            || missing < WRITTEN_SHARE.accepted * as_f64(total)
            || self.descriptors_limit.is_some_and(|limit| is_near(self.descriptors, limit))
    }
}

impl Watch for GeneratorWatch {
    fn observe(&mut self, window: &Window) -> Flow {
        if self.is_hopeless(window) { Flow::Stop(StopReason::Generator) } else { Flow::Continue }
    }
}
