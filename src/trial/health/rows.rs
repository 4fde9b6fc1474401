//! What only shows over several windows: bad seconds in a row.

use super::limits::{BEHIND_SHARE, BEHIND_WRITTEN_MIN, CPU_SHARE, ROW};
use crate::trial::{Sending, Window};
use crate::units::as_f64;
use std::time::Duration;

/// A window that is shorter than this (the last of a trial) says nothing about a second.
const WINDOW_MIN: Duration = Duration::from_millis(500);

/// Fed with the windows of a trial in their order.
#[derive(Debug, Clone, Default)]
pub(in crate::trial) struct Rows {
    end: Duration,
    busy: (u32, f64),
    behind: (u32, Sending),
    /// Mean share of CPU over the first row of windows that were all too busy.
    pub(super) found_busy: Option<f64>,
    /// Requests of the first row of windows in which most left late.
    pub(super) found_behind: Option<Sending>,
    /// Requests, measured or not, that could not be sent for want of a resource.
    pub(super) resource: u64,
    waited: (f64, f64),
}

impl Rows {
    pub(in crate::trial) fn see(&mut self, window: &Window) {
        let length = window.end.saturating_sub(self.end);
        self.end = window.end;
        self.resource += window.sending.resource;
        if let Some(wait) = window.strain.run_wait {
            let seconds = length.as_secs_f64();
            self.waited = (self.waited.0 + wait * seconds, self.waited.1 + seconds);
        }
        if length < WINDOW_MIN {
            return;
        }
        self.busy = match window.strain.cpu {
            Some(cpu) if cpu > CPU_SHARE.accepted => (self.busy.0 + 1, self.busy.1 + cpu),
            Some(_) | None => (0, 0.0),
        };
        if self.busy.0 == ROW && self.found_busy.is_none() {
            self.found_busy = Some(self.busy.1 / f64::from(ROW));
        }
        let sent = window.sending;
        self.behind = if as_f64(sent.late) > BEHIND_SHARE * as_f64(sent.written) {
            {
                let (row, sum) = self.behind;
                let (written, late) = (sum.written + sent.written, sum.late + sent.late);
                (row + 1, Sending { written, late, ..sum })
            }
        } else {
            (0, Sending::default())
        };
        if self.behind.0 >= ROW && self.behind.1.written >= BEHIND_WRITTEN_MIN {
            self.found_behind.get_or_insert(self.behind.1);
        }
    }

    /// Share of the whole time for which the busiest worker waited for a CPU.
    pub(super) fn run_wait(&self) -> Option<f64> {
        let (waited, seconds) = self.waited;
        (seconds > 0.0).then(|| waited / seconds)
    }
}
