//! `plimsoll check` and `plimsoll measure`.

use super::ExitStatus;
use super::against::{self, Orders};
use super::arguments::{BaselinesOption, GateOptions, RunOptions, Suite, complain};
use super::base::{self, Against};
use super::conclude::{Judged, conclude, refused, run_session};
use super::session::Session;
use super::{branch, git, unchanged};
use crate::baseline::{self, Baseline, Fingerprint, Loaded};
use crate::check::Aim;
use crate::config::plan::FailOn;
use crate::gate::{Hearing, judge_suite};
use crate::report::Notice;
use crate::run::Folder;
use clap::Args;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

/// `plimsoll check`.
#[derive(Debug, Args)]
#[command(after_help = super::outcome::EXIT_CODES_HELP)]
pub(super) struct Check {
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten)]
    gate: GateOptions,
    /// Build and start this commit as well, and compare with it instead of the baseline; auto: the
    /// base of the pull request, where the target has a `command`; none: the baseline
    #[arg(long, env = "PLIMSOLL_AGAINST", hide_env_values = true, value_name = "REF")]
    against: Option<String>,
    /// Measure nothing when no file that changed since the base matches one of these patterns of git
    /// (`src/**`); the verdict is skipped then
    #[arg(
        long,
        env = "PLIMSOLL_SKIP_IF_UNCHANGED",
        hide_env_values = true,
        value_name = "GLOB",
        num_args = 1..,
    )]
    skip_if_unchanged: Vec<String>,
    /// Measure also when nothing changed, or both sides of `--against` are the same build
    #[arg(long, env = "PLIMSOLL_NO_SKIP", hide_env_values = true,
        value_parser = clap::builder::FalseyValueParser::new())]
    no_skip: bool,
}

/// `plimsoll measure`.
#[derive(Debug, Args)]
pub(super) struct Measure {
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten)]
    baselines: BaselinesOption,
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
    pub(super) fn run(self) -> ExitCode {
        match self.check() {
            Ok(status) | Err(status) => self.run.code(status),
        }
    }

    fn check(&self) -> Result<ExitStatus, ExitStatus> {
        let mut suite = self.run.read()?;
        let fail_on = self.gate.given_fail_on()?;
        let baselines = self.gate.baselines.path();
        let path = Baseline::path(baselines, &suite.plan.suite);
        let baseline = baseline::load(&path, &suite.plan.suite);
        let to_measure = base::to_measure(&suite, Against::read(self.against.as_deref()))?;
        let change = match &to_measure {
            Some(base) => Some(base.clone()),
            None => base::of_event(&base::folder(&suite), suite.workflow.as_ref()).unwrap_or_else(
                |it| {
                    let hint = format!("{}; until then the limits are this change's own", it.hint);
                    complain(it.what, Some(&hint));
                    None
                },
            ),
        };
        if !self.no_skip
            && let Some(why) =
                unchanged::reason(&suite, &self.patterns(), baselines, change.as_ref())
        {
            return skip(&suite, why);
        }
        let mut notices = branch::baseline_of(&suite, &baseline, &path, change.as_ref());
        if let Some(base) = to_measure {
            let (fail_on, baseline) = (fail_on.clone(), &baseline);
            let orders =
                Orders { base, fail_on, no_skip: self.no_skip, baseline, notices: &notices };
            if let Some(status) = against::check(&mut suite, &orders) {
                return Ok(status);
            }
        } else if let Some(base) = &change {
            notices.extend(branch::hold(&mut suite, base));
        }
        let gate = Gate {
            baseline,
            path: path.display().to_string(),
            folder: baselines.display().to_string(),
            fail_on: fail_on.unwrap_or_else(|| suite.plan.fail_on.clone()),
        };
        if let Some(problem) = gate.baseline.problem() {
            // Measured all the same: the numbers are needed to mend it.
            complain(&format!("{}: {problem}", gate.path), None);
        }
        Ok(run(&suite, Some(&gate), baselines, notices))
    }

    fn patterns(&self) -> Vec<String> {
        let patterns = self.skip_if_unchanged.iter().flat_map(|it| it.split_whitespace());
        patterns.map(str::to_owned).collect()
    }
}

/// Ends a run in which nothing had to be measured.
fn skip(suite: &Suite, why: String) -> Result<ExitStatus, ExitStatus> {
    let session = Session::without_trials(&suite.plan, &suite.out, None);
    let session = session.map_err(|error| refused(&error))?;
    let judged = Judged { skipped: Some(why), ..Judged::nothing("check") };
    Ok(conclude(suite, &session, &judged))
}

impl Measure {
    pub(super) fn run(self) -> ExitCode {
        let status = match self.run.read() {
            Ok(suite) => run(&suite, None, self.baselines.path(), Vec::new()),
            Err(status) => status,
        };
        self.run.code(status)
    }
}

fn run(suite: &Suite, gate: Option<&Gate>, baselines: &Path, notices: Vec<Notice>) -> ExitStatus {
    let accepted = Accepted::of(suite, gate, baselines);
    let aim = |check: &str, fingerprint: &Fingerprint, speed| {
        aim(suite, &accepted, check, fingerprint, speed)
    };
    let reference_speed = gate.and_then(|gate| gate.baseline.baseline()?.environment.calibration);
    let session = match run_session(suite, &aim, reference_speed, None) {
        Ok(session) => session,
        Err(status) => return status,
    };
    let findings = session.findings();
    let verdict = gate.map(|gate| {
        judge_suite(&Hearing {
            plan: &suite.plan,
            selected: suite.selected(),
            findings: &findings,
            baseline: &gate.baseline,
            fingerprint: &session.fingerprint,
            speed: session.calibration,
        })
    });
    let commit = git::head();
    let (candidate, refusals) = session.candidate(&suite.plan, commit.clone());
    let everything = suite.plan.fail_on.clone();
    let judged = Judged {
        verb: gate.map_or("measure", |_| "check"),
        verdict,
        baseline: gate.map(|gate| (&gate.baseline, gate.path.as_str())),
        folder: gate.map_or("", |gate| gate.folder.as_str()),
        fail_on: gate.map_or(&everything, |gate| &gate.fail_on),
        candidate,
        refusals,
        commit,
        notices,
        against: None,
        skipped: None,
    };
    conclude(suite, &session, &judged)
}

/// What a check is for: to defend what was accepted, where that was measured on such a machine. `measure`
/// and a check on another machine begin where the capacity was, with the same sequence.
fn aim(
    suite: &Suite,
    accepted: &Accepted,
    check: &str,
    fingerprint: &Fingerprint,
    speed: Option<f64>,
) -> Aim {
    let prior = |baseline: &Baseline| baseline.prior(&suite.plan, check);
    match accepted {
        Accepted::Gate(baseline) => {
            let Some((baseline, prior)) = baseline.and_then(|it| Some((it, prior(it)?))) else {
                return Aim::Measure(None);
            };
            let standing = baseline.standing(&suite.plan.target, fingerprint, speed);
            if standing.binding.is_empty() { Aim::Defend(prior) } else { Aim::Measure(Some(prior)) }
        }
        Accepted::Known(known) => Aim::Measure(known.iter().find_map(prior)),
    }
}

/// What was measured before.
enum Accepted<'a> {
    /// The baseline that is to be defended.
    Gate(Option<&'a Baseline>),
    /// The newest measurements, the one to go by first.
    Known(Vec<Baseline>),
}

impl<'a> Accepted<'a> {
    fn of(suite: &Suite, gate: Option<&'a Gate>, baselines: &Path) -> Self {
        if let Some(gate) = gate {
            return Self::Gate(gate.baseline.baseline());
        }
        let name = &suite.plan.suite;
        let latest = Folder::find(&suite.out, Path::new("latest")).ok();
        let latest = latest.map(|folder| baseline::load(&folder.candidate(), name));
        let committed = baseline::load(&Baseline::path(baselines, name), name);
        let known = latest.into_iter().chain([committed]);
        Self::Known(known.filter_map(|loaded| loaded.baseline().cloned()).collect())
    }
}
