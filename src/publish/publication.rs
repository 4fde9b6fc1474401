//! One publication, request by request: a state machine that is asked what to send next and told how
//! it went. It knows neither socket nor clock.

use super::decide::{Comment, Decision, Ours, Why, decide};
use super::event::Sha;
use std::time::Duration;

/// Comments of a page, and most pages that are read.
pub const PAGE: usize = 100;
const PAGES_MAX: u32 = 30;
/// Most attempts at one request.
const ATTEMPTS_MAX: u32 = 3;
/// Longest wait that the platform may ask for, and what is waited where it names none.
const WAIT_MAX: Duration = Duration::from_secs(20);
const WAIT_UNNAMED: Duration = Duration::from_secs(5);
/// Wait before a request that failed is repeated.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest time that publishing may take.
pub const TIME_MAX: Duration = Duration::from_secs(60);

/// Where the comment belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// This pull request.
    Pull(u64),
    /// The one open pull request from this branch of this repository, by owner and id.
    Branch {
        /// Owner of the repository.
        owner: String,
        /// Name of the branch.
        branch: String,
        /// Id of the repository.
        repository: u64,
    },
}

/// A request to the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The login of the token.
    User,
    /// Open pull requests from a branch.
    Pulls {
        /// Owner of its repository.
        owner: String,
        /// Its name.
        branch: String,
    },
    /// A pull request.
    Pull(u64),
    /// A page of its comments, from 1.
    Comments(u64, u32),
    /// A new comment.
    Create(u64, String),
    /// A new text of this comment.
    Update(u64, String),
    /// No such comment any more.
    Delete(u64),
}

/// A pull request, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Whether it is open.
    pub is_open: bool,
    /// Its newest commit, where it says one.
    pub head: Option<Sha>,
    /// Id of the repository of that commit; none when it was deleted.
    pub repository: Option<u64>,
}

/// What the platform answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::User`].
    User(String),
    /// To [`Request::Pulls`].
    Pulls(Vec<Pull>),
    /// To [`Request::Pull`].
    Pull(Pull),
    /// To [`Request::Comments`]: those that could be read, and how many there were.
    Comments(Vec<Comment>, usize),
    /// To [`Request::Create`] and [`Request::Update`].
    Written(Comment),
    /// To [`Request::Delete`].
    Deleted,
}

/// How a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Status of the answer; none when there was none.
    pub status: Option<u16>,
    /// What was said.
    pub message: String,
    /// Wait that was asked for.
    pub retry_after: Option<Duration>,
    /// Whether the platform says that there were too many requests.
    pub is_rate_limit: bool,
}

impl Failure {
    /// Whether the platform may have done what was asked all the same.
    fn is_unsure(&self) -> bool {
        self.status.is_none_or(|status| status >= 500)
    }

    /// The number of the status, 0 where there is none.
    fn code(&self) -> u16 {
        self.status.unwrap_or_default()
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Send this, after a wait.
    Ask(Duration, Request),
    /// Nothing more.
    Done(Outcome),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The comment stands here.
    Written {
        /// Where it is read.
        url: String,
    },
    /// Nothing of ours was written, as it should be; the comment that stands instead, if there is one.
    Nothing(Why, Option<String>),
    /// The platform does not let us.
    Refused(String),
    /// Something went wrong.
    Failed(String),
}

/// Where a publication stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Identify,
    Find,
    Check,
    /// Reading comments.
    List,
    Create,
    Update {
        id: u64,
        body: String,
        surplus: Vec<u64>,
    },
    /// Deleting what a race left, and then the end.
    Clear {
        surplus: Vec<u64>,
        outcome: Outcome,
    },
    Done(Outcome),
}

/// One publication.
#[derive(Debug, Clone)]
pub struct Publication {
    ours: Ours,
    subject: Subject,
    stage: Stage,
    number: u64,
    comments: Vec<Comment>,
    page: u32,
    /// Attempts at the present request.
    attempts: u32,
    wait: Duration,
    /// POSTs that were sent, and where the comment of the last one is, as far as is known.
    posts: u32,
    posted: Option<String>,
    /// Times that the list was read again because an update failed.
    looks: u32,
    /// A comment that looks like ours, and that we may not change.
    foreign: Option<u64>,
    is_shortened: bool,
}

impl Publication {
    /// Begins one. `asks_user`: whether the token belongs to somebody, whose name is the author's.
    #[must_use]
    pub fn new(ours: Ours, subject: Subject, asks_user: bool) -> Self {
        let number = match subject {
            Subject::Pull(number) => number,
            Subject::Branch { .. } => 0,
        };
        let mut publication = Self {
            ours,
            subject,
            stage: Stage::Identify,
            number,
            comments: Vec::new(),
            page: 1,
            attempts: 0,
            wait: Duration::ZERO,
            posts: 0,
            posted: None,
            looks: 0,
            foreign: None,
            is_shortened: false,
        };
        if !asks_user {
            publication.identified();
        }
        publication
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> Move {
        let request = match &self.stage {
            Stage::Identify => Request::User,
            Stage::Find => match &self.subject {
                Subject::Branch { owner, branch, .. } => {
                    Request::Pulls { owner: owner.clone(), branch: branch.clone() }
                }
                Subject::Pull(number) => Request::Pull(*number),
            },
            Stage::Check => Request::Pull(self.number),
            Stage::List => Request::Comments(self.number, self.page),
            Stage::Create => Request::Create(self.number, self.ours.body.clone()),
            Stage::Update { id, body, .. } => Request::Update(*id, body.clone()),
            Stage::Clear { surplus, outcome } => match surplus.last() {
                Some(id) => Request::Delete(*id),
                None => return Move::Done(outcome.clone()),
            },
            Stage::Done(outcome) => return Move::Done(outcome.clone()),
        };
        Move::Ask(self.wait, request)
    }

    /// Takes the answer to what [`Publication::next`] asked, `elapsed` after the beginning.
    pub fn answered(&mut self, answer: Result<Answer, Failure>, elapsed: Duration) {
        self.wait = Duration::ZERO;
        match answer {
            Ok(answer) => {
                self.attempts = 0;
                self.succeeded(answer);
            }
            Err(failure) => {
                self.attempts += 1;
                if let Some(wait) = self.patience(&failure, elapsed) {
                    self.wait = wait;
                } else {
                    self.failed(&failure);
                }
            }
        }
    }

    fn identified(&mut self) {
        self.stage = match self.subject {
            Subject::Pull(_) => Stage::Check,
            Subject::Branch { .. } => Stage::Find,
        };
    }

    fn end(&mut self, outcome: Outcome) {
        self.stage = Stage::Done(outcome);
    }

    fn list_from(&mut self, page: u32) {
        self.page = page;
        self.stage = Stage::List;
    }

    fn succeeded(&mut self, answer: Answer) {
        match answer {
            Answer::User(login) => {
                self.ours.author = login;
                self.identified();
            }
            Answer::Pulls(pulls) => self.found(&pulls),
            Answer::Pull(pull) => {
                if !pull.is_open {
                    self.end(Outcome::Nothing(Why::Closed, None));
                } else if pull.head.as_ref() != Some(&self.ours.head) {
                    self.end(Outcome::Nothing(Why::Superseded, None));
                } else {
                    self.list_from(1);
                }
            }
            Answer::Comments(comments, count) => {
                // A page that is read again replaces what it said before.
                let read: Vec<u64> = comments.iter().map(|comment| comment.id).collect();
                self.comments.retain(|comment| !read.contains(&comment.id));
                self.comments.extend(comments);
                if count >= PAGE && self.page < PAGES_MAX {
                    self.page += 1;
                } else {
                    self.listed();
                }
            }
            Answer::Written(comment) => self.written(comment),
            Answer::Deleted => self.cleared(),
        }
    }

    /// The list of pull requests of a branch was read: exactly one must have our commit.
    fn found(&mut self, pulls: &[Pull]) {
        let Subject::Branch { repository, .. } = self.subject else { return };
        let is_it = |pull: &&Pull| {
            pull.is_open
                && pull.head.as_ref() == Some(&self.ours.head)
                && pull.repository == Some(repository)
        };
        let mut found = pulls.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(pull), None) => {
                self.number = pull.number;
                self.list_from(1);
            }
            (Some(_), Some(_)) | (None, _) => self.end(Outcome::Nothing(Why::NoPull, None)),
        }
    }

    /// All comments were read.
    fn listed(&mut self) {
        // Unless an earlier attempt of ours reached it after all.
        let is_foreign = |it: &Comment| Some(it.id) == self.foreign && it.body != self.ours.body;
        self.comments.retain(|comment| !is_foreign(comment));
        let url = |id: u64| {
            self.comments.iter().find(|comment| comment.id == id).map(|comment| comment.url.clone())
        };
        match decide(&self.comments, &self.ours) {
            Decision::Create if self.posts >= ATTEMPTS_MAX => {
                self.end(Outcome::Failed("the comment was not kept".to_owned()));
            }
            Decision::Create => match self.posted.take() {
                // The platform says that it is stored; a list that does not have it yet is no reason
                // to write it twice.
                Some(url) => self.end(Outcome::Written { url }),
                None => self.stage = Stage::Create,
            },
            Decision::Keep { id, body: Some(body), surplus, .. } => {
                self.stage = Stage::Update { id, body, surplus };
            }
            Decision::Keep { id, body: None, surplus, why } => {
                let why = why.unwrap_or(Why::Unchanged);
                let outcome = match (url(id), why) {
                    // A POST whose answer was lost.
                    (Some(url), Why::Unchanged) if self.posts > 0 => Outcome::Written { url },
                    (url, why) => Outcome::Nothing(why, url),
                };
                self.stage = Stage::Clear { surplus, outcome };
            }
            Decision::Nothing(why) => self.end(Outcome::Nothing(why, None)),
        }
    }

    fn written(&mut self, comment: Comment) {
        match std::mem::replace(&mut self.stage, Stage::List) {
            Stage::Update { surplus, .. } => {
                self.stage =
                    Stage::Clear { surplus, outcome: Outcome::Written { url: comment.url } };
            }
            // Another job may have done the same meanwhile: from the page of the new comment on.
            Stage::Create
            | Stage::Identify
            | Stage::Find
            | Stage::Check
            | Stage::List
            | Stage::Clear { .. }
            | Stage::Done(_) => {
                self.posts += 1;
                self.posted = Some(comment.url.clone());
                self.comments.push(comment);
                self.list_from(self.page);
            }
        }
    }

    fn cleared(&mut self) {
        if let Stage::Clear { surplus, .. } = &mut self.stage {
            surplus.pop();
        }
    }

    /// How long to wait before the same request is sent again; `None`: it is not.
    fn patience(&self, failure: &Failure, elapsed: Duration) -> Option<Duration> {
        let wait = if failure.is_rate_limit {
            // A second wait means that somebody else uses the limit up.
            let asked =
                failure.retry_after.or((failure.status == Some(429)).then_some(WAIT_UNNAMED));
            asked.filter(|wait| *wait <= WAIT_MAX && self.attempts == 1)?
        } else {
            // A POST whose answer is lost may have been stored.
            let is_repeatable = failure.is_unsure() && self.stage != Stage::Create;
            (is_repeatable && self.attempts < ATTEMPTS_MAX).then_some(PAUSE)?
        };
        (elapsed + wait < TIME_MAX).then_some(wait)
    }

    fn failed(&mut self, failure: &Failure) {
        self.attempts = 0;
        let is_final = !failure.is_rate_limit;
        match (&self.stage, failure.code()) {
            // A token of the platform's own belongs to nobody.
            (Stage::Identify, 401 | 403 | 404) if is_final => self.identified(),
            (Stage::Create, _) if failure.is_unsure() => {
                self.posts += 1;
                self.wait = PAUSE;
                self.comments.clear();
                self.list_from(1);
                if self.posts >= ATTEMPTS_MAX {
                    self.end(Outcome::Failed(said(failure)));
                }
            }
            // Deleted between list and update, or not ours although it looks like it: look again.
            (Stage::Update { id, .. }, status @ (403 | 404)) if is_final && self.looks == 0 => {
                self.looks += 1;
                self.foreign = (status == 403).then_some(*id);
                self.comments.clear();
                self.list_from(1);
            }
            (Stage::Create | Stage::Update { .. }, 422)
                if failure.message.contains("too long") && !self.is_shortened =>
            {
                self.shorten();
            }
            // One comment too many is a blemish, not a failure.
            (Stage::Clear { outcome, .. }, _) => self.stage = Stage::Done(outcome.clone()),
            (_, 401 | 403 | 404 | 410 | 429) => self.end(Outcome::Refused(said(failure))),
            _ => self.end(Outcome::Failed(said(failure))),
        }
    }

    fn shorten(&mut self) {
        self.is_shortened = true;
        if let Stage::Update { body, .. } = &mut self.stage {
            body.clone_from(&self.ours.shorter);
        }
        self.ours.body.clone_from(&self.ours.shorter);
    }
}

fn said(failure: &Failure) -> String {
    match failure.status {
        Some(status) => format!("{status} {}", failure.message),
        None => failure.message.clone(),
    }
}

#[cfg(test)]
mod tests;
