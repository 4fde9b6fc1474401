//! `plimsoll check` and `plimsoll measure`.

use super::ExitStatus;
use super::arguments::{GateOptions, Suite, SuiteOptions, chain, complain, runtime};
use super::progress::{Progress, print};
use super::session::{Job, Session, SessionError, measure};
use super::{commit, github, signal};
use crate::baseline::{self, Baseline, Loaded};
use crate::check::Prior;
use crate::config::plan::FailOn;
use crate::gate::{Hearing, SuiteVerdict, judge_suite};
use crate::report::{self, Parts, Results};
use crate::run::clock;
use clap::Args;
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

/// Measure how much load the target carries, compare that with the committed baseline, and write the
/// reports. The exit code is the verdict.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    suite: SuiteOptions,
    #[command(flatten)]
    gate: GateOptions,
}

/// Measure how much load the target carries, without a baseline.
#[derive(Debug, Args)]
pub(super) struct Measure {
    #[command(flatten)]
    suite: SuiteOptions,
}

/// What the measurement is held against.
struct Gate {
    baseline: Loaded,
    path: String,
    fail_on: BTreeSet<FailOn>,
}

impl Check {
    pub(super) fn run(self) -> ExitStatus {
        let suite = match self.suite.read() {
            Ok(suite) => suite,
            Err(status) => return status,
        };
        let fail_on = match self.gate.fail_on(&suite.plan) {
            Ok(fail_on) => fail_on,
            Err(status) => return status,
        };
        let path = Baseline::path(&self.gate.baselines(), &suite.plan.suite);
        let gate = Gate {
            baseline: baseline::load(&path, &suite.plan.suite),
            path: path.display().to_string(),
            fail_on,
        };
        if let Some(problem) = gate.baseline.problem() {
            // Measured all the same: the numbers are needed to mend it.
            complain(&problem, None);
        }
        run(&suite, Some(&gate))
    }
}

impl Measure {
    pub(super) fn run(self) -> ExitStatus {
        match self.suite.read() {
            Ok(suite) => run(&suite, None),
            Err(status) => status,
        }
    }
}

fn run(suite: &Suite, gate: Option<&Gate>) -> ExitStatus {
    let stop = CancellationToken::new();
    let measuring = async {
        let mut progress = Progress::new(suite.quiet);
        let prior = |check: &str| prior(suite, gate, check);
        let job = Job {
            plan: &suite.plan,
            only: &suite.only,
            out: &suite.out,
            prior: &prior,
            in_flight_max: None,
        };
        // The watch for signals never ends before the measurement: it ends the process instead.
        tokio::select! {
            session = measure(&job, &mut progress, &stop) => session.map(Some),
            () = signal::watch(stop.clone()) => Ok(None),
        }
    };
    let session = match runtime() {
        Ok(runtime) => runtime.block_on(measuring),
        Err(error) => {
            complain(&format!("no event loop: {error}"), None);
            return ExitStatus::Usage;
        }
    };
    match session {
        Ok(Some(session)) => conclude(suite, gate, &session),
        Ok(None) => ExitStatus::Interrupted,
        Err(error) => refused(&error),
    }
}

/// The accepted measurement of a check, as far as it may be used.
fn prior(suite: &Suite, gate: Option<&Gate>, check: &str) -> Option<Prior> {
    gate?.baseline.baseline()?.prior(&suite.plan, check)
}

fn refused(error: &SessionError) -> ExitStatus {
    let hint = match error {
        SessionError::Refused(_) => Some("raise `budget.time` or `--budget`, or shorten `trial`"),
        SessionError::Folder(_) | SessionError::Journal(_) => {
            Some("name another folder with `--out`")
        }
        SessionError::Program(_) => None,
    };
    complain(&chain(error), hint);
    ExitStatus::Usage
}

/// Verdict, reports, exit code.
fn conclude(suite: &Suite, gate: Option<&Gate>, session: &Session) -> ExitStatus {
    let findings = session.findings();
    let verdict = gate.map(|gate| {
        judge_suite(&Hearing {
            plan: &suite.plan,
            selected: Some(&suite.only).filter(|only| !only.is_empty()),
            findings: &findings,
            baseline: &gate.baseline,
            fingerprint: &session.fingerprint,
        })
    });
    let commit = commit::head();
    let (candidate, refusals) = session.candidate(&suite.plan, commit.clone());
    let results = results(suite, gate, session, verdict.as_ref(), &refusals, commit.as_deref());
    let folder = session.folder.path();
    let mut status = ExitStatus::from_code(results.gate_exit_code);
    let unaffected = Some("the verdict is unaffected, but this file is missing");
    if let Some(Err(error)) =
        candidate.map(|candidate| baseline::write(&session.folder.candidate(), &candidate))
    {
        complain(&chain(&error), unaffected);
    }
    for error in report::write_reports(folder, &results) {
        complain(&chain(&error), unaffected);
    }
    if let Err(error) = show(suite, &results) {
        complain(&error, None);
        status = ExitStatus::worst(&[status, ExitStatus::Usage]);
    }
    if suite.github {
        github::write(&results, folder);
    }
    status
}

fn results(
    suite: &Suite,
    gate: Option<&Gate>,
    session: &Session,
    verdict: Option<&SuiteVerdict>,
    refusals: &[String],
    commit: Option<&str>,
) -> Results {
    let everything = suite.plan.fail_on.clone();
    Results::build(&Parts {
        plan: &suite.plan,
        suite: &session.suite,
        verdict,
        baseline: gate.map(|gate| (&gate.baseline, gate.path.as_str())),
        fail_on: gate.map_or(&everything, |gate| &gate.fail_on),
        fingerprint: &session.fingerprint,
        started: &clock::rfc3339(session.started),
        elapsed: session.elapsed,
        startup: session.startup,
        run: &session.folder.path().display().to_string(),
        overrides: &suite.sets,
        only: &suite.only,
        commit,
        refusals,
        problem: session.problem.as_ref(),
    })
}

/// Prints what was asked for to standard output.
pub(super) fn show(suite: &Suite, results: &Results) -> Result<(), String> {
    let text =
        super::report::render(results, suite.format, suite.templates.as_deref(), suite.colour)?;
    print(&text);
    Ok(())
}
