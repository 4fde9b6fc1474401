//! What goes where: standard output, standard error, the files of a CI system, the environment.

use super::bench::{Bench, PLIMSOLL, Ran};
use super::faulty::{Fault, Server, suite};
use super::shown::Shown;
use super::usage::DEMO;

/// Every option that can be given by a variable.
const VARIABLES: [&str; 12] = [
    "PLIMSOLL_CONFIG",
    "PLIMSOLL_SET",
    "PLIMSOLL_QUIET",
    "PLIMSOLL_NO_COLOR",
    "PLIMSOLL_ONLY",
    "PLIMSOLL_OUT",
    "PLIMSOLL_BUDGET",
    "PLIMSOLL_FORMAT",
    "PLIMSOLL_CI",
    "PLIMSOLL_TEMPLATES",
    "PLIMSOLL_BASELINES",
    "PLIMSOLL_FAIL_ON",
];

#[test]
fn an_empty_variable_counts_as_not_set() {
    let bench = Bench::with(&suite("url: http://127.0.0.1:1"));
    let empty = VARIABLES.map(|name| (name, ""));
    let masked = |ran: Ran| {
        let text = format!("{}{}", ran.stdout, ran.stderr);
        Shown::new(text).runs_masked().masked("after # s", "after TIME").text().to_owned()
    };
    let unset = masked(bench.run(&["check"]).exits(4));
    let set = masked(bench.run_with(&["check"], &empty).exits(4));
    assert_eq!(set, unset);
    bench.run_with(&["report"], &empty).exits(0);
    bench.run_with(&["baseline", "show"], &empty).exits(5);
    bench.run_with(&["trial", "--rate", "5"], &empty).exits(4);
}

#[test]
fn a_variable_does_what_its_option_does_and_the_option_wins() {
    let bench = Bench::new();
    bench.write("other.yml", DEMO);
    let config = ("PLIMSOLL_CONFIG", "other.yml");
    for (name, says) in [
        ("PLIMSOLL_SET", "--set"),
        ("PLIMSOLL_ONLY", "there is no check `nope`"),
        ("PLIMSOLL_BUDGET", "`nope` is no number"),
        ("PLIMSOLL_FORMAT", "`--format` does not know `nope`"),
        ("PLIMSOLL_CI", "`--ci` does not know `nope`"),
        ("PLIMSOLL_TEMPLATES", "`nope` holds no template"),
        ("PLIMSOLL_FAIL_ON", "`--fail-on` does not know `nope`"),
    ] {
        bench.run_with(&["check"], &[config, (name, "nope")]).exits(2).says(&[says]);
    }
    let says = ["there is no baseline nope/demo.json"];
    bench.run_with(&["baseline", "show"], &[config, ("PLIMSOLL_BASELINES", "nope")]).says(&says);
    let option = ["check", "--config", "mine.yml"];
    bench.run_with(&option, &[config]).exits(2).says(&["there is no `mine.yml`"]);
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let bench = Bench::new();
    for verb in ["schema", "--help", "init --print", "help check"] {
        let mut shell = bench.command("bash");
        let line =
            format!("set -o pipefail; {PLIMSOLL} {verb} | true; {PLIMSOLL} {verb} | head -1");
        let ran = bench.finish({
            shell.args(["-c", &line]);
            shell
        });
        let ran = ran.exits(0);
        assert_eq!((ran.stderr.as_str(), ran.stdout.lines().count()), ("", 1), "{ran}");
    }
}

#[test]
fn what_a_ci_system_reads_is_written_and_a_failure_to_write_it_changes_no_verdict() {
    let server = Server::start(Fault::None);
    let bench = Bench::with(&suite(&format!("url: {}", server.url())));
    bench.write("output", "before=1\n");
    let path = |name: &str| bench.path(name).display().to_string();
    let (output, summary) = (path("output"), path("summary"));
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", &*output),
        ("GITHUB_STEP_SUMMARY", &*summary),
    ];
    let ran = bench.run_with(&["check"], &variables).exits(5);
    ran.says(&["::error file=plimsoll.yml,line="]);
    let written = bench.read("output");
    assert!(written.starts_with("before=1\n"), "{written}");
    let folder = std::path::absolute(bench.only_run()).unwrap();
    for (name, value) in [
        ("verdict", "new".to_owned()),
        ("exit-code", "5".to_owned()),
        ("gate-exit-code", "5".to_owned()),
        ("run", folder.display().to_string()),
        ("results", folder.join("results.json").display().to_string()),
        ("junit", folder.join("junit.xml").display().to_string()),
    ] {
        let entry = format!("{name}<<end-of-value\n{value}\nend-of-value\n");
        assert!(written.contains(&entry), "no {name} in:\n{written}");
    }
    let (summary, page) = (bench.read("summary"), bench.in_run("report.md"));
    assert_eq!(summary.lines().next(), page.lines().next());
    assert!(
        summary.contains("Every trial of `") && summary.contains("<details open>"),
        "{summary}"
    );
    let full = [("GITHUB_OUTPUT", "/dev/full"), ("GITHUB_STEP_SUMMARY", "/nowhere/summary")];
    let quick =
        ["check", "--ci", "github", "--out", "again", "--set", "target.url=http://127.0.0.1:1"];
    let ran = bench.run_with(&quick, &full).exits(4);
    ran.says(&[
        "/dev/full, which GITHUB_OUTPUT names: No space",
        "hint: the verdict is unaffected",
    ]);
    // Not asked for, nothing is written, even inside of Actions.
    let before = bench.read("output");
    let none = ["check", "--ci", "none", "--out", "none", "--set", "target.url=http://127.0.0.1:1"];
    bench.run_with(&none, &variables).exits(4);
    assert_eq!(bench.read("output"), before);
}

#[test]
fn quiet_means_only_the_report_and_errors() {
    let bench = Bench::with(&suite("url: http://127.0.0.1:1"));
    let ran = bench.run(&["check", "--quiet"]).exits(4);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
    let same = bench.run_with(&["check"], &[("PLIMSOLL_QUIET", "1")]).exits(4);
    assert_eq!(same.stderr, ran.stderr);
    assert!(ran.stderr.starts_with("error: "), "{ran}");
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran}");
}
