//! A whole check: from the suite to verdict, files and exit code.

use crate::bench::{Bench, Checked};
use crate::world::median;
use plimsoll::baseline::Loaded;
use plimsoll::check::{Check, Conclusion};
use plimsoll::cli::ExitStatus;
use plimsoll::gate::Verdict;
use plimsoll::report::{Results, json, junit, markdown, terminal, write_reports};
use plimsoll::run::{JournalFile, NoJournal, journal};
use plimsoll::trial::{Evidence, Load, TrialPlan, TrialResult};
use plimsoll::units::KnobValue;
use std::fs;
use std::num::NonZeroU32;

/// Conditions of the suite, each limit a hundred times as high, and a server that sheds nothing.
const LOOSE: [&str; 2] = [
    "checks.rate.slos=[p95 ttfc < 20s, p90 tbc < 4s, error_rate < 100%]",
    "target.demo.max_queue=1000000",
];

/// Whatever a person or a tool may read of a run.
fn readings(checked: &Checked) -> [String; 3] {
    let results = &checked.results;
    [terminal::render(results), markdown::render(results), junit::render(results)]
}

#[test]
fn an_unchanged_server_passes_and_every_file_says_so() {
    let bench = Bench::new(&[]).seed(2);
    let baseline = Bench::new(&[]).baseline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trials.jsonl");
    let mut trials = JournalFile::create(&path, "bench", "plimsoll.yml", "now").unwrap();
    let run = bench.run(&baseline, &mut trials);
    let checked = bench.judge(run, &baseline).expect(Verdict::Pass, ExitStatus::Pass);

    assert!(
        write_reports(folder.path(), &checked.results, &markdown::render(&checked.results))
            .is_empty()
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let again = Results::from_json(&read("results.json")).unwrap();
    assert!(again == checked.results, "{}", json::render(&checked.results));
    let [text, page, xml] = readings(&checked);
    assert_eq!((read("report.md"), read("junit.xml")), (page.clone(), xml.clone()));
    assert!(text.starts_with("PASS: ") && page.starts_with("### ✅ "), "{text}\n{page}");
    assert!(xml.contains(r#"tests="1" skipped="0" failures="0" errors="0""#), "{xml}");
    let search = read("capacity_search_results.json");
    let search: serde_json::Value = serde_json::from_str(&search).unwrap();
    let capacity = &checked.results.checks[0].metrics["capacity"];
    assert_eq!(search["best_value"], capacity.value);

    let (header, entries) = journal::read(&path).unwrap();
    assert_eq!((header.suite.as_str(), header.file.as_str()), ("bench", "plimsoll.yml"));
    assert!(entries.iter().all(|entry| entry.check == "rate"));
    let kept: Vec<TrialResult> = entries.into_iter().map(|entry| entry.trial).collect();
    assert!(kept == checked.results.checks[0].trials, "the journal is not what was run");
}

fn escaped(text: &str) -> String {
    text.replace('<', "&lt;")
}

#[test]
fn each_way_to_be_worse_is_caught_and_names_the_condition_and_the_load() {
    let baseline = Bench::new(&[]).baseline();
    for (set, condition) in [
        ("target.demo.slowdown=1.25", "p90 tbc &lt; 40ms"),
        ("target.demo.max_num_seqs=20", "p95 ttfc &lt; 200ms"),
        ("target.demo.shed_rate=1", "error_rate &lt; 1%"),
        ("target.demo.error_rate=0.77", "error_rate &lt; 1%"),
        ("target.demo.truncate_rate=0.05", "error_rate &lt; 1%"),
    ] {
        let checked = Bench::new(&[set]).seed(2).check(&baseline);
        let checked = checked.expect(Verdict::Regression, ExitStatus::Regression);
        let binding = checked.findings[0].binding.as_ref().unwrap();
        // A slower server breaks both conditions on latency at the one load that is tested.
        let condition = if set.contains("slowdown") { &*escaped(&binding.slo) } else { condition };
        assert_eq!(binding.slo, condition.replace("&lt;", "<"), "{set}");
        let at = plimsoll::units::number::plain(binding.at.get());
        for reading in readings(&checked) {
            let reading = reading.replace(" < ", " &lt; ");
            assert!(reading.contains(&format!("`{condition}` at {at} sessions/s")), "{reading}");
        }
    }
}

#[test]
fn a_server_that_fails_has_no_capacity_however_it_is_asked() {
    for share in ["error_rate", "shed_rate", "truncate_rate"] {
        for value in ["0.05", "0.77", "1"] {
            let fault = format!("target.demo.{share}={value}");
            for range in ["{knob: rate, from: 10, trial: 3s}", "{knob: concurrency, from: 1}"] {
                let range = format!("checks.rate.capacity={range}");
                let checked = Bench::new(&[&fault, &range]).check(&Loaded::Missing);
                let finding = &checked.findings[0];
                let ended = &finding.conclusion;
                assert!(matches!(ended, Conclusion::NoneHolds(_)), "{fault} {range}: {ended:?}");
                assert!(finding.metrics.is_empty(), "{fault} {range}");
                // Red also where there is nothing to compare it with.
                assert_eq!(checked.status(), ExitStatus::Regression, "{fault} {range}");
            }
        }
    }
}

#[test]
fn conditions_that_cannot_break_give_a_bound_and_never_a_capacity() {
    let bench = Bench::new(&LOOSE);
    let checked = bench.check(&Loaded::Missing);
    let finding = &checked.findings[0];
    assert_eq!(finding.conclusion, Conclusion::AtLeast(KnobValue::new(400.0).unwrap()));
    assert!(finding.binding.is_none() && !finding.metrics.contains_key("capacity"));
    assert!(finding.metrics["error_rate"].value < 0.01);
    assert!(terminal::render(&checked.results).contains("at least 400"));
    let refusal = bench.accept(&checked.findings).unwrap_err().to_string();
    assert!(refusal.contains("that is no capacity; raise `to`"), "{refusal}");
}

#[test]
fn a_starved_generator_is_invalid_with_or_without_a_baseline() {
    let starved = Bench { is_starved: true, ..Bench::new(&[]) };
    let baseline = Bench::new(&[]).baseline();
    let checked = starved.check(&baseline).expect(Verdict::Invalid, ExitStatus::Invalid);
    for reading in readings(&checked) {
        assert!(reading.contains("send lag p99 100.0 ms"), "{reading}");
    }
    // Without one the missing baseline comes first; the invalid measurement is in the report.
    let checked = starved.check(&Loaded::Missing).expect(Verdict::New, ExitStatus::Baseline);
    assert!(terminal::render(&checked.results).contains("send lag p99 100.0 ms"));
    assert!(starved.accept(&checked.findings).is_err());
}

#[test]
fn each_ending_has_its_exit_code() {
    let good = Bench::new(&[]).baseline();
    let empty = plimsoll::baseline::parse("{}");
    let other = Bench::new(&["workload.seed=43"]).baseline();
    // One trial fits, and the capacity lies near the limit: the first trial cannot tell.
    let short = ["budget.time=6s", "target.demo.slowdown=1.18"];
    for (sets, baseline, verdict, status) in [
        (&[][..], &good, Verdict::Pass, ExitStatus::Pass),
        (&["target.demo.slowdown=0.8"], &good, Verdict::Improvement, ExitStatus::Pass),
        (&["target.demo.slowdown=1.25"], &good, Verdict::Regression, ExitStatus::Regression),
        (&short, &good, Verdict::Inconclusive, ExitStatus::Inconclusive),
        (&[], &Loaded::Missing, Verdict::New, ExitStatus::Baseline),
        (&[], &empty, Verdict::Incomparable, ExitStatus::Baseline),
        (&[], &other, Verdict::Incomparable, ExitStatus::Baseline),
        (
            &["checks.rate.gate={capacity: {min: 200}}"],
            &good,
            Verdict::Regression,
            ExitStatus::Regression,
        ),
    ] {
        Bench::new(sets).seed(2).check(baseline).expect(verdict, status);
    }
}

/// The largest concurrency near this trial's that most replays of it hold.
fn truth_of_closed_loop(bench: &Bench, like: &TrialPlan) -> f64 {
    let experiment = bench.experiment("rate", &Loaded::Missing);
    let mut rig = Bench { seed: 77, ..bench.clone() }.rig();
    let mut holds = |concurrency: &u32| {
        let load = Load::Closed { concurrency: NonZeroU32::new(*concurrency).unwrap() };
        let value = KnobValue::new(f64::from(*concurrency)).unwrap();
        let plan = TrialPlan { load, value, ..like.clone() };
        let mut met = |_: &u32| {
            let mut watch = experiment.watch(&plan);
            rig.trial(&plan, watch.as_mut(), &mut |_| {}).evidence == Evidence::Met
        };
        (0..101).filter(&mut met).count() > 50
    };
    let near = 5..60_u32;
    f64::from(near.filter(&mut holds).last().unwrap())
}

#[test]
fn a_closed_loop_finds_how_many_sessions_fit() {
    let knob = "checks.rate.capacity={knob: concurrency, from: 1, to: 100, trial: 3s}";
    let (mut covered, mut errors, mut widths) = (0, Vec::new(), Vec::new());
    // At a slowdown of 1.5 one more session can help: 26 are held more often than 25.
    for slowdown in ["1", "1.25", "1.5"] {
        let bench = Bench::new(&[knob, &format!("target.demo.slowdown={slowdown}")]);
        let (mut values, mut intervals, mut like) = (Vec::new(), Vec::new(), None);
        for seed in 0..30 {
            let run = bench.clone().seed(seed).run(&Loaded::Missing, &mut NoJournal);
            let found = run.checks[0].finding.as_ref().unwrap().metrics["capacity"].clone();
            values.push(found.value);
            intervals.push(found.low..=found.high);
            like = Some(run.checks[0].history.trials().last().unwrap().plan.clone());
        }
        let truth = truth_of_closed_loop(&bench, &like.unwrap());
        let holding = intervals.iter().filter(|interval| interval.contains(&truth)).count();
        println!("slowdown {slowdown}: {holding} of 30 hold the truth {truth}: {intervals:?}");
        covered += holding;
        assert!((median(values.clone()) - truth).abs() <= 2.0, "{truth}: {values:?}");
        assert!(values.iter().all(|n| (n - truth).abs() <= 3.0), "{truth}: {values:?}");
        errors.extend(values.iter().map(|n| (n / truth - 1.0).abs()));
        widths.extend(intervals.iter().map(|interval| (interval.end() - interval.start()) / truth));
    }
    let (error, width) = (median(errors), median(widths));
    println!("{covered} of 90; median error {error:.4}, median full width {width:.3}");
    assert!(covered >= 72 && error < 0.05 && width < 0.25, "{covered}, {error}, {width}");
}
