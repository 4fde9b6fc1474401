//! The formats together, over every state of a run.

use super::{bencher, benchmark_action, code_quality, openmetrics};
use crate::report::{BetterResult, Results, Ruling, Verdict, fixture};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// What each format says of a run, `None` where it has nothing to say.
fn all(results: &Results) -> [(&'static str, Option<String>); 5] {
    let action = |better| benchmark_action::render(results, better).ok();
    [
        ("openmetrics", Some(openmetrics::render(results))),
        ("gitlab-codequality", Some(code_quality::render(results))),
        ("bencher", bencher::render(results).ok()),
        ("github-action-benchmark-bigger", action(BetterResult::Higher)),
        ("github-action-benchmark-smaller", action(BetterResult::Lower)),
    ]
}

/// A run that also has a metric of the other direction.
fn with_errors(mut results: Results) -> Results {
    let mut errors = results.checks[0].metrics["capacity"].clone();
    (errors.value, errors.low, errors.high) = (0.21, 0.08, 0.44);
    errors.better = BetterResult::Lower;
    errors.unit = "%".to_owned();
    results.checks[0].metrics.insert("error_rate".to_owned(), errors);
    results
}

#[test]
fn a_regression_in_every_format() {
    for (name, text) in all(&with_errors(fixture::regression())) {
        insta::assert_snapshot!(format!("regression-{name}"), text.unwrap());
    }
}

#[test]
fn the_states_that_gitlab_shows() {
    for (name, results) in fixture::states() {
        if ["hollow", "target-died", "inconclusive-hidden", "tested-pass-one-sided"].contains(&name)
        {
            let both = [openmetrics::render(&results), code_quality::render(&results)];
            insta::assert_snapshot!(format!("gitlab-{name}"), both.join("\n"));
        }
    }
}

#[test]
fn what_was_not_measured_is_no_number() {
    for (name, results) in fixture::states() {
        let text = openmetrics::render(&results);
        let has_value = text.lines().any(|line| line.starts_with("plimsoll_capacity"));
        let is_series = bencher::render(&results).is_ok();
        let expected = match name {
            "pass" | "regression" | "limit" | "improvement" | "new" | "new-hidden"
            | "incomparable" | "hollow" | "measured" | "tested-pass" | "tested-pass-voids"
            | "tested-regression" | "measured-response" => (true, true),
            // A bound is said to be one, and is no point of a series.
            "tested-pass-one-sided" | "tested-regression-early" | "tested-improvement" => {
                (true, false)
            }
            _ => (false, false),
        };
        assert_eq!((has_value, is_series), expected, "{name}");
        assert!(text.contains("plimsoll_exit_code{"), "{name}");
    }
}

#[test]
fn an_invalid_measurement_beside_another_verdict_is_no_number_either() {
    let mut results = fixture::new(vec![Verdict::New]);
    assert!(bencher::render(&results).is_ok());
    let reason = "the load generator was the limit".to_owned();
    results.checks[0].gates[0].also =
        vec![Ruling { verdict: Verdict::Invalid, reason, hollow: false }];
    assert!(bencher::render(&results).is_err());
    assert!(!openmetrics::render(&results).contains("\nplimsoll_capacity"));
}

#[test]
fn each_direction_has_its_own_metrics() {
    let results = with_errors(fixture::pass());
    let names = |better| {
        let text = benchmark_action::render(&results, better).unwrap();
        let points: Vec<Value> = serde_json::from_str(&text).unwrap();
        points.iter().map(|point| point["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(BetterResult::Lower), ["chat/chat-rate: error_rate"]);
    assert_eq!(
        names(BetterResult::Higher),
        ["chat/chat-rate: capacity", "chat/max-context: capacity"]
    );
    let error = benchmark_action::render(&fixture::pass(), BetterResult::Lower).unwrap_err();
    assert!(error.to_string().contains("better when smaller"), "{error}");
}

#[test]
fn no_issue_means_exit_code_zero_and_nothing_hidden() {
    let mut states = fixture::states();
    states.push(("nothing", fixture::run(vec![], vec![])));
    let mut unexplained = fixture::pass();
    unexplained.gate_exit_code = 5;
    states.push(("unexplained", unexplained));
    for (name, results) in states {
        let issues: Vec<Value> = serde_json::from_str(&code_quality::render(&results)).unwrap();
        let is_green = results.gate_exit_code == 0 && !results.checks.is_empty();
        let is_hidden = results.exit_code != results.gate_exit_code;
        assert_eq!(issues.is_empty(), is_green && !is_hidden, "{name}");
        let is_info = |issue: &Value| issue["severity"] == "info";
        assert_eq!(issues.iter().all(is_info), is_green, "{name}");
        for issue in &issues {
            assert_eq!(issue["fingerprint"].as_str().unwrap().len(), 64, "{name}");
            assert_eq!(issue["location"]["path"], "plimsoll.yml", "{name}");
        }
    }
}

#[test]
fn a_fingerprint_is_of_the_gate_and_not_of_what_was_measured() {
    let fingerprint = |results: &Results| {
        let issues: Vec<Value> = serde_json::from_str(&code_quality::render(results)).unwrap();
        issues[0]["fingerprint"].as_str().unwrap().to_owned()
    };
    let mut results = fixture::regression();
    let first = fingerprint(&results);
    results.checks[0].metrics["capacity"].value = 12.0;
    results.checks[0].gates[0].verdict = Verdict::Inconclusive;
    assert_eq!(fingerprint(&results), first);
    let mut seen = BTreeSet::from([first]);
    results.checks[0].gates[0].metric = "error_rate".to_owned();
    assert!(seen.insert(fingerprint(&results)));
    results.checks[0].name = "other".to_owned();
    assert!(seen.insert(fingerprint(&results)));
    results.suite = "another".to_owned();
    assert!(seen.insert(fingerprint(&results)));
    results.checks[0].gates[0].limit = None;
    assert!(seen.insert(fingerprint(&results)));
}

#[test]
fn a_number_that_did_not_change_is_the_same_text() {
    let mut results = fixture::pass();
    let before = openmetrics::render(&results);
    // Beyond what the interval supports.
    results.checks[0].metrics["capacity"].value += 0.003;
    assert_eq!(openmetrics::render(&results), before);
}

/// `name{labels} value` of each line that is no comment.
fn series(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).collect()
}

#[test]
fn one_state_of_each_gate_is_set_and_no_series_stands_twice() {
    for (name, results) in fixture::states() {
        let text = openmetrics::render(&results);
        assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1, "{name}");
        let series = series(&text);
        let names: BTreeSet<&str> = series.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), series.len(), "{name}");
        let gates = series.iter().filter(|(name, _)| name.starts_with("plimsoll_failing{"));
        let set = series.iter().filter(|(n, v)| n.starts_with("plimsoll_verdict{") && *v == "1");
        assert_eq!(gates.count(), set.count(), "{name}");
    }
}

#[test]
fn what_a_file_says_cannot_leave_its_label() {
    let mut results = fixture::pass();
    results.checks[0].name = "a\"b\\c#d\ne\u{1b}".to_owned();
    let text = openmetrics::render(&results);
    assert!(text.contains(r#"check="a\"b\\c＃d e"#), "{text}");
    assert!(text.lines().all(|line| line.starts_with("# ") || !line.contains('#')), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_format_holds_a_number_that_is_none(
        value in proptest::num::f64::ANY,
        low in proptest::num::f64::ANY,
        high in proptest::num::f64::ANY,
    ) {
        let mut results = with_errors(fixture::pass());
        for metric in results.checks[0].metrics.values_mut() {
            (metric.value, metric.low, metric.high) = (value, low, high);
        }
        let gate = &mut results.checks[0].gates[0];
        let baseline = gate.baseline.as_mut().unwrap();
        (baseline.value, baseline.low, baseline.high) = (high, low, value);
        let change = gate.change.as_mut().unwrap();
        (change.value, change.low, change.high) = (Some(value), Some(low), Some(high));
        for (name, text) in all(&results) {
            let Some(text) = text else { continue };
            if name == "openmetrics" {
                for (series, number) in series(&text) {
                    let number = number.parse::<f64>();
                    prop_assert!(number.is_ok_and(f64::is_finite), "{}", series);
                }
            } else {
                let json = serde_json::from_str::<Value>(&text);
                prop_assert!(json.is_ok_and(|json| !json.is_null()), "{}", text);
                prop_assert!(!text.contains("null"), "{}", text);
            }
        }
    }
}
