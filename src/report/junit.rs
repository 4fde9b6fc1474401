//! `junit.xml`: one test case per gate. `failure` or `error` if and only if the gate makes the exit
//! code non-zero, because every reader shows `skipped` as green; and never an empty report, because
//! that is green too.
//!
//! Two dialects come from one builder. The rich one is `schema/junit.xsd`; the strict one, for readers
//! that validate, is `junit-10.xsd` of the xUnit plugin of Jenkins: the same without
//! `testsuites@skipped`, `testcase@file` and `testcase@line`.

use super::command::{cure, repeat};
use super::escape::{Escaped, Terminal};
use super::headline::{Headline, of_red};
use super::note::{Note, of_row as notes_of};
use super::place::Place;
use super::row::{Row, State, rows};
use super::{Problem, Results, Verdict};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeSet;
use std::time::Duration;

/// The report, with the place of each check.
#[must_use]
pub fn render(results: &Results) -> String {
    written(suite(results), results)
}

/// The report for a reader that validates against `junit-10.xsd`.
#[must_use]
pub fn render_strict(results: &Results) -> String {
    let mut suite = suite(results);
    for case in &mut suite.test_cases {
        case.extra.clear();
    }
    without_skipped_of_root(&written(suite, results))
}

fn written(suite: TestSuite, results: &Results) -> String {
    let mut report = Report::new("plimsoll");
    report.set_time(seconds(results.seconds));
    report.add_test_suite(suite);
    // Writing to memory does not fail; an empty text would not pass for a report either.
    report.to_string().unwrap_or_default()
}

/// The writer counts on the root what was skipped, and cannot be told not to. Nothing from outside
/// stands in that tag.
fn without_skipped_of_root(xml: &str) -> String {
    const ATTRIBUTE: &str = " skipped=\"";
    let parts = xml.split_once("<testsuites").and_then(|(before, after)| {
        let (tag, rest) = after.split_once('>')?;
        let (first, value) = tag.split_once(ATTRIBUTE)?;
        let (_, last) = value.split_once('"')?;
        Some(format!("{before}<testsuites{first}{last}>{rest}"))
    });
    parts.unwrap_or_else(|| xml.to_owned())
}

fn suite(results: &Results) -> TestSuite {
    let mut suite = TestSuite::new(clean(&results.suite));
    suite.set_time(seconds(results.seconds));
    // As an attribute of our own: the setter wants a type that nothing else here needs.
    suite.extra.insert("timestamp".into(), clean(&results.started).into());
    suite.extra.insert("file".into(), clean(results.place()).into());
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
    name_apart(&mut suite.test_cases);
    suite
}

/// Of two cases with one name some readers keep only the first. A suite has no such checks, a file
/// that was edited may.
fn name_apart(cases: &mut [TestCase]) {
    let mut names = BTreeSet::new();
    for case in cases {
        let name = case.name.as_str().to_owned();
        let mut count = 1;
        while !names.insert(case.name.as_str().to_owned()) {
            count += 1;
            case.name = format!("{name} ({count})").into();
        }
    }
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
        Some(rule) if rows.iter().filter(same).count() > 1 => format!(" {}", rule.name()),
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
    let ty = row.kind();
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
    let ty = problem.code.word();
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
    let message = unexplained(results);
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("empty").set_message(clean(&message)).set_description(clean(&message));
    case(results, "gate", status, results.seconds, None)
}

/// What is said of an exit code that no gate and no problem explains.
pub(super) fn unexplained(results: &Results) -> String {
    if matches!(State::of(results), State::Empty) {
        Headline::of(results).sentence
    } else {
        "the exit code is not 0, but no gate says why".to_owned()
    }
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
    case.extra.insert("file".into(), clean(results.place()).into());
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

/// Of many lines the last are kept, and the first: some readers show no message but this.
fn text(lines: &[String]) -> String {
    let Some((first, rest)) = lines.split_first() else { return String::new() };
    let rest = Escaped::<Terminal>::lines(rest.iter().map(String::as_str));
    let rest = rest.iter().map(ToString::to_string);
    std::iter::once(clean(first)).chain(rest).collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{render, render_strict};
    use crate::config::environment;
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

    /// Every state, in a dialect's own words.
    fn states() -> Vec<(&'static str, Results)> {
        let mut states = fixture::states();
        let mut placed = fixture::regression();
        placed.repository_file = Some("services/chat/plimsoll.yml".to_owned());
        states.push(("placed", placed));
        let mut hostile = fixture::target_died();
        let lines = &mut hostile.problem.as_mut().unwrap().last_lines;
        *lines = vec!["]]></error><x a=\"1\"> & \u{1b}[0m\u{0}\u{fffe} 'é' <!--".to_owned()];
        states.push(("hostile", hostile));
        states
    }

    #[test]
    fn the_strict_dialect_is_the_rich_one_without_three_attributes() {
        for (name, results) in states() {
            let (rich, strict) = (render(&results), render_strict(&results));
            let mut expected = String::new();
            for line in rich.lines() {
                let is_of = |tag: &str| line.trim_start().starts_with(tag);
                let mut line = line.to_owned();
                for (tag, attributes) in
                    [("<testsuites ", &["skipped"][..]), ("<testcase ", &["file", "line"])]
                {
                    for attribute in attributes.iter().filter(|_| is_of(tag)) {
                        let start = line.find(&format!(" {attribute}=\""));
                        let Some(start) = start else { continue };
                        let value = start + attribute.len() + 3;
                        let end = value + line[value..].find('"').unwrap() + 1;
                        line.replace_range(start..end, "");
                    }
                }
                expected.push_str(&line);
                expected.push('\n');
            }
            assert_eq!(strict, expected, "{name}");
            assert_ne!(strict, rich, "{name}");
        }
    }

    #[test]
    fn the_message_is_the_first_line_of_the_text_however_much_follows() {
        let mut results = fixture::incomparable();
        results.checks[0].detail = Some("+slos: more\n".repeat(100));
        results.checks[0].gates[0].reason = "differs ".repeat(60);
        let report = Report::deserialize_from_str(&render(&results)).unwrap();
        let TestCaseStatus::NonSuccess { message, description, .. } =
            &report.test_suites[0].test_cases[0].status
        else {
            panic!("a success");
        };
        let message = message.as_ref().unwrap().as_str();
        assert!(message.len() > 400);
        assert_eq!(description.as_ref().unwrap().as_str().lines().next(), Some(message));
    }

    #[test]
    fn no_two_cases_have_one_name() {
        let mut results = fixture::regression();
        let again = results.checks[0].clone();
        results.checks.extend([again.clone(), again]);
        let mut names: Vec<String> = cases(&results).into_iter().map(|case| case.0).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(names.contains(&"chat-rate: capacity max_drop (3)".to_owned()), "{names:?}");
    }

    /// Writes every state for other readers, where `PLIMSOLL_JUNIT_FILES` names a folder:
    /// `.ci/junit-readers.py` reads them with programs that are not ours.
    #[test]
    fn every_state_is_written_for_other_readers() {
        let Some(folder) = environment::process("PLIMSOLL_JUNIT_FILES") else { return };
        let folder = std::path::Path::new(&folder);
        std::fs::create_dir_all(folder).unwrap();
        for (name, results) in states() {
            let write = |dialect: &str, xml: String| {
                std::fs::write(folder.join(format!("{name}.{dialect}.xml")), xml).unwrap();
            };
            write("rich", render(&results));
            write("strict", render_strict(&results));
        }
    }
}
