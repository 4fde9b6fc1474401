//! From a read suite to reports and exit code: what the verbs that measure have in common.

use super::arguments::{Suite, chain, complain, runtime};
use super::format::{Format, NOTHING_TO_EXPORT_HINT};
use super::progress::{Progress, print, say};
use super::session::{Job, Session, SessionError, measure};
use super::{ExitStatus, git, github, signal};
use crate::baseline::{self, Baseline, Fingerprint, Loaded};
use crate::check::Aim;
use crate::config::plan::{FailOn, TargetSource};
use crate::gate::SuiteVerdict;
use crate::report::{self, Parts, Results, markdown, terminal};
use crate::run::{Refusal, clock};
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

/// Runs the chosen checks; what kept it from beginning has been said.
pub(super) fn run_session(
    suite: &Suite,
    aim: &dyn Fn(&str, &Fingerprint, Option<f64>) -> Aim,
    reference_speed: Option<f64>,
    base: Option<&TargetSource>,
) -> Result<Session, ExitStatus> {
    let stop = CancellationToken::new();
    let measuring = async {
        let mut progress = Progress::new(suite.quiet);
        let job = Job {
            plan: &suite.plan,
            only: &suite.only,
            base,
            out: &suite.out,
            aim,
            reference_speed,
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
            return Err(ExitStatus::Usage);
        }
    };
    match session {
        Ok(Some(session)) => Ok(session),
        Ok(None) => Err(ExitStatus::Interrupted),
        Err(error) => Err(refused(&error)),
    }
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

/// What a run is held against and what it came to.
pub(super) struct Judged<'a> {
    pub(super) verb: &'a str,
    /// `None` for a measurement without a gate.
    pub(super) verdict: Option<SuiteVerdict>,
    pub(super) baseline: Option<(&'a Loaded, &'a str)>,
    /// Where baselines are.
    pub(super) folder: &'a str,
    pub(super) fail_on: &'a BTreeSet<FailOn>,
    /// What could become the baseline, and why checks cannot.
    pub(super) candidate: Option<Baseline>,
    pub(super) refusals: Vec<String>,
    pub(super) commit: Option<String>,
}

/// Reports, exit code.
pub(super) fn conclude(suite: &Suite, session: &Session, judged: &Judged<'_>) -> ExitStatus {
    let results = results(suite, session, judged);
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
        judged.candidate.as_ref().map(|it| baseline::write(&session.folder.candidate(), it))
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
    let colour = if suite.colour { terminal::Colour::Ansi } else { terminal::Colour::Plain };
    let text = || terminal::render_with(&results, colour);
    let printed = match suite.format.render(&results, text, || page) {
        Ok(text) => print(&text),
        // The code stays that of the run, and nothing is printed: whoever reads it notices.
        Err(error) => {
            complain(&error.to_string(), Some(NOTHING_TO_EXPORT_HINT));
            ExitStatus::Pass
        }
    };
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

fn results(suite: &Suite, session: &Session, judged: &Judged<'_>) -> Results {
    Results::build(&Parts {
        plan: &suite.plan,
        suite: &session.suite,
        verdict: judged.verdict.as_ref(),
        baseline: judged.baseline,
        fail_on: judged.fail_on,
        fingerprint: &session.fingerprint,
        calibration: session.calibration,
        started: &clock::rfc3339(session.started),
        elapsed: session.elapsed,
        startup: session.startup,
        repository_file: git::path_in_repository(&suite.plan.file).as_deref(),
        verb: judged.verb,
        baselines: judged.folder,
        out: &suite.out.display().to_string(),
        run: &session.folder.path().display().to_string(),
        overrides: &suite.sets,
        only: &suite.only,
        commit: judged.commit.as_deref(),
        refusals: &judged.refusals,
        problem: session.problem.as_ref(),
    })
}
