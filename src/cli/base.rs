//! The commit that a change is held against: by the event of the workflow, or as it is named.

use super::ExitStatus;
use super::arguments::{Suite, not_empty, usage};
use super::git;
use crate::config::plan::TargetSource;
use crate::publish::{Event, Workflow};
use std::path::{Path, PathBuf};

/// A commit, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseCommit {
    /// Its hash.
    pub(super) sha: String,
    /// How it was found, in a few words.
    pub(super) how: &'static str,
}

/// Against what a check is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against<'a> {
    /// The committed baseline.
    Baseline,
    /// The base of the change, where there is one and it can be built.
    Auto,
    /// This commit.
    Named(&'a str),
}

impl<'a> Against<'a> {
    pub(super) fn read(text: Option<&'a str>) -> Self {
        match not_empty(text) {
            None | Some("none") => Self::Baseline,
            Some("auto") => Self::Auto,
            Some(name) => Self::Named(name),
        }
    }
}

/// Why the base of a change is not at hand, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotThere {
    pub(super) what: &'static str,
    pub(super) hint: &'static str,
}

/// Where `git` is asked: the folder of the suite.
pub(super) fn folder(suite: &Suite) -> PathBuf {
    let folder = suite.plan.file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// The commit that is to be built and measured beside the working tree; `None`: the committed baseline
/// is what counts.
pub(super) fn to_measure(
    suite: &Suite,
    against: Against<'_>,
) -> Result<Option<BaseCommit>, ExitStatus> {
    let is_managed = matches!(suite.plan.target.source, TargetSource::Managed(_));
    let refused = |it: NotThere| usage(it.what, it.hint);
    match against {
        Against::Baseline => Ok(None),
        Against::Auto if !is_managed => Ok(None),
        Against::Auto => of_event(&folder(suite), suite.workflow.as_ref()).map_err(refused),
        Against::Named(_) if !is_managed => Err(usage(
            "`--against` builds and starts two commits, and this target has no `command`",
            "compare running servers by `plimsoll compare BASE_URL HEAD_URL`, or leave it out",
        )),
        Against::Named(name) => named(&folder(suite), name).map(Some),
    }
}

/// The commit of this name.
pub(super) fn named(folder: &Path, name: &str) -> Result<BaseCommit, ExitStatus> {
    let commit = format!("{name}^{{commit}}");
    // A name that begins like an option is none.
    let sha = git::line(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
    match sha.filter(|sha| git::is_hash(sha)) {
        Some(sha) => Ok(BaseCommit { sha, how: "as it was named" }),
        None => Err(usage(
            &format!("`{name}` names no commit of this repository"),
            "fetch it first, or name another: a branch, a tag, or a hash",
        )),
    }
}

/// The base of the change that the workflow looks at; `None` where there is none.
pub(super) fn of_event(
    folder: &Path,
    workflow: Option<&Workflow>,
) -> Result<Option<BaseCommit>, NotThere> {
    let Some(workflow) = workflow else { return Ok(None) };
    match &workflow.event {
        Event::PullRequest { .. } => {
            let parent = |n: u8| {
                git::line(
                    folder,
                    &["rev-parse", "--verify", "--quiet", &format!("HEAD^{n}^{{commit}}")],
                )
            };
            match (parent(1), parent(2)) {
                (Some(sha), Some(_)) => {
                    Ok(Some(BaseCommit { sha, how: "first parent of the merge commit" }))
                }
                (None, _) => Err(NotThere {
                    what: "the base of this pull request was not fetched",
                    hint: "set `fetch-depth: 2` of actions/checkout",
                }),
                (Some(_), None) => Err(NotThere {
                    what: "what is checked out is not the merge commit of this pull request, so its \
                           base is not known",
                    hint: "leave out `ref` of actions/checkout, and set `fetch-depth: 2`",
                }),
            }
        }
        Event::MergeGroup { base } => {
            let sha = base.as_str().to_owned();
            if is_there(folder, &sha) || is_fetched(folder, &sha) {
                return Ok(Some(BaseCommit { sha, how: "base of the merge group" }));
            }
            Err(NotThere {
                what: "the base of this merge group was not fetched",
                hint: "set `fetch-depth: 0` of actions/checkout",
            })
        }
        Event::Push { before: Some(before) } => {
            let sha = before.as_str().to_owned();
            let found = is_there(folder, &sha) || is_fetched(folder, &sha);
            Ok(found.then_some(BaseCommit { sha, how: "what was pushed before" }))
        }
        Event::Push { before: None }
        | Event::WorkflowRun(_)
        | Event::PullRequestTarget
        | Event::Other => Ok(None),
    }
}

fn is_there(folder: &Path, sha: &str) -> bool {
    git::line(folder, &["cat-file", "-e", &format!("{sha}^{{commit}}")]).is_some()
}

fn is_fetched(folder: &Path, sha: &str) -> bool {
    git::line(folder, &["fetch", "--quiet", "--depth=1", "--no-tags", "origin", sha]).is_some()
}

#[cfg(test)]
mod tests {
    use super::{BaseCommit, of_event};
    use crate::cli::git;
    use crate::publish::{Event, Sha, Workflow};
    use std::path::Path;

    fn run(folder: &Path, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        let arguments: Vec<&str> = identity.iter().chain(arguments).copied().collect();
        git::line(folder, &arguments).unwrap_or_else(|| panic!("git {arguments:?}"))
    }

    fn commit(folder: &Path, name: &str) -> String {
        std::fs::write(folder.join(name), name).unwrap();
        run(folder, &["add", "."]);
        run(folder, &["commit", "--quiet", "-m", name]);
        run(folder, &["rev-parse", "HEAD"])
    }

    /// A branch that was merged: `(repository, base, head)`, the merge checked out.
    fn merged() -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        run(at, &["init", "--quiet", "--initial-branch=main"]);
        commit(at, "first");
        run(at, &["checkout", "--quiet", "-b", "change"]);
        let head = commit(at, "change");
        run(at, &["checkout", "--quiet", "main"]);
        let base = commit(at, "second");
        run(at, &["merge", "--quiet", "--no-ff", "-m", "merge", "change"]);
        (folder, base, head)
    }

    fn workflow(event: Event) -> Workflow {
        Workflow {
            event,
            repository: "o/r".to_owned(),
            run: (1, 1),
            server: String::new(),
            api: String::new(),
        }
    }

    fn pull(head: &str) -> Workflow {
        workflow(Event::PullRequest { number: 1, head: Sha::parse(head).unwrap() })
    }

    #[test]
    fn of_a_pull_request_it_is_the_first_parent_of_the_merge() {
        let (repository, base, head) = merged();
        let found = of_event(repository.path(), Some(&pull(&head))).unwrap();
        let how = "first parent of the merge commit";
        assert_eq!(found, Some(BaseCommit { sha: base.clone(), how }));
        // In a clone of the depth that the documentation asks for, too; and in a shallower one not.
        let url = format!("file://{}", repository.path().display());
        for (depth, expected) in [("2", Some(base)), ("1", None)] {
            let clone = tempfile::tempdir().unwrap();
            let at = clone.path().join("clone");
            run(clone.path(), &["clone", "--quiet", "--depth", depth, &url, at.to_str().unwrap()]);
            let found = of_event(&at, Some(&pull(&head)));
            match expected {
                Some(sha) => assert_eq!(found.unwrap().unwrap().sha, sha),
                None => assert!(found.unwrap_err().hint.contains("fetch-depth: 2")),
            }
        }
    }

    #[test]
    fn another_commit_than_the_merge_is_never_compared_with_something_else() {
        let (repository, _, head) = merged();
        run(repository.path(), &["checkout", "--quiet", &head]);
        let error = of_event(repository.path(), Some(&pull(&head))).unwrap_err();
        assert!(error.hint.contains("leave out `ref`"), "{error:?}");
    }

    #[test]
    fn of_a_group_and_a_push_it_is_what_the_event_says() {
        let (repository, base, _) = merged();
        let sha = Sha::parse(&base).unwrap();
        let gone = Sha::parse(&"f".repeat(40)).unwrap();
        let of = |event| of_event(repository.path(), Some(&workflow(event)));
        assert_eq!(of(Event::MergeGroup { base: sha.clone() }).unwrap().unwrap().sha, base);
        assert!(of(Event::MergeGroup { base: gone.clone() }).is_err());
        assert_eq!(of(Event::Push { before: Some(sha) }).unwrap().unwrap().sha, base);
        assert_eq!(of(Event::Push { before: Some(gone) }).unwrap(), None);
        assert_eq!(of(Event::Other).unwrap(), None);
        assert_eq!(of_event(repository.path(), None).unwrap(), None);
    }
}
