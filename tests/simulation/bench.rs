//! A suite on a simulated target: config, search, gate and reports as the program joins them, with
//! virtual time where the program has sockets.

use futures_util::FutureExt;
use plimsoll::baseline::{Acceptance, Baseline, Fingerprint, Loaded, Recorded, Refusal, accept};
use plimsoll::check::{Aim, Allowance, Capacity, Finding, Place, Setup};
use plimsoll::cli::ExitStatus;
use plimsoll::config::plan::TargetSource;
use plimsoll::config::{Plan, read};
use plimsoll::gate::{Hearing, SuiteVerdict, Verdict, judge_suite};
use plimsoll::report::{Parts, Results, terminal};
use plimsoll::run::{Journal, NoJournal, Only, Orders, Silent, Simulated, SuiteRun, run_suite};
use std::path::Path;
use std::time::Duration;

/// The suite of the demo, in trials of three seconds.
const SUITE: &str = "\
version: 1
suite: bench
target: { demo: { profile: llm } }
workload:
  sessions: { prompt_tokens: { uniform: [60, 200] }, output_tokens: { uniform: [8, 24] } }
checks:
  rate:
    capacity: { knob: rate, arrivals: poisson, from: 10, to: 400, trial: 3s }
    slos: [ p95 ttfc < 200ms, p90 tbc < 40ms, error_rate < 1% ]
    gate: { capacity: { max_drop: 15% } }
budget: { time: 2m }
";

/// A suite, and the world that it runs in.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    pub(crate) plan: Plan,
    /// Draws what differs between trials.
    pub(crate) seed: u64,
    /// Standard deviation of the logarithm of the server's speed between trials.
    pub(crate) speed_sd: f64,
    /// Whether the load generator is late with everything.
    pub(crate) is_starved: bool,
}

impl Bench {
    /// The demo's suite with these values set, as by `--set`.
    pub(crate) fn new(sets: &[&str]) -> Self {
        let plan = config(SUITE, sets).unwrap();
        Self { plan, seed: 1, speed_sd: 0.0, is_starved: false }
    }

    pub(crate) fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    pub(crate) fn rig(&self) -> Simulated {
        let TargetSource::Demo(profile) = &self.plan.target.source else { panic!("not the demo") };
        let rig = Simulated::new(profile.clone(), self.plan.sessions.clone(), self.seed)
            .with_speed_sd(self.speed_sd);
        if self.is_starved { rig.starved() } else { rig }
    }

    /// A check of the suite as if it were alone in it. A baseline is defended.
    pub(crate) fn experiment(&self, check: &str, loaded: &Loaded) -> Capacity {
        let Plan { checks, sessions, seed, target, budget, .. } = &self.plan;
        let setup = Setup {
            plan: &checks[check],
            law: sessions,
            seed: *seed,
            longest_request: target.timeouts.total,
            allowance: Allowance { time: budget.time, requests: budget.requests },
            place: Place::Here { reference_speed: None },
            checks: 1,
        };
        Capacity::new(setup, self.aim(loaded, check))
    }

    /// To defend what the baseline has; without one to measure.
    fn aim(&self, loaded: &Loaded, check: &str) -> Aim {
        let prior = loaded.baseline().and_then(|baseline| baseline.prior(&self.plan, check));
        prior.map_or(Aim::Measure(None), Aim::Defend)
    }

    /// Runs every check. A baseline is defended.
    pub(crate) fn run(&self, loaded: &Loaded, journal: &mut impl Journal) -> SuiteRun {
        let aim = |check: &str| self.aim(loaded, check);
        let mut rig = self.rig();
        let only = &Only::new();
        let orders = Orders { plan: &self.plan, only, aim: &aim, reference_speed: None };
        run_suite(&orders, &mut rig, journal, &mut Silent)
            .now_or_never()
            .expect("the simulated rig never waits")
    }

    /// Measures and holds it against the baseline.
    pub(crate) fn check(&self, loaded: &Loaded) -> Checked {
        self.judge(self.run(loaded, &mut NoJournal), loaded)
    }

    /// Verdict and results of what was run.
    pub(crate) fn judge(&self, run: SuiteRun, loaded: &Loaded) -> Checked {
        let findings: Vec<Finding> =
            run.checks.iter().filter_map(|check| check.finding.clone()).collect();
        let verdict = judge_suite(&Hearing {
            plan: &self.plan,
            selected: None,
            findings: &findings,
            baseline: loaded,
            fingerprint: &machine(),
            speed: None,
        });
        let results = Results::build(&Parts {
            plan: &self.plan,
            suite: &run,
            verdict: Some(&verdict),
            baseline: Some((loaded, "baselines/bench.json")),
            fail_on: &self.plan.fail_on,
            fingerprint: &machine(),
            calibration: None,
            started: &recorded().time,
            elapsed: Duration::from_secs(60),
            startup: None,
            repository_file: None,
            verb: "check",
            baselines: "baselines",
            out: ".plimsoll",
            run: "runs/1",
            overrides: &[],
            only: &Only::new(),
            commit: None,
            head: None,
            against: None,
            skipped: None,
            notices: &[],
            refusals: &[],
            problem: None,
        });
        Checked { run, findings, verdict, results }
    }

    /// A baseline measured on this bench.
    pub(crate) fn baseline(&self) -> Loaded {
        let run = self.run(&Loaded::Missing, &mut NoJournal);
        let findings: Vec<Finding> = run.checks.into_iter().filter_map(|c| c.finding).collect();
        Loaded::Baseline(Box::new(self.accept(&findings).unwrap()))
    }

    /// These findings as the first baseline.
    pub(crate) fn accept(&self, findings: &[Finding]) -> Result<Baseline, Refusal> {
        let (fingerprint, recorded) = (&machine(), &recorded());
        let plan = &self.plan;
        accept(
            &Acceptance {
                plan,
                findings,
                fingerprint,
                recorded,
                calibration: None,
                between_runs: None,
                reason: None,
            },
            None,
        )
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) run: SuiteRun,
    pub(crate) findings: Vec<Finding>,
    pub(crate) verdict: SuiteVerdict,
    pub(crate) results: Results,
}

impl Checked {
    /// The exit code of the program.
    pub(crate) fn status(&self) -> ExitStatus {
        ExitStatus::from_code(self.results.gate_exit_code)
    }

    /// Fails with the whole report unless verdict and exit code are these.
    pub(crate) fn expect(self, verdict: Verdict, status: ExitStatus) -> Self {
        let seen = (self.verdict.verdict, self.status());
        assert_eq!(seen, (verdict, status), "\n{}", terminal::render(&self.results));
        self
    }
}

/// The plan of a suite, or its problems as text.
pub(crate) fn config(text: &str, sets: &[&str]) -> Result<Plan, String> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    read(Path::new("plimsoll.yml"), text, &sets, &|_| None)
        .map_err(|invalid| invalid.problems.render(&invalid.source_text, false))
}

/// A machine that is always the same.
pub(crate) fn machine() -> Fingerprint {
    Fingerprint {
        cpu: Some("simulated".into()),
        cores: Some(2),
        quota: None,
        gpus: Vec::new(),
        gpu_driver: None,
        build: "debug".into(),
        kernel: None,
        os: None,
        memory_mib: None,
        runner: None,
    }
}

fn recorded() -> Recorded {
    Recorded { time: "2026-11-21T09:12:00Z".into(), commit: None, version: "0.1.0".into() }
}
