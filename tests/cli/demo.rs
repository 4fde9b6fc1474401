//! The demo from end to end: measure, accept, check, go red.

use super::bench::{Bench, Ran};
use super::disk::with_files_of;
use super::usage::DEMO;
use serde_json::Value;

/// The demo in trials of a second: enough for a capacity, in about ten seconds.
pub(crate) const SHORT: &str = "version: 1
suite: short
target: { demo: { profile: llm } }
workload:
  sessions: { prompt_tokens: { uniform: [60, 200] }, output_tokens: { uniform: [8, 24] } }
checks:
  rate:
    capacity: { knob: rate, from: 60, to: 120, precision: 10%, trial: 1s }
    slos: [ p95 ttfc < 200ms, error_rate < 1% ]
budget: { time: 75s }
";

/// The repository's suite and baseline in a folder of their own.
fn repository() -> Bench {
    let bench = Bench::with(DEMO);
    bench.write("baselines/demo.json", include_str!("../../baselines/demo.json"));
    bench
}

/// Runs a check, once more where the machine was too busy for a verdict; `None` if it stayed so. That
/// it says so, and is red, is all that holds then.
fn judged(bench: &Bench, arguments: &[&str]) -> Option<Ran> {
    for _ in 0..2 {
        let _ = std::fs::remove_dir_all(bench.path(".plimsoll"));
        let ran = bench.run(&[&["check"][..], arguments].concat());
        let verdict = &bench.results()["verdict"];
        match ran.code {
            Some(6) => assert_eq!(verdict, "invalid", "{ran}"),
            Some(3) => assert_eq!(verdict, "inconclusive", "{ran}"),
            Some(_) | None => return Some(ran),
        }
        println!("no verdict on a busy machine: {ran}");
    }
    None
}

#[test]
fn the_repositorys_own_gate_is_green_goes_red_and_refuses_a_hollow_baseline() {
    let (green, slow, hollow) = (repository(), repository(), repository());
    hollow.write("baselines/demo.json", "{}");
    std::thread::scope(|scope| {
        scope.spawn(|| stays_green(&green));
        scope.spawn(|| goes_red(&slow));
        scope.spawn(|| {
            let check = ["check", "--fail-on", "regression", "--budget", "20s"];
            hollow.run(&check).exits(5).says(&["baselines/demo.json: the baseline is empty"]);
        });
    });
}

fn stays_green(bench: &Bench) {
    let Some(ran) = judged(bench, &[]) else { return };
    let ran = ran.exits(0).prints(&["PASS: Capacity holds: `chat-rate` ", "Exit code 0"]);
    assert!(!ran.stderr.contains("error:"), "{ran}");
    assert_eq!(bench.results()["verdict"], "pass");
    every_format_renders_again(bench, &ran);
}

fn every_format_renders_again(bench: &Bench, ran: &Ran) {
    let again =
        |run: &str, format: &str| bench.run(&["report", run, "--format", format]).exits(0).stdout;
    assert_eq!(again("latest", "text"), ran.stdout);
    assert_eq!(again("latest", "markdown"), bench.in_run("report.md"));
    assert_eq!(again("latest", "junit"), bench.in_run("junit.xml"));
    let json: Value = serde_json::from_str(&again("latest", "json")).unwrap();
    assert_eq!(json, bench.results());
    assert!(again("latest", "junit-strict").contains("name=\"chat-rate: capacity\""));
    assert_eq!(again("latest", "gitlab-codequality"), "[]\n");
    assert!(again("latest", "openmetrics").contains("plimsoll_verdict=\"pass\"} 1\n"));
    let run = bench.only_run();
    assert_eq!(again(run.to_str().unwrap(), "text"), ran.stdout);
    assert_eq!(again(run.file_name().unwrap().to_str().unwrap(), "text"), ran.stdout);
    let search: Value =
        serde_json::from_str(&bench.in_run("capacity_search_results.json")).unwrap();
    assert!(search.is_object());
    assert_eq!(bench.journal().len(), 1 + json["checks"][0]["trials"].as_array().unwrap().len());
}

fn goes_red(bench: &Bench) {
    let Some(ran) = judged(bench, &["--set", "target.demo.slowdown=1.25"]) else { return };
    let ran = ran.exits(1);
    ran.prints(&["FAIL: `chat-rate` carries ", "Broke first: `p9", " at ", " sessions/s: "]);
    let page = bench.in_run("report.md");
    let conditions = ["`p95 ttfc < 200ms` at ", "`p90 tbc < 40ms` at "];
    assert!(conditions.iter().any(|condition| page.contains(condition)), "{page}");
    assert!(page.contains("--set target.demo.slowdown=1.25"), "{page}");
    let junit = bench.in_run("junit.xml");
    assert!(junit.contains("failures=\"1\"") && junit.contains("<failure"), "{junit}");
}

#[test]
fn what_was_measured_is_accepted_shown_and_compared() {
    let bench = Bench::with(SHORT);
    let said = bench.run(&["baseline", "show"]).exits(5);
    said.says(&["there is no baseline baselines/short.json", "`plimsoll baseline accept`"]);
    measured(&bench);
    accepted(&bench);
    bench.run(&["baseline", "diff"]).exits(0).prints(&["-        \"reason\": \"the first\""]);
    bench.run(&["baseline", "diff", "baselines/short.json"]).exits(0);
    bench.run(&["baseline", "diff", "nope"]).exits(2).says(&["there is no run `nope`"]);
    // Another configuration than the one that was measured.
    let changed = ["--set", "workload.seed=7"];
    let ran = bench.run(&[&["baseline", "accept"][..], &changed].concat()).exits(5);
    ran.says(&["-  seed: 42", "+  seed: 7", "check `rate` has changed since this run"]);
    a_baseline_that_cannot_be_written_leaves_the_old_one(&bench);
}

/// Measures until a capacity was found: a busy machine may need more than one go.
fn measured(bench: &Bench) {
    let found = (0..4).any(|_| {
        let ran = bench.run(&["measure"]);
        println!("{ran}");
        let latest = bench.read(".plimsoll/latest");
        bench.path(".plimsoll").join(latest.trim()).join("baseline.json").exists()
    });
    assert!(found, "this machine is too busy to measure the demo");
}

fn accepted(bench: &Bench) {
    let ran = bench.run(&["baseline", "accept", "--reason", "the first"]).exits(0);
    let ran = ran.says(&["wrote baselines/short.json: commit it"]);
    let ran = ran.prints(&["rate: capacity over rate\n", "sessions/s", ": the first\n"]);
    assert_eq!(bench.run(&["baseline", "show"]).exits(0).stdout, ran.stdout);
    let file: Value = serde_json::from_str(&bench.read("baselines/short.json")).unwrap();
    assert_eq!(file["schema"], "plimsoll.baseline/2");
    assert_eq!(file["history"]["rate"][0]["reason"], "the first");
}

fn a_baseline_that_cannot_be_written_leaves_the_old_one(bench: &Bench) {
    let before = bench.read("baselines/short.json");
    bench.write("file", "");
    let ran = bench.run(&["baseline", "accept", "--baselines", "file"]).exits(5);
    ran.says(&["error: file/short.json: ", "Not a directory"]);
    let ran = with_files_of(bench, 1, "baseline accept --reason again").exits(5);
    ran.says(&["baselines/short.json", "File too large", "hint: nothing was changed"]);
    assert_eq!(bench.read("baselines/short.json"), before);
    bench.write("baselines/short.json", "{ broken");
    bench.run(&["baseline", "accept"]).exits(5).says(&["mend or delete the file"]);
    assert_eq!(bench.read("baselines/short.json"), "{ broken");
    bench.write("baselines/short.json", before);
}
