//! `plimsoll selftest`: proof that the gate on this machine can go red.

use super::ExitStatus;
use super::arguments::{chain, complain, runtime};
use super::progress::{Progress, print, say, spoken};
use super::session::{Job, Session, measure};
use super::signal;
use crate::baseline::{Acceptance, Baseline, Loaded, Recorded, accept};
use crate::check::Aim;
use crate::config::{Plan, environment, read};
use crate::gate::{Hearing, Verdict, judge_suite};
use clap::Args;
use std::collections::BTreeSet;
use std::path::Path;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Shown below `--help`.
const AFTER_HELP: &str = "\
An unchanged demo must pass, a demo that is slowed by 25 % and one that sheds everything must be
caught, and a starved load generator must be called invalid. Takes less than a minute. The exit code
is 0 only if all of that holds.";

/// `plimsoll selftest`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Selftest {}

/// The suite of the self-test: the demo, in short trials.
const SUITE: &str = "\
version: 1
suite: selftest
target: { demo: { profile: llm } }
workload:
  sessions: { prompt_tokens: { uniform: [60, 200] }, output_tokens: { uniform: [8, 24] } }
checks:
  rate:
    capacity: { knob: rate, arrivals: poisson, from: 60, to: 120, trial: 1.2s, precision: 4% }
    slos: [ p95 ttfc < 200ms, p90 tbc < 40ms, error_rate < 1% ]
    gate: { capacity: { max_drop: 15% } }
budget: { time: 25s }
";

/// One thing that is proven: a change to the suite, and the verdict that it must give.
struct Proof {
    claim: &'static str,
    sets: &'static [&'static str],
    in_flight_max: Option<usize>,
    expected: Verdict,
}

const PROOFS: [Proof; 4] = [
    Proof {
        claim: "an unchanged demo passes",
        sets: &[],
        in_flight_max: None,
        expected: Verdict::Pass,
    },
    Proof {
        claim: "a demo slowed by 25 % is caught",
        sets: &["target.demo.slowdown=1.25"],
        in_flight_max: None,
        expected: Verdict::Regression,
    },
    Proof {
        claim: "a demo that sheds everything is caught",
        sets: &["target.demo.shed_rate=1"],
        in_flight_max: None,
        expected: Verdict::Regression,
    },
    Proof {
        claim: "a starved load generator is called invalid",
        sets: &[],
        in_flight_max: Some(2),
        expected: Verdict::Invalid,
    },
];

impl Selftest {
    pub(super) fn run(self) -> ExitStatus {
        let stop = CancellationToken::new();
        let testing = async {
            tokio::select! {
                proven = prove_all(&stop) => proven,
                () = signal::watch(stop.clone()) => ExitStatus::Interrupted,
            }
        };
        match runtime() {
            Ok(runtime) => runtime.block_on(testing),
            Err(error) => {
                complain(&format!("no event loop: {error}"), None);
                ExitStatus::Usage
            }
        }
    }
}

async fn prove_all(stop: &CancellationToken) -> ExitStatus {
    let began = Instant::now();
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            complain(&format!("no temporary folder: {error}"), None);
            return ExitStatus::Usage;
        }
    };
    let baseline = match first_baseline(folder.path(), stop).await {
        Ok(baseline) => baseline,
        Err(reason) => {
            complain(
                &format!("the demo could not be measured: {reason}"),
                Some("is this machine very busy? try again"),
            );
            return ExitStatus::Invalid;
        }
    };
    let mut wrong = 0;
    for proof in &PROOFS {
        let (ok, said) = match prove(proof, &baseline, folder.path(), stop).await {
            Ok((verdict, reason)) => (verdict == proof.expected, format!("{verdict}: {reason}")),
            Err(reason) => (false, reason),
        };
        wrong += usize::from(!ok);
        let _ = print(&format!(
            "{} {}\n       {said}\n",
            if ok { "proven" } else { "WRONG " },
            proof.claim
        ));
    }
    let took = spoken(began.elapsed());
    if stop.is_cancelled() {
        return ExitStatus::Interrupted;
    }
    if wrong == 0 {
        return print(&format!("The gate on this machine can go red, and green ({took}).\n"));
    }
    let _ = print(&format!(
        "{wrong} of {} claims do not hold on this machine ({took}): do not trust its verdicts.\n",
        PROOFS.len()
    ));
    ExitStatus::Invalid
}

fn plan(sets: &[&str]) -> Result<Plan, String> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    read(Path::new("selftest.yml"), SUITE, &sets, &environment::process)
        .map_err(|invalid| invalid.problems.render(&invalid.source_text, false))
}

async fn session(
    plan: &Plan,
    baseline: Option<&Baseline>,
    in_flight_max: Option<usize>,
    out: &Path,
    stop: &CancellationToken,
) -> Result<Session, String> {
    let job = Job {
        plan,
        only: &BTreeSet::new(),
        base: None,
        out,
        aim: &|check, _, _| {
            let prior = baseline.and_then(|baseline| baseline.prior(plan, check));
            prior.map_or(Aim::Measure(None), Aim::Defend)
        },
        reference_speed: None,
        in_flight_max,
        cpus: &[],
    };
    let session =
        measure(&job, &mut Progress::new(true), stop).await.map_err(|error| chain(&error))?;
    match &session.problem {
        Some(problem) => Err(problem.text.clone()),
        None => Ok(session),
    }
}

async fn first_baseline(out: &Path, stop: &CancellationToken) -> Result<Baseline, String> {
    say("measuring the demo");
    let plan = plan(&[])?;
    let session = session(&plan, None, None, out, stop).await?;
    let recorded = Recorded {
        time: String::new(),
        commit: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let acceptance = Acceptance {
        plan: &plan,
        findings: &session.findings(),
        fingerprint: &session.fingerprint,
        calibration: session.calibration,
        between_runs: None,
        recorded: &recorded,
        reason: None,
    };
    accept(&acceptance, None).map_err(|refusal| refusal.to_string())
}

async fn prove(
    proof: &Proof,
    baseline: &Baseline,
    out: &Path,
    stop: &CancellationToken,
) -> Result<(Verdict, String), String> {
    say(&format!("proving: {}", proof.claim));
    let plan = plan(proof.sets)?;
    let session = session(&plan, Some(baseline), proof.in_flight_max, out, stop).await?;
    let verdict = judge_suite(&Hearing {
        plan: &plan,
        selected: None,
        findings: &session.findings(),
        baseline: &Loaded::Baseline(Box::new(baseline.clone())),
        fingerprint: &session.fingerprint,
        speed: session.calibration,
    });
    Ok((verdict.verdict, verdict.reason))
}
