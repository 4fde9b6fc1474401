//! `plimsoll baseline`: adopt, show and compare what the repository has accepted.

use super::ExitStatus;
use super::arguments::{BaselinesOption, OutOption, SuiteOptions, chain, complain, not_empty};
use super::progress::{print, say};
use super::{git, report};
use crate::baseline::{
    self, Acceptance, Baseline, Loaded, Recorded, accept, diff, merge, show, text_diff, write,
};
use crate::check::Finding;
use crate::config::Plan;
use crate::run::{Folder, clock};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// What to do with the baseline.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Adopt the findings of a run as the baseline
    Accept(Accept),
    /// Print the baseline of the suite
    Show(Show),
    /// Compare two baselines; by default the committed one with the newest run
    Diff(Diff),
}

/// Shown below `--help`.
const AFTER_HELP: &str = "\
Refused is a run that is invalid or inconclusive, that found no capacity, or that measured another
configuration than the suite has now. The file is written, not committed: its diff is what a
reviewer accepts.";

/// `plimsoll baseline accept`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Accept {
    /// The run: its folder, the folder's name, or `latest`; several are merged, and tell how far two
    /// runs lie apart
    #[arg(default_value = "latest", value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Why; kept in the file's history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    out: OutOption,
}

/// `plimsoll baseline show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    place: Place,
}

/// `plimsoll baseline diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// A baseline file or a run
    a: Option<PathBuf>,
    /// Another; without it, the committed baseline is compared with the first
    b: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    out: OutOption,
}

/// Which baseline.
#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    suite: SuiteOptions,
    #[command(flatten)]
    baselines: BaselinesOption,
}

impl Place {
    /// The suite, and where its baseline is committed.
    fn read(&self) -> Result<(Plan, PathBuf), ExitStatus> {
        let plan = self.suite.read()?;
        let path = Baseline::path(self.baselines.path(), &plan.suite);
        Ok((plan, path))
    }
}

impl Verb {
    pub(super) fn run(self) -> ExitStatus {
        let done = match self {
            Self::Accept(verb) => verb.run(),
            Self::Show(verb) => verb.run(),
            Self::Diff(verb) => verb.run(),
        };
        done.unwrap_or_else(|status| status)
    }
}

impl Accept {
    fn run(self) -> Result<ExitStatus, ExitStatus> {
        let (plan, path) = self.place.read()?;
        let candidates = self.runs.iter().map(|run| {
            let folder = Folder::find(self.out.path(), run);
            candidate(&folder.map_err(|error| report::no_run(&error))?, &plan.suite)
        });
        let mut candidates: Vec<Baseline> = candidates.collect::<Result<_, _>>()?;
        candidates.sort_by(|a, b| a.recorded.time.cmp(&b.recorded.time));
        let cannot = |refusal| refused(&format!("this run cannot be the baseline: {refusal}"));
        let candidate = merge(&candidates).map_err(cannot)?;
        same_configuration(&plan, &candidate)?;
        let previous = previous(&path, &plan.suite)?;
        let recorded = Recorded {
            time: clock::rfc3339(clock::now()),
            commit: git::head(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let findings: Vec<Finding> = candidate.findings();
        let adopted = accept(
            &Acceptance {
                plan: &plan,
                findings: &findings,
                fingerprint: &candidate.environment.fingerprint,
                calibration: candidate.environment.calibration,
                between_runs: candidate
                    .environment
                    .machine_sd
                    .map(|sd| (sd, candidate.environment.runs)),
                recorded: &recorded,
                reason: not_empty(self.reason.as_deref()),
            },
            previous.as_ref(),
        )
        .map_err(cannot)?;
        write(&path, &adopted).map_err(|error| {
            complain(&chain(&error), Some("nothing was changed"));
            ExitStatus::Baseline
        })?;
        say(&format!("wrote {}: commit it, its diff is the acceptance", path.display()));
        Ok(print(&match &previous {
            Some(previous) => diff(previous, &adopted),
            None => show(&adopted),
        }))
    }
}

impl Show {
    fn run(self) -> Result<ExitStatus, ExitStatus> {
        let (plan, path) = self.place.read()?;
        Ok(print(&show(&existing(&path, &plan.suite)?)))
    }
}

impl Diff {
    fn run(self) -> Result<ExitStatus, ExitStatus> {
        let (plan, committed) = self.place.read()?;
        let read = |path: &Path| match Folder::find(self.out.path(), path) {
            Ok(folder) => candidate(&folder, &plan.suite),
            Err(_) if path.exists() => existing(path, &plan.suite),
            Err(error) => Err(report::no_run(&error)),
        };
        let committed = || existing(&committed, &plan.suite);
        let (a, b) = match (&self.a, &self.b) {
            (Some(a), Some(b)) => (read(a)?, read(b)?),
            (Some(a), None) => (committed()?, read(a)?),
            (None, _) => (committed()?, read(Path::new("latest"))?),
        };
        Ok(print(&diff(&a, &b)))
    }
}

/// What a run found that could be a baseline.
fn candidate(folder: &Folder, suite: &str) -> Result<Baseline, ExitStatus> {
    let path = folder.candidate();
    match baseline::load(&path, suite) {
        Loaded::Baseline(candidate) => Ok(*candidate),
        Loaded::Missing => {
            let why = match report::results(folder) {
                Ok(Some(results)) if results.refusals.is_empty() => results.headline,
                Ok(Some(results)) => results.refusals.join("; "),
                Ok(None) => "it ended before it had a verdict".to_owned(),
                Err(error) => error,
            };
            Err(refused(&format!("run {} cannot be the baseline: {why}", folder.path().display())))
        }
        broken @ (Loaded::Empty { .. } | Loaded::Corrupt(_) | Loaded::UnknownSchema { .. }) => {
            Err(refused(&problem(&path, &broken)))
        }
    }
}

/// What is wrong with a baseline, and which.
fn problem(path: &Path, broken: &Loaded) -> String {
    format!("{}: {}", path.display(), broken.problem().unwrap_or_default())
}

fn refused(error: &str) -> ExitStatus {
    complain(error, Some("measure again: `plimsoll measure --budget 7m`"));
    ExitStatus::Baseline
}

/// A run of another configuration than the suite has now is no baseline for it.
fn same_configuration(plan: &Plan, candidate: &Baseline) -> Result<(), ExitStatus> {
    for (name, measured) in &candidate.checks {
        if let Some(now) = plan.checks.get(name)
            && now.digest != measured.digest
        {
            let changed = text_diff("this run", &measured.config, "the suite now", &now.identity);
            say(&changed);
            return Err(refused(&format!("check `{name}` has changed since this run")));
        }
    }
    Ok(())
}

/// The baseline that is to be replaced. A broken one is not replaced silently: its history is lost.
fn previous(path: &Path, suite: &str) -> Result<Option<Baseline>, ExitStatus> {
    match baseline::load(path, suite) {
        Loaded::Baseline(baseline) => Ok(Some(*baseline)),
        Loaded::Missing | Loaded::Empty { .. } => Ok(None),
        broken @ (Loaded::Corrupt(_) | Loaded::UnknownSchema { .. }) => {
            complain(&problem(path, &broken), Some("mend or delete the file, then accept again"));
            Err(ExitStatus::Baseline)
        }
    }
}

fn existing(path: &Path, suite: &str) -> Result<Baseline, ExitStatus> {
    match baseline::load(path, suite) {
        Loaded::Baseline(baseline) => Ok(*baseline),
        Loaded::Missing => {
            complain(
                &format!("there is no baseline {}", path.display()),
                Some("`plimsoll baseline accept` writes one"),
            );
            Err(ExitStatus::Baseline)
        }
        broken @ (Loaded::Empty { .. } | Loaded::Corrupt(_) | Loaded::UnknownSchema { .. }) => {
            complain(&problem(path, &broken), None);
            Err(ExitStatus::Baseline)
        }
    }
}
