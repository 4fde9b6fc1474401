//! `plimsoll check` and `plimsoll measure`.

use super::ExitStatus;
use super::arguments::{BaselinesOption, GateOptions, RunOptions, Suite, complain};
use super::conclude::{Judged, conclude, run_session};
use super::git;
use crate::baseline::{self, Baseline, Fingerprint, Loaded};
use crate::check::Aim;
use crate::config::plan::FailOn;
use crate::gate::{Hearing, judge_suite};
use crate::run::Folder;
use clap::Args;
use std::collections::BTreeSet;
use std::path::Path;

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
        run(&suite, Some(&gate), self.gate.baselines.path())
    }
}

impl Measure {
    pub(super) fn run(self) -> ExitStatus {
        match self.run.read() {
            Ok(suite) => run(&suite, None, self.baselines.path()),
            Err(status) => status,
        }
    }
}

fn run(suite: &Suite, gate: Option<&Gate>, baselines: &Path) -> ExitStatus {
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
