//! One run from the suite to its findings: target, trials, journal. What `check`, `measure` and
//! `selftest` share.

use super::progress::{Progress, spoken};
use crate::baseline::{Acceptance, Baseline, Fingerprint, Recorded, accept};
use crate::check::{Aim, Finding};
use crate::config::plan::{Residency, TargetPlan, TargetSource};
use crate::config::{Plan, environment};
use crate::load::machine_speed;
use crate::report::{Problem, ProblemCode};
use crate::run::{
    self, Folder, FolderError, JournalFile, LaunchError, Launched, Live, Only, Orders, Refusal,
    RunError, SuiteRun, clock,
};
use crate::target::{RunningTarget, Stopped, TargetError};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a run came to, before any verdict.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) suite: SuiteRun,
    pub(super) folder: Folder,
    pub(super) fingerprint: Fingerprint,
    /// Speed of this machine, slices of the reference work per second; where the target's comes from it.
    pub(super) calibration: Option<f64>,
    pub(super) started: SystemTime,
    pub(super) elapsed: Duration,
    /// Time until the target was ready, where it is ours.
    pub(super) startup: Option<Duration>,
    /// What kept the run from its end.
    pub(super) problem: Option<Problem>,
}

impl Session {
    /// One that measured nothing, with what kept it from measuring if something did.
    ///
    /// # Errors
    /// Its folder or its files cannot be written.
    pub(super) fn without_trials(
        plan: &Plan,
        out: &Path,
        problem: Option<Problem>,
    ) -> Result<Self, SessionError> {
        let started = clock::now();
        let folder = Folder::create(out, &clock::compact(started), clock::nonce(started))?;
        open_journal(plan, &folder, started)?;
        Ok(Self {
            suite: SuiteRun::default(),
            folder,
            fingerprint: Fingerprint::read(environment::process("RUNNER_NAME").as_deref()),
            calibration: None,
            started,
            elapsed: Duration::ZERO,
            startup: None,
            problem,
        })
    }

    /// What the checks found, as far as they came.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.suite.checks.iter().filter_map(|check| check.finding.clone()).collect()
    }
}

/// Why a run did not even begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Journal(#[from] RunError),
    #[error("cannot find our own program")]
    Program(#[source] std::io::Error),
}

/// What to run.
pub(super) struct Job<'a> {
    pub(super) plan: &'a Plan,
    pub(super) only: &'a Only,
    /// What the target is compared with, if with anything.
    pub(super) base: Option<&'a TargetSource>,
    /// Where runs are written.
    pub(super) out: &'a Path,
    /// What each check is for, on a machine of this speed.
    pub(super) aim: &'a dyn Fn(&str, &Fingerprint, Option<f64>) -> Aim,
    /// Speed of the reference work when the baseline was measured, where there is one.
    pub(super) reference_speed: Option<f64>,
    /// Fewer requests in flight than our resources allow: how the self-test starves the generator.
    pub(super) in_flight_max: Option<usize>,
    /// Cores on which the load is offered; none: any.
    pub(super) cpus: &'a [usize],
}

/// Runs the chosen checks of the plan, within its budget.
///
/// # Errors
/// The run did not begin. One that began ends with a [`Session`], however it ended.
pub(super) async fn measure(
    job: &Job<'_>,
    progress: &mut Progress,
    stop: &CancellationToken,
) -> Result<Session, SessionError> {
    let Job { plan, only, reference_speed, .. } = *job;
    let fingerprint = Fingerprint::read(environment::process("RUNNER_NAME").as_deref());
    let aim = |check: &str| (job.aim)(check, &fingerprint, None);
    let announced = run::announce(&Orders { plan, only, aim: &aim, reference_speed })?;
    let (started, began) = (clock::now(), Instant::now());
    let folder = Folder::create(job.out, &clock::compact(started), clock::nonce(started))?;
    let mut journal = open_journal(plan, &folder, started)?;
    for (check, cost, allowance) in announced {
        progress.line(&format!(
            "{check}: about {} trials of {} ({} sessions each), {} in all; at most {} and {} requests",
            cost.trials,
            spoken(cost.trial),
            cost.sessions_per_trial,
            spoken(cost.typical),
            spoken(allowance.time),
            allowance.requests,
        ));
    }
    let program = std::env::current_exe().map_err(SessionError::Program)?;
    let mut session = Session {
        suite: SuiteRun::default(),
        folder,
        fingerprint,
        calibration: None,
        started,
        elapsed: Duration::ZERO,
        startup: None,
        problem: None,
    };
    // Two on one machine need no speed of it: it is the same for both.
    if let (TargetSource::Managed(_), None) = (&plan.target.source, job.base) {
        // Before the target starts, so that nothing of it makes the machine look slower.
        progress.now("measuring this machine");
        session.calibration = machine_speed(&[], plan.budget.time, reference_speed, stop).await;
    }
    progress.now("starting the target");
    match launch(job, &program, &session.folder, stop).await {
        Ok(launched) => session.trials(job, launched, &mut journal, progress, stop, began).await,
        Err(error) => session.problem = Some(launch_problem(&error)),
    }
    progress.finish();
    session.elapsed = began.elapsed();
    Ok(session)
}

/// What a run measures.
struct Targets {
    /// The only one, or the head.
    target: Launched,
    base: Option<Launched>,
}

async fn launch(
    job: &Job<'_>,
    program: &Path,
    folder: &Folder,
    stop: &CancellationToken,
) -> Result<Targets, LaunchError> {
    let plan = job.plan;
    let base = match job.base {
        Some(source) => {
            let target = TargetPlan { source: source.clone(), ..plan.target.clone() };
            let plan = Plan { target, ..plan.clone() };
            let mut base = run::launch(&plan, program, &folder.base_log(), stop).await?;
            if job.plan.target.residency() == Residency::One {
                base.pause().await?;
            }
            Some(base)
        }
        None => None,
    };
    match run::launch(plan, program, &folder.target_log(), stop).await {
        Ok(target) => Ok(Targets { target, base }),
        Err(error) => {
            if let Some(running) = base.and_then(|base| base.running) {
                running.stop().await;
            }
            Err(error)
        }
    }
}

fn open_journal(
    plan: &Plan,
    folder: &Folder,
    started: SystemTime,
) -> Result<JournalFile, SessionError> {
    let config = folder.config();
    run::write_atomically(&config, plan.resolved.as_bytes())
        .map_err(|source| FolderError { path: config, source })?;
    let file = plan.file.display().to_string();
    Ok(JournalFile::create(&folder.journal(), &plan.suite, &file, &clock::rfc3339(started))?)
}

impl Session {
    /// What could become the baseline: of each check its own entry, or why it has none.
    pub(super) fn candidate(
        &self,
        plan: &Plan,
        commit: Option<String>,
    ) -> (Option<Baseline>, Vec<String>) {
        let recorded = Recorded {
            time: clock::rfc3339(self.started),
            commit,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        // What was measured before somebody interrupted stands; of a target that died nothing does.
        let broken = self.problem.as_ref().filter(|it| it.code != ProblemCode::Interrupted);
        if let Some(problem) = broken {
            return (None, vec![problem.text.clone()]);
        }
        let (mut candidate, mut refusals) = (None, Vec::new());
        for finding in self.findings() {
            let mut alone = plan.clone();
            alone.checks.retain(|name, _| *name == finding.check || measured(&candidate, name));
            let acceptance = Acceptance {
                plan: &alone,
                findings: std::slice::from_ref(&finding),
                fingerprint: &self.fingerprint,
                calibration: self.calibration,
                between_runs: None,
                recorded: &recorded,
                reason: None,
            };
            match accept(&acceptance, candidate.as_ref()) {
                Ok(accepted) => candidate = Some(accepted),
                Err(refusal) => refusals.push(refusal.to_string()),
            }
        }
        (candidate, refusals)
    }

    /// All trials on the target that was launched, and its end.
    async fn trials(
        &mut self,
        job: &Job<'_>,
        targets: Targets,
        journal: &mut JournalFile,
        progress: &mut Progress,
        stop: &CancellationToken,
        began: Instant,
    ) {
        let Targets { mut target, mut base } = targets;
        self.startup = target.running.as_ref().map(RunningTarget::startup);
        for (name, launched) in base.iter().map(|base| ("base", base)).chain([("target", &target)])
        {
            if let Some(startup) = launched.running.as_ref().map(RunningTarget::startup) {
                let (at, after) = (&launched.base_url, spoken(startup));
                progress.line(&format!("{name} ready at {at} after {after}"));
            }
        }
        let nonce = clock::nonce(self.started);
        let Job { plan, only, reference_speed, .. } = *job;
        // Without a baseline: what the machine did just before.
        let reference_speed = reference_speed.or(self.calibration);
        let mut rig = Live::new(plan, &mut target, nonce, stop.clone(), began)
            .with_base(base.as_mut())
            .with_in_flight_max(job.in_flight_max)
            .with_cpus(job.cpus.to_vec())
            .with_reference_speed(reference_speed);
        let aim = |check: &str| (job.aim)(check, &self.fingerprint, self.calibration);
        let orders = Orders { plan, only, aim: &aim, reference_speed };
        self.suite = run::run_suite(&orders, &mut rig, journal, progress).await;
        self.problem = self.suite.problem.as_ref().map(run_problem);
        progress.now("stopping the target");
        for running in [Some(target), base].into_iter().flatten().filter_map(|it| it.running) {
            let stopped = running.stop().await;
            self.problem = self.problem.take().or_else(|| died_at_end(&stopped));
            for survivor in stopped.survivors {
                progress.line(&format!(
                    "warning: process {} ({}) of the target could not be ended",
                    survivor.pid, survivor.name
                ));
            }
        }
    }
}

fn measured(candidate: &Option<Baseline>, check: &str) -> bool {
    candidate.as_ref().is_some_and(|candidate| candidate.checks.contains_key(check))
}

/// Why there was nothing to measure.
pub(super) fn launch_problem(error: &LaunchError) -> Problem {
    let interrupted = matches!(error, LaunchError::Managed(TargetError::Interrupted));
    Problem {
        code: if interrupted { ProblemCode::Interrupted } else { ProblemCode::Target },
        text: super::arguments::chain(error),
        last_lines: error.last_lines(),
    }
}

/// Why the measurement could not go on.
pub(super) fn run_problem(error: &RunError) -> Problem {
    let (code, last_lines) = match error {
        RunError::TargetDied { last_lines, .. } => (ProblemCode::Target, last_lines.clone()),
        RunError::NotRestarted { source, .. } => (ProblemCode::Target, source.last_lines()),
        RunError::TargetStuck { .. } | RunError::ResetRefused { .. } => {
            (ProblemCode::Target, Vec::new())
        }
        RunError::CannotOffer { .. } => (ProblemCode::Generator, Vec::new()),
        RunError::Interrupted => (ProblemCode::Interrupted, Vec::new()),
        RunError::Load { .. } | RunError::Journal { .. } => (ProblemCode::Usage, Vec::new()),
    };
    Problem { code, text: super::arguments::chain(error), last_lines }
}

/// A target that had ended before it was asked to, when nobody was looking any more.
pub(super) fn died_at_end(stopped: &Stopped) -> Option<Problem> {
    let exit = stopped.earlier()?;
    Some(Problem {
        code: ProblemCode::Target,
        text: format!("the target stopped after the last trial: {}", exit.status),
        last_lines: exit.last_lines.as_slice().to_vec(),
    })
}
