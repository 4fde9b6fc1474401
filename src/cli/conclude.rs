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
use crate::publish::{Sha, Workflow};
use crate::report::{self, AgainstResult, Notice, Parts, Results, markdown, terminal};
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
        measure(&job, &mut progress, &stop).await
    };
    watched(&stop, measuring)?.map_err(|error| refused(&error))
}

/// Runs what may take long, and stops it by `stop` when somebody interrupts.
pub(super) fn watched<T>(
    stop: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, ExitStatus> {
    let all = async {
        // The watch for signals never ends before the work: it ends the process instead.
        tokio::select! {
            done = work => Some(done),
            () = signal::watch(stop.clone()) => None,
        }
    };
    match runtime() {
        Ok(runtime) => runtime.block_on(all).ok_or(ExitStatus::Interrupted),
        Err(error) => {
            complain(&format!("no event loop: {error}"), None);
            Err(ExitStatus::Usage)
        }
    }
}

pub(super) fn refused(error: &SessionError) -> ExitStatus {
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
    /// What else a reviewer should know.
    pub(super) notices: Vec<Notice>,
    /// The commit that was measured beside it, if one was.
    pub(super) against: Option<AgainstResult>,
    /// Why nothing was measured, if nothing was to be.
    pub(super) skipped: Option<String>,
}

static NOTHING: BTreeSet<FailOn> = BTreeSet::new();

impl Judged<'_> {
    /// Of a run that measured nothing.
    pub(super) fn nothing(verb: &'static str) -> Self {
        Judged {
            verb,
            verdict: None,
            baseline: None,
            folder: "",
            fail_on: &NOTHING,
            candidate: None,
            refusals: Vec::new(),
            commit: super::git::head(),
            notices: Vec::new(),
            against: None,
            skipped: None,
        }
    }
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
        github::write(&results, folder, suite.templates.as_ref());
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
        head: suite.workflow.as_ref().and_then(Workflow::head).map(Sha::as_str),
        skipped: judged.skipped.as_deref(),
        against: judged.against.as_ref(),
        notices: &judged.notices,
        refusals: &judged.refusals,
        problem: session.problem.as_ref(),
    })
}
