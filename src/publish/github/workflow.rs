//! The workflow run that we are part of, as its environment tells it.

use crate::config::environment;
use crate::publish::{Event, EventError, Sha};
use std::fs::File;
use std::io::Read as _;

/// Largest event; the platform's own bound on what it sends is 25 MB, and real ones have some 10 KB.
const EVENT_MAX: u64 = 25 << 20;

/// The workflow run.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// What started it.
    pub event: Event,
    /// `owner/name` of the repository it runs in.
    pub repository: String,
    /// Its id, and which attempt at it this is.
    pub run: (u64, u32),
    /// Address of the platform.
    pub server: String,
    /// Address of its API.
    pub api: String,
}

/// Why the environment of a workflow cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// A variable is missing or makes no sense.
    #[error("the variable {name} is missing or wrong: is this a job of GitHub Actions?")]
    Variable {
        /// Its name.
        name: &'static str,
    },
    /// The event cannot be read.
    #[error("cannot read the event from `{path}`")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The event is not what its name says.
    #[error(transparent)]
    Event(#[from] EventError),
}

impl Workflow {
    /// Reads it.
    ///
    /// # Errors
    /// We are in no workflow, or its environment is not complete.
    pub fn read() -> Result<Self, WorkflowError> {
        let variable =
            |name: &'static str| environment::process(name).ok_or(WorkflowError::Variable { name });
        let number = |name: &'static str| {
            variable(name)?.parse::<u64>().map_err(|_| WorkflowError::Variable { name })
        };
        let path = variable("GITHUB_EVENT_PATH")?;
        let json = event_file(&path).map_err(|source| WorkflowError::Io { path, source })?;
        let attempt = u32::try_from(number("GITHUB_RUN_ATTEMPT")?).unwrap_or(u32::MAX);
        Ok(Self {
            event: Event::read(&variable("GITHUB_EVENT_NAME")?, &json)?,
            repository: variable("GITHUB_REPOSITORY")?,
            run: (number("GITHUB_RUN_ID")?, attempt),
            server: variable("GITHUB_SERVER_URL")?,
            api: variable("GITHUB_API_URL")?,
        })
    }

    /// The newest commit of the pull request that is looked at, if there is one.
    #[must_use]
    pub fn head(&self) -> Option<&Sha> {
        match &self.event {
            Event::PullRequest { head, .. } => Some(head),
            Event::WorkflowRun(run) => Some(&run.head),
            Event::MergeGroup { .. }
            | Event::Push { .. }
            | Event::PullRequestTarget
            | Event::Other => None,
        }
    }

    /// Address of a run of this repository.
    #[must_use]
    pub fn run_url(&self, run: u64) -> String {
        format!("{}/{}/actions/runs/{run}", self.server.trim_end_matches('/'), self.repository)
    }
}

fn event_file(path: &str) -> std::io::Result<String> {
    let mut json = String::new();
    File::open(path)?.take(EVENT_MAX).read_to_string(&mut json)?;
    Ok(json)
}
