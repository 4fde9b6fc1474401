//! `junit.xml`: one test case per gate. `failure` or `error` if and only if the gate makes the exit
//! code non-zero, because every reader shows `skipped` as green; and never an empty report, because
//! that is green too.

use super::check_result::LimitRule;
use super::command::{cure, repeat};
use super::escape::{Escaped, Terminal};
use super::headline::{Headline, of_red};
use super::note::{Note, of_row as notes_of};
use super::place::Place;
use super::row::{Row, State, rows};
use super::{Problem, ProblemCode, Results, Verdict};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// The report.
#[must_use]
pub fn render(results: &Results) -> String {
    let mut suite = TestSuite::new(clean(&results.suite));
    suite.set_time(seconds(results.seconds));
    // As an attribute of our own: the setter wants a type that nothing else here needs.
    suite.extra.insert("timestamp".into(), clean(&results.started).into());
    suite.extra.insert("file".into(), clean(&results.file).into());
    suite.add_properties(properties(results));
    let rows = rows(results);
    for row in &rows {
        suite.add_test_case(of_row(results, *row, &rows));
    }
    if let Some(problem) = &results.problem {
        suite.add_test_case(of_problem(results, problem));
    }
    if let (State::Skipped(why), true) = (State::of(results), suite.tests == 0) {
        let mut status = TestCaseStatus::skipped();
        status.set_message(clean(why)).set_description(clean(why));
        suite.add_test_case(case(results, "gate", status, results.seconds, None));
    }
    let is_red = suite.failures + suite.errors > 0;
    if suite.tests == 0 || (results.gate_exit_code != 0 && !is_red) {
        suite.add_test_case(nothing_compared(results));
    }
    let mut report = Report::new("plimsoll");
    report.set_time(seconds(results.seconds));
    report.add_test_suite(suite);
    // Writing to memory does not fail; an empty text would not pass for a report either.
    report.to_string().unwrap_or_default()
}

fn properties(results: &Results) -> Vec<Property> {
    let commit = |commit: Option<&String>| commit.cloned().unwrap_or_default();
    let budget = format!("{} s, {} requests", results.budget.seconds, results.budget.requests);
    [
        ("plimsoll", results.plimsoll.clone()),
        ("machine", results.environment.machine.clone()),
        ("commit", commit(results.commit.as_ref())),
        ("baseline", commit(results.baseline.as_ref().and_then(|b| b.commit.as_ref()))),
        ("seed", results.seed.to_string()),
        ("budget", budget),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| Property::new(name, clean(&value)))
    .collect()
}

fn of_row(results: &Results, row: Row<'_>, rows: &[Row<'_>]) -> TestCase {
    let same =
        |other: &&Row<'_>| other.check.name == row.check.name && other.metric() == row.metric();
    let rule = row.gate.and_then(|gate| gate.limit).map(|limit| limit.rule);
    let suffix = match rule {
        Some(rule) if rows.iter().filter(same).count() > 1 => format!(" {}", rule_name(rule)),
        Some(_) | None => String::new(),
    };
    let mut case = case(
        results,
        &format!("{}: {}{suffix}", row.check.name, row.metric()),
        status(results, row),
        row.check.seconds,
        row.check.line,
    );
    if !row.verdict.is_red() {
        let mut lines = vec![format!("{} {} {}", row.name(), row.current_cell(), row.unit())];
        lines.extend(notes_of(row).iter().map(Note::line));
        case.set_system_out(text(&lines));
    }
    case
}

fn rule_name(rule: LimitRule) -> &'static str {
    match rule {
        LimitRule::MaxDrop => "max_drop",
        LimitRule::MaxRise => "max_rise",
        LimitRule::Min => "min",
        LimitRule::Max => "max",
    }
}

fn status(results: &Results, row: Row<'_>) -> TestCaseStatus {
    if !row.fails && !row.verdict.is_red() {
        return TestCaseStatus::success();
    }
    let is_failure = !row.hollow
        && matches!(row.verdict, Verdict::Regression | Verdict::Inconclusive | Verdict::New);
    let mut status = match (row.fails, is_failure) {
        (true, true) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (true, false) => TestCaseStatus::non_success(NonSuccessKind::Error),
        (false, _) => TestCaseStatus::skipped(),
    };
    let ty = if row.hollow {
        "baseline"
    } else if row.verdict == Verdict::Regression && row.absolute_limit().is_some() {
        "limit"
    } else {
        row.verdict.word()
    };
    let message = of_red(row);
    let mut lines = vec![message.clone()];
    if !row.fails {
        lines.push(format!("not failing: fail_on does not name {}", row.verdict.word()));
    }
    // Both numbers with their intervals, which a message of one line leaves out.
    let notes = notes_of(row);
    if !row.reason.is_empty() && !notes.iter().any(|note| note.text == row.reason) {
        lines.push(row.reason.to_owned());
    }
    lines.extend(notes.iter().map(Note::line));
    if let Some(detail) = &row.check.detail {
        lines.extend(detail.lines().map(str::to_owned));
    }
    lines.extend(what_to_do(results, State::Failing(row)));
    status.set_type(ty).set_message(clean(&message)).set_description(text(&lines));
    status
}

fn of_problem(results: &Results, problem: &Problem) -> TestCase {
    let ty = match problem.code {
        ProblemCode::Interrupted => "interrupted",
        ProblemCode::Usage => "usage",
        ProblemCode::Target => "target",
        ProblemCode::Generator => "generator",
        ProblemCode::Baseline => "baseline",
        ProblemCode::Empty => "empty",
    };
    let mut lines = vec![problem.text.clone()];
    lines.extend(problem.tail().map(str::to_owned));
    lines.extend(what_to_do(results, State::Problem(problem)));
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(ty).set_message(clean(&problem.text)).set_description(text(&lines));
    case(results, ty, status, results.seconds, None)
}

fn what_to_do(results: &Results, state: State<'_>) -> Vec<String> {
    let cure = cure(results, state, &Place::default());
    let cure = cure.map(|(lead, commands)| std::iter::once(format!("{lead}:")).chain(commands));
    cure.into_iter().flatten().chain([format!("see it again: {}", repeat(results))]).collect()
}

fn nothing_compared(results: &Results) -> TestCase {
    let message = if matches!(State::of(results), State::Empty) {
        Headline::of(results).sentence
    } else {
        "the exit code is not 0, but no gate says why".to_owned()
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("empty").set_message(clean(&message)).set_description(clean(&message));
    case(results, "gate", status, results.seconds, None)
}

fn case(
    results: &Results,
    name: &str,
    status: TestCaseStatus,
    took: f64,
    line: Option<u32>,
) -> TestCase {
    let mut case = TestCase::new(clean(name), status);
    case.set_classname(clean(&format!("plimsoll.{}", results.suite)));
    case.set_time(seconds(took));
    case.extra.insert("file".into(), clean(&results.file).into());
    if let Some(line) = line {
        case.extra.insert("line".into(), line.to_string().into());
    }
    case
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// One line without control characters, bounded; the writer escapes what XML gives a meaning.
fn clean(line: &str) -> String {
    Escaped::<Terminal>::line(line).to_string()
}

fn text(lines: &[String]) -> String {
    let lines = Escaped::<Terminal>::lines(lines.iter().map(String::as_str));
    lines.iter().map(Escaped::as_str).collect::<Vec<&str>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::report::{Results, Verdict, fixture};
    use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

    /// `(name, element, type)` of each test case.
    fn cases(results: &Results) -> Vec<(String, &'static str, String)> {
        let report = Report::deserialize_from_str(&render(results)).unwrap();
        let cases = report.test_suites[0].test_cases.iter().map(|case| {
            let (element, ty) = match &case.status {
                TestCaseStatus::Success { .. } => ("pass", None),
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, ty, .. } => {
                    ("failure", ty.as_ref())
                }
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, ty, .. } => {
                    ("error", ty.as_ref())
                }
                TestCaseStatus::Skipped { ty, .. } => ("skipped", ty.as_ref()),
            };
            (
                case.name.as_str().to_owned(),
                element,
                ty.map(|ty| ty.as_str().to_owned()).unwrap_or_default(),
            )
        });
        cases.collect()
    }

    #[test]
    fn each_verdict_has_its_element() {
        let hidden = |results: Results, verdict: Verdict| {
            let checks = results.checks;
            fixture::run(checks, vec![verdict])
        };
        let rate = "chat-rate: capacity";
        for (results, name, element, ty) in [
            (fixture::pass(), rate, "pass", ""),
            (fixture::improvement(), rate, "pass", ""),
            (fixture::measured(), rate, "pass", ""),
            (fixture::regression(), rate, "failure", "regression"),
            (fixture::limit_broken(), rate, "failure", "limit"),
            (
                hidden(fixture::regression(), Verdict::Regression),
                "max-context: capacity",
                "pass",
                "",
            ),
            (fixture::inconclusive(vec![]), rate, "failure", "inconclusive"),
            (fixture::inconclusive(vec![Verdict::Inconclusive]), rate, "skipped", "inconclusive"),
            (fixture::invalid(), rate, "error", "invalid"),
            (hidden(fixture::invalid(), Verdict::Invalid), rate, "skipped", "invalid"),
            (fixture::target_died(), "target", "error", "target"),
            (fixture::hollow(), rate, "error", "baseline"),
            (fixture::incomparable(), rate, "error", "incomparable"),
            (
                hidden(fixture::incomparable(), Verdict::Incomparable),
                rate,
                "skipped",
                "incomparable",
            ),
            (fixture::new(vec![]), rate, "failure", "new"),
            (fixture::new(vec![Verdict::New]), rate, "skipped", "new"),
            (fixture::run(vec![], vec![]), "gate", "error", "empty"),
        ] {
            let found = cases(&results);
            assert!(
                found.contains(&(name.to_owned(), element, ty.to_owned())),
                "{name} {element} {ty}: {found:?}"
            );
        }
    }

    #[test]
    fn two_limits_on_one_metric_have_two_names() {
        let mut results = fixture::regression();
        let mut gate = fixture::limit_broken().checks[0].gates[0].clone();
        gate.verdict = Verdict::Pass;
        results.checks[0].gates.push(gate);
        let names: Vec<String> = cases(&results).into_iter().map(|case| case.0).collect();
        assert_eq!(
            names,
            ["chat-rate: capacity max_drop", "chat-rate: capacity min", "max-context: capacity"]
        );
    }

    #[test]
    fn an_exit_code_that_no_gate_explains_is_an_error() {
        let mut results = fixture::pass();
        results.gate_exit_code = 5;
        assert!(cases(&results).iter().any(|case| case.1 == "error" && case.2 == "empty"));
    }

    #[test]
    fn a_whole_report() {
        insta::assert_snapshot!("junit-regression", render(&fixture::regression()));
        insta::assert_snapshot!("junit-target-died", render(&fixture::target_died()));
        for (name, results) in fixture::states() {
            if name.starts_with("tested")
                || ["busy", "drifted", "measured-response"].contains(&name)
            {
                insta::assert_snapshot!(format!("junit-{name}"), render(&results));
            }
        }
    }

    #[test]
    fn what_a_target_says_is_escaped() {
        let mut results = fixture::target_died();
        let problem = results.problem.as_mut().unwrap();
        problem.last_lines = vec!["]]></error><x a=\"\u{1b}[0m\u{0}\u{fffe}\u{ffff}".to_owned()];
        let xml = render(&results);
        let forbidden = ['\u{1b}', '\u{0}', '\u{fffe}', '\u{ffff}'];
        assert!(!xml.contains("<x") && !xml.contains(forbidden), "{xml}");
        assert!(Report::deserialize_from_str(&xml).is_ok());
    }
}
