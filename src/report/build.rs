//! From what a run came to, to [`Results`].

use super::judged::winning;
use super::{
    AgainstResult, BaselineResult, BudgetResult, Change, CheckResult, ConclusionResult,
    EnvironmentResult, GateResult, ItemsResult, Notice, Problem, RealisedResult, Results, Ruling,
    SCHEMA, SearchResult, TargetResult, Verdict,
};
use crate::baseline::{Fingerprint, Loaded};
use crate::config::Plan;
use crate::config::plan::{FailOn, TargetSource};
use crate::gate::{self, CheckVerdict, SuiteVerdict};
use crate::run::{CheckRun, SuiteRun};
use crate::trial::{Purpose, TrialResult, tidy};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Everything that results are made of.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The suite.
    pub plan: &'a Plan,
    /// What was run.
    pub suite: &'a SuiteRun,
    /// The verdict; `None` for a measurement without a gate.
    pub verdict: Option<&'a SuiteVerdict>,
    /// The baseline and its path, where one was read.
    pub baseline: Option<(&'a Loaded, &'a str)>,
    /// Verdicts that fail the run.
    pub fail_on: &'a BTreeSet<FailOn>,
    /// This machine.
    pub fingerprint: &'a Fingerprint,
    /// Its speed, slices of the reference work per second; where the target's speed comes from it.
    pub calibration: Option<f64>,
    /// Start of the run, RFC 3339 UTC.
    pub started: &'a str,
    /// Its length.
    pub elapsed: Duration,
    /// Time until the target was ready, where it is ours.
    pub startup: Option<Duration>,
    /// Path of the suite file from the root of its repository, where there is one.
    pub repository_file: Option<&'a str>,
    /// The verb that ran.
    pub verb: &'a str,
    /// Folder of the committed baselines as given.
    pub baselines: &'a str,
    /// Folder of the runs as given.
    pub out: &'a str,
    /// Folder of the run.
    pub run: &'a str,
    /// Values given by `--set`.
    pub overrides: &'a [String],
    /// Checks that were asked for; empty for all.
    pub only: &'a crate::run::Only,
    /// Commit of the working tree.
    pub commit: Option<&'a str>,
    /// Why checks of it cannot become a baseline.
    pub refusals: &'a [String],
    /// The commit that was measured beside it, if one was.
    pub against: Option<&'a AgainstResult>,
    /// Newest commit of the pull request.
    pub head: Option<&'a str>,
    /// Why nothing was to be measured, if nothing was.
    pub skipped: Option<&'a str>,
    /// What else a reviewer should know.
    pub notices: &'a [Notice],
    /// What kept the run from its end.
    pub problem: Option<&'a Problem>,
}

impl Results {
    /// The results of a run, verdict and exit codes included.
    #[must_use]
    pub fn build(parts: &Parts<'_>) -> Self {
        let checks: Vec<CheckResult> =
            parts.suite.checks.iter().map(|run| check(parts, run)).collect();
        let failing = Failing::of(parts, &checks);
        Self {
            schema: SCHEMA.to_owned(),
            suite: parts.plan.suite.clone(),
            plimsoll: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: failing.verdict,
            exit_code: failing.exit_code,
            gate_exit_code: failing.gate_exit_code,
            hidden: failing.hidden,
            headline: String::new(),
            started: parts.started.to_owned(),
            seconds: parts.elapsed.as_secs_f64(),
            environment: environment(parts.fingerprint, parts.calibration),
            target: TargetResult {
                source: source(&parts.plan.target.source),
                base: parts
                    .plan
                    .base
                    .as_ref()
                    .filter(|_| parts.verb == "compare" || parts.against.is_some())
                    .map(source),
                startup_seconds: parts.startup.map(|startup| startup.as_secs_f64()),
            },
            skipped: parts.skipped.map(str::to_owned),
            verb: parts.verb.to_owned(),
            file: parts.plan.file.display().to_string(),
            repository_file: parts.repository_file.map(str::to_owned),
            baselines: parts.baselines.to_owned(),
            out: parts.out.to_owned(),
            run: parts.run.to_owned(),
            overrides: parts.overrides.to_vec(),
            only: parts.only.iter().cloned().collect(),
            seed: parts.plan.seed,
            budget: BudgetResult {
                seconds: parts.plan.budget.time.as_secs_f64(),
                requests: parts.plan.budget.requests,
                requests_sent: parts.suite.checks.iter().map(|run| run.history.requests()).sum(),
            },
            commit: parts.commit.map(str::to_owned),
            head: parts.head.map(str::to_owned),
            baseline: parts.baseline.and_then(baseline),
            against: parts.against.cloned(),
            checks,
            notices: parts.notices.to_vec(),
            warnings: parts.verdict.map(warnings).unwrap_or_default(),
            refusals: parts.refusals.to_vec(),
            problem: parts.problem.cloned(),
        }
        .with_headline()
    }
}

/// The verdict of the run and what follows from it.
struct Failing {
    verdict: Verdict,
    exit_code: u8,
    gate_exit_code: u8,
    hidden: Vec<Verdict>,
}

impl Failing {
    /// A problem decides before every gate; of the gates everything that holds counts, not only the
    /// worst, so that a forgiven verdict cannot cover another.
    fn of(parts: &Parts<'_>, checks: &[CheckResult]) -> Self {
        let problem = parts.problem.map(|problem| problem.code.exit_code());
        let (all, red, hidden) = match parts.verdict {
            Some(verdict) => (
                verdict
                    .gates()
                    .flat_map(gate::GateResult::holding)
                    .map(|(verdict, _)| verdict)
                    .collect(),
                verdict.failing(parts.fail_on),
                verdict.hidden(parts.fail_on),
            ),
            // Without a gate only the measurement itself can fail.
            None => {
                let measured: BTreeSet<gate::Verdict> =
                    checks.iter().filter_map(unmeasured).collect();
                (measured.clone(), measured, BTreeSet::new())
            }
        };
        let code = |verdicts: &BTreeSet<gate::Verdict>| {
            let codes: Vec<u8> = verdicts
                .iter()
                .map(|&verdict| Verdict::from(verdict).exit_code())
                .chain(problem)
                .collect();
            winning(&codes)
        };
        let verdict = match (problem, parts.verdict) {
            (Some(_), _) => Verdict::Error,
            (None, _) if parts.skipped.is_some() => Verdict::Skipped,
            (None, Some(verdict)) => verdict.verdict.into(),
            (None, None) => {
                checks.iter().map(|check| check.verdict).min().unwrap_or(Verdict::Error)
            }
        };
        Self {
            verdict,
            exit_code: code(&all),
            gate_exit_code: code(&red),
            hidden: hidden.into_iter().map(Verdict::from).collect(),
        }
    }
}

/// Of a check without a gate: why it is no measurement, if it is none.
fn unmeasured(check: &CheckResult) -> Option<gate::Verdict> {
    match check.conclusion {
        ConclusionResult::Inconclusive { .. } => Some(gate::Verdict::Inconclusive),
        ConclusionResult::Invalid { .. } => Some(gate::Verdict::Invalid),
        ConclusionResult::NoneHolds { .. } => Some(gate::Verdict::Regression),
        ConclusionResult::Found
        | ConclusionResult::AtLeast { .. }
        | ConclusionResult::Tested { .. }
        | ConclusionResult::Compared { .. } => None,
    }
}

impl From<gate::Verdict> for Verdict {
    fn from(verdict: gate::Verdict) -> Self {
        match verdict {
            gate::Verdict::Pass => Self::Pass,
            gate::Verdict::Improvement => Self::Improvement,
            gate::Verdict::Inconclusive => Self::Inconclusive,
            gate::Verdict::Invalid => Self::Invalid,
            gate::Verdict::New => Self::New,
            gate::Verdict::Incomparable => Self::Incomparable,
            gate::Verdict::Regression => Self::Regression,
        }
    }
}

fn check(parts: &Parts<'_>, run: &CheckRun) -> CheckResult {
    let plan = parts.plan.checks.get(&run.name);
    let unit = plan.map_or("", |plan| plan.capacity.knob.unit());
    let mut result = match &run.finding {
        Some(finding) => CheckResult::new(finding, unit, run.history.trials()),
        None => unfinished(run, unit),
    };
    let Some(plan) = plan else { return result };
    result.line = Some(plan.line);
    result.knob = plan.capacity.knob.name().to_owned();
    if let Some(binding) = &mut result.binding {
        let slo = plan.slos.iter().find(|slo| slo.slo.to_string() == binding.slo);
        binding.line = slo.and_then(|slo| slo.line);
    }
    let mut trials = run.history.trials().iter();
    if let Some(sequence) = &mut result.sequence
        && let Some(trial) = trials.find(|trial| trial.plan.purpose != Purpose::Probe)
    {
        sequence.realised = Some(RealisedResult::of(&parts.plan.sessions, &trial.plan));
    }
    result.items = ItemsResult::of(&parts.plan.target.api, run.history.trials());
    result.search = Some(SearchResult {
        from: plan.capacity.from.get(),
        to: plan.capacity.to.map(crate::units::KnobValue::get),
        expand: plan.capacity.expand,
        max_trials: plan.capacity.max_trials,
        precision: plan.capacity.precision.get(),
    });
    let verdict =
        parts.verdict.and_then(|suite| suite.checks.iter().find(|check| check.check == run.name));
    if let Some(verdict) = verdict {
        judged(&mut result, verdict);
    }
    result
}

/// A check that was cut short: its trials are all there is.
fn unfinished(run: &CheckRun, unit: &str) -> CheckResult {
    let text = "the run ended before this check had its answer";
    CheckResult {
        name: run.name.clone(),
        kind: "capacity".to_owned(),
        line: None,
        verdict: Verdict::Error,
        reason: text.to_owned(),
        detail: None,
        knob: String::new(),
        unit: unit.to_owned(),
        seconds: run.history.trials().iter().map(|trial| trial.elapsed.as_secs_f64()).sum(),
        conclusion: ConclusionResult::Inconclusive { text: text.to_owned() },
        metrics: IndexMap::new(),
        binding: None,
        gates: Vec::new(),
        search: None,
        sequence: None,
        response: None,
        void: Vec::new(),
        items: None,
        trials: run.history.trials().iter().map(TrialResult::from).collect(),
    }
}

fn judged(result: &mut CheckResult, verdict: &CheckVerdict) {
    result.verdict = verdict.verdict.into();
    result.reason.clone_from(&verdict.reason);
    result.detail = verdict.gates.iter().find_map(|gate| gate.detail.clone());
    result.gates = verdict
        .gates
        .iter()
        .map(|gate| GateResult {
            metric: gate.metric.clone(),
            limit: gate.limit.map(Into::into),
            baseline: gate.baseline.as_ref().map(Into::into),
            change: gate.change.map(|change| Change {
                value: change.value.map(tidy),
                low: change.low.map(tidy),
                high: change.high.map(tidy),
            }),
            verdict: gate.verdict.into(),
            reason: gate.reason.clone(),
            hollow: gate.hollow,
            probability: gate.probability.map(tidy),
            also: gate.also.iter().map(ruling).collect(),
        })
        .collect();
}

fn ruling(ruling: &gate::Ruling) -> Ruling {
    Ruling { verdict: ruling.verdict.into(), reason: ruling.reason.clone(), hollow: ruling.hollow }
}

/// What does not bind, but is worth a word.
fn warnings(verdict: &SuiteVerdict) -> Vec<String> {
    let left = verdict.left.iter().map(|check| {
        format!("the baseline has a check `{check}` that the suite does not have any more")
    });
    verdict.warnings.iter().map(ToString::to_string).chain(left).collect()
}

fn environment(machine: &Fingerprint, calibration: Option<f64>) -> EnvironmentResult {
    let facts: BTreeMap<String, String> =
        machine.facts().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    EnvironmentResult { machine: machine.to_string(), facts, calibration: calibration.map(tidy) }
}

fn source(source: &TargetSource) -> String {
    match source {
        TargetSource::Url(url) => url.clone(),
        TargetSource::Managed(managed) => managed.command.join(" "),
        TargetSource::Demo(profile) => format!("demo `{}`", profile.name),
    }
}

fn baseline((loaded, path): (&Loaded, &str)) -> Option<BaselineResult> {
    let recorded = &loaded.baseline()?.recorded;
    Some(BaselineResult {
        file: path.to_owned(),
        recorded: recorded.time.clone(),
        commit: recorded.commit.clone(),
    })
}
