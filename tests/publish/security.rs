//! The token goes to the platform and nowhere else; what a run says stays text.

use crate::job::{Job, saved};
use serde_json::json;

#[test]
fn the_token_is_in_the_requests_and_nowhere_else() {
    let mut job = Job::new();
    job.token = "ghs_secretsecretsecret";
    let done = job.publish();
    let tokens = job.fake.with(|state| state.tokens.clone());
    assert!(tokens.iter().all(|it| it == "Bearer ghs_secretsecretsecret"), "{tokens:?}");
    for text in [&done.stderr, &done.outputs, &job.fake.bodies()[0]] {
        assert!(!text.contains("secretsecret"), "{text}");
    }
}

#[test]
fn without_a_token_nothing_is_asked_and_the_notice_says_why() {
    let mut job = Job::new();
    job.token = "";
    let done = job.publish();
    assert_eq!(done.code, 0);
    assert!(done.stderr.contains("::notice title=plimsoll::no comment: there is no token"));
    assert_eq!(job.fake.requests(), [""; 0]);
}

#[test]
fn somebodys_own_token_writes_in_their_name() {
    let mut job = Job::new();
    job.token = "ghp_personal";
    assert_eq!(job.publish().code, 0);
    assert_eq!(job.fake.requests()[0], "GET /user");
}

#[test]
fn nothing_that_a_run_says_becomes_a_command_or_an_element() {
    let mut job = Job::new();
    let evil = "::error::x\n##[error]y <img src=x> @everyone `|` http://evil.example";
    job.results = saved("regression");
    job.results["suite"] = json!(evil);
    job.results["checks"][0]["name"] = json!(evil);
    job.results["checks"][0]["reason"] = json!(evil);
    let done = job.publish();
    assert_eq!(done.code, 0, "{}", done.stderr);
    let is_command = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    assert!(!done.stderr.lines().any(is_command), "{}", done.stderr);
    let body = job.fake.bodies().pop().unwrap();
    assert!(body.starts_with("<!-- plimsoll:1 key=%3A%3Aerror"), "{body}");
    assert!(body.contains("`::error::x ##[error]y <img src=x> @everyone '¦' http://evil.example`"));
}

#[test]
fn outside_of_a_workflow_it_says_what_is_missing() {
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .env_clear()
        .arg("publish")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("GITHUB_EVENT_PATH") && text.contains("hint:"), "{text}");
}
