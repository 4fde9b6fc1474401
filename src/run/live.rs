//! The live rig: real sockets, the real clock, and a target that may die under it.

use super::{LaunchError, Launched, Rig, RunError, TraceFile};
use crate::config::Plan;
use crate::config::plan::{BetweenTrials, Residency, TargetSource};
use crate::load::{
    Audience, Calibration, Client, Learnt, LiveTrial, LoadError, TraceRows, calibrate, run_trial,
    speed_before_trial,
};
use crate::target::{Exit, RunningTarget, TargetError};
use crate::trial::{Load, Outcome, Patient, Side, TrialPlan, TrialReport, Watch, Window};
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
    /// The only target, or the head.
    seat: Seat<'a>,
    /// What the head is compared with.
    base: Option<Seat<'a>>,
    /// What makes this run's contents its own.
    nonce: u64,
    stop: CancellationToken,
    started: Instant,
    trials: u32,
    in_flight_max: Option<usize>,
    calibration: Option<Calibration>,
    cpus: Vec<usize>,
    workers: Option<u32>,
    reference_speed: Option<f64>,
    trace: Option<&'a mut TraceFile>,
}

/// One target of a rig.
#[derive(Debug)]
struct Seat<'a> {
    launched: &'a mut Launched,
    base_urls: Vec<String>,
    /// Whether a request has ever ended well.
    is_proven: bool,
    learnt: Learnt,
}

impl<'a> Seat<'a> {
    fn new(launched: &'a mut Launched) -> Self {
        let base_urls = vec![launched.base_url.clone()];
        Self { launched, base_urls, is_proven: false, learnt: Learnt::default() }
    }

    fn pid(&self) -> Option<i32> {
        self.launched.running.as_ref().map(RunningTarget::guard_pid)
    }
}

/// When a process ends by itself; never where it is not ours.
async fn exited(running: &mut Option<RunningTarget>) -> Exit {
    match running {
        Some(target) => target.exited().await,
        None => std::future::pending().await,
    }
}

impl<'a> Live<'a> {
    /// A rig for `plan` against the target that was launched.
    #[must_use]
    pub fn new(
        plan: &'a Plan,
        launched: &'a mut Launched,
        nonce: u64,
        stop: CancellationToken,
        started: Instant,
    ) -> Self {
        Self {
            plan,
            seat: Seat::new(launched),
            base: None,
            nonce,
            stop,
            started,
            trials: 0,
            in_flight_max: None,
            calibration: None,
            cpus: Vec::new(),
            workers: None,
            reference_speed: None,
            trace: None,
        }
    }

    /// On a machine that is known to do so many slices of the reference work per second.
    #[must_use]
    pub fn with_reference_speed(self, reference_speed: Option<f64>) -> Self {
        Self { reference_speed, ..self }
    }

    /// With a second target, for the trials of the base.
    #[must_use]
    pub fn with_base(self, base: Option<&'a mut Launched>) -> Self {
        Self { base: base.map(Seat::new), ..self }
    }

    /// With fewer requests in flight than our resources allow.
    #[must_use]
    pub fn with_in_flight_max(self, in_flight_max: Option<usize>) -> Self {
        Self { in_flight_max, ..self }
    }

    /// With several base URLs: replicas, over which sessions take turns.
    #[must_use]
    pub fn with_base_urls(self, base_urls: Vec<String>) -> Self {
        Self { seat: Seat { base_urls, ..self.seat }, ..self }
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
        self.hand_over(&plan).await?;
        if self.trials > 0 {
            before = self.prepare(&plan).await?;
            plan.request_limit = plan.request_limit.saturating_sub(before);
        } else {
            self.calibrate().await?;
        }
        let reference_speed = match self.plan.target.source {
            TargetSource::Managed(_) => {
                speed_before_trial(&[], self.reference_speed, &self.stop).await
            }
            TargetSource::Demo(_) | TargetSource::Url(_) => None,
        };
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
        let law = self.plan.sessions.with(plan.setting.as_ref());
        let played = self.play(&plan, &law, &mut audience).await;
        self.trace = trace;
        let mut report = played?;
        self.seat(plan.side).is_proven |= report.counts.of(Outcome::Ok) > 0;
        report.requests += before;
        report.health.readings.reference_speed = reference_speed;
        Ok(report)
    }

    async fn wait(&mut self, time: Duration) -> Result<(), RunError> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(RunError::Interrupted),
            () = tokio::time::sleep(time) => Ok(()),
        }
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
        | Outcome::Short
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

impl<'a> Live<'a> {
    /// The target of a trial.
    fn seat(&mut self, side: Side) -> &mut Seat<'a> {
        match (side, &mut self.base) {
            (Side::Base, Some(base)) => base,
            (Side::Base, None) | (Side::Only | Side::Head, _) => &mut self.seat,
        }
    }

    /// Where only one of two targets may run, stops the other one and starts the one whose trial it is.
    async fn hand_over(&mut self, next: &TrialPlan) -> Result<(), RunError> {
        let is_one = self.plan.target.residency() == Residency::One;
        let (seat, other) = match (next.side, &mut self.base) {
            (Side::Base, Some(base)) => (base, &mut self.seat),
            (Side::Head, Some(base)) => (&mut self.seat, base),
            (Side::Base | Side::Head | Side::Only, _) => return Ok(()),
        };
        if !is_one {
            return Ok(());
        }
        let stop = self.stop.clone();
        let done = async {
            other.launched.pause().await?;
            seat.launched.resume(next.time_limit, &stop).await
        };
        match done.await {
            Ok(()) => {
                seat.base_urls = vec![seat.launched.base_url.clone()];
                Ok(())
            }
            Err(LaunchError::Managed(TargetError::Interrupted)) => Err(RunError::Interrupted),
            Err(source) => Err(RunError::NotRestarted { trial: next.index, source }),
        }
    }

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

    /// Brings the target into the state in which the suite wants it before a trial. Returns how many
    /// requests were sent.
    async fn prepare(&mut self, next: &TrialPlan) -> Result<u64, RunError> {
        let check = self.plan.checks.get(&next.check);
        match check.map(|check| check.capacity.between_trials.clone()).unwrap_or_default() {
            BetweenTrials::Keep => self.settle(next).await,
            BetweenTrials::Restart => self.restart(next).await.map(|()| 0),
            BetweenTrials::Reset { method, path } => {
                let until = Instant::now() + next.time_limit;
                let sent = self.settle(next).await?;
                let left = until.saturating_duration_since(Instant::now());
                self.reset(next, left, &method, &path).await?;
                Ok(sent + 1)
            }
        }
    }

    async fn restart(&mut self, next: &TrialPlan) -> Result<(), RunError> {
        // Where the budget ends while the target starts as it did before, the trial will say so.
        let stop = self.stop.clone();
        let seat = self.seat(next.side);
        let usual = seat.launched.running.as_ref().map_or(Duration::ZERO, RunningTarget::startup);
        let within = next.time_limit.max(usual * 2);
        match seat.launched.restart(within, &stop).await {
            Ok(()) => seat.base_urls = vec![seat.launched.base_url.clone()],
            Err(LaunchError::Managed(TargetError::Interrupted)) => {
                return Err(RunError::Interrupted);
            }
            Err(source) => return Err(RunError::NotRestarted { trial: next.index, source }),
        }
        Ok(())
    }

    async fn reset(
        &mut self,
        next: &TrialPlan,
        left: Duration,
        method: &str,
        path: &str,
    ) -> Result<(), RunError> {
        let (trial, base_urls) = (next.index, self.seat(next.side).base_urls.clone());
        let asked = async {
            let client = Client::new(&self.plan.target, &base_urls).await;
            let client =
                client.map_err(|source| RunError::Load { trial, source: source.into() })?;
            let answer = match tokio::time::timeout(left, client.ask(method, path)).await {
                Ok(Ok(200..=299)) => return Ok(()),
                Ok(Ok(status)) => format!("answered {status}"),
                Ok(Err(error)) => format!("got no answer: {error}"),
                Err(_) => "got no answer within the budget".to_owned(),
            };
            Err(RunError::ResetRefused { trial, request: format!("{method} {path}"), answer })
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(RunError::Interrupted),
            done = asked => done,
        }
    }

    /// Sends one request, unmeasured, until one is answered: whatever was queued before it, and would
    /// be measured as the next trial's latency, has been worked off then. Its contents are its own, so
    /// that the trial finds nothing of it in a cache. Returns how many were sent.
    async fn settle(&mut self, next: &TrialPlan) -> Result<u64, RunError> {
        let is_proven = self.seat(next.side).is_proven;
        let wait = if is_proven { SETTLE_MAX } else { SETTLE_MAX_UNPROVEN };
        let until = Instant::now() + wait.min(next.time_limit);
        let law = self.plan.sessions.with(next.setting.as_ref());
        let law = SessionLaw { turns: Length::Fixed(1), ..law };
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
            if is_served || !is_proven {
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
        let target_pids = [Some(&self.seat), self.base.as_ref()];
        let target_pids: Vec<i32> =
            target_pids.into_iter().flatten().filter_map(Seat::pid).collect();
        // Whichever ends while the other is measured: nothing can be compared any more.
        let (seat, mut other) = match (plan.side, &mut self.base) {
            (Side::Base, Some(base)) => (base, Some((&mut self.seat, Side::Head))),
            (_, base) => (&mut self.seat, base.as_mut().map(|base| (base, Side::Base))),
        };
        let trial = LiveTrial {
            plan,
            law,
            salt: Salt::new(self.plan.seed, self.nonce, &plan.check, plan.index),
            target: &self.plan.target,
            base_urls: &seat.base_urls,
            in_flight_max: self.in_flight_max,
            cpus: &self.cpus,
            workers: self.workers,
            calibration: self.calibration,
            target_pids: &target_pids,
            learnt: &seat.learnt,
        };
        let died = async {
            let others = async {
                match &mut other {
                    Some((seat, side)) => (exited(&mut seat.launched.running).await, *side),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                exit = exited(&mut seat.launched.running) => (exit, plan.side),
                exit = others => exit,
            }
        };
        tokio::select! {
            biased;
            (exit, side) = died => Err(RunError::TargetDied {
                trial: plan.index,
                who: side,
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
