//! The live rig: real sockets, the real clock, and a target that may die under it.

use super::{Rig, RunError};
use crate::config::Plan;
use crate::load::{LiveTrial, LoadError, run_trial};
use crate::target::RunningTarget;
use crate::trial::{Flow, Load, TrialPlan, TrialReport, Watch, Window};
use crate::workload::Salt;
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest wait for a target to work off what the trial before left behind.
const SETTLE_MAX: Duration = Duration::from_secs(10);

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
            self.settle(plan).await?;
        }
        self.trials += 1;
        self.play(plan, watch, seen).await
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Lets a trial run to its end.
struct Patient;

impl Watch for Patient {
    fn observe(&mut self, _: &Window) -> Flow {
        Flow::Continue
    }
}

impl Live<'_> {
    /// Sends one request, unmeasured, and waits for its answer: whatever was queued before it, and
    /// would be measured as the next trial's latency, has been worked off then.
    async fn settle(&mut self, next: &TrialPlan) -> Result<(), RunError> {
        let alone = TrialPlan {
            load: Load::Closed { concurrency: NonZeroU32::MIN },
            cut: 0,
            count: 1,
            slos: Vec::new(),
            time_limit: SETTLE_MAX,
            ..next.clone()
        };
        self.play(&alone, &mut Patient, &mut |_| {}).await.map(|_answered| ())
    }

    async fn play(
        &mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> Result<TrialReport, RunError> {
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
            report = run_trial(&trial, watch, &self.stop, seen) => report.map_err(|source| {
                if matches!(source, LoadError::Interrupted) {
                    RunError::Interrupted
                } else {
                    RunError::Load { trial: plan.index, source }
                }
            }),
        }
    }
}
