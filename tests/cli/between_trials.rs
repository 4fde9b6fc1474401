//! A target that keeps state from one trial to the next, and what a suite may have done about it.

use super::bench::Bench;
use super::faulty::{self, Fault, Server};
use super::processes::eventually;
use rustix::process::Signal;

/// A suite of two trials with this between them.
fn suite(target: &str, between_trials: &str) -> String {
    let more = format!("max_trials: 2, between_trials: {between_trials} }}");
    faulty::suite(target).replace("max_trials: 2 }", &more)
}

/// Starts of the target, as its log tells.
fn starts(bench: &Bench) -> usize {
    bench.in_run("target.log").matches("running 1 test").count()
}

#[test]
fn a_target_that_keeps_its_state_is_restarted_or_reset_as_asked() {
    // It bears the requests of one trial, and dies of those of two.
    let target = faulty::command("fills");
    for (between_trials, trials, started) in
        [("keep", 1, 1), ("restart", 2, 2), ("{ reset: POST /reset }", 2, 1)]
    {
        let bench = Bench::with(&suite(&target, between_trials));
        let ran = bench.run(&["measure"]);
        assert_eq!(ran.code == Some(4), trials == 1, "{between_trials}: {ran}");
        assert_eq!(bench.journal().len() - 1, trials, "{between_trials}: {ran}");
        assert_eq!(starts(&bench), started, "{between_trials}: {ran}");
    }
}

#[test]
fn a_reset_that_is_refused_ends_the_run() {
    let server = Server::start(Fault::None);
    let url = format!("url: {}", server.url());
    let bench = Bench::with(&suite(&url, "{ reset: POST /reset }"));
    let says = "the target refused its reset before trial 2: POST /reset answered 500";
    bench.run(&["measure"]).exits(4).says(&[says]);
    assert_eq!(bench.journal().len(), 2, "the first trial is kept");
}

/// The server, but at its second start `instead`.
fn once(instead: &str) -> String {
    let command = faulty::command("none").replacen("command: [", "", 1);
    let script = format!("[ -e begun ] && {instead}; touch begun; exec \"$@\"");
    format!("command: [sh, -c, '{script}', sh, {command}")
}

#[test]
fn a_target_that_does_not_come_back_ends_the_run_with_its_last_words() {
    let target = once("{ echo no licence; exit 9; }");
    let bench = Bench::with(&suite(&target, "restart"));
    let ran = bench.run(&["measure"]).exits(4).says(&[
        "the target could not be restarted before trial 2: the target ended before it was ready",
        "exit code 9",
    ]);
    ran.prints(&["  | no licence\n"]);
    assert_eq!(bench.journal().len(), 2, "the first trial is kept");
}

#[test]
fn a_run_that_is_interrupted_during_a_restart_leaves_nothing() {
    let bench = Bench::with(&suite(&once("{ touch again; sleep 60 & wait; }"), "restart"));
    let run = bench.start(&["measure"]);
    eventually("the second start", || bench.path("again").exists());
    run.send(Signal::INT);
    run.end().exits(130).prints(&["STOPPED: Interrupted"]);
    assert_eq!(bench.journal().len(), 2, "the first trial is kept");
}
