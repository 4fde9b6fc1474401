//! The budget is a hard bound, and what it cuts short is said.

use crate::bench::{Bench, Checked};
use plimsoll::baseline::Loaded;
use plimsoll::check::{Conclusion, Gap};
use plimsoll::gate::Verdict;
use plimsoll::run::{NoJournal, Only, Orders, Refusal, announce};
use std::time::Duration;

fn refusal(sets: &[&str]) -> Refusal {
    announce(&Orders::first(&Bench::new(sets).plan, &Only::new())).unwrap_err()
}

/// Time and requests that the trials of every check took together.
fn used(checked: &Checked) -> (Duration, u64) {
    let histories = || checked.run.checks.iter().map(|check| &check.history);
    let time = histories().flat_map(|history| history.trials()).map(|trial| trial.elapsed).sum();
    (time, histories().map(|history| history.requests()).sum())
}

#[test]
fn a_budget_without_room_for_an_answer_is_refused_before_anything_is_sent() {
    let time = refusal(&["budget.time=900ms", "checks.rate.capacity.trial=500ms"]);
    assert!(matches!(time, Refusal::Time { .. }), "{time}");
    let (time, requests) = (refusal(&["budget.time=3s"]), refusal(&["budget.requests=60"]));
    assert!(matches!(time, Refusal::Time { .. }), "{time}");
    assert!(matches!(requests, Refusal::Requests { .. }), "{requests}");
    for refused in [time, requests] {
        assert!(refused.to_string().starts_with("check `rate` cannot be answered"), "{refused}");
    }
    let announced = announce(&Orders::first(&Bench::new(&[]).plan, &Only::new())).unwrap();
    let (name, cost, allowance) = &announced[0];
    assert!(name == "rate" && cost.typical < allowance.time, "{cost:?}");
}

#[test]
fn no_run_takes_more_than_its_budget_whatever_the_server_does() {
    let baseline = Bench::new(&[]).baseline();
    // With conditions that hardly break the load goes on for as long as the backlog takes.
    let patient = "checks.rate.slos=[mean ttfc < 9s, error_rate < 100%]";
    for fault in [
        &["target.demo.slowdown=1.25"][..],
        &["target.demo.slowdown=40"],
        &["target.demo.error_rate=0.3"],
        &[patient, "target.demo.max_queue=1000000"],
    ] {
        for (seconds, requests) in [(6, 100_000), (14, 900), (25, 400), (40, 2_500), (90, 100_000)]
        {
            let (time, count) =
                (format!("budget.time={seconds}s"), format!("budget.requests={requests}"));
            let sets = [fault, &[&*time, &*count]].concat();
            for loaded in [&baseline, &Loaded::Missing] {
                let checked = Bench::new(&sets).check(loaded);
                let (took, sent) = used(&checked);
                let said = &checked.findings[0].conclusion;
                assert!(took <= Duration::from_secs(seconds), "{sets:?}: {took:?}, {said:?}");
                assert!(sent <= requests, "{sets:?}: {sent} requests, {said:?}");
            }
        }
    }
}

#[test]
fn a_budget_that_ends_midway_gives_a_wider_interval_or_none() {
    let baseline = Bench::new(&[]).baseline();
    let whole = Bench::new(&[]).check(&Loaded::Missing).findings.remove(0);
    let width = whole.metrics["capacity"].high - whole.metrics["capacity"].low;
    let (mut found, mut open) = (0, 0);
    for seconds in 6..60 {
        let sets = [&*format!("budget.time={seconds}s")];
        let finding = Bench::new(&sets).check(&Loaded::Missing).findings.remove(0);
        match &finding.conclusion {
            Conclusion::Found => {
                let cut = &finding.metrics["capacity"];
                let holds = cut.low <= whole.metrics["capacity"].value
                    && whole.metrics["capacity"].value <= cut.high;
                assert!(holds && cut.high - cut.low >= 0.99 * width, "{seconds} s: {cut}");
                found += 1;
            }
            Conclusion::Inconclusive(Gap::Time { .. }) => open += 1,
            other => panic!("{seconds} s: {other:?}"),
        }
        // A cut never makes a slow server pass.
        let slow = Bench::new(&[sets[0], "target.demo.slowdown=1.25"]).check(&baseline);
        let verdict = slow.verdict.verdict;
        let is_red = matches!(verdict, Verdict::Regression | Verdict::Inconclusive);
        assert!(is_red, "{seconds} s: {}", slow.verdict.reason);
    }
    assert!(found > 5 && open > 5, "{found} found, {open} without an answer");
}

#[test]
fn no_check_takes_more_trials_than_it_may() {
    for max in 1..12_u32 {
        let set = format!("checks.rate.capacity.max_trials={max}");
        for is_starved in [false, true] {
            let bench = Bench { is_starved, ..Bench::new(&[&set]) };
            let run = bench.run(&Loaded::Missing, &mut NoJournal);
            let trials = run.checks[0].history.trials().len();
            let said = &run.checks[0].finding.as_ref().unwrap().conclusion;
            assert!(trials <= max as usize, "{trials} of {max}: {said:?}");
            assert_eq!(matches!(said, Conclusion::Invalid(_)), is_starved, "{max}: {said:?}");
            if max < 6 && !is_starved {
                let limit = Conclusion::Inconclusive(Gap::Trials { limit: max });
                assert_eq!(*said, limit, "after {trials} trials");
            }
        }
    }
}

#[test]
fn two_checks_share_one_budget() {
    let both = "checks.sessions={capacity: {knob: concurrency, from: 1, to: 100, trial: 3s}, \
                slos: [p95 ttfc < 200ms, p90 tbc < 40ms]}";
    for (seconds, requests, found) in [
        (150, 100_000, Some((true, true))),
        (40, 100_000, Some((false, false))),
        (75, 100_000, None),
        (150, 5_000, None),
        (150, 2_000, Some((false, false))),
    ] {
        let (time, count) =
            (format!("budget.time={seconds}s"), format!("budget.requests={requests}"));
        let checked = Bench::new(&[both, &time, &count]).check(&Loaded::Missing);
        let names: Vec<&str> = checked.run.checks.iter().map(|check| &*check.name).collect();
        assert_eq!(names, ["rate", "sessions"]);
        let (took, sent) = used(&checked);
        assert!(took <= Duration::from_secs(seconds) && sent <= requests, "{took:?}, {sent}");
        // The first leaves at least half to the second.
        let first = &checked.run.checks[0];
        let took: Duration = first.history.trials().iter().map(|trial| trial.elapsed).sum();
        let sent = first.history.requests();
        assert!(
            took * 2 <= Duration::from_secs(seconds) && sent * 2 <= requests,
            "{took:?} {sent}"
        );
        let is_found = |check: usize| checked.findings[check].conclusion == Conclusion::Found;
        if let Some(found) = found {
            assert_eq!((is_found(0), is_found(1)), found, "{seconds} s, {requests} requests");
        }
    }
}
