//! What survives everything: one line per trial, appended and synced before anyone reasons about it.

use super::RunError;
use crate::trial::TrialReport;

/// Where trials are kept.
pub trait Journal {
    /// Keeps a trial for good.
    ///
    /// # Errors
    /// It could not be written: disk full, folder gone.
    fn append(&mut self, trial: &TrialReport) -> Result<(), RunError>;
}

/// Keeps nothing: for simulations.
#[derive(Debug, Clone, Copy)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn append(&mut self, _: &TrialReport) -> Result<(), RunError> {
        Ok(())
    }
}
