//! What the platform may answer instead: a failed publication never changes a verdict, and never
//! leaves two comments.

use crate::fake::{BOT, Fault};
use crate::job::{Job, earlier};

fn posts(job: &Job) -> usize {
    job.fake.requests().iter().filter(|line| line.starts_with("POST")).count()
}

fn failing(faults: impl IntoIterator<Item = Fault>) -> Job {
    let job = Job::new();
    job.fake.with(|state| state.faults.extend(faults));
    job
}

#[test]
fn a_comment_deleted_meanwhile_is_written_once() {
    let job = failing([Fault::new(404, "Not Found")]);
    job.fake.say(BOT, &earlier("demo", 4, 'b'));
    assert_eq!(job.publish().code, 0);
    // The list has it still, as after a refusal that was none: it is patched then.
    assert!(job.fake.requests().iter().filter(|line| line.starts_with("PATCH")).count() == 2);
    assert_eq!((posts(&job), job.fake.bodies().len()), (0, 1));
    job.fake.keep("09-not-found");
}

#[test]
fn a_token_that_may_not_write_is_a_notice_and_no_failure() {
    for (status, message) in [
        (403, "Resource not accessible by integration"),
        (404, "Not Found"),
        (410, "Issues are disabled for this repo"),
        (403, "Unable to create comment because issue is locked"),
    ] {
        let job = failing([Fault::new(status, message)]);
        let done = job.publish();
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert!(done.stderr.contains("::notice title=plimsoll::no comment: the platform does not"));
        assert!(done.stderr.contains(message), "{}", done.stderr);
        assert_eq!(posts(&job), 1);
        if status == 403 {
            job.fake.keep("10-read-only");
        }
    }
}

#[test]
fn a_rate_limit_is_waited_for_once() {
    let secondary = "You have exceeded a secondary rate limit";
    for (name, fault, expected) in [
        ("11-retry-after", Fault::new(403, secondary).with("retry-after", "1"), 2),
        ("11-too-many", Fault::new(429, "Too Many Requests").with("retry-after", "0"), 2),
        ("11-secondary", Fault::new(403, secondary), 1),
        ("11-remaining", Fault::new(403, "API limit").with("x-ratelimit-remaining", "0"), 1),
        ("11-long", Fault::new(429, "slow down").with("retry-after", "3600"), 1),
    ] {
        let job = failing([fault]);
        let done = job.publish();
        assert_eq!((done.code, posts(&job)), (0, expected), "{name}: {}", done.stderr);
        job.fake.keep(name);
    }
}

#[test]
fn a_post_that_was_stored_is_not_sent_again() {
    let job = failing([Fault::new(502, "Bad Gateway").stored()]);
    let done = job.publish();
    assert_eq!((done.code, posts(&job), job.fake.bodies().len()), (0, 1, 1), "{}", done.stderr);
    assert!(done.outputs.contains("issuecomment-101"));
    job.fake.keep("12-stored");
    let job = failing([Fault::new(502, "Bad Gateway")]);
    assert_eq!((job.publish().code, posts(&job), job.fake.bodies().len()), (0, 2, 1));
    job.fake.keep("12-not-stored");
}

#[test]
fn a_body_that_is_too_long_is_sent_shorter_once() {
    let job = failing([Fault::new(422, "Validation Failed: Body is too long (maximum is 65536)")]);
    assert_eq!((job.publish().code, posts(&job), job.fake.bodies().len()), (0, 2, 1));
    job.fake.keep("13-too-long");
    let job = failing([Fault::new(422, "Validation Failed")]);
    let done = job.publish();
    assert_eq!((done.code, posts(&job)), (2, 1), "{}", done.stderr);
    assert!(done.stderr.contains("the verdict is unaffected"), "{}", done.stderr);
}

#[test]
fn a_platform_that_is_away_is_said_so() {
    let mut job = Job::new();
    job.event.1["pull_request"]["number"] = serde_json::json!(8);
    let done = job.publish();
    assert!(done.code == 0 && done.stderr.contains("404"), "{}", done.stderr);
    let done = job.publish_to("http://127.0.0.1:1");
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("cannot be reached"), "{}", done.stderr);
}
