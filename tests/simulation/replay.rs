//! A check is a function of its history: it can be replayed, and continued wherever it was cut.

use crate::bench::Bench;
use futures_util::FutureExt;
use plimsoll::baseline::Loaded;
use plimsoll::check::{Check, Finding, History, Step};
use plimsoll::run::{Budget, NoJournal, Silent, Simulated, drive};
use plimsoll::trial::{TrialPlan, TrialReport};
use std::time::Duration;

/// Checks that end in different ways: found from scratch and from a baseline, a bound, nothing that
/// holds, invalid, out of budget, in closed loop.
fn worlds() -> Vec<(Bench, Loaded)> {
    let baseline = Bench::new(&[]).baseline();
    let closed = "checks.rate.capacity={knob: concurrency, from: 1, to: 100, trial: 3s}";
    let lengths =
        "checks.rate.capacity={knob: prompt_tokens, from: 100, to: 9000, rate: 20, trial: 3s}";
    let loose = "checks.rate.slos=[p95 ttfc < 20s, error_rate < 100%]";
    let noisy = Bench { speed_sd: 0.03, ..Bench::new(&[]) };
    let starved = Bench { is_starved: true, ..Bench::new(&[]) };
    vec![
        (noisy.clone().seed(5), Loaded::Missing),
        (noisy.seed(6), baseline.clone()),
        (Bench::new(&["target.demo.slowdown=1.25"]), baseline.clone()),
        (Bench::new(&["target.demo.shed_rate=1"]), baseline.clone()),
        (Bench::new(&[loose, "target.demo.max_queue=1000000"]), Loaded::Missing),
        (Bench::new(&["budget.time=20s"]), Loaded::Missing),
        (Bench::new(&[closed]), Loaded::Missing),
        (Bench::new(&[lengths]), Loaded::Missing),
        (starved, baseline),
    ]
}

fn run(bench: &Bench, loaded: &Loaded) -> (Finding, Vec<TrialReport>) {
    let check = bench.run(loaded, &mut NoJournal).checks.remove(0);
    (check.finding.unwrap(), check.history.trials().to_vec())
}

fn history(trials: &[TrialReport]) -> History {
    let mut history = History::default();
    trials.iter().for_each(|trial| history.push(trial.clone()));
    history
}

/// A rig in the state after these trials.
fn rig_after(bench: &Bench, trials: &[TrialReport], check: &dyn Check) -> Simulated {
    let mut rig = bench.rig();
    for trial in trials {
        rig.trial(&trial.plan, check.watch(&trial.plan).as_mut(), &mut |_| {});
    }
    rig
}

/// A plan without its limits, which the run's budget cuts.
fn asked(plan: &TrialPlan) -> TrialPlan {
    TrialPlan { time_limit: Duration::ZERO, request_limit: 0, ..plan.clone() }
}

#[test]
fn the_same_history_gives_the_same_step() {
    for (bench, loaded) in worlds() {
        let (finding, trials) = run(&bench, &loaded);
        let check = bench.experiment("rate", &loaded);
        for (cut, trial) in trials.iter().enumerate() {
            let history = history(&trials[..cut]);
            for _again in 0..2 {
                let Step::Run { plan: next, .. } = check.next(&history) else {
                    panic!("done after {cut}")
                };
                assert_eq!(asked(&next), asked(&trial.plan), "after {cut} trials");
            }
        }
        let Step::Done(done) = check.next(&history(&trials)) else { panic!("not done") };
        assert_eq!(*done, finding);
    }
}

#[test]
fn a_run_cut_after_any_trial_and_continued_ends_in_the_same_finding() {
    for (bench, loaded) in worlds() {
        let (finding, trials) = run(&bench, &loaded);
        let check = bench.experiment("rate", &loaded);
        let budget = Budget { time: bench.plan.budget.time, requests: bench.plan.budget.requests };
        for cut in 0..=trials.len() {
            let mut history = history(&trials[..cut]);
            let mut rig = rig_after(&bench, &trials[..cut], &check);
            let continued =
                drive(&check, &mut history, budget, &mut rig, &mut NoJournal, &mut Silent)
                    .now_or_never()
                    .unwrap()
                    .unwrap();
            assert_eq!(continued, finding, "cut after {cut} of {} trials", trials.len());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let run = |seed: u64| run(&Bench::new(&[]).seed(seed), &Loaded::Missing).0;
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
