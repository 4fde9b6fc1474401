//! A load generator whose core is taken by others: the trial is invalid, soon, and says so. A program
//! of its own with one test, for it takes the core from whatever runs beside it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[path = "../cli/bench.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod bench;
mod hogs;
#[path = "../cli/processes.rs"]
mod processes;

use bench::{Bench, Ran};
use hogs::Hogs;
use serde_json::Value;

/// A target that is never the limit. Its answers are short: a generator that is late reads many chunks
/// at once, which is cheaper, but each request must be written by itself.
const SUITE: &str = "version: 1
suite: starved
target: { demo: { profile: llm, slowdown: 0.01 } }
workload:
  sessions: { prompt_tokens: 1000, output_tokens: 1 }
checks:
  load:
    capacity: { knob: rate, from: 50, to: 2000, trial: 1s, max_trials: 2 }
    slos: [ p99 ttfc < 500ms ]
budget: { time: 60s }
";
/// Sessions per second: about an eighth of a core, several times what is left beside the hogs.
const RATE: &str = "1000";
/// Longer than an invalid trial may go on.
const LENGTH: &str = "6s";
/// Processes that want all of the core. Many more, and the generator is too late to say how late it is.
const HOGS: usize = 32;
/// Attempts at a valid trial: other work on this machine may spoil one.
const ATTEMPTS: usize = 8;
/// Length of the trial, in its own seconds, by which it has to be given up.
const INVALID_WITHIN_S: f64 = 5.0;

#[test]
fn a_generator_whose_core_is_taken_is_invalid_soon_and_says_what_it_could_offer() {
    let bench = Bench::with(SUITE);
    let core = hogs::core();
    let core_name = core.to_string();
    let trial = ["trial", "--rate", RATE, "--for", LENGTH, "--client-cpus", &core_name];
    let trial = [&trial[..], &["--format", "json", "--trace", "trace.jsonl"]].concat();

    let run = bench.start(&trial);
    // What the machine can offer has been found out by then.
    processes::eventually("the first requests", || has_requests(&bench));
    let hogs = Hogs::start(HOGS, core);
    let ran = run.end().exits(6);
    drop(hogs);
    let result = result(&ran);
    assert_eq!((&result["validity"], &result["ended"]), (&"invalid".into(), &"stopped".into()));
    let seconds = result["seconds"].as_f64().unwrap();
    println!("invalid after {seconds:.1} s: {}", result["reasons"]);
    assert!(seconds <= INVALID_WITHIN_S, "after {seconds} s: {ran}");
    let reasons = result["reasons"].as_array().unwrap();
    let lag = reasons.iter().find(|reason| reason["signal"] == "send_lag");
    let advice = lag.unwrap_or_else(|| panic!("{ran}"))["advice"].as_str().unwrap();
    assert!(advice.contains("this machine can offer about "), "{advice}");

    // The same with the core for itself.
    let ran = (0..ATTEMPTS).map(|_| bench.run(&trial)).find(|ran| ran.code == Some(0));
    let ran = ran.unwrap_or_else(|| panic!("no trial of {ATTEMPTS} was valid"));
    assert_eq!(self::result(&ran)["validity"], "valid", "{ran}");
}

/// Whether the trace has a request of the trial.
fn has_requests(bench: &Bench) -> bool {
    std::fs::read_to_string(bench.path("trace.jsonl")).is_ok_and(|text| text.lines().count() > 1)
}

fn result(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}
