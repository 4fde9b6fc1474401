//! Baselines that are none: exit code 5 whatever `fail_on` says, and only a missing one may be
//! allowed.

use super::bench::Bench;
use super::faulty::{Fault, Server, suite};
use super::usage::DEMO;

/// A suite that is over in seconds, on a healthy server.
fn bench(server: &Server) -> Bench {
    Bench::with(&suite(&format!("url: {}", server.url())))
}

/// What stands in the file, and what is said of it.
const HOLLOW: [(&str, &[u8], &str); 6] = [
    ("an empty object", b"{}", "empty"),
    ("nothing", b"", "empty"),
    ("no JSON", b"{\"schema\": ", "cannot be read"),
    ("bytes", b"\x00\xff\xfe\x80", "cannot be read"),
    ("another schema", br#"{"schema": "plimsoll.baseline/99", "suite": "small"}"#, "99"),
    ("a list", b"[]", "the baseline "),
];

#[test]
fn a_hollow_baseline_is_red_whatever_may_fail_the_run() {
    let server = Server::start(Fault::None);
    std::thread::scope(|scope| {
        for (name, content, says) in HOLLOW {
            let bench = bench(&server);
            scope.spawn(move || {
                println!("{name}");
                bench.write("baselines/small.json", content);
                let says = ["error: baselines/small.json: the baseline ", says];
                bench.run(&["baseline", "show"]).exits(5).says(&says);
                let ran = bench.run(&["check", "--fail-on", "regression"]).exits(5).says(&says);
                ran.prints(&["ERROR: Nothing compared, `rate`: the baseline ", "Exit code 5"]);
                assert_eq!(bench.results()["gate_exit_code"], 5);
                let junit = bench.in_run("junit.xml");
                assert!(junit.contains("<error"), "{junit}");
            });
        }
    });
}

#[test]
fn a_missing_baseline_is_red_unless_that_is_allowed_aloud() {
    let server = Server::start(Fault::None);
    let bench = bench(&server);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            bench.run(&["check"]).exits(5).prints(&["NEW: ", "Exit code 5"]);
        });
        scope.spawn(|| {
            let ran = bench.run(&["check", "--out", "allowed", "--fail-on", "regression"]).exits(0);
            ran.prints(&["ALLOWED: Not failing, because `fail_on` does not name ", "0 (5 without"]);
        });
    });
}

#[test]
fn a_folder_where_the_baseline_should_stand_is_no_baseline() {
    let bench = Bench::with(DEMO);
    std::fs::create_dir_all(bench.path("baselines/demo.json")).unwrap();
    bench.run(&["baseline", "show"]).exits(5).says(&["baselines/demo.json"]);
}
