//! Ctrl-C: what was measured is saved, nothing is left running, exit code 130.

use super::bench::Bench;
use super::demo::SHORT;
use rustix::process::Signal;

#[test]
fn a_run_that_is_interrupted_keeps_what_it_measured() {
    let bench = Bench::with(SHORT);
    let mut run = bench.start(&["check"]);
    run.has_completed(1);
    run.send(Signal::INT);
    let ran = run.end().exits(130).says(&["stopping; what was measured is saved"]);
    let ran = ran.prints(&["STOPPED: Interrupted", "Exit code 130"]);
    let trials = bench.journal().len() - 1;
    assert!(trials >= 1);
    let results = bench.results();
    assert_eq!(results["problem"]["code"], "interrupted");
    assert_eq!(results["checks"][0]["trials"].as_array().unwrap().len(), trials);
    assert!(bench.in_run("report.md").contains("Interrupted"));
    assert!(bench.in_run("junit.xml").contains("<error"));
    assert_eq!(bench.run(&["report"]).exits(0).stdout, ran.stdout);
    bench.run(&["baseline", "accept"]).exits(5).says(&["cannot be the baseline"]);
}

#[test]
fn every_way_to_be_asked_to_stop_ends_a_start_that_takes_long() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let suite = super::faulty::suite("command: [sh, -c, 'sleep 60 & wait', '{port}']");
        let bench = Bench::with(&suite);
        let mut run = bench.start(&["check"]);
        run.has_child("sleep 60");
        run.send(signal);
        let ran = run.end().exits(130).says(&["interrupted before the target was ready"]);
        ran.prints(&["STOPPED: Interrupted", "Exit code 130"]);
        assert_eq!(bench.journal().len(), 1);
        assert_eq!(bench.results()["exit_code"], 130);
    }
}

#[test]
fn a_target_that_will_not_end_does_not_hold_whoever_asks_twice() {
    let stubborn = "command: [sh, -c, 'trap \"\" TERM INT HUP; sleep 60 & wait; wait', '{port}']";
    let bench = Bench::with(&super::faulty::suite(&format!("{stubborn}\n  grace: 60s")));
    let mut run = bench.start(&["check"]);
    run.has_child("sleep 60");
    run.send(Signal::INT);
    super::processes::eventually("the first answer", || {
        bench.read("stderr").contains("again to stop at once")
    });
    run.send(Signal::INT);
    run.end().exits(130);
}

#[test]
fn a_single_trial_can_be_interrupted_too() {
    let bench = Bench::with(SHORT);
    let mut run = bench.start(&["trial", "--rate", "20", "--for", "60s"]);
    run.has_child("demo --listen");
    run.send(Signal::INT);
    run.end().exits(130).says(&["error: interrupted"]);
}

#[test]
fn the_demo_ends_in_order_when_asked_to() {
    for signal in [Signal::INT, Signal::TERM] {
        let bench = Bench::new();
        let run = bench.start(&["demo", "--listen", "127.0.0.1:0"]);
        super::processes::eventually("the demo", || bench.read("stderr").contains("listens on"));
        run.send(signal);
        run.end().exits(0);
    }
}
