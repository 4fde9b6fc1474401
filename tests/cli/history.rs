//! `plimsoll history` in a repository with a history.

use super::bench::{Bench, Ran};
use super::usage::DEMO;
use std::process::Command;

const FILE: &str = "baselines/demo.json";
const COMMITTED: &str = include_str!("../../baselines/demo.json");

/// `git` in a folder, as nobody in particular, on a fixed day.
fn git(bench: &Bench, day: usize, arguments: &[&str]) {
    let date = format!("2026-11-{day:02}T08:00:00Z");
    let mut command = bench.command("git");
    command.args(["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]);
    command.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgSign=false"]);
    command.args(arguments).env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn commit(bench: &Bench, day: usize, file: &str, text: &str) {
    bench.write(file, text);
    git(bench, day, &["add", "--all"]);
    git(bench, day, &["commit", "--quiet", "--message", "change"]);
}

/// The repository's own baseline with this capacity and reason.
fn baseline(value: f64, reason: &str) -> String {
    let mut file: serde_json::Value = serde_json::from_str(COMMITTED).unwrap();
    let capacity = &mut file["checks"]["chat-rate"]["metrics"]["capacity"];
    (capacity["low"], capacity["value"], capacity["high"]) =
        ((value - 2.0).into(), value.into(), (value + 2.0).into());
    let mut entry = file["history"]["chat-rate"][0].clone();
    (entry["value"], entry["reason"]) = (value.into(), reason.into());
    file["history"]["chat-rate"] = serde_json::json!([entry]);
    file.to_string()
}

/// Under another name, of another schema, twice good on a branch that was merged, broken, mended.
fn repository() -> Bench {
    let bench = Bench::with(DEMO);
    git(&bench, 1, &["init", "--quiet"]);
    let v1 = baseline(70.0, "by hand").replace("baseline/2", "baseline/1");
    commit(&bench, 1, "accepted/demo.json", &v1);
    commit(&bench, 2, "accepted/demo.json", &baseline(80.0, "the first"));
    std::fs::create_dir_all(bench.path("baselines")).unwrap();
    git(&bench, 3, &["mv", "accepted/demo.json", FILE]);
    git(&bench, 3, &["commit", "--quiet", "--message", "move"]);
    git(&bench, 4, &["checkout", "--quiet", "-b", "faster"]);
    commit(&bench, 4, FILE, &baseline(88.0, "faster parser"));
    git(&bench, 4, &["checkout", "--quiet", "main"]);
    commit(&bench, 4, "other", "file");
    git(&bench, 5, &["merge", "--quiet", "--no-ff", "--message", "merge", "faster"]);
    commit(&bench, 6, FILE, "<<<<<<< HEAD\n");
    commit(&bench, 7, FILE, &baseline(84.0, "a loss that is wanted"));
    bench
}

fn rows(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().filter(|line| line.starts_with("| 2026-")).collect()
}

#[test]
fn every_commit_that_changed_the_baseline_is_a_row_also_one_that_broke_it() {
    let bench = repository();
    // What a hook is started with must not lead elsewhere.
    let variables = [("GIT_DIR", "/nonexistent"), ("GIT_PAGER", "false"), ("PAGER", "false")];
    let ran = bench.run_with(&["history"], &variables).exits(0);
    let capacity = ran.stdout.split("\nchat-rate: ").nth(1).unwrap();
    let rows: Vec<&str> = capacity.lines().filter(|line| line.starts_with("| 2026-")).collect();
    for (row, says) in rows.iter().zip([
        &["| 2026-11-01 |", "`plimsoll.baseline/1`", "another method"][..],
        &["| 2026-11-02 |", "| 80 [78, 82] |", "the first"],
        &["| 2026-11-05 |", "| 88 [86, 90] |", "+10 %", "faster parser"],
        &["| 2026-11-06 |", "the baseline cannot be read: line 1"],
        &["| 2026-11-07 |", "| 84 [82, 86] |", "-5 %", "+5 %", "a loss that is wanted"],
    ]) {
        assert!(says.iter().all(|part| row.contains(part)), "{says:?}\n{ran}");
    }
    assert_eq!(rows.len(), 5, "{ran}");
    let bars = capacity.lines().filter(|line| line.contains('█'));
    assert_eq!(bars.count(), 3, "{ran}");
    assert!(!ran.stdout.contains("nobody"), "{ran}");
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_suite_may_be_named_and_rows_and_form_be_chosen() {
    let bench = repository();
    std::fs::remove_file(bench.path("plimsoll.yml")).unwrap();
    let ran = bench.run(&["history", "demo", "--limit", "2", "--format", "markdown"]).exits(0);
    let ran = ran.prints(&["3 earlier rows are left out", "| 1 | 2026-11-06 |"]);
    assert!(!ran.stdout.contains("2026-11-05"), "{ran}");
    let page = bench.run(&["history", "demo", "--format", "markdown"]).exits(0);
    page.prints(&["```mermaid\nxychart-beta\n", "x-axis \"row\" [2, 3, 5]", "line [80, 88, 84]"]);
    let json = bench.run(&["history", "demo", "--format", "json"]).exits(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let points = json["series"][0]["points"].as_array().unwrap();
    assert_eq!(points.len(), 5);
    assert!((points[4]["in_all"].as_f64().unwrap() - 0.05).abs() < 1e-9, "{json}");
    assert_eq!(json["file"], FILE);
}

#[test]
fn a_shallow_clone_says_that_its_history_is_cut() {
    let bench = repository();
    let url = format!("file://{}", bench.path(".").display());
    let clone = Bench::new();
    let mut command = Command::new("git");
    command.args(["clone", "--quiet", "--depth", "2", &url]).arg(clone.path("here"));
    assert!(command.status().unwrap().success());
    let mut command = clone.command(super::bench::PLIMSOLL);
    command.arg("history").current_dir(clone.path("here"));
    let ran = clone.finish(command).exits(0).prints(&["history is cut here", "fetch-depth: 0"]);
    assert!(ran.stdout.contains("2026-11-07") && !ran.stdout.contains("2026-11-05"), "{ran}");
    let whole = bench.run(&["history"]).exits(0);
    assert!(!whole.stdout.contains("cut here") && rows(&whole).len() >= 5, "{whole}");
}

#[test]
fn without_a_history_it_says_what_is_missing() {
    let bench = Bench::with(DEMO);
    bench.run(&["history"]).exits(2).says(&["baselines/demo.json is in no git repository"]);
    git(&bench, 1, &["init", "--quiet"]);
    let ran = bench.run(&["history"]).exits(5);
    ran.says(&["no commit holds baselines/demo.json", "`plimsoll baseline accept`"]);
    bench.run(&["history", "../x"]).exits(2).says(&["`../x` is no name of a suite"]);
    bench.run(&["history", "--format", "junit"]).exits(2).says(&["markdown"]);
    commit(&bench, 2, FILE, "{}");
    let ran = bench.run(&["history"]).exits(0);
    ran.prints(&["no commit holds a baseline that can be read", "the file holds `{}`"]);
}
