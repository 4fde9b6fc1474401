//! The whole publisher against a platform in memory.

use super::{Answer, Failure, Move, Outcome, PAGE, Publication, Pull, Request, Subject};
use crate::publish::{Comment, Key, Marker, Ours, Sha, Why};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

const BOT: &str = "github-actions[bot]";

fn sha(digit: char) -> Sha {
    Sha::parse(&digit.to_string().repeat(40)).unwrap()
}

fn body(key: &str, run: (u64, u32), head: char, text: &str) -> String {
    format!("{}\n{text}", Marker::new(Key::new(key), run, &sha(head)).line())
}

fn ours(run: (u64, u32)) -> Ours {
    Ours {
        marker: Marker::new(Key::new("chat"), run, &sha('a')),
        head: sha('a'),
        author: BOT.to_owned(),
        body: body("chat", run, 'a', "### a long one"),
        shorter: body("chat", run, 'a', "### short"),
        is_quiet: false,
        defers: false,
    }
}

/// How a request ends instead of well.
#[derive(Debug, Clone)]
enum Fault {
    /// Not done.
    Refused(Failure),
    /// Done, and then no good answer.
    Lost(Failure),
    /// The comments are deleted first.
    Gone,
}

fn failure(status: u16, message: &str) -> Failure {
    Failure {
        status: Some(status),
        message: message.to_owned(),
        retry_after: None,
        is_rate_limit: status == 429,
    }
}

/// A platform with one pull request.
#[derive(Debug, Clone)]
struct Platform {
    pulls: Vec<Pull>,
    comments: Vec<Comment>,
    /// What happens to the next writes; nothing: they go well.
    faults: VecDeque<Option<Fault>>,
    body_max: usize,
    asked: Vec<String>,
}

impl Platform {
    fn new() -> Self {
        let head = Some(sha('a'));
        let pull = Pull { number: 7, is_open: true, head, repository: Some(1) };
        Self {
            pulls: vec![pull],
            comments: Vec::new(),
            faults: VecDeque::new(),
            body_max: 65_536,
            asked: Vec::new(),
        }
    }

    fn with(mut self, author: &str, body: &str) -> Self {
        let id = self.comments.iter().map(|comment| comment.id).max().unwrap_or(100) + 1;
        self.comments.push(Comment {
            id,
            body: body.to_owned(),
            author: Some((author.to_owned(), author.ends_with("[bot]"))),
            url: format!("u{id}"),
        });
        self
    }

    fn crowded(mut self, count: u64) -> Self {
        for _ in 0..count {
            self = self.with("somebody", "me too");
        }
        self
    }

    fn failing(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults.into_iter().map(Some));
        self
    }

    fn done(&mut self, request: &Request) -> Result<Answer, Failure> {
        Ok(match request {
            Request::User => return Err(failure(403, "not by an integration")),
            Request::Pulls { .. } => Answer::Pulls(self.pulls.clone()),
            Request::Pull(number) => {
                Answer::Pull(self.pulls.iter().find(|it| it.number == *number).unwrap().clone())
            }
            Request::Comments(_, page) => {
                let skip = (*page as usize - 1) * PAGE;
                let page: Vec<Comment> =
                    self.comments.iter().skip(skip).take(PAGE).cloned().collect();
                let count = page.len();
                Answer::Comments(page, count)
            }
            Request::Create(_, body) if body.len() > self.body_max => {
                return Err(failure(422, "Validation Failed: body is too long"));
            }
            Request::Create(_, body) => {
                *self = self.clone().with(BOT, body);
                Answer::Written(self.comments.last().unwrap().clone())
            }
            Request::Update(id, body) => {
                let Some(comment) = self.comments.iter_mut().find(|it| it.id == *id) else {
                    return Err(failure(404, "Not Found"));
                };
                comment.body.clone_from(body);
                Answer::Written(comment.clone())
            }
            Request::Delete(id) => {
                self.comments.retain(|comment| comment.id != *id);
                Answer::Deleted
            }
        })
    }

    fn answer(&mut self, request: &Request) -> Result<Answer, Failure> {
        let is_write =
            matches!(request, Request::Create(..) | Request::Update(..) | Request::Delete(_));
        match if is_write { self.faults.pop_front().flatten() } else { None } {
            Some(Fault::Refused(failure)) => Err(failure),
            Some(Fault::Lost(failure)) => {
                let _ = self.done(request);
                Err(failure)
            }
            Some(Fault::Gone) => {
                self.comments.clear();
                self.done(request)
            }
            None => self.done(request),
        }
    }

    fn publish(&mut self, ours: Ours, subject: Subject) -> (Outcome, Duration) {
        let mut publication = Publication::new(ours, subject, false);
        let mut elapsed = Duration::ZERO;
        for _ in 0..100 {
            let (wait, request) = match publication.next() {
                Move::Ask(wait, request) => (wait, request),
                Move::Done(outcome) => return (outcome, elapsed),
            };
            elapsed += wait;
            self.asked.push(match &request {
                Request::User => "user".to_owned(),
                Request::Pulls { owner, branch } => format!("pulls {owner}:{branch}"),
                Request::Pull(number) => format!("pull {number}"),
                Request::Comments(_, page) => format!("page {page}"),
                Request::Create(..) => "create".to_owned(),
                Request::Update(id, _) => format!("update {id}"),
                Request::Delete(id) => format!("delete {id}"),
            });
            let answer = self.answer(&request);
            publication.answered(answer, elapsed);
        }
        panic!("it never ends: {:?}", self.asked);
    }

    fn publish_to_7(&mut self, ours: Ours) -> Outcome {
        self.publish(ours, Subject::Pull(7)).0
    }

    /// Comments that begin with a marker of this key, whoever wrote them.
    fn bodies(&self) -> Vec<&str> {
        self.comments.iter().map(|comment| comment.body.as_str()).collect()
    }
}

fn written(url: &str) -> Outcome {
    Outcome::Written { url: url.to_owned() }
}

#[test]
fn the_first_comment_is_written_when_every_page_was_read() {
    let mut platform = Platform::new().crowded(150);
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u251"));
    assert_eq!(platform.asked, ["pull 7", "page 1", "page 2", "create", "page 2"]);
}

#[test]
fn our_comment_is_found_on_the_second_page() {
    let mut platform = Platform::new().crowded(120);
    platform = platform.with(BOT, &body("chat", (4, 1), 'b', "### old")).crowded(10);
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u221"));
    assert_eq!(platform.asked, ["pull 7", "page 1", "page 2", "update 221"]);
}

#[test]
fn a_marker_of_somebody_else_and_a_quoted_one_are_left_alone() {
    let marker = body("chat", (4, 1), 'a', "");
    let mut platform = Platform::new()
        .with("mallory", &marker)
        .with("github-actions", &marker)
        .with(BOT, &format!("> {marker}"))
        .with(BOT, &format!("text\n{marker}"));
    platform.comments.push(Comment {
        id: 900,
        body: marker.clone(),
        author: None,
        url: String::new(),
    });
    let not_a_bot = Some((BOT.to_owned(), false));
    platform.comments.push(Comment {
        id: 901,
        body: marker,
        author: not_a_bot,
        url: String::new(),
    });
    platform.publish_to_7(ours((5, 1)));
    assert_eq!(platform.asked, ["pull 7", "page 1", "create", "page 1"]);
}

#[test]
fn of_two_of_ours_the_older_stays() {
    let old = body("chat", (4, 1), 'b', "");
    let mut platform = Platform::new().with(BOT, &old).with("me", "x").with(BOT, &old);
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u101"));
    assert_eq!(platform.asked[2..], ["update 101", "delete 103"]);
    assert_eq!(platform.bodies(), [ours((5, 1)).body.as_str(), "x"]);
}

#[test]
fn another_key_is_another_comment_even_when_it_begins_alike() {
    let other = body("chat-2", (4, 1), 'a', "");
    let mut platform = Platform::new().with(BOT, &other);
    platform.publish_to_7(ours((5, 1)));
    assert_eq!(platform.bodies()[0], other);
    assert_eq!(platform.comments.len(), 2);
    let own = body("chat", (4, 1), 'a', "");
    let mut platform = Platform::new().with(BOT, &own);
    let mut second = ours((5, 1));
    second.marker = Marker::new(Key::new("chat-2"), (5, 1), &sha('a'));
    platform.publish_to_7(second);
    assert_eq!((platform.bodies()[0], platform.comments.len()), (own.as_str(), 2));
}

#[test]
fn a_newer_run_of_the_same_commit_stands_and_one_of_another_does_not() {
    let newer = body("chat", (6, 1), 'a', "");
    let mut platform = Platform::new().with(BOT, &newer);
    let outcome = platform.publish_to_7(ours((5, 1)));
    assert_eq!(outcome, Outcome::Nothing(Why::NewerRun, Some("u101".to_owned())));
    assert_eq!(platform.bodies(), [newer]);
    let mut platform = Platform::new().with(BOT, &body("chat", (6, 1), 'b', ""));
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u101"));
}

#[test]
fn a_commit_that_is_not_the_newest_any_more_is_not_published() {
    let mut platform = Platform::new();
    platform.pulls[0].head = Some(sha('b'));
    assert_eq!(platform.publish_to_7(ours((5, 1))), Outcome::Nothing(Why::Superseded, None));
    platform.pulls[0].head = Some(sha('a'));
    platform.pulls[0].is_open = false;
    assert_eq!(platform.publish_to_7(ours((5, 1))), Outcome::Nothing(Why::Closed, None));
    assert_eq!(platform.asked, ["pull 7", "pull 7"]);
}

#[test]
fn a_second_attempt_replaces_the_first() {
    let mut platform = Platform::new().with(BOT, &ours((5, 1)).body);
    assert_eq!(platform.publish_to_7(ours((5, 2))), written("u101"));
    assert_eq!(platform.bodies(), [ours((5, 2)).body]);
}

#[test]
fn a_comment_that_was_deleted_meanwhile_is_written_again_once() {
    let mut platform = Platform::new().with(BOT, &body("chat", (4, 1), 'b', ""));
    platform = platform.failing([Fault::Gone]);
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u101"));
    let posts = platform.asked.iter().filter(|it| *it == "create").count();
    assert_eq!(posts, 1, "{:?}", platform.asked);
}

#[test]
fn a_comment_that_only_looks_like_ours_is_let_be() {
    let theirs = body("chat", (4, 1), 'b', "");
    let mut platform = Platform::new().with(BOT, &theirs);
    platform = platform.failing([Fault::Refused(failure(403, "not the author"))]);
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u102"));
    assert_eq!(platform.asked, ["pull 7", "page 1", "update 101", "page 1", "create", "page 1"]);
    assert_eq!(platform.bodies()[0], theirs);
}

#[test]
fn what_the_platform_refuses_for_good_is_asked_once() {
    for (status, message) in [
        (403, "Resource not accessible by integration"),
        (404, "Not Found"),
        (410, "Issues are disabled"),
        (401, "Bad credentials"),
    ] {
        let mut platform = Platform::new().failing([Fault::Refused(failure(status, message))]);
        let outcome = platform.publish_to_7(ours((5, 1)));
        assert_eq!(outcome, Outcome::Refused(format!("{status} {message}")));
        assert_eq!(platform.asked, ["pull 7", "page 1", "create"]);
    }
}

#[test]
fn a_rate_limit_is_waited_for_once_when_the_wait_is_short() {
    let limit = |wait: Option<u64>| Failure {
        retry_after: wait.map(Duration::from_secs),
        is_rate_limit: true,
        ..failure(403, "You have exceeded a secondary rate limit")
    };
    for (first, waited) in [
        (limit(Some(1)), Some(1)),
        (failure(429, "slow down"), Some(5)),
        (limit(None), None),
        (limit(Some(21)), None),
    ] {
        let mut platform = Platform::new().failing([Fault::Refused(first.clone())]);
        let (outcome, elapsed) = platform.publish(ours((5, 1)), Subject::Pull(7));
        let posts = platform.asked.iter().filter(|it| *it == "create").count();
        match waited {
            Some(seconds) => {
                assert_eq!(
                    (outcome, elapsed, posts),
                    (written("u101"), Duration::from_secs(seconds), 2)
                );
            }
            None => assert!(matches!(outcome, Outcome::Refused(_)) && posts == 1, "{outcome:?}"),
        }
    }
    let twice = [Fault::Refused(limit(Some(1))), Fault::Refused(limit(Some(1)))];
    let mut platform = Platform::new().failing(twice);
    assert!(matches!(platform.publish_to_7(ours((5, 1))), Outcome::Refused(_)));
}

#[test]
fn a_post_whose_answer_was_lost_is_looked_for_before_it_is_repeated() {
    let lost = failure(502, "Bad Gateway");
    let mut platform = Platform::new().failing([Fault::Lost(lost.clone())]);
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u101"));
    assert_eq!(platform.asked, ["pull 7", "page 1", "create", "page 1"]);
    let mut platform = Platform::new().failing([Fault::Refused(lost.clone())]);
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u101"));
    assert_eq!(platform.comments.len(), 1);
    let mut platform = Platform::new().failing(std::iter::repeat_n(Fault::Refused(lost), 9));
    assert!(matches!(platform.publish_to_7(ours((5, 1))), Outcome::Failed(_)));
    assert_eq!(platform.asked.iter().filter(|it| *it == "create").count(), 3);
}

#[test]
fn a_body_that_is_too_long_is_sent_shorter_once() {
    let mut platform = Platform::new();
    platform.body_max = ours((5, 1)).shorter.len();
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u101"));
    assert_eq!(platform.bodies(), [ours((5, 1)).shorter]);
    assert_eq!(platform.asked, ["pull 7", "page 1", "create", "create", "page 1"]);
    platform.comments.clear();
    platform.body_max = 1;
    assert!(matches!(platform.publish_to_7(ours((5, 1))), Outcome::Failed(_)));
}

#[test]
fn the_same_text_is_not_written_again() {
    let stored = format!("{}\r\n", ours((5, 1)).body.replace('\n', "\r\n"));
    let mut platform = Platform::new().with(BOT, &stored);
    let outcome = platform.publish_to_7(ours((5, 1)));
    assert_eq!(outcome, Outcome::Nothing(Why::Unchanged, Some("u101".to_owned())));
    assert_eq!(platform.asked, ["pull 7", "page 1"]);
}

#[test]
fn the_second_workflow_lets_the_first_ones_comment_of_the_same_run_stand() {
    let first = body("chat", (5, 1), 'a', "### by the job itself");
    let mut platform = Platform::new().with(BOT, &first);
    let mut second = ours((5, 1));
    second.defers = true;
    platform.publish_to_7(second);
    assert_eq!(platform.bodies(), [first]);
}

#[test]
fn a_later_version_looks_after_its_comment() {
    let later = body("chat", (4, 1), 'a', "").replace("plimsoll:1", "plimsoll:2");
    let mut platform = Platform::new().with(BOT, &later);
    assert_eq!(platform.publish_to_7(ours((5, 1))), Outcome::Nothing(Why::LaterVersion, None));
    let mut platform = Platform::new().with("mallory", &later);
    assert_eq!(platform.publish_to_7(ours((5, 1))), written("u102"));
}

#[test]
fn where_only_problems_are_wanted_a_pass_mends_a_comment_and_begins_none() {
    let mut quiet = ours((5, 1));
    quiet.is_quiet = true;
    let mut platform = Platform::new();
    assert_eq!(platform.publish_to_7(quiet.clone()), Outcome::Nothing(Why::Quiet, None));
    let mut platform = Platform::new().with(BOT, &body("chat", (4, 1), 'b', "### red"));
    assert_eq!(platform.publish_to_7(quiet), written("u101"));
}

#[test]
fn of_two_pulls_of_a_forks_branch_the_one_with_our_commit_is_meant() {
    let branch =
        || Subject::Branch { owner: "fork".to_owned(), branch: "fix".to_owned(), repository: 1 };
    let other = Pull { number: 8, is_open: true, head: Some(sha('b')), repository: Some(1) };
    let mut platform = Platform::new();
    platform.pulls.insert(0, other);
    assert_eq!(platform.publish(ours((5, 1)), branch()).0, written("u101"));
    assert_eq!(platform.asked[..2], ["pulls fork:fix", "page 1"]);
    let elsewhere = Pull { repository: Some(2), ..platform.pulls[1].clone() };
    for pulls in
        [vec![], vec![elsewhere], vec![platform.pulls[1].clone(), platform.pulls[1].clone()]]
    {
        platform.pulls = pulls;
        let outcome = platform.publish(ours((5, 1)), branch()).0;
        assert_eq!(outcome, Outcome::Nothing(Why::NoPull, None));
    }
}

#[test]
fn whose_token_it_is_is_asked_and_may_stay_unknown() {
    let mut publication = Publication::new(ours((5, 1)), Subject::Pull(7), true);
    assert_eq!(publication.next(), Move::Ask(Duration::ZERO, Request::User));
    publication.answered(Ok(Answer::User("me".to_owned())), Duration::ZERO);
    assert_eq!(publication.ours.author, "me");
    let mut publication = Publication::new(ours((5, 1)), Subject::Pull(7), true);
    publication.answered(Err(failure(403, "not by an integration")), Duration::ZERO);
    assert_eq!(publication.ours.author, BOT);
    assert_eq!(publication.next(), Move::Ask(Duration::ZERO, Request::Pull(7)));
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    let statuses = prop_oneof![
        Just(401u16),
        Just(403),
        Just(404),
        Just(410),
        Just(422),
        Just(429),
        Just(500),
        Just(502)
    ];
    let fault = (statuses, any::<bool>(), prop::option::of(0u64..40)).prop_map(
        |(status, is_lost, wait)| {
            let failure = Failure {
                retry_after: wait.map(Duration::from_secs),
                is_rate_limit: status == 429 || (status == 403 && wait.is_some()),
                ..failure(status, "said no")
            };
            // Only a server's own failure leaves open what was done.
            if is_lost && status >= 500 { Fault::Lost(failure) } else { Fault::Refused(failure) }
        },
    );
    prop::option::of(fault)
}

proptest! {
    /// Whatever fails: it ends, in time, and a single run never leaves two comments.
    #[test]
    fn no_failure_makes_a_second_comment(
        faults in prop::collection::vec(fault(), 0..8),
        stored in prop::option::of(0u64..9),
        crowd in 0u64..150,
    ) {
        let mut platform = Platform::new().crowded(crowd);
        if let Some(run) = stored {
            platform = platform.with(BOT, &body("chat", (run, 1), 'b', "### old"));
        }
        platform.faults = faults.into();
        let (outcome, elapsed) = platform.publish(ours((5, 1)), Subject::Pull(7));
        let current = platform.comments.iter().filter(|it| it.body == ours((5, 1)).body).count();
        prop_assert!(current <= 1, "{:?}", platform.asked);
        prop_assert!(elapsed < Duration::from_secs(60));
        prop_assert!(platform.asked.len() < 20, "{:?}", platform.asked);
        if let Outcome::Written { .. } = outcome {
            prop_assert_eq!(current, 1);
        }
    }
}
