//! `plimsoll publish`: one comment and one verdict of saved runs.

use super::ExitStatus;
use super::arguments::{
    OutOption, chain, choice, complain, known_fail_on, not_empty, runtime, usage,
};
use super::progress::{command, say};
use super::{github, report};
use crate::config::environment;
use crate::publish::{
    self, GitHub, Key, Marker, Occasion, Ours, Outcome, Publication, Sha, Subject, Why, Workflow,
    read_runs,
};
use crate::report::{Download, Place, Results, Verdict, markdown};
use crate::run::Folder;
use clap::{Args, ValueEnum};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The author of what is written with the token that every job has.
const JOB_AUTHOR: &str = "github-actions[bot]";

/// The workflow that measures, by default.
const WORKFLOW: &str = ".github/workflows/capacity.yml";

/// Shown below `--help`.
const AFTER_HELP: &str = "\
The token is read from PLIMSOLL_GITHUB_TOKEN; without one nothing is written. Pull request and
commit come from the event of the workflow, never from a run. With RUN the exit code is 0 unless
the publication itself went wrong; with --runs it is the worst verdict of the runs.";

/// `plimsoll publish`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Publish {
    /// The run: its folder, the folder's name, or `latest`
    #[arg(default_value = "latest", value_name = "RUN")]
    run: PathBuf,
    /// Publish every run below this folder instead; their files are not trusted
    #[arg(long, env = "PLIMSOLL_RUNS", hide_env_values = true, value_name = "DIR")]
    runs: Option<String>,
    /// Where to: github
    #[arg(long, env = "PLIMSOLL_TO", hide_env_values = true, default_value = "github")]
    to: String,
    /// When a comment is written: always, problems (which still mends one that is there) or never
    #[arg(long, env = "PLIMSOLL_COMMENT", hide_env_values = true, default_value = "always")]
    comment: String,
    /// Identity of the comment within the pull request; by default the suite's name, `plimsoll` of
    /// several
    #[arg(long, env = "PLIMSOLL_COMMENT_KEY", hide_env_values = true, value_name = "KEY")]
    comment_key: Option<String>,
    /// Login that the token writes as
    #[arg(long, env = "PLIMSOLL_COMMENT_AUTHOR", hide_env_values = true, value_name = "LOGIN")]
    comment_author: Option<String>,
    /// Name of the artifact that holds the run, for the command that accepts it
    #[arg(long, env = "PLIMSOLL_ARTIFACT", hide_env_values = true, value_name = "NAME")]
    artifact: Option<String>,
    /// With --runs: suites that must be there, separated by spaces
    #[arg(long, env = "PLIMSOLL_EXPECT", hide_env_values = true, value_name = "SUITES")]
    expect: Option<String>,
    /// With --runs: verdicts that fail, or none where the run that measured has failed already; by
    /// default as each run has it
    #[arg(long, env = "PLIMSOLL_FAIL_ON", hide_env_values = true, value_name = "LIST")]
    fail_on: Option<String>,
    /// Path of the workflow file whose runs are published on `workflow_run`
    #[arg(
        long,
        env = "PLIMSOLL_WORKFLOW",
        hide_env_values = true,
        default_value = WORKFLOW,
        value_name = "FILE"
    )]
    workflow: String,
    #[command(flatten)]
    out: OutOption,
}

/// When a comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Always,
    Problems,
    Never,
}

/// What is published, and what follows for the exit code.
struct Saved {
    all: Vec<Results>,
    exit: ExitStatus,
}

impl Publish {
    pub(super) fn run(self) -> ExitStatus {
        match self.publish() {
            Ok(status) | Err(status) => status,
        }
    }

    fn publish(&self) -> Result<ExitStatus, ExitStatus> {
        if not_empty(Some(&self.to)).is_some_and(|to| to != "github") {
            return Err(usage(&format!("`--to` does not know `{}`", self.to), "it takes github"));
        }
        let when = choice("--comment", &self.comment, When::Always)?;
        let workflow = Workflow::read()
            .map_err(|error| usage(&chain(&error), "run it in a job of GitHub Actions"))?;
        let saved = self.saved()?;
        let worst = saved.all.iter().min_by_key(|results| results.severity());
        let verdict = worst.map_or("error", publish::verdict);
        output("verdict", verdict);
        let outcome = match self.ours(&workflow, &saved.all, when)? {
            Some((ours, subject)) => self.send(&workflow, ours, subject),
            None => Ok(ExitStatus::Pass),
        };
        // Of runs from elsewhere the exit code is the verdict, whatever became of the comment.
        match (&self.runs(), outcome) {
            (Some(_), Ok(_) | Err(_)) => Ok(saved.exit),
            (None, outcome) => outcome,
        }
    }

    fn runs(&self) -> Option<&str> {
        not_empty(self.runs.as_deref())
    }

    fn saved(&self) -> Result<Saved, ExitStatus> {
        let Some(folder) = self.runs() else {
            let folder = Folder::find(self.out.path(), &self.run);
            let folder = folder.map_err(|error| report::no_run(&error))?;
            return match report::results(&folder) {
                Ok(Some(results)) => Ok(Saved { all: vec![results], exit: ExitStatus::Pass }),
                Ok(None) => Err(usage(
                    &format!("{} has no results", folder.path().display()),
                    "a run that was killed is shown by `plimsoll report`, and not published",
                )),
                Err(error) => Err(usage(&error, "name another run")),
            };
        };
        let runs = read_runs(folder.as_ref()).map_err(|error| {
            usage(&chain(&error), "were the runs uploaded, and is this the artifact's name?")
        })?;
        let all = self.judged(runs)?;
        let is_silent = not_empty(self.fail_on.as_deref()) == Some("none");
        let missing = all.iter().any(|it| it.exit_code == ExitStatus::Usage.code());
        let exit = if is_silent && !missing {
            ExitStatus::Pass
        } else {
            let codes = all.iter().map(|it| ExitStatus::from_code(it.gate_exit_code));
            ExitStatus::worst(&codes.collect::<Vec<_>>())
        };
        Ok(Saved { all, exit })
    }

    /// Runs from elsewhere, with what follows from their gates, and those that should be there.
    fn judged(&self, runs: Vec<Results>) -> Result<Vec<Results>, ExitStatus> {
        let list = not_empty(self.fail_on.as_deref()).filter(|list| *list != "none");
        let fail_on: Option<BTreeSet<Verdict>> = match list {
            Some(list) => Some(known_fail_on(list)?.into_iter().map(Verdict::from).collect()),
            None => None,
        };
        let mut all: Vec<Results> = runs
            .into_iter()
            .map(|results| {
                let hidden = results.hidden.clone();
                results.judged_by(|verdict| match &fail_on {
                    Some(list) => list.contains(&verdict),
                    None => !hidden.contains(&verdict),
                })
            })
            .collect();
        let expected = not_empty(self.expect.as_deref()).unwrap_or_default();
        for suite in expected.split_whitespace() {
            if !all.iter().any(|results| results.suite == suite) {
                let text = format!("suite `{suite}` was expected, and no run of it is there");
                complain(&text, Some("did its job fail before it could upload the run?"));
                all.push(Results::missing(suite, text));
            }
        }
        Ok(all)
    }

    /// What is to be written, and where; nothing where there is no pull request or nothing is wanted.
    fn ours(
        &self,
        workflow: &Workflow,
        all: &[Results],
        when: When,
    ) -> Result<Option<(Ours, Subject)>, ExitStatus> {
        let expected = not_empty(Some(&self.workflow)).unwrap_or(WORKFLOW);
        let occasion = Occasion::of(&workflow.event, workflow.run, expected).map_err(|error| {
            let hint = "name the workflow file that measures with `--workflow` (input `workflow`)";
            usage(&error.to_string(), hint)
        })?;
        let Some(Occasion { subject, head, run, is_fork, defers }) = occasion else {
            return Ok(None);
        };
        if when == When::Never {
            return Ok(None);
        }
        if let Some(suite) = wrong_head(all, head) {
            return Err(usage(
                &format!(
                    "the run of `{suite}` is of another commit than this pull request's {head}"
                ),
                "publish the run of this workflow",
            ));
        }
        let key = not_empty(self.comment_key.as_deref()).unwrap_or(match all {
            [alone] => &alone.suite,
            _ => "plimsoll",
        });
        let marker = Marker::new(Key::new(key), run, head);
        let artifact = not_empty(self.artifact.as_deref()).filter(|name| !name.contains('*'));
        let place = Place {
            run_url: Some(workflow.run_url(run.0)),
            download: artifact
                .map(|artifact| Download { run: run.0, artifact: artifact.to_owned() }),
            is_claim: is_fork,
        };
        let body = |size: usize| {
            let line = marker.line();
            format!("{line}\n{}", markdown::comment(all, &place, size - line.len() - 1))
        };
        let ours = Ours {
            body: body(markdown::SIZE_MAX),
            shorter: body(markdown::SIZE_MAX / 2),
            head: head.clone(),
            author: self.author().to_owned(),
            is_quiet: when == When::Problems && all.iter().all(|it| it.exit_code == 0),
            defers,
            marker,
        };
        Ok(Some((ours, subject)))
    }

    fn author(&self) -> &str {
        not_empty(self.comment_author.as_deref()).unwrap_or(JOB_AUTHOR)
    }

    /// Sends it; what came of it is said.
    fn send(
        &self,
        workflow: &Workflow,
        ours: Ours,
        subject: Subject,
    ) -> Result<ExitStatus, ExitStatus> {
        let Some(token) = environment::process("PLIMSOLL_GITHUB_TOKEN") else {
            command(&publish::notice(
                "no comment: there is no token; the result is in the job summary",
            ));
            return Ok(ExitStatus::Pass);
        };
        // The tokens of a job and of an app belong to nobody who could be asked for.
        let asks_user = !token.starts_with("ghs_") && self.author() == JOB_AUTHOR;
        let publication = Publication::new(ours, subject, asks_user);
        let runtime = runtime().map_err(|error| usage(&format!("no event loop: {error}"), ""))?;
        let token = SecretString::from(token);
        let outcome = runtime.block_on(async {
            let client = GitHub::new(&workflow.api, &token, &workflow.repository)?;
            Ok(client.publish(publication).await)
        });
        let outcome = outcome.map_err(|error: publish::GitHubError| {
            usage(&chain(&error), "GITHUB_API_URL and GITHUB_REPOSITORY say where to publish")
        })?;
        Ok(report_outcome(&outcome))
    }
}

/// The suite of a run that is not of this commit. One that says of no commit is of none.
fn wrong_head<'a>(all: &'a [Results], head: &Sha) -> Option<&'a str> {
    let is_wrong =
        |results: &&Results| !is_missing(results) && results.head.as_deref() != Some(head.as_str());
    all.iter().find(is_wrong).map(|results| results.suite.as_str())
}

/// Whether it only stands for a run that is not there.
fn is_missing(results: &Results) -> bool {
    results.started.is_empty()
}

fn report_outcome(outcome: &Outcome) -> ExitStatus {
    match outcome {
        Outcome::Written { url } => {
            output("comment-url", url);
            say(&format!("commented: {url}"));
            ExitStatus::Pass
        }
        Outcome::Nothing(why, url) => {
            if let Some(url) = url {
                output("comment-url", url);
            }
            command(&publish::notice(reason(*why)));
            ExitStatus::Pass
        }
        Outcome::Refused(text) => {
            command(&publish::notice(&format!(
                "no comment: the platform does not let this token write one (a fork, or the permission \
                 `pull-requests: write` is missing): {text}; the result is in the job summary"
            )));
            ExitStatus::Pass
        }
        Outcome::Failed(text) => {
            complain(
                &format!("the comment could not be written: {text}"),
                Some("the verdict is unaffected"),
            );
            ExitStatus::Usage
        }
    }
}

fn reason(why: Why) -> &'static str {
    match why {
        Why::Superseded => "no comment: superseded, the pull request has a newer commit",
        Why::Closed => "no comment: the pull request is closed",
        Why::NoPull => "no comment: not exactly one open pull request has this commit",
        Why::NewerRun => "no comment: a newer run of the same commit has published",
        Why::Unchanged => "the comment says so already",
        Why::LaterVersion => "no comment: a later version of Plimsoll looks after it",
        Why::Quiet => "no comment: nothing is wrong, and only problems are wanted",
    }
}

fn output(name: &'static str, value: &str) {
    github::to("GITHUB_OUTPUT", |file| publish::write_outputs(file, &[(name, value.to_owned())]));
}
