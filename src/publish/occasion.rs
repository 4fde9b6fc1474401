//! Which pull request a run is published to: by the event alone, never by what the run says.

use super::event::{Event, Sha, WorkflowRun, workflow_path};
use super::publication::Subject;

/// A pull request to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion<'a> {
    /// Where.
    pub subject: Subject,
    /// The commit that was measured.
    pub head: &'a Sha,
    /// Id and attempt of the run that measured it.
    pub run: (u64, u32),
    /// Whether that run was made by the code of a fork.
    pub is_fork: bool,
    /// Whether the measuring workflow may have published already.
    pub defers: bool,
}

/// The run was made by another workflow than the one whose runs are published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the run was made by `{found}`, not by `{expected}`")]
pub struct OtherWorkflow {
    /// Path of its workflow file.
    pub found: String,
    /// Path of the one that was expected.
    pub expected: String,
}

impl<'a> Occasion<'a> {
    /// The pull request of an event, if it has one. `run` is the run that we are part of; runs of
    /// forks must be of the workflow file `expected`, because a fork may add another of the same name.
    ///
    /// # Errors
    /// A run of another workflow file.
    pub fn of(
        event: &'a Event,
        run: (u64, u32),
        expected: &str,
    ) -> Result<Option<Self>, OtherWorkflow> {
        Ok(match event {
            Event::PullRequest { number, head } => Some(Self {
                subject: Subject::Pull(*number),
                head,
                run,
                is_fork: false,
                defers: false,
            }),
            Event::WorkflowRun(triggered) => {
                Self::subject(triggered, expected)?.map(|subject| Self {
                    subject,
                    head: &triggered.head,
                    run: (triggered.run, triggered.attempt),
                    is_fork: triggered.is_fork(),
                    defers: true,
                })
            }
            Event::MergeGroup { .. }
            | Event::Push { .. }
            | Event::PullRequestTarget
            | Event::Other => None,
        })
    }

    fn subject(run: &WorkflowRun, expected: &str) -> Result<Option<Subject>, OtherWorkflow> {
        if run.event != "pull_request" {
            return Ok(None);
        }
        if run.path != workflow_path(expected) {
            return Err(OtherWorkflow { found: run.path.clone(), expected: expected.to_owned() });
        }
        if run.is_fork() {
            let of = |(repository, owner)| Subject::Branch {
                owner,
                branch: run.branch.clone(),
                repository,
            };
            return Ok(run.repository.clone().map(of));
        }
        // The list need not be what triggered the run.
        let is_it =
            |(_, head, base): &&(u64, Sha, u64)| *head == run.head && *base == run.base_repository;
        let mut found = run.pulls.iter().filter(is_it);
        Ok(match (found.next(), found.next()) {
            (Some((number, ..)), None) => Some(Subject::Pull(*number)),
            (None, _) | (Some(_), Some(_)) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Occasion, Sha, Subject, WorkflowRun};

    const FILE: &str = ".github/workflows/capacity.yml";

    fn sha(digit: char) -> Sha {
        Sha::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn triggered() -> WorkflowRun {
        WorkflowRun {
            run: 9,
            attempt: 3,
            path: FILE.to_owned(),
            event: "pull_request".to_owned(),
            head: sha('a'),
            branch: "fix".to_owned(),
            repository: Some((1, "o".to_owned())),
            base_repository: 1,
            pulls: vec![(7, sha('a'), 1)],
        }
    }

    fn subject(run: WorkflowRun) -> Option<Subject> {
        let event = Event::WorkflowRun(Box::new(run));
        let occasion = Occasion::of(&event, (5, 1), FILE).unwrap()?;
        assert!(occasion.defers && occasion.run == (9, 3));
        Some(occasion.subject)
    }

    #[test]
    fn of_our_own_repository_it_is_the_one_that_is_listed_with_our_commit() {
        assert_eq!(subject(triggered()), Some(Subject::Pull(7)));
        let pulls = |pulls: &[(u64, char, u64)]| {
            let pulls = pulls.iter().map(|(number, head, base)| (*number, sha(*head), *base));
            subject(WorkflowRun { pulls: pulls.collect(), ..triggered() })
        };
        assert_eq!(pulls(&[(6, 'b', 1), (7, 'a', 1), (8, 'a', 2)]), Some(Subject::Pull(7)));
        assert_eq!(pulls(&[(7, 'a', 1), (8, 'a', 1)]), None);
        assert_eq!(pulls(&[]), None);
    }

    #[test]
    fn of_a_fork_it_is_looked_for_by_its_branch() {
        let fork = WorkflowRun { repository: Some((2, "f".to_owned())), ..triggered() };
        let branch =
            Subject::Branch { owner: "f".to_owned(), branch: "fix".to_owned(), repository: 2 };
        assert_eq!(subject(fork), Some(branch));
        assert_eq!(subject(WorkflowRun { repository: None, ..triggered() }), None);
    }

    #[test]
    fn a_run_of_another_file_or_event_is_not_published() {
        let other = WorkflowRun { path: ".github/workflows/x.yml".to_owned(), ..triggered() };
        let event = Event::WorkflowRun(Box::new(other));
        assert!(Occasion::of(&event, (5, 1), FILE).is_err());
        assert_eq!(subject(WorkflowRun { event: "push".to_owned(), ..triggered() }), None);
    }

    #[test]
    fn only_pull_requests_have_one() {
        let pull = Event::PullRequest { number: 7, head: sha('a') };
        let occasion = Occasion::of(&pull, (5, 1), FILE).unwrap().unwrap();
        assert_eq!((occasion.subject, occasion.run), (Subject::Pull(7), (5, 1)));
        for event in [
            Event::MergeGroup { base: sha('b') },
            Event::Push { before: None },
            Event::PullRequestTarget,
            Event::Other,
        ] {
            assert_eq!(Occasion::of(&event, (5, 1), FILE), Ok(None));
        }
    }
}
