//! A run in the formats of other systems, as their jobs ask for them.

use super::bench::Bench;
use super::faulty::{Fault, Server, suite};
use serde_json::Value;
use std::process::Command;

/// Every format that another system reads.
const FORMATS: [&str; 7] = [
    "junit",
    "junit-strict",
    "openmetrics",
    "gitlab-codequality",
    "bencher",
    "github-action-benchmark-bigger",
    "github-action-benchmark-smaller",
];

#[test]
fn a_run_without_a_number_is_never_an_empty_export() {
    let bench = Bench::with(&suite("url: http://127.0.0.1:1"));
    // Those that hold nothing but numbers.
    for format in &FORMATS[4..] {
        let ran = bench.run(&["check", "--format", format]).exits(4);
        assert_eq!(ran.stdout, "", "{ran}");
        let ran = ran.says(&["nothing to export: ", "hint: "]);
        assert!(ran.stderr.contains("`plimsoll measure` estimates"), "{ran}");
        let again = bench.run(&["report", "--format", format]).exits(2);
        assert_eq!(again.stdout, "", "{again}");
        again.says(&["nothing to export: "]);
    }
    // The others say what happened.
    let metrics = bench.run(&["report", "--format", "openmetrics"]).exits(0).stdout;
    assert!(metrics.contains("plimsoll_exit_code{suite=\"small\"} 4\n"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n") && !metrics.contains("capacity"), "{metrics}");
    let issues = bench.run(&["report", "--format", "gitlab-codequality"]).exits(0).stdout;
    let issues: Value = serde_json::from_str(&issues).unwrap();
    assert_eq!(issues[0]["check_name"], "plimsoll/target");
    assert_eq!(issues[0]["severity"], "blocker");
}

#[test]
fn a_suite_is_placed_from_the_root_of_its_repository_wherever_it_runs() {
    let server = Server::start(Fault::None);
    let bench = Bench::new();
    bench.write("services/chat/plimsoll.yml", suite(&format!("url: {}", server.url())));
    let git = Command::new("git").args(["init", "--quiet"]).arg(bench.path(".")).status();
    assert!(git.unwrap().success());
    let config = bench.path("services/chat/plimsoll.yml");
    for config in ["services/chat/plimsoll.yml", config.to_str().unwrap()] {
        // A hook's variables must not lead elsewhere.
        let variables = [("GIT_DIR", "/nonexistent"), ("GIT_WORK_TREE", "/nonexistent")];
        let arguments = ["check", "--config", config, "--format", "gitlab-codequality"];
        let ran = bench.run_with(&arguments, &variables).exits(5);
        let issues: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(issues[0]["location"]["path"], "services/chat/plimsoll.yml");
        let begin = issues[0]["location"]["lines"]["begin"].as_u64().unwrap();
        assert!(begin > 1, "{}", ran.stdout);
        let place = "file=\"services/chat/plimsoll.yml\" line=\"";
        bench.run(&["report", "--format", "junit"]).exits(0).prints(&[place]);
        let strict = bench.run(&["report", "--format", "junit-strict"]).exits(0).stdout;
        assert!(!strict.contains("line=\"") && strict.contains("<failure"), "{strict}");
    }
}

#[test]
fn every_format_is_named_where_one_is_mistyped_and_in_the_help() {
    let bench = Bench::new();
    let ran = bench.run(&["report", "--format", "junitt"]).exits(2);
    let help = bench.run(&["check", "--help"]).exits(0).stdout;
    for format in FORMATS {
        assert!(ran.stderr.contains(format) && help.contains(format), "{format}: {ran}");
    }
}
