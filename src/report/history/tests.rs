//! Histories as they are read.

use super::{History, json, markdown, text};
use crate::baseline::{Accepted, Point, Series, fixture};
use crate::slo::Better;
use proptest::prelude::*;

fn point(n: usize, value: Result<Accepted, String>) -> Point {
    Point {
        commit: format!("{n}").repeat(40).chars().take(40).collect(),
        time: format!("2026-11-{n:02}T08:00:00Z"),
        value,
    }
}

fn accepted(value: f64, half: f64) -> Accepted {
    Accepted {
        estimate: fixture::estimate(value, value - half, value + half),
        apart: Vec::new(),
        change: None,
        in_all: None,
        reason: None,
    }
}

/// A first value, a gain, a file that is none, another machine, and a loss.
fn series() -> Series {
    let mut points = vec![point(1, Ok(accepted(40.2, 1.1)))];
    let mut second = accepted(44.1, 0.9);
    (second.change, second.in_all) = (Some(0.097), Some(0.097));
    second.reason = Some("batches of 64 | see `docs`".to_owned());
    points.push(point(2, Ok(second)));
    points.push(point(3, Err("the baseline cannot be read: line 1 column 1".to_owned())));
    let mut moved = accepted(61.0, 2.0);
    moved.apart = vec!["CPU model: EPYC 7763 then, EPYC 9V74 now".to_owned()];
    moved.reason = Some("new runners".to_owned());
    points.push(point(4, Ok(moved)));
    let mut lost = accepted(58.4, 1.2);
    (lost.change, lost.in_all) = (Some(-0.043), Some(-0.043));
    points.push(point(5, Ok(lost)));
    Series {
        check: "chat-rate".to_owned(),
        metric: "capacity".to_owned(),
        unit: "sessions/s".to_owned(),
        better: Some(Better::Higher),
        points,
    }
}

fn history(series: &[Series]) -> History<'_> {
    History { suite: "chat", file: "baselines/chat.json", series, cut: None, limit: 30 }
}

#[test]
fn a_history_as_text_page_and_json() {
    let all = [series()];
    let mut history = history(&all);
    insta::assert_snapshot!("text", text::render(&history));
    insta::assert_snapshot!("markdown", markdown::render(&history));
    history.limit = 2;
    history.cut = Some("history is cut here");
    insta::assert_snapshot!("text-cut", text::render(&history));
    insta::assert_snapshot!("json", json(&history));
}

#[test]
fn without_any_baseline_it_says_why() {
    let none = Series {
        check: String::new(),
        metric: String::new(),
        unit: String::new(),
        better: None,
        points: vec![point(1, Err("the baseline is empty: the file holds `{}`".to_owned()))],
    };
    let all = [none];
    let shown = text::render(&history(&all));
    assert!(shown.contains("no commit holds a baseline that can be read"), "{shown}");
    assert!(shown.contains("the file holds `{}`") && !shown.contains('█'), "{shown}");
    assert!(!markdown::render(&history(&all)).contains("mermaid"));
}

#[test]
fn a_chart_draws_only_values_that_can_be_compared_and_no_more_than_thirty() {
    let mut series = series();
    let page = markdown::render(&history(std::slice::from_ref(&series)));
    assert!(page.contains("x-axis \"row\" [4, 5]") && page.contains("line [61, 58.4]"), "{page}");
    let long = (1..=60).map(|n| point(n % 9 + 1, Ok(accepted(40.0, 1.0))));
    series.points.extend(long);
    let all = [series];
    let mut history = history(&all);
    history.limit = 100;
    let page = markdown::render(&history);
    let axis = page.lines().find(|line| line.contains("x-axis")).unwrap();
    assert_eq!(axis.matches(',').count(), 29, "{axis}");
}

#[test]
fn what_a_file_says_stays_text() {
    let mut series = series();
    series.check = "a\u{1b}[2J|b`\n".to_owned();
    let value = series.points[0].value.as_mut().unwrap();
    value.reason = Some("<b>\u{1b}]0;x\u{7}|".to_owned());
    let all = [series];
    let shown = text::render(&history(&all));
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
    let page = markdown::render(&history(&all));
    assert!(!page.contains("<b>") && !page.contains('\u{1b}'), "{page}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_number_reads_as_nonsense(
        a in proptest::num::f64::ANY, b in proptest::num::f64::ANY, c in proptest::num::f64::ANY,
    ) {
        let mut series = series();
        for point in &mut series.points {
            let Ok(accepted) = &mut point.value else { continue };
            let estimate = &mut accepted.estimate;
            (estimate.low, estimate.value, estimate.high) = (a, b, c);
            (accepted.change, accepted.in_all) = (Some(b), Some(c));
        }
        let all = [series];
        let history = history(&all);
        for shown in [text::render(&history), markdown::render(&history)] {
            prop_assert!(!shown.contains("NaN") && !shown.contains("inf"), "{}", shown);
        }
    }
}
