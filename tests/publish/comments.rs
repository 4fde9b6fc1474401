//! One comment per key, which is written once and then kept up to date.

use crate::fake::BOT;
use crate::job::{Job, earlier, head, saved};
use crate::objects::comment;
use serde_json::{Value, json};

/// Writes only, by method and what they are about.
fn writes(job: &Job) -> Vec<String> {
    let is_write = |line: &String| !line.starts_with("GET");
    job.fake.requests().into_iter().filter(is_write).collect()
}

fn crowd(job: &Job, count: usize) {
    (0..count).for_each(|_| {
        job.fake.say("somebody", "me too");
    });
}

#[test]
fn one_comment_is_written_when_every_page_was_read() {
    let job = Job::new();
    crowd(&job, 150);
    let done = job.publish();
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(
        job.fake.requests(),
        [
            "GET /repos/o/r/pulls/7",
            "GET /repos/o/r/issues/7/comments?per_page=100&page=1",
            "GET /repos/o/r/issues/7/comments?per_page=100&page=2",
            "POST /repos/o/r/issues/7/comments",
            "GET /repos/o/r/issues/7/comments?per_page=100&page=2",
        ]
    );
    let body = job.fake.bodies().pop().unwrap();
    let mut lines = body.lines();
    let marker = format!("<!-- plimsoll:1 key=demo run=5 attempt=1 head={} -->", &head()[..12]);
    assert_eq!(lines.next(), Some(marker.as_str()));
    assert!(lines.next().unwrap().starts_with("### ✅ Capacity holds: `chat-rate`"), "{body}");
    assert!(body.contains("[run and files](https://github.com/o/r/actions/runs/5)"), "{body}");
    assert!(done.outputs.contains("https://github.com/o/r/pull/7#issuecomment-251"));
    assert!(done.outputs.starts_with("verdict<<"), "{}", done.outputs);
    job.fake.keep("01-first");
}

#[test]
fn ours_is_found_on_the_second_page_and_patched() {
    let mut job = Job::new();
    crowd(&job, 130);
    let id = job.fake.say(BOT, &earlier("demo", 4, 'b'));
    job.results = saved("regression");
    assert_eq!(job.publish().code, 0);
    assert_eq!(writes(&job), [format!("PATCH /repos/o/r/issues/comments/{id}")]);
    assert!(job.fake.bodies().pop().unwrap().contains("\n### ❌ `chat-rate` carries"));
    job.fake.keep("02-second-page");
}

#[test]
fn a_marker_of_somebody_else_is_not_ours() {
    let job = Job::new();
    job.fake.say("mallory", &earlier("demo", 4, 'a'));
    job.fake.say(BOT, &format!("somebody wrote:\n\n> {}", earlier("demo", 4, 'a')));
    assert_eq!(job.publish().code, 0);
    assert_eq!(writes(&job), ["POST /repos/o/r/issues/7/comments"]);
    job.fake.keep("03-spoofed");
}

#[test]
fn of_two_of_ours_one_is_left() {
    let job = Job::new();
    let first = job.fake.say(BOT, &earlier("demo", 4, 'b'));
    let second = job.fake.say(BOT, &earlier("demo", 3, 'b'));
    assert_eq!(job.publish().code, 0);
    let comment = "/repos/o/r/issues/comments/";
    assert_eq!(
        writes(&job),
        [format!("PATCH {comment}{first}"), format!("DELETE {comment}{second}")]
    );
    job.fake.keep("04-race");
}

#[test]
fn two_keys_are_two_comments() {
    let mut job = Job::new();
    assert_eq!(job.publish().code, 0);
    job.options = vec!["--comment-key".to_owned(), "demo-2".to_owned()];
    assert_eq!(job.publish().code, 0);
    let bodies = job.fake.bodies();
    assert_eq!(bodies.len(), 2);
    assert!(bodies[0].contains("key=demo ") && bodies[1].contains("key=demo%2D2 "), "{bodies:?}");
    job.fake.keep("05-keys");
}

#[test]
fn an_older_run_never_replaces_a_newer_one_of_the_same_commit() {
    let job = Job::new();
    job.fake.say(BOT, &earlier("demo", 6, 'a'));
    let done = job.publish();
    assert!(
        done.code == 0 && done.stderr.contains("a newer run of the same commit"),
        "{}",
        done.stderr
    );
    assert_eq!(writes(&job), [""; 0]);
    job.fake.with(|state| state.comments[0]["body"] = json!(earlier("demo", 6, 'b')));
    assert_eq!(job.publish().code, 0);
    assert_eq!(writes(&job), ["PATCH /repos/o/r/issues/comments/101"]);
    job.fake.keep("06-newer");
}

#[test]
fn a_superseded_run_says_so_and_writes_nothing() {
    let job = Job::new();
    job.fake.with(|state| state.pulls[0]["head"]["sha"] = json!("b".repeat(40)));
    let done = job.publish();
    assert_eq!(done.code, 0);
    assert!(
        done.stderr.contains("::notice title=plimsoll::no comment: superseded"),
        "{}",
        done.stderr
    );
    assert_eq!(job.fake.requests(), ["GET /repos/o/r/pulls/7"]);
    job.fake.keep("07-superseded");
}

#[test]
fn a_second_attempt_replaces_the_first() {
    let mut job = Job::new();
    assert_eq!(job.publish().code, 0);
    job.run = (5, 2);
    assert_eq!(job.publish().code, 0);
    assert_eq!(writes(&job).len(), 2);
    assert!(job.fake.bodies()[0].contains("run=5 attempt=2"));
    job.fake.keep("08-attempt");
}

#[test]
fn odd_comments_are_passed_over() {
    let job = Job::new();
    let mut ghost = comment(50, "x", "y");
    ghost["user"] = Value::Null;
    ghost["reactions"] = json!({ "unknown": [1, 2] });
    let mut silent = comment(51, BOT, "");
    silent["body"] = Value::Null;
    job.fake.with(|state| state.comments.extend([ghost, silent, json!({ "id": "no comment" })]));
    assert_eq!(job.publish().code, 0);
    assert_eq!(writes(&job), ["POST /repos/o/r/issues/7/comments"]);
}

#[test]
fn a_comment_without_an_author_is_passed_over() {
    let job = Job::new();
    let mut ghost = comment(50, "x", &earlier("demo", 4, 'a'));
    ghost["user"] = Value::Null;
    job.fake.with(|state| state.comments.push(ghost));
    assert_eq!(job.publish().code, 0);
    assert_eq!(writes(&job), ["POST /repos/o/r/issues/7/comments"]);
    job.fake.keep("14-ghost");
}

#[test]
fn a_server_of_ones_own_is_spoken_to_below_its_path() {
    for (prefix, slash) in [("/api/v3", ""), ("/api/v3", "/"), ("", "/")] {
        let job = Job::on(prefix);
        let done = if slash.is_empty() { job.publish() } else { job.publish_with_slash() };
        assert_eq!(done.code, 0, "{}", done.stderr);
        let all = job.fake.requests();
        let is_below = |line: &String| {
            line.split_once(' ').unwrap().1.starts_with(&format!("{prefix}/repos/o/r/"))
        };
        assert!(all.len() == 4 && all.iter().all(is_below), "{all:?}");
        if !prefix.is_empty() && slash.is_empty() {
            job.fake.keep("15-own-server");
        }
    }
}

#[test]
fn the_same_comment_is_not_written_again() {
    let job = Job::new();
    assert_eq!(job.publish().code, 0);
    let before = job.fake.requests().len();
    let done = job.publish();
    assert!(done.stderr.contains("says so already") && done.outputs.contains("issuecomment-101"));
    assert_eq!(job.fake.requests()[before..].len(), 2);
    assert_eq!(writes(&job).len(), 1);
    job.fake.keep("16-unchanged");
}

#[test]
fn only_problems_and_never_are_kept_to() {
    let mut job = Job::new();
    job.options = vec!["--comment".to_owned(), "problems".to_owned()];
    assert!(job.publish().code == 0 && writes(&job).is_empty());
    job.results = saved("regression");
    assert!(job.publish().code == 0 && writes(&job).len() == 1);
    (job.results, job.run) = (saved("pass"), (6, 1));
    assert!(job.publish().code == 0 && job.fake.bodies()[0].contains("### ✅"));
    let before = job.fake.requests().len();
    job.options[1] = "never".to_owned();
    job.run = (7, 1);
    assert!(job.publish().code == 0 && job.fake.requests().len() == before);
}
