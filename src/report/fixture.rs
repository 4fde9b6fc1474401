//! Results in every state, for the tests of the renderers.

use super::*;
use crate::slo::Slo;
use crate::trial::{
    Ended, Ending, Expected, Load, Outcome, Readings, Recorder, RequestId, Timeline, TrialPlan,
    TrialReport, Usage,
};
use crate::units::{KnobValue, Rate};
use crate::workload::Arrivals;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::time::Duration;

mod tested;

/// A trial of `n` requests at 40/s, the last `failed` of which were shed.
pub(super) fn recorded_trial(n: u64, failed: u64) -> TrialResult {
    TrialResult::from(&trial_report(n, failed))
}

/// The same before it is put into the form of files.
pub(super) fn trial_report(n: u64, failed: u64) -> TrialReport {
    let slos = ["p99 ttfc < 500ms", "error_rate < 1%"];
    let plan = TrialPlan {
        index: 2,
        check: "chat-rate".to_owned(),
        purpose: crate::trial::Purpose::Play,
        side: crate::trial::Side::Only,
        knob: "rate".to_owned(),
        value: KnobValue::new(40.0).unwrap(),
        load: Load::Open { rate: Rate::per_second(40.0).unwrap(), arrivals: Arrivals::Poisson },
        setting: None,
        seed: 42,
        cut: 0,
        count: n,
        slos: slos.iter().map(|slo| Slo::parse(slo).unwrap()).collect(),
        time_limit: Duration::from_secs(60),
        request_limit: u64::MAX,
    };
    let expected =
        Expected { requests: n, request_limit: u64::MAX, has_tokens: true, has_pauses: false };
    let mut recorder = Recorder::new(plan, expected);
    for session in 0..n {
        let id = RequestId { session, turn: 0 };
        let at = |ms: u64| Duration::from_millis(25 * session + ms);
        recorder.intended(id, at(0));
        recorder.written(id, at(0) + Duration::from_micros(120));
        let usage = Some(Usage { prompt_tokens: 100, completion_tokens: 3 });
        let mut ending = Ending { usage, ..Ending::of(Outcome::Ok) };
        if session >= n - failed {
            ending = Ending::of(Outcome::Shed);
        } else {
            for chunk in 0..3 {
                recorder.chunk(id, at(80 + session % 40 + 20 * chunk), true);
            }
        }
        recorder.end(id, at(160 + session % 40), ending);
    }
    let readings = Readings {
        cpu_cores: Some(0.21),
        workers: 1,
        descriptors: Some(61),
        descriptors_limit: Some(1024),
        ..Readings::default()
    };
    let end = Duration::from_millis(25 * n + 200);
    let mut report = recorder.into_report(end, Ended::Complete, readings, Timeline::default());
    if failed > 0 {
        let example = "503 Service Unavailable: `queue full` | retry".to_owned();
        report.failures.insert(Outcome::Shed, example);
    }
    report
}

fn trial(index: u32, value: f64, ttfc_ms: Option<f64>, evidence: EvidenceResult) -> TrialResult {
    let mut trial = recorded_trial(12, 0);
    trial.index = index;
    trial.value = value;
    trial.evidence = evidence;
    trial.counts.intended = 300;
    trial.slos[0].observed = ttfc_ms;
    trial.slos[0].evidence = evidence;
    trial.slos[0].n = 300;
    trial.slos[0].not_good = if evidence == EvidenceResult::Violated { 9 } else { 0 };
    trial
}

fn metric(value: f64, low: f64, high: f64, unit: &str) -> MetricResult {
    MetricResult {
        value,
        low,
        high,
        confidence: 0.9,
        unit: unit.to_owned(),
        better: BetterResult::Higher,
        samples: 1_912,
        trials: 6,
    }
}

fn rate_check() -> CheckResult {
    use EvidenceResult::{Met, Violated};
    CheckResult {
        name: "chat-rate".to_owned(),
        kind: "capacity".to_owned(),
        line: Some(14),
        verdict: Verdict::Measured,
        reason: String::new(),
        detail: None,
        knob: "rate".to_owned(),
        unit: "sessions/s".to_owned(),
        seconds: 84.0,
        conclusion: ConclusionResult::Found,
        metrics: IndexMap::from([("capacity".to_owned(), metric(41.3, 38.6, 43.9, "sessions/s"))]),
        binding: Some(BindingResult {
            slo: "p99 ttfc < 500ms".to_owned(),
            at: 44.0,
            observed: Some(742.0),
            unit: "ms".to_owned(),
            not_good: 9,
            n: 300,
            held_at: Some(40.0),
            held_observed: Some(231.0),
            line: None,
        }),
        gates: Vec::new(),
        search: Some(SearchResult {
            from: 5.0,
            to: Some(100.0),
            expand: 2.0,
            max_trials: 20,
            precision: 0.025,
        }),
        sequence: None,
        response: None,
        void: Vec::new(),
        items: None,
        trials: vec![
            trial(0, 20.0, Some(118.0), Met),
            trial(1, 40.0, Some(231.0), Met),
            trial(2, 80.0, None, Violated),
            trial(3, 44.0, Some(742.4), Violated),
        ],
    }
}

fn context_check() -> CheckResult {
    let mut check = rate_check();
    check.name = "max-context".to_owned();
    check.line = Some(20);
    check.knob = "concurrency".to_owned();
    check.unit = "sessions".to_owned();
    check.metrics["capacity"] = metric(16_384.0, 16_384.0, 16_384.0, "sessions");
    check.binding = None;
    check.trials.truncate(2);
    check
}

fn drop_gate(verdict: Verdict, change: Option<(f64, f64, f64)>) -> GateResult {
    GateResult {
        metric: "capacity".to_owned(),
        limit: Some(Limit { rule: LimitRule::MaxDrop, value: 0.1 }),
        baseline: change.map(|_| metric(41.02, 38.4, 43.5, "sessions/s")),
        change: change.map(|(value, low, high)| Change {
            value: Some(value),
            low: Some(low),
            high: Some(high),
        }),
        verdict,
        reason: String::new(),
        hollow: false,
        probability: None,
        also: Vec::new(),
    }
}

/// A run of these checks; verdict and exit codes follow from their gates and `hidden`.
pub(super) fn run(checks: Vec<CheckResult>, hidden: Vec<Verdict>) -> Results {
    let verdicts: Vec<(Verdict, bool)> = checks
        .iter()
        .flat_map(|check| {
            let alone = check.gates.is_empty().then_some((check.verdict, false));
            let gates = check.gates.iter().map(|gate| (gate.verdict, gate.hollow));
            let also = check.gates.iter().flat_map(|gate| &gate.also);
            gates.chain(also.map(|also| (also.verdict, also.hollow))).chain(alone)
        })
        .collect();
    // Told apart from the code under test: the table of exit codes, read in its order.
    let code = |keep: &dyn Fn(Verdict, bool) -> bool| -> u8 {
        let codes: Vec<u8> = verdicts
            .iter()
            .filter(|(verdict, hollow)| keep(*verdict, *hollow))
            .map(|(verdict, hollow)| if *hollow { 5 } else { verdict.exit_code() })
            .collect();
        [4, 1, 5, 6, 3].into_iter().find(|code| codes.contains(code)).unwrap_or(0)
    };
    Results {
        schema: SCHEMA.to_owned(),
        suite: "chat".to_owned(),
        plimsoll: "0.1.0".to_owned(),
        verdict: verdicts.iter().map(|(verdict, _)| *verdict).min().unwrap_or(Verdict::Error),
        exit_code: code(&|_, _| true),
        gate_exit_code: code(&|verdict, hollow| hollow || !hidden.contains(&verdict)),
        hidden,
        headline: String::new(),
        started: "2026-11-21T09:12:33Z".to_owned(),
        seconds: 280.4,
        environment: EnvironmentResult {
            machine: "4 × AMD EPYC 7763".to_owned(),
            facts: BTreeMap::from([("cores".to_owned(), "4".to_owned())]),
            calibration: Some(1.5),
        },
        target: TargetResult {
            source: "demo llm".to_owned(),
            base: None,
            startup_seconds: Some(0.5),
        },
        skipped: None,
        verb: "check".to_owned(),
        file: "plimsoll.yml".to_owned(),
        repository_file: None,
        baselines: "baselines".to_owned(),
        out: ".plimsoll".to_owned(),
        run: ".plimsoll/runs/20261121T091233Z-1a2b".to_owned(),
        overrides: Vec::new(),
        only: Vec::new(),
        seed: 42,
        budget: BudgetResult { seconds: 480.0, requests: 100_000, requests_sent: 3_824 },
        commit: Some("3f2a1bc94e0d11".to_owned()),
        head: None,
        baseline: Some(BaselineResult {
            file: "baselines/chat.json".to_owned(),
            recorded: "2026-11-01T08:00:00Z".to_owned(),
            commit: Some("a1b2c3d4e5f6".to_owned()),
        }),
        against: None,
        checks,
        notices: Vec::new(),
        warnings: Vec::new(),
        refusals: Vec::new(),
        problem: None,
    }
    .with_headline()
}

fn passing_context() -> CheckResult {
    let mut check = context_check();
    let mut gate = drop_gate(Verdict::Pass, Some((0.0, 0.0, 0.0)));
    gate.limit = Some(Limit { rule: LimitRule::MaxDrop, value: 0.0 });
    gate.baseline = Some(check.metrics["capacity"].clone());
    check.gates = vec![gate];
    check.verdict = Verdict::Pass;
    check
}

fn of(verdict: Verdict, change: Option<(f64, f64, f64)>, reason: &str) -> CheckResult {
    let mut check = rate_check();
    let mut gate = drop_gate(verdict, change);
    gate.reason = reason.to_owned();
    check.gates = vec![gate];
    check.verdict = verdict;
    check
}

pub(super) fn pass() -> Results {
    run(vec![of(Verdict::Pass, Some((0.007, -0.08, 0.09)), ""), passing_context()], vec![])
}

pub(super) fn regression() -> Results {
    let mut check = of(Verdict::Regression, Some((-0.239, -0.27, -0.206)), "");
    check.metrics["capacity"] = metric(31.2, 30.1, 32.0, "sessions/s");
    check.trials.push(recorded_trial(300, 4));
    let mut results = run(vec![check, passing_context()], vec![]);
    results.overrides = vec!["target.demo.slowdown=1.25".to_owned()];
    results
}

pub(super) fn limit_broken() -> Results {
    let mut check = of(Verdict::Regression, None, "the limit of 45 lies above the interval");
    check.gates[0].limit = Some(Limit { rule: LimitRule::Min, value: 45.0 });
    run(vec![check], vec![])
}

pub(super) fn improvement() -> Results {
    let mut check = of(Verdict::Improvement, Some((0.268, 0.21, 0.33)), "");
    check.metrics["capacity"] = metric(52.0, 49.6, 54.4, "sessions/s");
    run(vec![check], vec![])
}

pub(super) fn inconclusive(hidden: Vec<Verdict>) -> Results {
    let reason = "the time budget of 8m ended before repeated trials agreed; raise `budget.time`";
    let mut check = of(Verdict::Inconclusive, Some((-0.061, -0.153, 0.04)), reason);
    check.metrics["capacity"] = metric(38.5, 34.9, 42.2, "sessions/s");
    run(vec![check], hidden)
}

pub(super) fn invalid() -> Results {
    let mut check = of(Verdict::Invalid, None, "the load generator was the limit");
    check.metrics.clear();
    check.binding = None;
    let reason = Reason {
        signal: "send_lag".to_owned(),
        text: "requests left late: send lag p99 212.0 ms, at most 50.0 ms is accepted".to_owned(),
        advice: "give the load generator a core of its own, a quieter machine, or lower `to`"
            .to_owned(),
    };
    check.conclusion = ConclusionResult::Invalid { reasons: vec![reason.clone()] };
    for trial in &mut check.trials {
        trial.validity = Validity::Invalid;
        trial.reasons = vec![reason.clone()];
    }
    run(vec![check], vec![])
}

pub(super) fn new(hidden: Vec<Verdict>) -> Results {
    let mut results = run(vec![of(Verdict::New, None, "there is no baseline yet")], hidden);
    results.baseline = None;
    results
}

pub(super) fn incomparable() -> Results {
    let reason = "the baseline was measured on 8 × EPYC 9V74, this machine has 4 × EPYC 7763";
    let mut check = of(Verdict::Incomparable, None, reason);
    check.detail = Some("-slos: p99 ttfc < 500ms\n+slos: p99 ttfc < 900ms".to_owned());
    run(vec![check], vec![])
}

pub(super) fn hollow() -> Results {
    let mut results = pass();
    let gate = &mut results.checks[0].gates[0];
    gate.hollow = true;
    gate.verdict = Verdict::Incomparable;
    gate.baseline = None;
    gate.change = None;
    gate.reason = "the baseline has no `capacity` of this check".to_owned();
    run(results.checks, vec![Verdict::Incomparable])
}

pub(super) fn measured() -> Results {
    let mut bounded = context_check();
    bounded.metrics.clear();
    bounded.conclusion = ConclusionResult::AtLeast { value: 64.0 };
    let mut results = run(vec![rate_check(), bounded], vec![]);
    results.baseline = None;
    results.verb = "measure".to_owned();
    results
}

pub(super) fn problem(code: ProblemCode, text: &str, lines: &[&str]) -> Results {
    let mut results = run(vec![], vec![]);
    results.verdict = Verdict::Error;
    results.exit_code = code.exit_code();
    results.gate_exit_code = code.exit_code();
    results.problem = Some(Problem {
        code,
        text: text.to_owned(),
        last_lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    });
    results.with_headline()
}

pub(super) fn target_died() -> Results {
    problem(
        ProblemCode::Target,
        "the service stopped while 32 sessions/s were offered (exit status 137)",
        &["INFO batch of 64", "ERROR out of memory", "Killed"],
    )
}

pub(super) fn skipped() -> Results {
    let mut results = run(vec![], vec![]);
    results.verdict = Verdict::Skipped;
    results.skipped = Some("none of the 3 changed files matches `src/**`".to_owned());
    results.with_headline()
}

/// A run that measured nothing, as its caller would end it.
pub(super) fn empty() -> Results {
    let mut results = run(vec![], vec![]);
    (results.exit_code, results.gate_exit_code) = (5, 5);
    results.with_headline()
}

/// One of each.
pub(super) fn states() -> Vec<(&'static str, Results)> {
    let mut states = vec![
        ("pass", pass()),
        ("regression", regression()),
        ("limit", limit_broken()),
        ("improvement", improvement()),
        ("inconclusive", inconclusive(vec![])),
        ("inconclusive-hidden", inconclusive(vec![Verdict::Inconclusive])),
        ("invalid", invalid()),
        ("new", new(vec![])),
        ("new-hidden", new(vec![Verdict::New])),
        ("incomparable", incomparable()),
        ("hollow", hollow()),
        ("measured", measured()),
        ("target-died", target_died()),
        ("interrupted", problem(ProblemCode::Interrupted, "2 of 3 checks were measured", &[])),
        ("baseline", problem(ProblemCode::Baseline, "`baselines/chat.json` is empty", &[])),
        ("empty", empty()),
        ("skipped", skipped()),
    ];
    states.extend(tested::states());
    states
}
