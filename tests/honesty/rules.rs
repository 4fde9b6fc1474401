//! Each test is named after its rule.

use crate::bench::Bench;
use crate::requests::{Request, closed_loop, times, trial, trial_read};
use plimsoll::baseline::{Loaded, parse, render};
use plimsoll::check::{Conclusion, Finding};
use plimsoll::cli::ExitStatus;
use plimsoll::config::plan::FailOn;
use plimsoll::gate::Verdict;
use plimsoll::load::{Play, Share};
use plimsoll::report::{Results, json, junit, markdown, terminal};
use plimsoll::run::{NoJournal, Only, Orders, announce};
use plimsoll::trial::{Evidence, InvalidReason, Outcome, Readings, Series, TrialReport};
use plimsoll::units::number;
use std::collections::BTreeSet;
use std::time::Duration;

fn finding(bench: &Bench) -> Finding {
    bench.check(&Loaded::Missing).findings.remove(0)
}

/// A bench that lets everything pass but a regression.
fn lenient(bench: Bench) -> Bench {
    let mut bench = bench;
    bench.plan.fail_on = BTreeSet::from([FailOn::Regression]);
    bench
}

#[test]
fn nothing_compared_an_empty_baseline_or_a_missing_metric_is_an_error_and_never_a_pass() {
    let bench = lenient(Bench::new(&[]));
    let baseline = bench.baseline();
    let good = || bench.run(&baseline, &mut NoJournal);
    bench.judge(good(), &baseline).expect(Verdict::Pass, ExitStatus::Pass);

    // Nothing compared: no check, no finding, no limit.
    let mut nothing = bench.clone();
    nothing.plan.checks.clear();
    nothing.check(&baseline).expect(Verdict::Incomparable, ExitStatus::Baseline);
    let mut unmeasured = good();
    unmeasured.checks.clear();
    bench.judge(unmeasured, &baseline).expect(Verdict::Incomparable, ExitStatus::Baseline);
    let mut ungated = bench.clone();
    ungated.plan.checks["rate"].gates.clear();
    ungated.judge(good(), &baseline).expect(Verdict::Incomparable, ExitStatus::Baseline);

    // An empty baseline.
    let text = render(baseline.baseline().unwrap());
    let metrics = text.find("\"metrics\": {").unwrap();
    let sd_log = text.find("\"sd_log\"").unwrap();
    let no_metrics = format!("{}\"metrics\": {{}}, {}", &text[..metrics], &text[sd_log..]);
    for empty in ["", "{}", r#"{"checks": {}}"#, &no_metrics] {
        let empty = parse(empty);
        assert!(matches!(empty, Loaded::Empty { .. }), "{empty:?}");
        bench.judge(good(), &empty).expect(Verdict::Incomparable, ExitStatus::Baseline);
    }

    // A metric that the baseline has and the run has not, gated or not.
    for metric in ["capacity", "error_rate"] {
        let mut poorer = good();
        let finding = poorer.checks[0].finding.as_mut().unwrap();
        finding.metrics.remove(metric);
        if let (Conclusion::Tested(tested), "capacity") = (&mut finding.conclusion, metric) {
            tested.lines.clear();
        }
        bench.judge(poorer, &baseline).expect(Verdict::Incomparable, ExitStatus::Baseline);
    }
}

#[test]
fn too_few_samples_are_undecided_and_a_dropped_or_clipped_one_makes_a_trial_invalid() {
    let evidence = |n: usize| trial(&["p99 ttfc < 1s"], &times(n, Request::ok(10))).evidence;
    assert_eq!((evidence(99), evidence(100)), (Evidence::Undecided, Evidence::Met));
    assert_eq!(trial(&["mean ttfc < 1s"], &[]).evidence, Evidence::Undecided);

    // Two hours fit no histogram: neither left out nor cut down to one hour.
    let two_hours = Request::ok(7_200_000);
    let trial = trial(&["p50 ttfc < 1s"], &[times(99, Request::ok(10)), vec![two_hours]].concat());
    let dropped =
        trial.health.invalid.iter().any(|why| matches!(why, InvalidReason::Dropped { .. }));
    assert!(dropped && !trial.is_valid(), "{:?}", trial.health);
    assert_eq!(trial.slos[0].tally.not_good, 1, "the exact count beside the histogram has it");
}

#[test]
fn latency_counts_from_the_intended_send_with_what_never_ended_and_without_fast_refusals() {
    let judged = |requests: &[Request]| {
        let trial = trial(&["p90 ttfc < 200ms"], requests);
        (trial.evidence, trial.slos[0].tally.not_good, trial.slos[0].observed, trial)
    };
    // A generator that keeps a request back cannot make the wait disappear.
    let (evidence, late, _, trial) = judged(&times(100, Request::ok(10).kept_back(300)));
    assert_eq!((evidence, late), (Evidence::Violated, 100));
    let mean = |series| trial.latency[&series].mean().unwrap().as_millis();
    assert_eq!((mean(Series::Ttfc), mean(Series::TtfcSent)), (310, 10));
    let mut play = Play::new(&Bench::new(&[]).plan.sessions, &trial.plan, Share::WHOLE);
    let due = |play: &mut Play| play.pop(Duration::from_secs(9)).unwrap().intended;
    assert!(due(&mut play) < due(&mut play), "a late pop moved an intended time");

    // A time-out, or an answer that had not come when the trial ended, is longer than all others.
    for never in [Request::failed(Outcome::TimeoutTotal, 5_000), Request::silent()] {
        let (evidence, late, observed, _) =
            judged(&[times(89, Request::ok(10)), times(11, never)].concat());
        assert_eq!((evidence, late, observed), (Evidence::Violated, 11, None));
    }

    // Sixty refusals within a millisecond do not make forty slow answers fast.
    let refusals = times(60, Request::failed(Outcome::Shed, 1));
    let (evidence, late, _, trial) = judged(&[refusals, times(40, Request::ok(400))].concat());
    assert_eq!((evidence, late), (Evidence::Violated, 100));
    for series in [Series::Ttfc, Series::E2e, Series::E2eClosed] {
        assert_eq!(trial.latency[&series].n(), 40, "{} mixes outcome classes", series.name());
    }
    assert_eq!(trial.latency[&Series::Ttfc].min().map(|t| t.as_millis()), Some(399));
}

#[test]
fn a_trial_in_which_the_generator_was_the_limit_is_invalid() {
    let good = times(100, Request::ok(10));
    let slos = ["p99 ttfc < 200ms"];
    let quiet = Readings {
        cpu_cores: Some(0.2),
        workers: 1,
        descriptors: Some(20),
        descriptors_limit: Some(1_000),
        ..Readings::default()
    };
    let unwritten = Request { written: None, ..Request::failed(Outcome::TimeoutFirst, 900) };
    let signals: [(&str, TrialReport); 6] = [
        ("requests left late", trial(&slos, &times(100, Request::ok(10).kept_back(30)))),
        (
            "the load was not offered: 98 of 100",
            trial(&slos, &[&good[..98], &times(2, unwritten)].concat()),
        ),
        (
            "for want of descriptors",
            trial(&slos, &[&good[..], &[Request::failed(Outcome::Resource, 0)]].concat()),
        ),
        ("of its CPU", trial_read(&slos, &good, Readings { cpu_cores: Some(0.9), ..quiet })),
        (
            "file descriptors were open",
            trial_read(&slos, &good, Readings { descriptors: Some(990), ..quiet }),
        ),
        // By Little's law: 10 sessions were in flight, whatever was asked for.
        ("10.0 sessions were in flight instead of 12", closed_loop(12, 10)),
    ];
    for (text, trial) in signals {
        let said: Vec<String> = trial.health.invalid.iter().map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].contains(text), "{text}: {said:?}");
    }
    assert!(trial_read(&slos, &good, quiet).is_valid() && closed_loop(10, 10).is_valid());

    // And a run of such trials is no measurement.
    let starved = Bench { is_starved: true, ..Bench::new(&[]) };
    starved.check(&Bench::new(&[]).baseline()).expect(Verdict::Invalid, ExitStatus::Invalid);
}

#[test]
fn an_invalid_or_inconclusive_run_or_one_over_its_error_limit_is_no_baseline() {
    let bench = Bench::new(&[]);
    let good = finding(&bench);
    assert!(bench.accept(std::slice::from_ref(&good)).is_ok());
    let starved = Bench { is_starved: true, ..bench.clone() };
    let ended_by_budget = Bench::new(&["budget.time=15s"]);
    let loose = "checks.rate.slos=[p95 ttfc < 20s, error_rate < 100%]";
    let unbroken = Bench::new(&[loose, "target.demo.max_queue=1000000"]);
    let broken = Bench::new(&["target.demo.error_rate=0.77"]);
    for (bench, why) in [
        (starved, "is invalid: requests left late"),
        (ended_by_budget, "is inconclusive: the time budget"),
        (unbroken, "the top of its range: that is no capacity"),
        (broken, "the bottom of its range"),
    ] {
        let refusal = bench.accept(&[finding(&bench)]).unwrap_err().to_string();
        assert!(refusal.contains(why), "{why}: {refusal}");
    }
    // The same good numbers, measured while requests failed.
    for (failed, is_refused) in [(0.0, false), (0.009, false), (0.01, true), (1.0, true)] {
        let mut finding = good.clone();
        let errors = finding.metrics.get_mut("error_rate").unwrap();
        (errors.value, errors.low, errors.high) = (failed, failed, failed);
        assert_eq!(bench.accept(&[finding]).is_err(), is_refused, "{failed}");
    }
}

#[test]
fn a_suspicious_improvement_is_reported_and_not_swallowed() {
    let baseline = Bench::new(&[]).baseline();
    // More often the answers became shorter than the server twice as fast.
    for (slowdown, is_suspicious) in [("0.5", true), ("0.8", false)] {
        let bench = Bench::new(&[&format!("target.demo.slowdown={slowdown}")]);
        let checked = bench.check(&baseline).expect(Verdict::Improvement, ExitStatus::Pass);
        let results = &checked.results;
        for text in [
            checked.verdict.reason.clone(),
            terminal::render(results),
            markdown::render(results),
            junit::render(results),
            json::render(results),
        ] {
            assert_eq!(text.to_lowercase().contains("suspicious"), is_suspicious, "{text}");
        }
    }
}

/// What a report prints of a number, in any of the forms.
fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ").replace('\u{2212}', "-").replace("**", "")
}

#[test]
fn every_number_is_printed_with_its_interval_its_unit_and_its_samples() {
    for set in ["target.demo.slowdown=1", "target.demo.slowdown=1.25", "target.demo.slowdown=0.8"] {
        let results: Results = Bench::new(&[set]).seed(3).check(&Loaded::Missing).results;
        let metric = &results.checks[0].metrics["capacity"];
        let interval = plain(&number::estimate(metric.value, metric.low, metric.high));
        let (_, interval) = interval.split_once(' ').unwrap();
        let samples = format!("{} requests in", number::count(metric.samples));
        for text in
            [terminal::render(&results), markdown::render(&results), junit::render(&results)]
        {
            let text = plain(&text);
            for part in [interval, "sessions/s", &plain(&samples), "90 % interval"] {
                assert!(text.contains(part), "`{part}` is missing in\n{text}");
            }
        }
        let file: serde_json::Value = serde_json::from_str(&json::render(&results)).unwrap();
        for (name, metric) in file["checks"][0]["metrics"].as_object().unwrap() {
            for key in ["value", "low", "high", "confidence", "unit", "samples", "trials"] {
                assert!(metric.get(key).is_some_and(|v| !v.is_null()), "{name}.{key}");
            }
        }
    }
    let estimate = finding(&Bench::new(&[])).metrics["capacity"].to_string();
    assert!(estimate.contains(" sessions/s [") && estimate.contains(" requests in "), "{estimate}");
}

#[test]
fn the_budget_is_a_hard_bound_and_what_cannot_fit_is_refused_before_the_start() {
    for set in ["budget.time=3s", "budget.requests=60"] {
        let refused = announce(&Orders::first(&Bench::new(&[set]).plan, &Only::new())).unwrap_err();
        assert!(refused.to_string().contains("within the budget"), "{refused}");
    }
    // A server that takes forty times as long as any trial was planned for.
    let patient = "checks.rate.slos=[mean ttfc < 20s, error_rate < 100%]";
    let world = [patient, "target.demo.slowdown=40", "target.demo.max_queue=1000000"];
    for budget in ["budget={time: 30s}", "budget={time: 1h, requests: 900}"] {
        let bench = Bench::new(&[&world[..], &[budget]].concat());
        let run = bench.run(&Loaded::Missing, &mut NoJournal);
        let history = &run.checks[0].history;
        let took: Duration = history.trials().iter().map(|trial| trial.elapsed).sum();
        let (time, requests) = (bench.plan.budget.time, bench.plan.budget.requests);
        assert!(!history.trials().is_empty() && took <= time, "{budget}: {took:?}");
        assert!(history.requests() <= requests, "{budget}: {}", history.requests());
        let ended = &run.checks[0].finding.as_ref().unwrap().conclusion;
        assert!(matches!(ended, Conclusion::Inconclusive(_)), "{budget}: {ended:?}");
    }
}
