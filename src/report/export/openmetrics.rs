//! OpenMetrics text, for GitLab's metrics report (`artifacts:reports:metrics`), which compares each
//! value with that of the target branch as a text.
//!
//! There is always an exit code and, for each gate, its verdict as a state and whether it makes that code
//! non-zero. Values, intervals, bounds and changes are there only where the measurement stands: one that
//! is gone is shown as removed, and never as a number that stayed.
//!
//! GitLab reads a line up to its first `#`, so no label holds one.

use super::{Number, name, numbers, stands};
use crate::report::check_result::Change;
use crate::report::row::{Row, rows};
use crate::report::{CheckResult, ConclusionResult, Results, Verdict, number};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Families in the order in which they are written, with what they say.
const FAMILIES: [(&str, &str); 16] = [
    ("plimsoll_exit_code", "Exit code of the run."),
    ("plimsoll_capacity", "Largest value of the knob at which every condition holds."),
    ("plimsoll_capacity_low", "Lower end of its interval."),
    ("plimsoll_capacity_high", "Upper end of its interval."),
    ("plimsoll_capacity_at_least", "Where only that is known: the capacity is at least this."),
    ("plimsoll_capacity_at_most", "Where only that is known: the capacity is at most this."),
    ("plimsoll_capacity_baseline", "The accepted capacity."),
    ("plimsoll_capacity_change", "Relative change against the accepted capacity."),
    ("plimsoll_capacity_change_low", "Lower end of its interval."),
    ("plimsoll_capacity_change_high", "Upper end of its interval."),
    ("plimsoll_metric", "Another metric, as observed around the capacity."),
    ("plimsoll_metric_low", "Lower end of its interval."),
    ("plimsoll_metric_high", "Upper end of its interval."),
    ("plimsoll_metric_baseline", "The accepted value."),
    ("plimsoll_failing", "Whether the gate makes the exit code non-zero."),
    (VERDICT, "What the gate came to."),
];
const VERDICT: &str = "plimsoll_verdict";

/// The report.
#[must_use]
pub fn render(results: &Results) -> String {
    let mut samples = Samples::default();
    let suite = [("suite", results.suite.as_str())];
    samples.add("plimsoll_exit_code", &suite, results.gate_exit_code.to_string());
    for check in &results.checks {
        of_check(&mut samples, results, check);
    }
    for row in rows(results) {
        of_row(&mut samples, results, row);
    }
    samples.text()
}

/// Lines by family: those of one family stand together, and none stands twice.
#[derive(Default)]
struct Samples {
    lines: Vec<(&'static str, String)>,
    known: BTreeSet<String>,
}

impl Samples {
    fn add(&mut self, family: &'static str, labels: &[(&str, &str)], value: String) {
        let labels = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", label(value)));
        let series = format!("{family}{{{}}}", labels.collect::<Vec<String>>().join(","));
        if self.known.insert(series.clone()) {
            self.lines.push((family, format!("{series} {value}")));
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for (family, help) in FAMILIES {
            let mut lines = self.lines.iter().filter(|(of, _)| *of == family).peekable();
            if lines.peek().is_none() {
                continue;
            }
            let ty = if family == VERDICT { "stateset" } else { "gauge" };
            let _ = writeln!(out, "# TYPE {family} {ty}\n# HELP {family} {help}");
            for (_, line) in lines {
                let _ = writeln!(out, "{line}");
            }
        }
        out.push_str("# EOF\n");
        out
    }
}

/// One line without what has a meaning within quotes.
fn label(text: &str) -> String {
    name(text).replace('\\', "\\\\").replace('"', "\\\"").replace('#', "＃")
}

fn of_check(samples: &mut Samples, results: &Results, check: &CheckResult) {
    for number in numbers(check) {
        let Number { value, low, high, .. } = &number;
        let unit = number.metric.unit.as_str();
        let families = if number.name == "capacity" {
            ["plimsoll_capacity", "plimsoll_capacity_low", "plimsoll_capacity_high"]
        } else {
            ["plimsoll_metric", "plimsoll_metric_low", "plimsoll_metric_high"]
        };
        for (family, value) in families.into_iter().zip([value, low, high]) {
            let labels = labels(results, check, number.name, unit);
            samples.add(family, &labels, value.clone());
        }
    }
    if check.capacity().is_none() && stands(check) {
        let (at_least, at_most) = bounds(&check.conclusion);
        let families =
            [("plimsoll_capacity_at_least", at_least), ("plimsoll_capacity_at_most", at_most)];
        for (family, bound) in families {
            let text = bound.and_then(number::plain_decimal);
            let Some(text) = text else { continue };
            let labels = labels(results, check, "capacity", &check.unit);
            samples.add(family, &labels, text);
        }
    }
}

/// What is known of a capacity that was not estimated.
fn bounds(conclusion: &ConclusionResult) -> (Option<f64>, Option<f64>) {
    match *conclusion {
        ConclusionResult::AtLeast { value } => (Some(value), None),
        ConclusionResult::NoneHolds { value } => (None, Some(value)),
        ConclusionResult::Tested { at_least, at_most, .. }
        | ConclusionResult::Compared { at_least, at_most, .. } => (at_least, at_most),
        ConclusionResult::Found
        | ConclusionResult::Inconclusive { .. }
        | ConclusionResult::Invalid { .. } => (None, None),
    }
}

/// Labels of a number; the metric is one of them where it is not the capacity.
fn labels<'a>(
    results: &'a Results,
    check: &'a CheckResult,
    metric: &'a str,
    unit: &'a str,
) -> Vec<(&'static str, &'a str)> {
    let metric = ("metric", metric);
    let all = [("suite", results.suite.as_str()), ("check", &check.name), metric, ("unit", unit)];
    let says_nothing = [("metric", "capacity"), ("unit", "")];
    all.into_iter().filter(|label| !says_nothing.contains(label)).collect()
}

fn of_row(samples: &mut Samples, results: &Results, row: Row<'_>) {
    let is_capacity = row.metric() == "capacity";
    if stands(row.check)
        && let Some(baseline) = row.baseline()
    {
        let text = number::decimal(baseline.value, baseline.low, baseline.high);
        let family =
            if is_capacity { "plimsoll_capacity_baseline" } else { "plimsoll_metric_baseline" };
        if let Some(text) = text {
            let labels = labels(results, row.check, row.metric(), &baseline.unit);
            samples.add(family, &labels, text);
        }
    }
    let change = row.gate.and_then(|gate| gate.change).filter(|_| is_capacity && stands(row.check));
    for (family, text) in change.map(changes).into_iter().flatten() {
        let Some(text) = text else { continue };
        samples.add(family, &[("suite", &results.suite), ("check", &row.check.name)], text);
    }
    let rule = row.gate.and_then(|gate| gate.limit).map_or("none", |limit| limit.rule.name());
    let labels = [
        ("suite", results.suite.as_str()),
        ("check", &row.check.name),
        ("metric", row.metric()),
        ("limit", rule),
    ];
    samples.add("plimsoll_failing", &labels, u8::from(row.fails).to_string());
    for verdict in Verdict::ALL {
        let state = [(VERDICT, verdict.word())];
        let is_it = u8::from(verdict == row.verdict).to_string();
        samples.add(VERDICT, &[&labels[..], &state].concat(), is_it);
    }
}

/// The parts of a change that are known, rounded as one.
fn changes(change: Change) -> [(&'static str, Option<String>); 3] {
    let (low, high) = match (change.low, change.high) {
        (Some(low), Some(high)) => (low, high),
        (Some(_), None) | (None, Some(_) | None) => (0.0, 0.0),
    };
    let text = |part: Option<f64>| match part {
        Some(part) if low < high => number::decimal(part, low, high),
        Some(part) => number::plain_decimal(part),
        None => None,
    };
    [
        ("plimsoll_capacity_change", text(change.value)),
        ("plimsoll_capacity_change_low", text(change.low)),
        ("plimsoll_capacity_change_high", text(change.high)),
    ]
}
