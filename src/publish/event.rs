//! What GitHub says happened: the only source for a pull request's number and commits.

use serde::Deserialize;
use std::fmt;

/// The hash of a commit: 40 to 64 hexadecimal digits, lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha(String);

impl Sha {
    /// The hash, if the text is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hash =
            (40..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then(|| Self(text.to_ascii_lowercase()))
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the hash of nothing: what a push that creates a branch says it replaces.
    fn is_zero(&self) -> bool {
        self.0.bytes().all(|b| b == b'0')
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What started a workflow, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A pull request was opened or changed.
    PullRequest {
        /// Its number.
        number: u64,
        /// Its newest commit; what was checked out is that merged into its base.
        head: Sha,
    },
    /// Another workflow ended.
    WorkflowRun(Box<WorkflowRun>),
    /// A merge queue tries a group of changes.
    MergeGroup {
        /// The commit before the group.
        base: Sha,
    },
    /// Commits reached a branch.
    Push {
        /// What was there before, if anything.
        before: Option<Sha>,
    },
    /// A pull request, but run with the rights of the base: measuring it would hand them to its code.
    PullRequestTarget,
    /// Anything else.
    Other,
}

/// The run that triggered this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRun {
    /// Its id.
    pub run: u64,
    /// Which attempt at it.
    pub attempt: u32,
    /// Path of its workflow file, from the root of the repository.
    pub path: String,
    /// The event that started it.
    pub event: String,
    /// The commit that started it.
    pub head: Sha,
    /// The branch that it stands on.
    pub branch: String,
    /// The repository of that branch: its id and its owner; none when it was deleted.
    pub repository: Option<(u64, String)>,
    /// Id of the repository in which this workflow runs.
    pub base_repository: u64,
    /// Pull requests of the same repository that the platform names: number, head, and the id of the
    /// base's repository. For forks there are none.
    pub pulls: Vec<(u64, Sha, u64)>,
}

impl WorkflowRun {
    /// Whether its branch is in another repository.
    #[must_use]
    pub fn is_fork(&self) -> bool {
        self.repository.as_ref().is_none_or(|(id, _)| *id != self.base_repository)
    }
}

/// Why an event could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the event `{name}` does not say what it should: {path}: {message}")]
pub struct EventError {
    /// Its name.
    name: String,
    /// Place in the file.
    path: String,
    /// What is wrong there.
    message: String,
}

impl Event {
    /// Reads the event of this name from its JSON.
    ///
    /// # Errors
    /// It lacks what an event of this name has.
    pub fn read(name: &str, json: &str) -> Result<Self, EventError> {
        Ok(match name {
            "pull_request" => {
                let PullRequestFile { pull_request: pull } = file(name, json)?;
                Self::PullRequest { number: pull.number, head: sha(name, "head", &pull.head.sha)? }
            }
            "workflow_run" => Self::WorkflowRun(Box::new(workflow_run(name, file(name, json)?)?)),
            "merge_group" => {
                let MergeGroupFile { merge_group } = file(name, json)?;
                Self::MergeGroup { base: sha(name, "merge_group.base_sha", &merge_group.base_sha)? }
            }
            "push" => {
                let PushFile { before } = file(name, json)?;
                let before = before.as_deref().and_then(Sha::parse);
                Self::Push { before: before.filter(|before| !before.is_zero()) }
            }
            "pull_request_target" => Self::PullRequestTarget,
            _ => Self::Other,
        })
    }
}

fn file<'a, T: Deserialize<'a>>(name: &str, json: &'a str) -> Result<T, EventError> {
    let reader = &mut serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(reader).map_err(|error| EventError {
        name: name.to_owned(),
        path: error.path().to_string(),
        message: error.inner().to_string(),
    })
}

fn sha(name: &str, path: &str, text: &str) -> Result<Sha, EventError> {
    Sha::parse(text).ok_or_else(|| EventError {
        name: name.to_owned(),
        path: path.to_owned(),
        message: "no hash of a commit".to_owned(),
    })
}

fn workflow_run(name: &str, file: WorkflowRunFile) -> Result<WorkflowRun, EventError> {
    let WorkflowRunFile { workflow_run: run, repository } = file;
    let pull = |pull: Option<ListedPull>| {
        let pull = pull?;
        Some((pull.number, Sha::parse(&pull.head.sha)?, pull.base.repo.id))
    };
    Ok(WorkflowRun {
        run: run.id,
        attempt: run.run_attempt,
        path: workflow_path(&run.path).to_owned(),
        event: run.event,
        head: sha(name, "workflow_run.head_sha", &run.head_sha)?,
        branch: run.head_branch.unwrap_or_default(),
        repository: run.head_repository.map(|it| (it.id, it.owner.login)),
        base_repository: repository.id,
        pulls: run.pull_requests.unwrap_or_default().into_iter().filter_map(pull).collect(),
    })
}

/// `.github/workflows/ci.yml` of `owner/repo/.github/workflows/ci.yml@main`, and of itself.
pub(super) fn workflow_path(path: &str) -> &str {
    let path = path.split_once('@').map_or(path, |(path, _)| path);
    path.find(".github/").map_or(path, |at| path.get(at..).unwrap_or(path))
}

#[derive(Deserialize)]
struct PullRequestFile {
    pull_request: PullFile,
}

#[derive(Deserialize)]
struct PullFile {
    number: u64,
    head: CommitFile,
}

#[derive(Deserialize)]
struct CommitFile {
    sha: String,
}

#[derive(Deserialize)]
struct MergeGroupFile {
    merge_group: MergeGroup,
}

#[derive(Deserialize)]
struct MergeGroup {
    base_sha: String,
}

#[derive(Deserialize)]
struct PushFile {
    before: Option<String>,
}

#[derive(Deserialize)]
struct WorkflowRunFile {
    workflow_run: RunFile,
    repository: Id,
}

#[derive(Deserialize)]
struct RunFile {
    id: u64,
    run_attempt: u32,
    path: String,
    event: String,
    head_sha: String,
    head_branch: Option<String>,
    head_repository: Option<RepositoryFile>,
    pull_requests: Option<Vec<Option<ListedPull>>>,
}

#[derive(Deserialize)]
struct RepositoryFile {
    id: u64,
    owner: Owner,
}

#[derive(Deserialize)]
struct Owner {
    login: String,
}

#[derive(Deserialize)]
struct Id {
    id: u64,
}

#[derive(Deserialize)]
struct ListedPull {
    number: u64,
    head: CommitFile,
    base: ListedBase,
}

#[derive(Deserialize)]
struct ListedBase {
    repo: Id,
}

#[cfg(test)]
mod tests {
    use super::{Event, Sha, workflow_path};
    use serde_json::json;

    fn sha(digit: char) -> Sha {
        Sha::parse(&digit.to_string().repeat(40)).unwrap()
    }

    #[test]
    fn the_number_and_the_head_of_a_pull_request_come_from_its_event() {
        let json = json!({ "number": 8, "pull_request": {
            "number": 7, "head": { "sha": "a".repeat(40), "repo": null }, "unknown": [] } });
        assert_eq!(
            Event::read("pull_request", &json.to_string()).unwrap(),
            Event::PullRequest { number: 7, head: sha('a') }
        );
    }

    #[test]
    fn an_event_that_lacks_what_it_must_have_names_the_place() {
        let error = |name: &str, json: serde_json::Value| {
            Event::read(name, &json.to_string()).unwrap_err().to_string()
        };
        let text = error("pull_request", json!({ "pull_request": { "number": "7" } }));
        assert!(text.contains("pull_request.number"), "{text}");
        let text = error("merge_group", json!({ "merge_group": { "base_sha": "main" } }));
        assert!(text.contains("base_sha") && text.contains("no hash"), "{text}");
    }

    #[test]
    fn a_push_that_creates_a_branch_replaces_nothing() {
        for (before, expected) in
            [("0".repeat(40), None), ("b".repeat(40), Some(sha('b'))), ("x".to_owned(), None)]
        {
            let json = json!({ "before": before }).to_string();
            assert_eq!(Event::read("push", &json).unwrap(), Event::Push { before: expected });
        }
        assert_eq!(Event::read("schedule", "{}").unwrap(), Event::Other);
        assert_eq!(Event::read("pull_request_target", "{}").unwrap(), Event::PullRequestTarget);
    }

    #[test]
    fn a_run_of_a_fork_is_told_from_one_of_ours() {
        let json = |repository: serde_json::Value| {
            json!({
                "repository": { "id": 1 },
                "workflow_run": {
                    "id": 99, "run_attempt": 2, "event": "pull_request", "head_sha": "c".repeat(40),
                    "path": "o/r/.github/workflows/capacity.yml@main", "head_branch": "fix",
                    "head_repository": repository,
                    "pull_requests": [null, { "number": 3, "head": { "sha": "c".repeat(40) },
                        "base": { "repo": { "id": 1 } } }],
                },
            })
            .to_string()
        };
        let read = |repository| match Event::read("workflow_run", &json(repository)).unwrap() {
            Event::WorkflowRun(run) => *run,
            other @ (Event::PullRequest { .. }
            | Event::MergeGroup { .. }
            | Event::Push { .. }
            | Event::PullRequestTarget
            | Event::Other) => panic!("{other:?}"),
        };
        let own = read(json!({ "id": 1, "owner": { "login": "o" } }));
        assert!(!own.is_fork() && own.pulls == [(3, sha('c'), 1)]);
        assert_eq!(
            (own.run, own.attempt, own.path.as_str()),
            (99, 2, ".github/workflows/capacity.yml")
        );
        assert!(read(json!({ "id": 2, "owner": { "login": "f" } })).is_fork());
        assert!(read(json!(null)).is_fork());
    }

    #[test]
    fn a_workflow_is_named_by_its_path_in_the_repository() {
        for path in [
            ".github/workflows/a.yml",
            ".github/workflows/a.yml@v1",
            "o/r/.github/workflows/a.yml@main",
        ] {
            assert_eq!(workflow_path(path), ".github/workflows/a.yml");
        }
    }

    #[test]
    fn a_hash_is_forty_to_sixty_four_hexadecimal_digits() {
        assert_eq!(Sha::parse(&"A".repeat(40)), Some(sha('a')));
        for text in ["", "abc", &"g".repeat(40), &"a".repeat(65)] {
            assert_eq!(Sha::parse(text), None);
        }
    }
}
