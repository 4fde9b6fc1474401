//! What is wrong with a command line or a suite is said before anything is started: exit code 2.

use super::bench::{Bench, Ran};
use std::fmt::Write as _;

/// The repository's own suite.
pub(crate) const DEMO: &str = include_str!("../../plimsoll.yml");

/// Runs a command that is refused before a run begins.
#[track_caller]
fn refused(bench: &Bench, arguments: &[&str]) -> String {
    let ran = bench.run(arguments).exits(2);
    assert_eq!(ran.stdout, "", "{ran}");
    assert!(bench.runs().is_empty(), "a run was begun: {ran}");
    transcript(arguments, &ran)
}

fn transcript(arguments: &[&str], ran: &Ran) -> String {
    format!("$ plimsoll {}\n{}\n", arguments.join(" "), ran.stderr)
}

#[test]
fn a_missing_suite_is_never_a_green_demo() {
    let bench = Bench::new();
    let mut said = String::new();
    for verb in ["check", "measure"] {
        said += &refused(&bench, &[verb]);
    }
    said += &refused(&bench, &["trial", "--rate", "5"]);
    said += &refused(&bench, &["check", "--config", "other.yml"]);
    said += &refused(&bench, &["check", "--config", "."]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_wrong_option_names_what_would_be_right() {
    let bench = Bench::with(DEMO);
    let mut said = String::new();
    for arguments in [
        &["check", "--only", "nope"][..],
        &["check", "--fail-on", "nope"],
        &["check", "--fail-on", ","],
        &["check", "--set", "target.demo.slowdown"],
        &["check", "--set", "target.demo.slow=2"],
        &["check", "--set", "target.demo.slowdown=fast"],
        &["check", "--format", "pdf"],
        &["check", "--ci", "jenkins"],
        &["check", "--budget", "soon"],
        &["check", "--budget", "0s"],
        &["check", "--no-such-option"],
        &["trial"],
        &["trial", "--rate", "5", "--concurrency", "5"],
        &["trial", "--rate", "0"],
        &["trial", "--rate", "-5"],
        &["trial", "--concurrency", "0"],
        &["trial", "--concurrency", "70000"],
        &["trial", "--rate", "5", "--for", "0s"],
        &["trial", "--rate", "5", "--check", "nope"],
        &["trial", "--rate", "5", "--format", "junit"],
        &["demo", "--profile", "nope"],
        &["demo", "--error-rate", "2"],
        &["demo", "--listen", "here"],
        &["report"],
        &["baseline", "accept"],
        &["schema", "nope"],
        &["nope"],
    ] {
        said += &refused(&bench, arguments);
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_list_of_verdicts_without_a_verdict_is_refused_and_an_empty_variable_is_not_set() {
    let bench = Bench::with(DEMO);
    let ran = bench.run_with(&["check"], &[("PLIMSOLL_FAIL_ON", " , ")]).exits(2);
    ran.says(&["nothing could fail"]);
    // Refused for its budget, so the variable was passed over.
    let ran = bench.run_with(&["check", "--budget", "2s"], &[("PLIMSOLL_FAIL_ON", "")]).exits(2);
    ran.says(&["budget"]);
    assert!(bench.runs().is_empty());
}

#[test]
fn a_budget_that_cannot_hold_the_question_is_refused_before_the_start() {
    let bench = Bench::with(DEMO);
    let mut said = refused(&bench, &["check", "--budget", "2s"]);
    said += &refused(&bench, &["check", "--budget", "3s"]);
    said += &refused(&bench, &["check", "--set", "budget.requests=100"]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_broken_suite_is_told_with_its_place_and_its_cure() {
    // What is replaced in the repository's suite, and by what.
    let mistakes = [
        ("knob: rate ", "knob: speed "),
        ("p95 ttfc < 200ms", "p95 ttfc under 200ms"),
        ("p95 ttfc < 200ms", "p95 ttfc < 200"),
        ("from: 10", "from: 500"),
        ("time: 90s", "time: 0s"),
        ("suite: demo", "suite: demo\nsuite: demo"),
        ("suite: demo", "suite: [demo"),
        ("suite: demo", "suite: demo\ncolour: red"),
        ("version: 1", "version: 9"),
        ("seed: 42", "seed: ${SEED}"),
    ];
    let mut said = String::new();
    for (right, wrong) in mistakes {
        assert!(DEMO.contains(right), "{right}");
        let bench = Bench::with(&DEMO.replacen(right, wrong, 1));
        let _ = writeln!(said, "# `{right}` became `{}`", wrong.replace('\n', "\\n"));
        said += &refused(&bench, &["check"]);
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_hostile_suite_is_refused_in_bounded_time_and_memory() {
    let mut bomb = "version: 1\nsuite: bomb\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let last = format!("*a{}", level - 1);
        let _ = writeln!(bomb, "a{level}: &a{level} [{}]", vec![last; 10].join(", "));
    }
    let deep = format!("version: 1\nsuite: {}{}\n", "[".repeat(50_000), "]".repeat(50_000));
    for (name, suite) in [
        ("alias bomb", bomb.into_bytes()),
        ("deep nesting", deep.into_bytes()),
        ("too large", vec![b'#'; 2 << 20]),
        ("no text", b"suite: \xff\xfe\n".to_vec()),
        ("zeros", vec![0; 1000]),
        ("empty", Vec::new()),
        ("a list", b"- 1\n- 2\n".to_vec()),
        ("two documents", b"version: 1\n---\nversion: 1\n".to_vec()),
    ] {
        let bench = Bench::new();
        bench.write("plimsoll.yml", suite);
        let ran = bench.run(&["check"]).exits(2).says(&["error", "plimsoll.yml"]);
        assert!(ran.stderr.len() < 4000, "{name}: {} bytes", ran.stderr.len());
        assert!(bench.runs().is_empty(), "{name}");
    }
}
