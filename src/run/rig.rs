//! The seam behind which the world lies.

use super::LaunchError;
use crate::load::{LoadError, Refusal};
use crate::trial::{Side, TrialPlan, TrialReport, Watch, Window};
use std::time::Duration;

/// Runs trials: the live rig on real sockets, the simulated rig in virtual time.
pub trait Rig {
    /// Runs one trial to its end, showing each window to `watch` and to `seen`.
    fn run_trial(
        &mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> impl Future<Output = Result<TrialReport, RunError>>;

    /// Lets so much time pass before the next trial.
    fn wait(&mut self, time: Duration) -> impl Future<Output = Result<(), RunError>>;

    /// Time since the rig was made: what the budget counts.
    fn elapsed(&self) -> Duration;
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The target stopped while it was measured.
    #[error("the {} stopped during trial {}: {status}", named(*who), trial + 1)]
    TargetDied {
        /// Number of the trial, from 0; people count from 1.
        trial: u32,
        /// Which one, where two were compared.
        who: Side,
        /// How it ended.
        status: String,
        /// The last lines of its log.
        last_lines: Vec<String>,
    },
    /// The target served requests before, and now takes none.
    #[error("the target answered no request for {waited:?} before trial {}", trial + 1)]
    TargetStuck {
        /// Number of the trial, from 0; people count from 1.
        trial: u32,
        /// How long it was asked.
        waited: std::time::Duration,
    },
    /// The target was to be started anew, and did not come back.
    #[error("the target could not be restarted before trial {}", trial + 1)]
    NotRestarted {
        /// Number of the trial, from 0; people count from 1.
        trial: u32,
        /// What happened.
        #[source]
        source: LaunchError,
    },
    /// The target did not do the reset that the suite asks for between trials.
    #[error("the target refused its reset before trial {}: {request} {answer}", trial + 1)]
    ResetRefused {
        /// Number of the trial, from 0; people count from 1.
        trial: u32,
        /// Method and path.
        request: String,
        /// What it answered instead of 2xx.
        answer: String,
    },
    /// This machine cannot offer the load of the next trial.
    #[error("trial {} was not begun: {refusal}; {}", trial + 1, refusal.advice())]
    CannotOffer {
        /// Number of the trial, from 0; people count from 1.
        trial: u32,
        /// What it lacks.
        refusal: Refusal,
    },
    /// The load engine failed.
    #[error("the load engine failed in trial {}", trial + 1)]
    Load {
        /// Number of the trial, from 0; people count from 1.
        trial: u32,
        /// What happened.
        #[source]
        source: LoadError,
    },
    /// Somebody asked us to stop.
    #[error("interrupted")]
    Interrupted,
    /// The journal could not be written.
    #[error("cannot write the journal {path}")]
    Journal {
        /// Its path.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

fn named(side: Side) -> &'static str {
    match side {
        Side::Only => "target",
        Side::Base => "base",
        Side::Head => "head",
    }
}
