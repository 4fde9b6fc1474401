//! The half of a fork's publication that has a token: number and commit come from the event.

use crate::fake::BOT;
use crate::job::{Job, earlier, head, saved};
use crate::objects::pull;
use serde_json::{Value, json};

const FORK: u64 = 2;

/// A workflow that another one of a fork triggered.
fn triggered() -> Job {
    let mut job = Job::new();
    job.event = ("workflow_run", event(FORK, "fork"));
    job.run = (77, 1);
    job.fake.with(|state| {
        state.pulls =
            vec![pull(8, &"b".repeat(40), (FORK, "fork")), pull(7, &head(), (FORK, "fork"))];
    });
    job
}

fn event(repository: u64, owner: &str) -> Value {
    json!({
        "repository": { "id": 1 },
        "workflow_run": {
            "id": 9, "run_attempt": 3, "event": "pull_request", "head_sha": head(),
            "path": ".github/workflows/capacity.yml", "head_branch": "fix", "pull_requests": [],
            "head_repository": { "id": repository, "owner": { "login": owner } },
        },
    })
}

fn publish(job: &Job, results: &Value) -> crate::job::Done {
    job.write_run(&job.folder().join("plimsoll/20261201T132926Z-5afd0123"), results);
    job.publish_all()
}

#[test]
fn of_two_pull_requests_of_a_branch_the_one_with_our_commit_is_meant() {
    let job = triggered();
    let done = publish(&job, &saved("regression"));
    assert_eq!(done.code, 1, "the verdict of the runs: {}", done.stderr);
    assert_eq!(
        job.fake.requests(),
        [
            "GET /repos/o/r/pulls?state=open&head=fork%3Afix&per_page=100",
            "GET /repos/o/r/issues/7/comments?per_page=100&page=1",
            "POST /repos/o/r/issues/7/comments",
            "GET /repos/o/r/issues/7/comments?per_page=100&page=1",
        ]
    );
    let body = job.fake.bodies().pop().unwrap();
    assert!(body.starts_with("<!-- plimsoll:1 key=demo run=9 attempt=3 "), "{body}");
    assert!(body.contains("the numbers are that run's claim"), "{body}");
    assert!(body.contains("actions/runs/9)"), "{body}");
    job.fake.keep("19-fork");
}

#[test]
fn the_run_that_measured_may_have_failed_for_it_already() {
    let mut job = triggered();
    job.options = vec!["--fail-on".to_owned(), "none".to_owned()];
    let done = publish(&job, &saved("regression"));
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(job.fake.bodies()[0].contains("### ❌"), "the comment says what was measured");
}

#[test]
fn a_run_of_another_commit_is_refused_and_nothing_is_written() {
    let job = triggered();
    for other in [json!("b".repeat(40)), Value::Null] {
        let mut results = saved("pass");
        results["head"] = other;
        let done = publish(&job, &results);
        assert_eq!(done.code, 2, "{}", done.stderr);
        assert!(done.stderr.contains("of another commit"), "{}", done.stderr);
    }
    assert_eq!(job.fake.requests(), [""; 0]);
}

#[test]
fn a_workflow_of_the_same_name_in_another_file_is_refused() {
    let mut job = triggered();
    job.event.1["workflow_run"]["path"] = json!("o/r/.github/workflows/evil.yml@refs/heads/x");
    let done = publish(&job, &saved("pass"));
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("evil.yml"), "{}", done.stderr);
    assert_eq!(job.fake.requests(), [""; 0]);
}

#[test]
fn in_the_same_repository_the_first_workflows_comment_stands() {
    let mut job = triggered();
    job.event.1 = event(1, "o");
    let listed = json!({ "number": 7, "head": { "sha": head() }, "base": { "repo": { "id": 1 } } });
    job.event.1["workflow_run"]["pull_requests"] = json!([listed]);
    job.fake.with(|state| state.pulls = vec![pull(7, &head(), (1, "o"))]);
    let first = earlier("demo", 9, 'a').replace("attempt=1", "attempt=3");
    job.fake.say(BOT, &first);
    assert_eq!(publish(&job, &saved("pass")).code, 0);
    assert_eq!(job.fake.bodies(), [first]);
}

#[test]
fn where_there_is_no_pull_request_nothing_is_asked() {
    let sha = head();
    for (name, event) in [
        ("merge_group", json!({ "merge_group": { "base_sha": sha, "head_sha": sha } })),
        ("push", json!({ "before": sha, "after": sha })),
        ("schedule", json!({})),
        ("workflow_dispatch", json!({})),
    ] {
        let mut job = Job::new();
        job.event = (name, event);
        let done = job.publish();
        assert_eq!(done.code, 0, "{name}: {}", done.stderr);
        assert_eq!(job.fake.requests(), [""; 0], "{name}");
    }
}

#[test]
fn a_suite_that_did_not_run_is_an_error_and_is_in_the_comment() {
    let mut job = Job::new();
    job.options = ["--expect", "demo rerank"].map(str::to_owned).into();
    let done = publish(&job, &saved("pass"));
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert!(done.stderr.contains("suite `rerank` was expected"), "{}", done.stderr);
    let body = job.fake.bodies().pop().unwrap();
    assert!(body.contains("key=plimsoll ") && body.contains("\n### ⛔ `rerank`"), "{body}");
    job.options = ["--expect", "demo", "--fail-on", "none"].map(str::to_owned).into();
    assert_eq!(publish(&job, &saved("pass")).code, 0);
}

#[test]
fn runs_that_are_not_there_are_an_error_whatever_is_forgiven() {
    let mut job = triggered();
    job.options = vec!["--fail-on".to_owned(), "none".to_owned()];
    std::fs::create_dir(job.folder()).unwrap();
    let done = job.publish_all();
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("there is no run below"), "{}", done.stderr);
    assert_eq!(job.fake.requests(), [""; 0]);
}

#[test]
fn the_exit_code_of_a_file_from_elsewhere_is_worked_out_again() {
    let job = triggered();
    let mut forged = saved("regression");
    forged["gate_exit_code"] = json!(0);
    forged["exit_code"] = json!(0);
    forged["verdict"] = json!("pass");
    forged["headline"] = json!("✅ all is well");
    let done = publish(&job, &forged);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(job.fake.bodies()[0].contains("### ❌"), "{}", job.fake.bodies()[0]);
}
