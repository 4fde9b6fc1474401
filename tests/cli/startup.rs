//! Targets that never get ready: exit code 4, said on standard error, before any load.

use super::bench::{Bench, Ran};
use super::faulty::{Fault, Server, suite};
use std::net::TcpListener;

/// Runs a check and a trial on a target with which nothing can be measured.
#[track_caller]
fn refused(target: &str, says: &[&str]) -> Ran {
    let bench = Bench::with(&suite(target));
    let checked = bench.run(&["check"]).exits(4).says(says);
    assert_eq!(bench.journal().len(), 1, "a trial was run: {checked}");
    assert_eq!(bench.results()["problem"]["code"], "target");
    let report = bench.run(&["report"]).exits(0);
    assert_eq!(report.stdout, checked.stdout);
    bench.run(&["trial", "--rate", "5"]).exits(4).says(says);
    // Whoever reads JSON from standard output is told on standard error.
    bench.run(&["check", "--format", "json", "--fail-on", "regression"]).exits(4).says(says)
}

#[test]
fn a_fixed_port_in_use_names_its_owner() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let says = format!("port {port} is in use by pid {}", std::process::id());
    refused(&format!("command: [sleep, '60']\n  port: {port}"), &[&says, "stop that process"]);
}

#[test]
fn a_url_that_does_not_answer_is_named_with_the_reason() {
    refused("url: http://127.0.0.1:1", &["http://127.0.0.1:1 does not answer", "refused"]);
    refused("url: http://nowhere.invalid", &["host nowhere.invalid cannot be resolved"]);
    let plain = Server::start(Fault::None);
    let https = format!("url: https://127.0.0.1:{}", plain.port());
    refused(&https, &["no tls connection to 127.0.0.1"]);
    let dead = Server::start(Fault::Dead);
    refused(&format!("url: {}", dead.url()), &["does not answer: no answer within the limit"]);
}

#[test]
fn whether_a_url_answers_is_not_bound_by_the_limits_for_requests_under_load() {
    let slow = Server::start(Fault::SlowToGreet);
    let bench = Bench::with(&suite(&format!("url: {}", slow.url())));
    let ran = bench.run(&["trial", "--rate", "20", "--for", "1s"]);
    assert_ne!(ran.code, Some(4), "{ran}");
}

#[test]
fn a_command_that_ends_at_once_is_shown_with_its_last_lines() {
    let target = "command: [sh, -c, 'echo one; echo cannot bind >&2; exit 7', '{port}']";
    let ran = refused(target, &["ended before it was ready: exit code 7\n"]);
    ran.says(&["  | one\n  | cannot bind\n"]).prints(&["\"cannot bind\""]);
    let ran = refused("command: [./no-such-program, '{port}']", &["could not be started"]);
    ran.says(&["  | error: cannot start the target: cannot start `./no-such-program`: No such"]);
}

#[test]
fn a_command_that_is_never_ready_says_what_was_asked_of_it() {
    let ready = "ready: { within: 300ms, get: /up }";
    let says = ["not ready within 300ms", "/up was refused: nothing listens there"];
    refused(&format!("command: [sh, -c, 'sleep 60 & wait', '{{port}}']\n  {ready}"), &says);
}
