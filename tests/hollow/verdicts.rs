//! Gates that compared nothing, or accepted what says nothing.

use crate::bench::{Bench, config};
use plimsoll::baseline::{Loaded, load, render};
use plimsoll::check::{Conclusion, Finding};
use plimsoll::cli::ExitStatus;
use plimsoll::config::plan::{FailOn, GateLimits};
use plimsoll::gate::{BaselineView, Verdict, judge_check};
use plimsoll::report::{junit, markdown, terminal};
use plimsoll::run::NoJournal;
use plimsoll::slo::Slo;
use plimsoll::units::KnobValue;
use std::collections::BTreeSet;

/// The demo's suite, of which only a regression fails the build.
fn lenient() -> Bench {
    let mut bench = Bench::new(&[]);
    bench.plan.fail_on = BTreeSet::from([FailOn::Regression]);
    bench
}

fn good() -> (Bench, Loaded, Finding) {
    let bench = lenient();
    let baseline = bench.baseline();
    let finding = bench.check(&Loaded::Missing).findings.remove(0);
    (bench, baseline, finding)
}

/// As if the check had not looked at this metric.
fn without(finding: &mut Finding, metric: &str) {
    finding.metrics.remove(metric);
    if let (Conclusion::Tested(tested), "capacity") = (&mut finding.conclusion, metric) {
        tested.lines.clear();
    }
}

/// The problems of the demo's own suite with this value set.
fn refused(set: &str) -> String {
    config(include_str!("../../plimsoll.yml"), &[set]).unwrap_err()
}

/// A script walked over a list as if it were a map: nothing was compared, and "no regressions" was
/// printed for a service that had become nine times slower.
#[test]
fn hollow_gate_01_nothing_compared_is_red() {
    let slow = Bench { plan: lenient().plan, ..Bench::new(&["target.demo.slowdown=9.3"]) };
    let baseline = slow.baseline();
    let run = || slow.run(&baseline, &mut NoJournal);
    let mut no_check = slow.clone();
    no_check.plan.checks.clear();
    let mut no_limit = slow.clone();
    no_limit.plan.checks["rate"].gates.clear();
    let mut empty_limit = slow.clone();
    empty_limit.plan.checks["rate"].gates = [("capacity".to_owned(), GateLimits::default())].into();
    let mut no_finding = run();
    no_finding.checks.clear();
    let mut two_findings = run();
    two_findings.checks.extend(run().checks);
    for judged in [
        no_check.judge(run(), &baseline),
        no_limit.judge(run(), &baseline),
        empty_limit.judge(run(), &baseline),
        slow.judge(no_finding, &baseline),
        slow.judge(two_findings, &baseline),
    ] {
        judged.expect(Verdict::Incomparable, ExitStatus::Baseline);
    }
    // What a suite would have to say for it is refused when it is read.
    for (set, problem) in [
        ("checks.chat-rate.gate={}", "nothing would be compared"),
        ("checks.chat-rate.gate={capacity: {}}", "this gate has no limit"),
        ("checks={}", "there is no check"),
        ("fail_on=[]", "nothing could fail"),
    ] {
        let problems = refused(set);
        assert!(problems.contains(problem), "{problems}");
    }
}

/// `baselines: {}` was committed, and the value now was a constant in the source.
#[test]
fn hollow_gate_02_an_empty_baseline_and_a_number_without_samples_are_red() {
    let (bench, baseline, finding) = good();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.json");
    let whole = render(baseline.baseline().unwrap());
    let torn = &whole[..whole.len() / 2];
    for text in ["", "{}", r#"{"baselines": {}}"#, r#"{"checks": {}}"#, "[]", torn] {
        std::fs::write(&path, text).unwrap();
        let loaded = load(&path, "bench");
        let run = bench.run(&baseline, &mut NoJournal);
        bench.judge(run, &loaded).expect(Verdict::Incomparable, ExitStatus::Baseline);
    }
    std::fs::write(&path, whole).unwrap();
    assert_eq!(load(&path, "bench"), baseline);
    for (samples, trials) in [(0, 6), (1_000, 0)] {
        let mut constant = finding.clone();
        let capacity = constant.metrics.get_mut("capacity").unwrap();
        (capacity.samples, capacity.trials) = (samples, trials);
        let refusal = bench.accept(&[constant]).unwrap_err().to_string();
        assert!(refusal.contains("has no samples"), "{refusal}");
    }
}

/// A baseline was recorded while every request failed: "latency remains valid".
#[test]
fn hollow_gate_04_a_baseline_at_a_full_error_rate_is_refused() {
    let (bench, _, finding) = good();
    let mut no_condition = bench.clone();
    no_condition.plan.checks["rate"].slos.clear();
    for (failed, limit) in [(1.0, "error_rate < 1%"), (0.01, "error_rate < 1%")] {
        let mut failing = finding.clone();
        let errors = failing.metrics.get_mut("error_rate").unwrap();
        (errors.value, errors.low, errors.high) = (failed, failed, failed);
        let refusal = bench.accept(std::slice::from_ref(&failing)).unwrap_err().to_string();
        assert!(refusal.contains(limit), "{refusal}");
        // Not even a suite that allows every failure can accept that nothing succeeded.
        assert_eq!(no_condition.accept(&[failing]).is_err(), failed > 0.5);
    }
    let failing = Bench::new(&["target.demo.error_rate=1"]);
    let finding = failing.check(&Loaded::Missing).findings.remove(0);
    assert!(failing.accept(&[finding]).is_err());
}

/// Throughput was compared at a fixed offered rate: it is that rate, whatever the service does.
#[test]
fn hollow_gate_05_throughput_at_a_fixed_load_gates_nothing() {
    let (bench, baseline, finding) = good();
    for metric in ["throughput", "goodput", "tokens_per_s", "p99 ttfc"] {
        let set = format!("checks.chat-rate.gate={{\"{metric}\": {{max_drop: 1%}}}}");
        let problems = refused(&set);
        assert!(problems.contains(metric), "{problems}");
    }
    // Nor can a finding that holds nothing else be accepted, or be compared.
    let mut fixed = finding;
    let number = fixed.metrics.remove("capacity").unwrap();
    fixed.metrics.insert("throughput".into(), number);
    let refusal = bench.accept(std::slice::from_ref(&fixed)).unwrap_err().to_string();
    assert!(refusal.contains("has no capacity"), "{refusal}");
    let entry = &baseline.baseline().unwrap().checks["rate"];
    let judged = judge_check(&bench.plan.checks["rate"], &fixed, BaselineView::Entry(entry));
    assert_eq!(judged.verdict, Verdict::Incomparable, "{}", judged.reason);
}

/// The memory of the test, or of the first process of a certain name, stood for the server's.
#[test]
fn hollow_gate_09_a_limit_that_nobody_measures_is_refused() {
    for text in ["rss < 512MiB", "cpu < 80%", "prom:queue_depth < 10", "json:/pool/used < 5"] {
        let error = Slo::parse(text).unwrap_err();
        assert!(error.what.contains("cannot be measured yet"), "{text}: {error}");
        let set = format!("checks.chat-rate.slos=[\"{text}\"]");
        let problems = refused(&set);
        assert!(problems.contains("a limit that nobody measures is no limit"), "{problems}");
    }
    let set = "checks.chat-rate.gate={rss: {max: 512MiB}}";
    let problems = refused(set);
    assert!(problems.contains("`rss`"), "{problems}");
}

/// A key that was missing was printed as "N/A", and the build went on.
#[test]
fn hollow_gate_14_a_missing_metric_is_said_aloud_and_never_a_pass() {
    let (bench, baseline, _) = good();
    for metric in ["capacity", "error_rate"] {
        let mut run = bench.run(&baseline, &mut NoJournal);
        without(run.checks[0].finding.as_mut().unwrap(), metric);
        let judged = bench.judge(run, &baseline);
        let judged = judged.expect(Verdict::Incomparable, ExitStatus::Baseline);
        let hollow = judged.verdict.gates().filter(|gate| gate.hollow);
        assert_eq!(hollow.map(|gate| &*gate.metric).collect::<Vec<_>>(), [metric]);
        let results = &judged.results;
        for text in [terminal::render(results), markdown::render(results), junit::render(results)] {
            assert!(text.contains(metric) && !text.contains("N/A"), "{text}");
        }
        assert!(terminal::render(results).starts_with("ERROR: "));
    }
}

/// "180 K/s, met the target" was said of a requirement of 200 K/s.
#[test]
fn hollow_gate_15_what_is_required_is_not_met_by_less() {
    let (bench, _, mut finding) = good();
    let mut check = bench.plan.checks["rate"].clone();
    let limits = GateLimits { min: Some(200_000.0), ..GateLimits::default() };
    check.gates = [("capacity".to_owned(), limits)].into();
    for (low, value, high, verdict) in [
        (170e3, 180e3, 190e3, Verdict::Regression),
        (190e3, 199e3, 208e3, Verdict::Inconclusive),
        (195e3, 205e3, 215e3, Verdict::Inconclusive),
        (201e3, 205e3, 210e3, Verdict::Pass),
    ] {
        let capacity = finding.metrics.get_mut("capacity").unwrap();
        (capacity.low, capacity.value, capacity.high) = (low, value, high);
        let judged = judge_check(&check, &finding, BaselineView::Missing);
        assert_eq!(judged.verdict, verdict, "{}", judged.reason);
    }
    finding.conclusion = Conclusion::AtLeast(KnobValue::new(180e3).unwrap());
    let judged = judge_check(&check, &finding, BaselineView::Missing);
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{}", judged.reason);
}
