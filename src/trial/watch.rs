//! The seam through which a check may end a running trial.

use super::Window;
use serde::{Deserialize, Serialize};

/// Looks at windows as they close and may end a trial early. Never waits, never sends.
pub trait Watch: Send {
    /// Called once a second with the window that just closed.
    fn observe(&mut self, window: &Window) -> Flow;
}

/// Lets a trial run to its end.
#[derive(Debug, Clone, Copy)]
pub struct Patient;

impl Watch for Patient {
    fn observe(&mut self, _: &Window) -> Flow {
        Flow::Continue
    }
}

/// Whether the trial goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// It ends now.
    Stop(StopReason),
}

/// Why a watch ended a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The outcome of the whole sequence can no longer change.
    Settled,
    /// The target is overloaded: almost everything is late and the backlog grows.
    Overload,
    /// The generator is the limit: the trial is invalid whatever comes.
    Generator,
}
