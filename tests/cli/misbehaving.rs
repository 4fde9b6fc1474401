//! Targets that answer wrongly, or stop answering: never green, each with its reason, all that was
//! measured kept.

use super::bench::Bench;
use super::faulty::{self, Fault, Server, suite};
use std::collections::BTreeSet;

/// What a server does, the class of the failure, and what is said of it.
const FAULTS: [(Fault, &str, &str); 9] = [
    (Fault::NotFound, "http_error", "status 404: no"),
    (Fault::Html, "malformed", "content-type 'text/html' instead of text/event-stream"),
    (Fault::Truncated, "truncated", "the answer ended without finish_reason or [DONE]"),
    (Fault::Gzip, "malformed", "content-encoding 'gzip', which was not asked for"),
    (Fault::Endless, "timeout_total", "no finish_reason or [DONE] within the limit"),
    (Fault::Large, "oversized", "an event of the answer is larger than 1 MiB"),
    (Fault::NotText, "malformed", "the answer is not utf-8"),
    (Fault::Silent, "timeout_first", "no answer within the limit"),
    (Fault::Resets, "reset", "the connection was closed before an answer"),
];

#[test]
fn a_target_that_answers_wrongly_is_never_green_and_the_reason_is_told() {
    // Each mostly waits; all of them at once would make each other's generators late.
    for some in FAULTS.chunks(5) {
        std::thread::scope(|scope| {
            for &(fault, class, example) in some {
                scope.spawn(move || never_green(fault, class, example));
            }
        });
    }
}

fn never_green(fault: Fault, class: &str, example: &str) {
    let server = Server::start(fault);
    let bench = Bench::with(&suite(&format!("url: {}", server.url())));
    let ran = bench.run(&["check"]);
    // It carries nothing; a busy machine may keep that from being found, but there is no baseline.
    assert!(matches!(ran.code, Some(1 | 5)), "{fault:?}: {ran}");
    let results = bench.results();
    let trials = results["checks"][0]["trials"].as_array().unwrap();
    let seen: BTreeSet<&str> =
        trials.iter().filter_map(|trial| trial["failures"][class].as_str()).collect();
    let seen: Vec<String> = seen.iter().map(|example| example.replace('`', "'")).collect();
    assert_eq!(seen, [example], "{fault:?}: {ran}");
    assert!(trials.iter().all(|trial| trial["counts"]["ok"] == 0), "{fault:?}: {ran}");
    assert_eq!(bench.journal().len(), 1 + trials.len(), "{fault:?}: {ran}");
    // A busy machine may make a trial invalid; otherwise the reason stands in the report.
    if trials.iter().any(|trial| trial["validity"] == "valid") {
        let ran = ran.prints(&["Failures: of ", &format!("`{class}`, such as `{example}`")]);
        assert!(!ran.stdout.contains("baseline accept"), "it would be refused: {ran}");
    }
    bench.run(&["baseline", "accept"]).exits(5).says(&["cannot be the baseline"]);
}

#[test]
fn a_target_that_dies_under_load_ends_the_run_with_its_last_words() {
    let bench = Bench::with(&suite(&faulty::command("dies")));
    let ran = bench.run(&["check"]).exits(4);
    let ran = ran.says(&["error: the target stopped during trial 2: exit code 3"]);
    ran.prints(&["ERROR: The target stopped during trial 2", "  | fatal: out of luck\n"]);
    assert_eq!(bench.journal().len(), 2, "the first trial is kept");
    assert_eq!(bench.results()["checks"][0]["trials"].as_array().unwrap().len(), 1);
    assert!(bench.in_run("report.md").contains("fatal: out of luck"));
    assert!(bench.in_run("target.log").contains("fatal: out of luck"));
    bench.run(&["trial", "--rate", "200"]).exits(4).says(&["during trial 1", "out of luck"]);
}
