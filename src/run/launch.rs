//! From the suite's target to a base URL that answers.

use crate::config::Plan;
use crate::config::plan::{ManagedTarget, Ready, Residency, TargetSource};
use crate::demo::Profile;
use crate::load::{Client, secrets_of_headers};
use crate::target::{Exit, RunningTarget, TargetError, start};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest wait for the demo beyond the delay that it was asked for.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A target that answers.
#[derive(Debug)]
pub struct Launched {
    /// Where.
    pub base_url: String,
    /// The process, where it is ours.
    pub running: Option<RunningTarget>,
    /// How it is started, where we do that.
    start: Option<Start>,
}

/// All that is needed to start a target.
#[derive(Debug)]
struct Start {
    managed: ManagedTarget,
    program: PathBuf,
    log: PathBuf,
}

/// Why there is no target.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The managed target did not start.
    #[error(transparent)]
    Managed(#[from] TargetError),
    /// The URL does not answer.
    #[error("the target at {url} does not answer: {reason}")]
    Unreachable {
        /// The base URL.
        url: String,
        /// What was seen.
        reason: String,
    },
    /// The target had ended when it was to be stopped.
    #[error("the target had stopped by itself: {exit}")]
    Ended {
        /// How, and its last lines.
        exit: Exit,
    },
}

/// Starts the target of `plan`, or asks the one that runs already for an answer. `program` is our
/// own binary; `log` receives the output of a managed target.
///
/// # Errors
/// It does not start, or does not answer.
pub async fn launch(
    plan: &Plan,
    program: &Path,
    log: &Path,
    stop: &CancellationToken,
) -> Result<Launched, LaunchError> {
    let managed = match &plan.target.source {
        TargetSource::Url(url) => {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(TargetError::Interrupted.into()),
                answered = answers(plan, url) => answered?,
            }
            return Ok(Launched { base_url: url.clone(), running: None, start: None });
        }
        TargetSource::Managed(managed) => command(plan, managed),
        TargetSource::Demo(profile) => demo(program, profile),
    };
    let start = Start { managed, program: program.to_owned(), log: log.to_owned() };
    let running = start.run(plan.budget.time, stop).await?;
    Ok(Launched { base_url: running.base_url(), running: Some(running), start: Some(start) })
}

impl Launched {
    /// Stops the target and starts it anew, which may give it another port; of one that runs elsewhere
    /// nothing is done. Takes as long as the target takes to stop, and then `within` at most.
    ///
    /// # Errors
    /// It had ended before, or does not start. Nothing of it is left running then.
    pub async fn restart(
        &mut self,
        within: Duration,
        stop: &CancellationToken,
    ) -> Result<(), LaunchError> {
        if self.start.is_none() {
            return Ok(());
        }
        self.pause().await?;
        self.resume(within, stop).await
    }

    /// Stops the target, to be started again by [`Launched::resume`].
    ///
    /// # Errors
    /// It had ended before.
    pub async fn pause(&mut self) -> Result<(), LaunchError> {
        match self.running.take() {
            Some(running) => match running.stop().await.earlier().cloned() {
                Some(exit) => Err(LaunchError::Ended { exit }),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Starts a target that was stopped; of one that runs, or runs elsewhere, nothing is done.
    ///
    /// # Errors
    /// It does not start.
    pub async fn resume(
        &mut self,
        within: Duration,
        stop: &CancellationToken,
    ) -> Result<(), LaunchError> {
        let (None, Some(start)) = (&self.running, &self.start) else { return Ok(()) };
        let running = start.run(within, stop).await?;
        self.base_url = running.base_url();
        self.running = Some(running);
        Ok(())
    }
}

impl Start {
    async fn run(
        &self,
        within: Duration,
        stop: &CancellationToken,
    ) -> Result<RunningTarget, TargetError> {
        if stop.is_cancelled() {
            return Err(TargetError::Interrupted);
        }
        let managed = bounded(self.managed.clone(), within);
        start(&managed, &self.log, &self.program, stop).await
    }
}

/// The start counts for the budget, so nobody waits longer for it than the run may still take.
fn bounded(managed: ManagedTarget, left: Duration) -> ManagedTarget {
    let ready = Ready { within: managed.ready.within.min(left), ..managed.ready };
    ManagedTarget { ready, ..managed }
}

/// The suite's command, as seen from its folder.
fn command(plan: &Plan, managed: &ManagedTarget) -> ManagedTarget {
    let folder = plan.file.parent().map(Path::to_owned).unwrap_or_default();
    // A server may log the requests that it gets.
    let headers = secrets_of_headers(&plan.target.headers);
    let secrets = managed.secrets.iter().chain(headers).cloned().collect();
    let directory = folder.join(&managed.directory);
    ManagedTarget { directory, secrets, ..managed.clone() }
}

/// Any answer will do: what counts as success is the trial's business.
async fn answers(plan: &Plan, url: &str) -> Result<(), LaunchError> {
    let unreachable = |reason: String| LaunchError::Unreachable { url: url.to_owned(), reason };
    let client =
        Client::new(&plan.target, &[url]).await.map_err(|error| unreachable(error.to_string()))?;
    client.get("/").await.map(|_status| ()).map_err(|error| unreachable(error.detail))
}

/// The demo is our own binary, as a process of its own: its speed must not depend on ours.
fn demo(program: &Path, profile: &Profile) -> ManagedTarget {
    let within = READY_WITHIN.saturating_add(profile.faults.startup_delay);
    let profile = serde_json::to_string(profile).unwrap_or_default();
    let arguments = ["demo", "--listen", "127.0.0.1:{port}", "--profile-json", &profile];
    let mut command = vec![program.display().to_string()];
    command.extend(arguments.map(str::to_owned));
    ManagedTarget {
        command,
        directory: PathBuf::from("."),
        env: BTreeMap::new(),
        pass_env: BTreeSet::new(),
        secrets: Vec::new(),
        port: None,
        ready: Ready { path: "/health/ready".to_owned(), within },
        grace: Duration::from_secs(2),
        build: None,
        artifacts: Vec::new(),
        residency: Residency::Both,
    }
}

impl LaunchError {
    /// The last lines of a managed target's log, as it wrote them.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        match self {
            Self::Managed(error) => error.last_lines().to_vec(),
            Self::Ended { exit } => exit.last_lines.as_slice().to_vec(),
            Self::Unreachable { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{bounded, demo};
    use crate::demo::Profile;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn nobody_waits_for_the_start_longer_than_asked_or_than_the_run_may_take() {
        let seconds = Duration::from_secs;
        let mut profile = Profile::named("llm").unwrap();
        for (delay, budget, within) in [(0, 90, 30), (60, 600, 90), (60, 45, 45), (0, 20, 20)] {
            profile.faults.startup_delay = seconds(delay);
            let managed = bounded(demo(Path::new("plimsoll"), &profile), seconds(budget));
            assert_eq!(managed.ready.within, seconds(within), "{delay} {budget}");
        }
        profile.faults.startup_delay = Duration::MAX;
        assert_eq!(demo(Path::new("plimsoll"), &profile).ready.within, Duration::MAX);
    }
}
