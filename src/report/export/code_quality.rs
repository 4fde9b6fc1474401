//! GitLab's code quality report: an entry at the line of each check whose gate is red, also where
//! `fail_on` lets it pass (then of severity `info`), and one for whatever kept the run from its verdict.
//!
//! So the array is empty if and only if the exit code is 0 and nothing was hidden. A fingerprint is of
//! suite, check, metric and kind of limit, and not of what was measured: a gate that stays red is the same
//! entry on both branches, and not one that was fixed and another that is new.

use super::name;
use crate::config::digest;
use crate::report::escape::{Escaped, Terminal};
use crate::report::headline::of_red;
use crate::report::junit::unexplained;
use crate::report::row::{Row, rows};
use crate::report::{Problem, ProblemCode, Results, Verdict, json};
use serde::Serialize;

/// One entry.
#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// The report.
#[must_use]
pub fn render(results: &Results) -> String {
    let rows = rows(results);
    let red = rows.iter().filter(|row| row.fails || row.verdict.is_red());
    let mut issues: Vec<Issue> = red.map(|row| of_row(results, *row)).collect();
    issues.extend(results.problem.as_ref().map(|problem| of_problem(results, problem)));
    let is_failing = results.problem.is_some() || rows.iter().any(|row| row.fails);
    let is_empty = rows.is_empty() && results.problem.is_none();
    if is_empty || (results.gate_exit_code != 0 && !is_failing) {
        issues.push(issue(results, &unexplained(results), &["empty"], BLOCKER, None));
    }
    json::render(&issues)
}

const BLOCKER: &str = "blocker";

fn of_row(results: &Results, row: Row<'_>) -> Issue {
    let sentence = of_red(row);
    let sentence = if row.fails {
        sentence
    } else {
        format!("not failing, because `fail_on` does not name {}: {sentence}", row.verdict.word())
    };
    let limit = row.gate.and_then(|gate| gate.limit).map_or("", |limit| limit.rule.name());
    let what = [row.kind(), &row.check.name, row.metric(), limit];
    issue(results, &sentence, &what, severity(row), row.check.line)
}

/// What fails is `minor` at least, what `fail_on` lets pass `info`.
fn severity(row: Row<'_>) -> &'static str {
    if !row.fails {
        return "info";
    }
    if row.hollow {
        return BLOCKER;
    }
    match row.verdict {
        Verdict::Error => BLOCKER,
        Verdict::Regression => "critical",
        Verdict::Incomparable | Verdict::Invalid => "major",
        Verdict::New
        | Verdict::Inconclusive
        | Verdict::Improvement
        | Verdict::Measured
        | Verdict::Pass
        | Verdict::Skipped => "minor",
    }
}

fn of_problem(results: &Results, problem: &Problem) -> Issue {
    let severity = match problem.code {
        ProblemCode::Interrupted => "major",
        ProblemCode::Usage
        | ProblemCode::Target
        | ProblemCode::Generator
        | ProblemCode::Baseline
        | ProblemCode::Empty => BLOCKER,
    };
    issue(results, &problem.text, &[problem.code.word()], severity, None)
}

/// The first of `what` is the kind, the rest says of what.
fn issue(
    results: &Results,
    sentence: &str,
    what: &[&str],
    severity: &'static str,
    line: Option<u32>,
) -> Issue {
    let kind = what.first().copied().unwrap_or_default();
    let of: &[&str] = if what.len() > 1 { what.get(1..).unwrap_or_default() } else { what };
    let parts = std::iter::once(results.suite.as_str()).chain(of.iter().copied());
    // As JSON, so that no two lists are one text.
    let identity = serde_json::Value::from(parts.collect::<Vec<&str>>());
    Issue {
        description: Escaped::<Terminal>::line(sentence).to_string(),
        check_name: format!("plimsoll/{kind}"),
        fingerprint: digest(&identity.to_string()),
        severity,
        location: Location {
            path: name(results.place()),
            lines: Lines { begin: line.unwrap_or(1) },
        },
    }
}
