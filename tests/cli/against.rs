//! A commit against the working tree: built, started and played by turns.

use super::bench::{Bench, PLIMSOLL, Ran};

/// So few trials that they are one pair: nothing is decided, but everything has happened.
const SUITE: &str = "\
version: 1
suite: pair
target:
  command: [./serve, \"{port}\"]
  build: ./make
  ready: { get: /health/ready }
  model: demo
workload:
  sessions: { prompt_tokens: 20, output_tokens: 4 }
checks:
  rate:
    capacity: { knob: rate, from: 40, to: 60, trial: 1s, max_trials: 3 }
    slos: [ p95 ttfc < 500ms ]
    gate: { capacity: { max_drop: 10% } }
budget: { time: 1m }
";

fn git(bench: &Bench, arguments: &[&str]) -> String {
    let mut command = bench.command("git");
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
    let output = command.args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(bench: &Bench, message: &str) -> String {
    git(bench, &["add", "-A"]);
    git(bench, &["commit", "--quiet", "--allow-empty", "-m", message]);
    git(bench, &["rev-parse", "HEAD"])
}

fn script(bench: &Bench, name: &str, lines: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    bench.write(name, format!("#!/bin/sh\n{lines}\n"));
    let path = bench.path(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A repository whose service is the demo behind a script, with two commits.
fn repository() -> Bench {
    let bench = Bench::with(SUITE);
    bench.write(".gitignore", ".plimsoll/\nbuilt\n");
    script(&bench, "serve", &format!("exec {PLIMSOLL} demo --listen \"127.0.0.1:$1\""));
    script(&bench, "make", "echo making it; cp serve built");
    git(&bench, &["init", "--quiet", "--initial-branch=main"]);
    commit(&bench, "base");
    bench.write("notes", "more");
    commit(&bench, "head");
    bench
}

/// The results of the newest run.
fn latest(bench: &Bench) -> serde_json::Value {
    serde_json::from_str(&bench.run(&["report", "--format", "json"]).exits(0).stdout).unwrap()
}

fn sides(bench: &Bench) -> Vec<String> {
    bench.journal()[1..].iter().map(|entry| format!("{}", entry["trial"]["side"])).collect()
}

#[test]
fn both_commits_are_built_and_played_by_turns_and_the_base_is_built_once() {
    let bench = repository();
    let base = git(&bench, &["rev-parse", "HEAD~1"]);
    let ran = bench.run(&["check", "--against", "HEAD~1"]).exits(3);
    ran.says(&["building the base: ./make", "building the working tree", "base ready at"]);
    assert_eq!(sides(&bench), ["\"base\"", "\"base\"", "\"head\""]);
    let results = latest(&bench);
    assert_eq!(results["against"]["commit"], base.as_str());
    assert_eq!(results["verb"], "check");
    assert!(bench.path(&format!(".plimsoll/against/{base}/built")).exists());
    let again = bench.run(&["check", "--against", &base[..10]]).exits(3);
    assert!(!again.stderr.contains("building the base"), "{again}");
    let report = bench.run(&["report", "--format", "markdown"]).stdout;
    assert!(report.contains("`rate`, trial by trial"), "{report}");
    assert!(report.contains(&format!("against `{}`, as it was named", &base[..7])), "{report}");
}

#[test]
fn where_only_one_fits_one_is_stopped_before_the_other_starts() {
    let bench = repository();
    // Each start takes a lock, and fails where the other one still has it.
    let lock = bench.path("lock");
    let serve = format!(
        "mkdir {0} || exit 9; trap 'rmdir {0}' EXIT; {PLIMSOLL} demo --listen \"127.0.0.1:$1\" & \
         trap 'kill $!; wait; exit' TERM; wait",
        lock.display()
    );
    script(&bench, "serve", &serve);
    bench.write("plimsoll.yml", SUITE.replace("  model:", "  residency: one\n  model:"));
    commit(&bench, "one at a time");
    bench.write("notes", "even more");
    commit(&bench, "head");
    bench.run(&["check", "--against", "HEAD~1"]).exits(3);
    assert_eq!(sides(&bench), ["\"base\"", "\"base\"", "\"head\""]);
    // Both at once cannot be.
    bench.write("plimsoll.yml", SUITE);
    bench.run(&["check", "--against", "HEAD~1"]).exits(4).says(&["exit code 9"]);
}

#[test]
fn the_same_tree_and_the_same_build_are_skipped_and_said_so() {
    let bench = repository();
    let skipped = |ran: &Ran| {
        assert!(ran.stdout.starts_with("SKIPPED: "), "{ran}");
        assert_eq!(latest(&bench)["verdict"], "skipped");
    };
    let ran = bench.run(&["check", "--against", "HEAD"]).exits(0);
    skipped(&ran.prints(&["same tree"]));
    let junit = bench.run(&["report", "--format", "junit"]).stdout;
    assert!(junit.contains("<skipped"), "{junit}");
    // A script says nothing of what it starts; the suite may name what was built.
    let named = SUITE.replace("  model:", "  artifacts: [built]\n  model:");
    bench.write("plimsoll.yml", &named);
    commit(&bench, "named");
    bench.write("notes", "other words");
    commit(&bench, "words");
    let ran = bench.run(&["check", "--against", "HEAD~1"]).exits(0);
    skipped(&ran.prints(&["same build: `built`", "--no-skip"]));
    bench.run(&["check", "--against", "HEAD~1", "--no-skip"]).exits(3);
    bench.write("serve", bench.read("serve") + "\n# other bytes\n");
    bench.run(&["check", "--against", "HEAD~1"]).exits(3);
}

#[test]
fn a_side_that_does_not_build_or_start_is_named_with_its_last_lines() {
    let bench = repository();
    script(&bench, "make", "echo compiling; echo cannot find crate; exit 7");
    commit(&bench, "broken");
    let ran = bench.run(&["check", "--against", "HEAD~1"]).exits(4);
    ran.prints(&["The working tree does not build", "exit code 7", "cannot find crate"]);
    script(&bench, "make", "true");
    commit(&bench, "mended");
    let ran = bench.run(&["check", "--against", "HEAD~1"]).exits(4);
    ran.prints(&["The base does not build", "exit code 7", "cannot find crate"]);
    assert_eq!(latest(&bench)["problem"]["code"], "target");
}

#[test]
fn what_cannot_be_compared_is_refused_by_what_would_be_right() {
    let bench = repository();
    bench.run(&["check", "--against", "nowhere"]).exits(2).says(&["`nowhere` names no commit"]);
    bench.run(&["check", "--against", "--upload-pack=x"]).exits(2);
    let demo = SUITE.replace(
        "command: [./serve, \"{port}\"]\n  build: ./make\n  ready: { get: /health/ready }",
        "demo: { profile: llm }",
    );
    bench.write("demo.yml", demo);
    bench
        .run(&["check", "--config", "demo.yml", "--against", "HEAD"])
        .exits(2)
        .says(&["has no `command`", "plimsoll compare"]);
    // Without a base there is only the baseline, and without that nothing.
    let ran = bench.run(&["check", "--config", "demo.yml", "--against", "auto", "--budget", "20s"]);
    assert_eq!(ran.code, Some(5), "{ran}");
}

#[test]
fn a_base_without_a_suite_leaves_only_the_baseline() {
    let bench = repository();
    git(&bench, &["checkout", "--quiet", "--orphan", "empty"]);
    git(&bench, &["rm", "--quiet", "-r", "--cached", "."]);
    git(&bench, &["commit", "--quiet", "--allow-empty", "-m", "empty"]);
    git(&bench, &["checkout", "--quiet", "--force", "main"]);
    let ran = bench.run(&["check", "--against", "empty"]);
    assert_eq!(ran.code, Some(5), "{ran}");
    ran.says(&["has no suite here"]);
}

#[test]
fn a_change_is_held_to_the_limits_of_its_base() {
    let bench = repository();
    bench.write("plimsoll.yml", SUITE.replace("max_drop: 10%", "max_drop: 50%"));
    let ran = bench.run(&["check", "--against", "HEAD"]).exits(3);
    ran.prints(&["Loosens its own gate: `rate`, `capacity`: `max_drop` -10 % → -50 %"]);
    assert_eq!(latest(&bench)["checks"][0]["gates"][0]["limit"]["value"], 0.1);
}

#[test]
fn files_that_do_not_matter_are_not_measured_for() {
    let bench = repository();
    let check = ["check", "--against", "HEAD~1", "--skip-if-unchanged"];
    let with = |patterns: &[&str]| bench.run(&[&check[..], patterns].concat());
    let ran = with(&["src/**", "serve"]).exits(0);
    ran.prints(&["the only changed file matches none of `src/** serve`"]);
    assert_eq!(latest(&bench)["verdict"], "skipped");
    with(&["notes"]).exits(3);
    // Suite and baseline always matter, and so does what is not committed yet.
    bench.write("src/new.rs", "fn main() {}");
    with(&["src/**"]).exits(3);
    std::fs::remove_file(bench.path("src/new.rs")).unwrap();
    bench.write("plimsoll.yml", format!("{SUITE}# more\n"));
    with(&["src/**"]).exits(3);
    // Nobody can tell what changed: it is measured, and the reason is said.
    bench.write("plimsoll.yml", SUITE);
    let ran = bench.run(&["check", "--skip-if-unchanged", "src/**", "--budget", "20s"]);
    assert_eq!(ran.code, Some(5), "{ran}");
    ran.says(&["there is no base to compare the files with"]);
}

#[test]
fn a_bisection_is_told_what_cannot_be_tested() {
    let bench = repository();
    let bisect = ["--exit-codes", "git-bisect"];
    bench.run(&[&["check", "--against", "HEAD"][..], &bisect].concat()).exits(0);
    bench.run(&[&["check", "--against", "nowhere"][..], &bisect].concat()).exits(125);
    bench.run(&["check", "--exit-codes", "other"]).exits(2).says(&["standard, git-bisect"]);
    script(&bench, "make", "exit 1");
    bench.run(&[&["check", "--against", "HEAD"][..], &bisect].concat()).exits(125);
}
