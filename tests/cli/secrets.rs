//! A key from the environment stands in no file and in no output, whatever the target does with it.

use super::bench::{Bench, Ran};
use super::faulty::{self, Fault, Server, suite};
use std::path::Path;

const KEY: &str = "k3y-that-nobody-may-read";
const HEADERS: &str = "headers: { authorization: \"Bearer ${API_KEY}\" }";

/// Fails if the key stands in a file below `folder`; how many were read.
fn searched(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += searched(&path);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(KEY), "{} holds the key:\n{text}", path.display());
            files += 1;
        }
    }
    files
}

fn silent(ran: &Ran) {
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran}");
}

/// Runs every verb that meets the target and its answers.
fn keeps_the_key(bench: &Bench) {
    let variables = [("API_KEY", KEY), ("PLIMSOLL_LOG", "trace")];
    let arguments = ["check", "--ci", "github"];
    let summary = bench.path("summary").display().to_string();
    let output = bench.path("output").display().to_string();
    let platform = [("GITHUB_STEP_SUMMARY", &*summary), ("GITHUB_OUTPUT", &*output)];
    silent(&bench.run_with(&arguments, &[&variables[..], &platform].concat()));
    assert!(searched(&bench.path(".")) >= 10);
    for format in ["text", "json"] {
        silent(
            &bench.run_with(
                &["trial", "--rate", "80", "--for", "1s", "--format", format],
                &variables,
            ),
        );
        silent(&bench.run_with(&["report", "--format", format], &variables));
    }
}

#[test]
fn a_key_that_the_target_repeats_in_an_error_is_blanked() {
    let server = Server::start(Fault::EchoesHeaders);
    let bench = Bench::with(&suite(&format!("url: {}\n  {HEADERS}", server.url())));
    keeps_the_key(&bench);
    // The test means nothing if the target did not repeat it.
    assert!(
        bench.in_run("results.json").contains("status 401"),
        "{}",
        bench.in_run("results.json")
    );
    assert!(bench.in_run("config.yml").contains("Bearer ${API_KEY}"));
}

#[test]
fn a_key_that_a_managed_target_prints_is_blanked_in_its_log() {
    let bench = Bench::with(&suite(&format!("{}\n  {HEADERS}", faulty::command("prints"))));
    keeps_the_key(&bench);
    assert!(bench.in_run("target.log").contains("authorization: "));
}

#[test]
fn a_key_given_by_set_is_not_repeated() {
    let server = Server::start(Fault::NotFound);
    let bench = Bench::with(&suite(&format!("url: {}", server.url())));
    for set in [
        format!("target.headers.authorization=Bearer {KEY}"),
        format!("target.headers={{ x-api-key: {KEY} }}"),
        format!("target.headers.x-tenant={KEY}"),
    ] {
        silent(&bench.run(&["measure", "--set", &set]));
    }
    searched(&bench.path("."));
    // Said to be wrong, and still not repeated.
    let ran = bench.run(&["check", "--set", &format!("target.headers.bad header={KEY}")]).exits(2);
    silent(&ran);
}

#[test]
fn a_key_that_is_not_set_is_named() {
    let bench = Bench::with(&suite(&format!("url: http://127.0.0.1:1\n  {HEADERS}")));
    for variables in [&[][..], &[("API_KEY", "")]] {
        bench.run_with(&["check"], variables).exits(2).says(&["`API_KEY` is not set, or empty"]);
    }
}
