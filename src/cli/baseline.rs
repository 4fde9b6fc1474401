//! `plimsoll baseline`: adopt, show and compare what the repository has accepted.

use super::ExitStatus;
use super::arguments::{SuiteOptions, chain, complain, not_empty, usage};
use super::progress::{print, say};
use super::{commit, report};
use crate::baseline::{
    self, Acceptance, Baseline, Loaded, Recorded, accept, diff, show, text_diff, write,
};
use crate::check::Finding;
use crate::config::Plan;
use crate::run::{Folder, clock};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// What to do with the baseline.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Adopt the findings of a run; refuses one that is invalid or inconclusive
    Accept(Accept),
    /// Print the baseline of the suite
    Show(Show),
    /// Compare two baselines, or the committed one with the newest run
    Diff(Diff),
}

/// Adopt the findings of a run as the baseline. Refuses a run that is invalid or inconclusive, that
/// found no capacity, or that measured another configuration than the suite has now.
#[derive(Debug, Args)]
pub(super) struct Accept {
    /// The run: its folder, the folder's name, or `latest`
    #[arg(default_value = "latest", value_name = "RUN")]
    run: PathBuf,
    /// Why; kept in the file's history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Print the committed baseline of the suite.
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    place: Place,
}

/// Compare two baseline files; without names, the committed one with the newest run.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// A baseline file, or a run
    a: Option<PathBuf>,
    /// Another
    b: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Place {
    /// Folder of the committed baselines
    #[arg(long, env = "PLIMSOLL_BASELINES", default_value = "baselines", value_name = "DIR")]
    baselines: String,
    #[command(flatten)]
    suite: SuiteOptions,
}

impl Place {
    fn folder(&self) -> &Path {
        Path::new(not_empty(Some(&self.baselines)).unwrap_or("baselines"))
    }
}

impl Verb {
    pub(super) fn run(self) -> ExitStatus {
        let done = match self {
            Self::Accept(verb) => verb.run(),
            Self::Show(verb) => verb.run(),
            Self::Diff(verb) => verb.run(),
        };
        done.err().unwrap_or(ExitStatus::Pass)
    }
}

impl Accept {
    fn run(self) -> Result<(), ExitStatus> {
        let suite = self.place.suite.read()?;
        let folder = Folder::find(&suite.out, &self.run).map_err(|error| {
            usage(&chain(&error), "run `plimsoll measure` or `plimsoll check` first")
        })?;
        let candidate = candidate(&folder, &suite.plan.suite)?;
        same_configuration(&suite.plan, &candidate)?;
        let path = Baseline::path(self.place.folder(), &suite.plan.suite);
        let previous = previous(&path, &suite.plan.suite)?;
        let recorded = Recorded {
            time: clock::rfc3339(clock::now()),
            commit: commit::head(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let findings: Vec<Finding> = candidate.findings();
        let adopted = accept(
            &Acceptance {
                plan: &suite.plan,
                findings: &findings,
                fingerprint: &candidate.environment.fingerprint,
                recorded: &recorded,
                reason: not_empty(self.reason.as_deref()),
            },
            previous.as_ref(),
        )
        .map_err(|refusal| refused(&format!("this run cannot be the baseline: {refusal}")))?;
        if let Some(parent) = path.parent() {
            // What cannot be made is reported by the write.
            let _ = std::fs::create_dir_all(parent);
        }
        write(&path, &adopted).map_err(|error| {
            complain(&chain(&error), Some("nothing was changed"));
            ExitStatus::Baseline
        })?;
        if let Some(previous) = &previous {
            print(&diff(previous, &adopted));
        } else {
            print(&show(&adopted));
        }
        say(&format!("wrote {}: commit it, its diff is the acceptance", path.display()));
        Ok(())
    }
}

impl Show {
    fn run(self) -> Result<(), ExitStatus> {
        let suite = self.place.suite.read()?;
        let path = Baseline::path(self.place.folder(), &suite.plan.suite);
        print(&show(&existing(&path, &suite.plan.suite)?));
        Ok(())
    }
}

impl Diff {
    fn run(self) -> Result<(), ExitStatus> {
        let suite = self.place.suite.read()?;
        let committed = Baseline::path(self.place.folder(), &suite.plan.suite);
        let read = |path: &Path| match Folder::find(&suite.out, path) {
            Ok(folder) => candidate(&folder, &suite.plan.suite),
            Err(_) => existing(path, &suite.plan.suite),
        };
        let (a, b) = match (&self.a, &self.b) {
            (Some(a), Some(b)) => (read(a)?, read(b)?),
            (Some(a), None) => (existing(&committed, &suite.plan.suite)?, read(a)?),
            (None, _) => (existing(&committed, &suite.plan.suite)?, read(Path::new("latest"))?),
        };
        print(&diff(&a, &b));
        Ok(())
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
        other => Err(refused(&other.problem().unwrap_or_default())),
    }
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
            complain(
                &broken.problem().unwrap_or_default(),
                Some("mend or delete the file, then accept again"),
            );
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
        other => {
            complain(&other.problem().unwrap_or_default(), None);
            Err(ExitStatus::Baseline)
        }
    }
}
