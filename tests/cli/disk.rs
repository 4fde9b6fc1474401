//! Disks that are full and folders that cannot be written.

use super::bench::{Bench, PLIMSOLL, journal};
use super::faulty::{Fault, Server, suite};
use super::usage::DEMO;

#[test]
fn a_folder_that_cannot_be_made_is_refused_before_the_start() {
    let bench = Bench::with(DEMO);
    bench.write("file", "");
    for out in ["file", "file/below", "/dev/full", "/proc/runs"] {
        let ran = bench.run(&["check", "--out", out]).exits(2);
        ran.says(&["error: cannot write ", out, "hint: name another folder with `--out`"]);
    }
}

/// Runs Plimsoll so that no file can grow beyond so many KiB: each write then fails as on a full disk.
pub(crate) fn with_files_of(bench: &Bench, kib: u32, arguments: &str) -> super::bench::Ran {
    let mut shell = bench.command("bash");
    let script = format!("trap '' XFSZ; ulimit -f {kib}; exec {PLIMSOLL} {arguments}");
    shell.args(["-c", &script]);
    bench.finish(shell)
}

#[test]
fn a_journal_that_cannot_be_written_ends_the_run_and_what_it_holds_stays_readable() {
    let server = Server::start(Fault::None);
    let bench = Bench::with(&suite(&format!("url: {}", server.url())));
    let ran = with_files_of(&bench, 4, "check --fail-on regression").exits(2);
    let ran = ran.says(&["error: cannot write the journal", "trials.jsonl", "File too large"]);
    assert!(!ran.stdout.contains("PASS"), "{ran}");
    let run = bench.only_run();
    let trials = journal(&run).len() - 1;
    assert!((1..4).contains(&trials), "{trials} trials: {ran}");
    // `results.json` did not fit either, so the journal is all there is.
    let report = bench.run(&["report"]).exits(0);
    let report = report.prints(&["UNFINISHED", &format!("{trials} completed trial")]);
    assert_eq!(report.stdout.matches("check `rate`, trial ").count(), trials, "{report}");
}

#[test]
fn a_run_that_cannot_even_be_named_is_refused() {
    let bench = Bench::with(DEMO);
    let ran = with_files_of(&bench, 0, "check").exits(2);
    ran.says(&["error: cannot write ", "File too large"]);
}

#[test]
fn a_full_standard_output_is_no_success() {
    let bench = Bench::with(DEMO);
    for verb in ["schema", "init --print"] {
        let mut shell = bench.command("bash");
        shell.args(["-c", &format!("exec {PLIMSOLL} {verb} > /dev/full")]);
        bench.finish(shell).exits(2).says(&["error: cannot write to standard output: No space"]);
    }
}
