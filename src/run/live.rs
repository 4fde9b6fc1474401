//! The live rig: real sockets, the real clock, and a target that may die under it.

use super::{Rig, RunError};
use crate::config::Plan;
use crate::load::{LiveTrial, LoadError, run_trial};
use crate::target::RunningTarget;
use crate::trial::{TrialPlan, TrialReport, Watch, Window};
use crate::workload::Salt;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Pause between two trials, so that what the last one left behind is gone.
const PAUSE: Duration = Duration::from_millis(200);

/// A rig on real sockets.
#[derive(Debug)]
pub struct Live<'a> {
    plan: &'a Plan,
    base_url: String,
    /// What makes this run's contents its own.
    nonce: u64,
    target: Option<&'a mut RunningTarget>,
    stop: CancellationToken,
    started: Instant,
    trials: u32,
    in_flight_max: Option<usize>,
}

impl<'a> Live<'a> {
    /// A rig for `plan` against `base_url`; `target` is the managed one, if it is ours to watch.
    #[must_use]
    pub fn new(
        plan: &'a Plan,
        base_url: String,
        nonce: u64,
        target: Option<&'a mut RunningTarget>,
        stop: CancellationToken,
        started: Instant,
    ) -> Self {
        Self { plan, base_url, nonce, target, stop, started, trials: 0, in_flight_max: None }
    }

    /// With fewer requests in flight than our resources allow.
    #[must_use]
    pub fn with_in_flight_max(self, in_flight_max: Option<usize>) -> Self {
        Self { in_flight_max, ..self }
    }
}

impl Rig for Live<'_> {
    async fn run_trial(
        &mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> Result<TrialReport, RunError> {
        if self.trials > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        self.trials += 1;
        let trial = LiveTrial {
            plan,
            law: &self.plan.sessions,
            salt: Salt::new(self.plan.seed, self.nonce, &plan.check, plan.index),
            target: &self.plan.target,
            base_url: &self.base_url,
            in_flight_max: self.in_flight_max,
        };
        let died = async {
            match &mut self.target {
                Some(target) => target.exited().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            exit = died => Err(RunError::TargetDied {
                trial: plan.index,
                status: exit.status.to_string(),
                last_lines: exit.last_lines.as_slice().to_vec(),
            }),
            report = run_trial(&trial, watch, &self.stop, seen) => report.map_err(|source| match source {
                LoadError::Interrupted => RunError::Interrupted,
                source => RunError::Load { trial: plan.index, source },
            }),
        }
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
