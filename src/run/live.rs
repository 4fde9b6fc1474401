//! The live rig: real sockets, the real clock, and a target that may die under it.

use super::{Rig, RunError, TraceFile};
use crate::config::Plan;
use crate::load::{
    Audience, Calibration, Learnt, LiveTrial, LoadError, TraceRows, calibrate, run_trial,
};
use crate::target::RunningTarget;
use crate::trial::{Load, Outcome, Patient, TrialPlan, TrialReport, Watch, Window};
use crate::workload::{Length, Salt, SessionLaw};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest wait for a target to work off what the trial before left behind …
const SETTLE_MAX: Duration = Duration::from_secs(60);
/// … and for the one answer of a target that has never answered well: the next trial will say so.
const SETTLE_MAX_UNPROVEN: Duration = Duration::from_secs(10);
/// Time between two attempts.
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

/// A rig on real sockets.
#[derive(Debug)]
pub struct Live<'a> {
    plan: &'a Plan,
    base_urls: Vec<String>,
    /// What makes this run's contents its own.
    nonce: u64,
    target: Option<&'a mut RunningTarget>,
    stop: CancellationToken,
    started: Instant,
    trials: u32,
    /// Whether a request has ever ended well.
    is_proven: bool,
    in_flight_max: Option<usize>,
    calibration: Option<Calibration>,
    cpus: Vec<usize>,
    workers: Option<u32>,
    trace: Option<&'a mut TraceFile>,
    learnt: Learnt,
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
        Self {
            plan,
            base_urls: vec![base_url],
            nonce,
            target,
            stop,
            started,
            trials: 0,
            is_proven: false,
            in_flight_max: None,
            calibration: None,
            cpus: Vec::new(),
            workers: None,
            trace: None,
            learnt: Learnt::default(),
        }
    }

    /// With fewer requests in flight than our resources allow.
    #[must_use]
    pub fn with_in_flight_max(self, in_flight_max: Option<usize>) -> Self {
        Self { in_flight_max, ..self }
    }

    /// With several base URLs: replicas, over which sessions take turns.
    #[must_use]
    pub fn with_base_urls(self, base_urls: Vec<String>) -> Self {
        Self { base_urls, ..self }
    }

    /// With threads that offer the load on these cores; none: on any.
    #[must_use]
    pub fn with_cpus(self, cpus: Vec<usize>) -> Self {
        Self { cpus, ..self }
    }

    /// With this many threads that offer the load, 1 to 16; `None`: as many as plan and machine ask for.
    #[must_use]
    pub fn with_workers(self, workers: Option<u32>) -> Self {
        Self { workers, ..self }
    }

    /// With a file into which the requests of the trials from now on are written.
    #[must_use]
    pub fn with_trace(self, trace: Option<&'a mut TraceFile>) -> Self {
        Self { trace, ..self }
    }
}

impl Rig for Live<'_> {
    async fn run_trial(
        &mut self,
        plan: &TrialPlan,
        watch: &mut dyn Watch,
        seen: &mut dyn FnMut(&Window),
    ) -> Result<TrialReport, RunError> {
        let (mut plan, mut before, began) = (plan.clone(), 0, Instant::now());
        if self.trials > 0 {
            before = self.settle(&plan).await?;
            plan.request_limit = plan.request_limit.saturating_sub(before);
        } else {
            self.calibrate().await?;
        }
        plan.time_limit = plan.time_limit.saturating_sub(began.elapsed());
        self.trials += 1;
        // It belongs to this trial alone: what is sent to settle the target is no part of it.
        let mut trace = self.trace.take();
        let is_traced = trace.is_some();
        let mut write = |rows: TraceRows| {
            if let Some(trace) = &mut trace {
                trace.write(&rows);
            }
        };
        let rows: Option<&mut dyn FnMut(TraceRows)> =
            if is_traced { Some(&mut write) } else { None };
        let mut audience = Audience { watch, windows: seen, rows };
        let played = self.play(&plan, &self.plan.sessions, &mut audience).await;
        self.trace = trace;
        let mut report = played?;
        self.is_proven |= report.counts.of(Outcome::Ok) > 0;
        report.requests += before;
        Ok(report)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Whether a request that ended so got its turn: the queue before it is gone.
fn is_served(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Ok
        | Outcome::HttpError
        | Outcome::StreamError
        | Outcome::Truncated
        | Outcome::Empty
        | Outcome::Malformed
        | Outcome::Oversized
        | Outcome::TimeoutBetween
        | Outcome::TimeoutTotal => true,
        Outcome::Shed
        | Outcome::TimeoutConnect
        | Outcome::TimeoutFirst
        | Outcome::Connect
        | Outcome::Reset
        | Outcome::Resource
        | Outcome::Unsent
        | Outcome::Unfinished => false,
    }
}

impl Live<'_> {
    /// Learns what the generator costs on this machine. Where the system does not tell, loads are not
    /// refused beforehand, and every trial is examined all the same.
    async fn calibrate(&mut self) -> Result<(), RunError> {
        match calibrate(&self.cpus, &self.stop).await {
            Ok(calibration) => self.calibration = Some(calibration),
            Err(LoadError::Interrupted) => return Err(RunError::Interrupted),
            Err(error) => tracing::warn!("{error}: loads are not refused beforehand"),
        }
        Ok(())
    }

    /// Sends one request, unmeasured, until one is answered: whatever was queued before it, and would
    /// be measured as the next trial's latency, has been worked off then. Its contents are its own, so
    /// that the trial finds nothing of it in a cache. Returns how many were sent.
    async fn settle(&mut self, next: &TrialPlan) -> Result<u64, RunError> {
        let wait = if self.is_proven { SETTLE_MAX } else { SETTLE_MAX_UNPROVEN };
        let until = Instant::now() + wait.min(next.time_limit);
        let law = SessionLaw { turns: Length::Fixed(1), ..self.plan.sessions.clone() };
        let mut sent = 0;
        loop {
            let alone = TrialPlan {
                check: format!("{}/settle", next.check),
                load: Load::Closed { concurrency: NonZeroU32::MIN },
                cut: 0,
                count: 1,
                slos: Vec::new(),
                time_limit: until.saturating_duration_since(Instant::now()),
                request_limit: next.request_limit.saturating_sub(sent),
                ..next.clone()
            };
            let mut audience = Audience { watch: &mut Patient, windows: &mut |_| {}, rows: None };
            let report = self.play(&alone, &law, &mut audience).await?;
            sent += report.requests;
            let is_served = report.counts.by_outcome.keys().any(|&outcome| is_served(outcome));
            if is_served || !self.is_proven {
                return Ok(sent);
            }
            if Instant::now() + SETTLE_PAUSE >= until || sent >= next.request_limit {
                // With less than the whole wait the budget is at its end, and the trial will say so.
                return if next.time_limit > SETTLE_MAX {
                    Err(RunError::TargetStuck { trial: next.index, waited: SETTLE_MAX })
                } else {
                    Ok(sent)
                };
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
    }

    async fn play(
        &mut self,
        plan: &TrialPlan,
        law: &SessionLaw,
        audience: &mut Audience<'_>,
    ) -> Result<TrialReport, RunError> {
        let trial = LiveTrial {
            plan,
            law,
            salt: Salt::new(self.plan.seed, self.nonce, &plan.check, plan.index),
            target: &self.plan.target,
            base_urls: &self.base_urls,
            in_flight_max: self.in_flight_max,
            cpus: &self.cpus,
            workers: self.workers,
            calibration: self.calibration,
            target_pid: self.target.as_ref().map(|target| target.guard_pid()),
            learnt: &self.learnt,
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
            report = run_trial(&trial, audience, &self.stop) => report.map_err(|source| {
                let trial = plan.index;
                match source {
                    LoadError::Interrupted => RunError::Interrupted,
                    LoadError::Refused { refusal } => RunError::CannotOffer { trial, refusal },
                    source @ (LoadError::Client(_)
                    | LoadError::Start(_)
                    | LoadError::Panicked { .. }
                    | LoadError::Uncalibrated { .. }
                    | LoadError::StillRunning) => RunError::Load { trial, source },
                }
            }),
        }
    }
}
