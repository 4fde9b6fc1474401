//! Plimsoll killed with SIGKILL at any instant: nothing survives it, and what it measured is there.

use super::bench::{Bench, PLIMSOLL, journal};
use super::demo::SHORT;
use super::processes::{living_in, pause};
use rustix::process::Signal;
use std::time::Duration;

/// Times after which the run is killed, in milliseconds: before, during and after the start, within
/// trials and between them.
const INSTANTS_MS: [u64; 10] = [3, 20, 60, 150, 400, 900, 1700, 2600, 3500, 4400];

#[test]
fn nothing_survives_a_kill_and_each_completed_trial_is_rendered_once() {
    let most = std::thread::scope(|scope| {
        let runs = INSTANTS_MS.map(|ms| scope.spawn(move || killed_after(ms)));
        runs.into_iter().map(|run| run.join().unwrap()).max()
    });
    // The test means nothing if no kill ever hit a run with a trial behind it.
    assert!(most >= Some(1), "no run came to a trial");
}

/// How many trials were completed.
fn killed_after(ms: u64) -> usize {
    let bench = Bench::with(SHORT);
    let run = bench.start(&["check"]);
    pause(Duration::from_millis(ms));
    run.send(Signal::KILL);
    let ran = run.end();
    assert_eq!(ran.code, None, "{ran}");
    let Some(folder) = bench.runs().pop() else {
        bench.run(&["report"]).exits(2).says(&["there is no run `latest`"]);
        return 0;
    };
    if !bench.path(".plimsoll/latest").exists() {
        bench.run(&["report"]).exits(2).says(&["there is no run `latest`"]);
        return 0;
    }
    let trials = journal(&folder).len().saturating_sub(1);
    let report = bench.run(&["report"]).exits(0).prints(&["UNFINISHED: the run "]);
    match trials {
        0 => drop(report.prints(&["No trial was completed."])),
        _ => (1..=trials).for_each(|n| {
            let heading = format!("check `rate`, trial {n}\n");
            assert_eq!(report.stdout.matches(&heading).count(), 1, "{report}");
        }),
    }
    let json = bench.run(&["report", "--format", "json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["trials"].as_array().unwrap().len(), trials);
    trials
}

#[test]
fn the_guard_and_the_target_are_seen_before_they_are_said_to_be_gone() {
    let bench = Bench::with(SHORT);
    let mut run = bench.start(&["check"]);
    run.has_child("demo --listen");
    let living = living_in(&bench.path("."));
    let names: Vec<&str> = living.iter().map(|process| process.command.as_str()).collect();
    assert!(names.iter().any(|name| name.starts_with(&format!("{PLIMSOLL} check"))), "{names:?}");
    assert!(names.iter().any(|name| name.contains(" guard -- ")), "{names:?}");
    run.send(Signal::KILL);
    assert_eq!(run.end().code, None);
}

#[test]
fn a_run_that_was_killed_before_its_journal_says_that_there_is_nothing() {
    let files: [&[(&str, &str)]; 4] = [
        &[(".plimsoll-x1.tmp", "suite: ha")],
        &[("config.yml", "")],
        &[("config.yml", ""), ("trials.jsonl", "")],
        &[("config.yml", ""), ("trials.jsonl", "{\"schema\": \"plimsoll.jour")],
    ];
    for left in files {
        let bench = Bench::new();
        bench.write(".plimsoll/latest", "runs/1\n");
        for (name, content) in left {
            bench.write(&format!(".plimsoll/runs/1/{name}"), content);
        }
        bench.run(&["report"]).exits(0).prints(&["UNFINISHED", "No trial was completed."]);
        let json = bench.run(&["report", "--format", "json"]).exits(0);
        let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json["trials"].as_array().map(Vec::len), Some(0));
    }
}

#[test]
fn a_folder_of_something_else_is_no_run() {
    let bench = Bench::new();
    bench.write("elsewhere/notes.txt", "not a run");
    bench.run(&["report", "elsewhere"]).exits(2).says(&["elsewhere is no run"]);
}

#[test]
fn a_journal_that_is_broken_before_its_end_is_refused() {
    let bench = Bench::new();
    bench.write(".plimsoll/latest", "runs/1\n");
    let header =
        "{\"schema\":\"plimsoll.journal/1\",\"suite\":\"s\",\"file\":\"f\",\"started\":\"t\"}";
    for (rest, says) in [("{\"check\": \"rate\"\n{}\n", "line 2"), ("\u{0}\u{0}\n", "line 2")] {
        bench.write(".plimsoll/runs/1/trials.jsonl", format!("{header}\n{rest}"));
        bench.run(&["report"]).exits(2).says(&["cannot read the journal", says]);
    }
    bench.write(".plimsoll/runs/1/trials.jsonl", format!("{header}\n{{\"check\": \"ra"));
    bench.run(&["report"]).exits(0).prints(&["suite `s`", "No trial was completed."]);
    let header = header.replace("\"s\"", r#""s\u001b]0;title\u0007""#);
    bench.write(".plimsoll/runs/1/trials.jsonl", format!("{header}\n"));
    let report = bench.run(&["report"]).exits(0).prints(&["title"]);
    assert!(!report.stdout.contains(['\u{1b}', '\u{7}']), "{report}");
    bench.write(".plimsoll/runs/1/trials.jsonl", b"\xff\xfe\n");
    bench.run(&["report"]).exits(2).says(&["cannot read the journal"]);
    bench.write(".plimsoll/runs/1/results.json", "{ \"schema\": \"plimsoll.results/99\" }");
    bench.run(&["report"]).exits(2).says(&["results.json", "plimsoll.results/99"]);
}
