//! `plimsoll check` and `plimsoll measure`.

use super::ExitStatus;
use super::arguments::{Format, GateOptions, RunOptions, Suite, chain, complain, runtime};
use super::progress::{Progress, print, say};
use super::session::{Job, Session, SessionError, measure};
use super::{commit, github, signal};
use crate::baseline::{self, Baseline, Loaded};
use crate::check::Prior;
use crate::config::plan::FailOn;
use crate::gate::{Hearing, SuiteVerdict, judge_suite};
use crate::report::{self, Parts, Results, json, junit, markdown, terminal};
use crate::run::{Refusal, clock};
use clap::Args;
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

/// `plimsoll check`.
#[derive(Debug, Args)]
#[command(after_help = super::outcome::EXIT_CODES_HELP)]
pub(super) struct Check {
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten)]
    gate: GateOptions,
}

/// `plimsoll measure`.
#[derive(Debug, Args)]
pub(super) struct Measure {
    #[command(flatten)]
    run: RunOptions,
}

/// What the measurement is held against.
struct Gate {
    baseline: Loaded,
    path: String,
    /// Where baselines are.
    folder: String,
    fail_on: BTreeSet<FailOn>,
}

impl Check {
    pub(super) fn run(self) -> ExitStatus {
        let suite = match self.run.read() {
            Ok(suite) => suite,
            Err(status) => return status,
        };
        let fail_on = match self.gate.fail_on(&suite.plan) {
            Ok(fail_on) => fail_on,
            Err(status) => return status,
        };
        let path = Baseline::path(self.gate.baselines.path(), &suite.plan.suite);
        let gate = Gate {
            baseline: baseline::load(&path, &suite.plan.suite),
            path: path.display().to_string(),
            folder: self.gate.baselines.path().display().to_string(),
            fail_on,
        };
        if let Some(problem) = gate.baseline.problem() {
            // Measured all the same: the numbers are needed to mend it.
            complain(&format!("{}: {problem}", gate.path), None);
        }
        run(&suite, Some(&gate))
    }
}

impl Measure {
    pub(super) fn run(self) -> ExitStatus {
        match self.run.read() {
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
            cpus: &suite.cpus,
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
        SessionError::Refused(Refusal::Time { .. }) => {
            Some("raise `budget.time` or `--budget`, or shorten `trial`")
        }
        SessionError::Refused(Refusal::Requests { .. }) => Some("raise `budget.requests`"),
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
    if let Some(problem) = &session.problem {
        complain(&problem.text, None);
        // The report in text shows them itself.
        if suite.format != Format::Text {
            problem.last_lines.iter().for_each(|line| say(&format!("  | {line}")));
        }
    }
    let unaffected = Some("the verdict is unaffected, but this file is missing");
    if let Some(Err(error)) =
        candidate.map(|candidate| baseline::write(&session.folder.candidate(), &candidate))
    {
        complain(&chain(&error), unaffected);
    }
    let (page, rendered) = page(suite, &results);
    for error in report::write_reports(folder, &results, &page) {
        complain(&chain(&error), unaffected);
    }
    if suite.github {
        github::write(&results, folder, &page);
    }
    let printed = print(&match suite.format {
        Format::Markdown => page,
        Format::Text if suite.colour => terminal::render_with(&results, terminal::Colour::Ansi),
        Format::Text => terminal::render(&results),
        Format::Json => json::render(&results),
        Format::Junit => junit::render(&results),
    });
    ExitStatus::worst(&[ExitStatus::from_code(results.gate_exit_code), rendered, printed])
}

/// The page of the report; where a user's templates fail, by the built-in ones.
fn page(suite: &Suite, results: &Results) -> (String, ExitStatus) {
    let rendered = suite.templates.as_ref().map(|own| markdown::render_with(results, own));
    match rendered {
        Some(Ok(page)) => (page, ExitStatus::Pass),
        Some(Err(error)) => {
            complain(&chain(&error), Some("report.md is rendered by the built-in templates"));
            (markdown::render(results), ExitStatus::Usage)
        }
        None => (markdown::render(results), ExitStatus::Pass),
    }
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
        verb: gate.map_or("measure", |_| "check"),
        baselines: gate.map_or("", |gate| gate.folder.as_str()),
        out: &suite.out.display().to_string(),
        run: &session.folder.path().display().to_string(),
        overrides: &suite.sets,
        only: &suite.only,
        commit,
        refusals,
        problem: session.problem.as_ref(),
    })
}
