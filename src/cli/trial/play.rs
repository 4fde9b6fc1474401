//! Starts the target or asks for it, plays the trial, and lets go of the target.

use super::direct::Places;
use super::offer::Offered;
use crate::cli::ExitStatus;
use crate::cli::arguments::{complain, usage};
use crate::cli::progress::{Progress, say};
use crate::cli::session::{died_at_end, launch_problem, run_problem};
use crate::config::Plan;
use crate::config::plan::TargetSource;
use crate::report::Problem;
use crate::run::{self, Launched, Live, Observer as _, Rig as _, TraceFile, clock};
use crate::trial::{Patient, TrialPlan, TrialReport};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What is played, and who hears of it.
pub(super) struct Playing<'a> {
    pub(super) suite: &'a Plan,
    pub(super) places: &'a Places,
    pub(super) offered: &'a Offered,
    /// Cores on which the load is offered; none: any.
    pub(super) cpus: Vec<usize>,
    pub(super) workers: Option<u32>,
    pub(super) trace: Option<&'a mut TraceFile>,
    pub(super) progress: &'a mut Progress,
    pub(super) stop: &'a CancellationToken,
}

impl Playing<'_> {
    /// Plays it. On an error the message has been printed, and the exit status is returned.
    pub(super) async fn play(mut self) -> Result<TrialReport, ExitStatus> {
        let began = Instant::now();
        let folder = tempfile::tempdir().map_err(|error| {
            usage(&format!("no temporary folder: {error}"), "is the disk full?")
        })?;
        let program = std::env::current_exe().map_err(|error| {
            usage(&format!("cannot find our own program: {error}"), "start it by its path")
        })?;
        let log = folder.path().join("target.log");
        let mut launched = self.launched(&program, &log).await?;
        let played = self.measured(&mut launched, began).await;
        self.progress.finish();
        let died = match launched.running.take() {
            Some(running) => died_at_end(&running.stop().await),
            None => None,
        };
        let report = played?;
        died.map_or(Ok(report), |problem| Err(failed(&problem)))
    }

    /// A target that answers, at every URL.
    async fn launched(
        &self,
        program: &std::path::Path,
        log: &std::path::Path,
    ) -> Result<Launched, ExitStatus> {
        let launch = async |suite: &Plan| {
            let launched = run::launch(suite, program, log, self.stop).await;
            launched.map_err(|error| failed(&launch_problem(&error)))
        };
        let mut suite = self.suite.clone();
        for url in self.places.bases.iter().skip(1) {
            suite.target.source = TargetSource::Url(url.clone());
            launch(&suite).await?;
        }
        launch(self.suite).await
    }

    async fn measured(
        &mut self,
        launched: &mut Launched,
        began: Instant,
    ) -> Result<TrialReport, ExitStatus> {
        let base_urls = match self.places.urls.as_slice() {
            [] => vec![launched.base_url.clone()],
            given => given.to_vec(),
        };
        if let Some(trace) = &mut self.trace {
            trace.towards(&base_urls);
        }
        let nonce = clock::nonce(clock::now());
        let mut rig = Live::new(self.suite, launched, nonce, self.stop.clone(), began)
            .with_base_urls(base_urls)
            .with_cpus(self.cpus.clone())
            .with_workers(self.workers);
        let progress = &mut *self.progress;
        progress.started(&self.offered.plan);
        let mut plan = self.offered.plan.clone();
        if self.offered.is_to_learn() {
            let first = one(&mut rig, &plan, progress).await?;
            plan = self.offered.learned(self.suite, &first)?;
        }
        let mut rig = rig.with_trace(self.trace.as_deref_mut());
        one(&mut rig, &plan, progress).await
    }
}

async fn one(
    rig: &mut Live<'_>,
    plan: &TrialPlan,
    progress: &mut Progress,
) -> Result<TrialReport, ExitStatus> {
    let played = rig.run_trial(plan, &mut Patient, &mut |window| progress.window(window)).await;
    played.map_err(|error| {
        progress.finish();
        failed(&run_problem(&error))
    })
}

fn failed(problem: &Problem) -> ExitStatus {
    complain(&problem.text, None);
    problem.last_lines.iter().for_each(|line| say(&format!("  | {line}")));
    ExitStatus::from_code(problem.code.exit_code())
}
