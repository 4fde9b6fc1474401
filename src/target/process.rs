//! A managed target while it lives: watched, and stopped with everything that it started.

use crate::config::plan::ManagedTarget;
use crate::target::descendants::{Process, descendants, oldest_child};
use crate::target::environment::{environment_of, secrets_of};
use crate::target::error::{EndStatus, Exit, TargetError};
use crate::target::guard::{GUARD_VERB, KILL, TERM};
use crate::target::listeners::PortOwner;
use crate::target::log::Drain;
use crate::target::mask::Mask;
use crate::target::port::with_port;
use crate::target::ready::Readiness;
use crate::target::tail::LastLines;
use rustix::process::{Pid, Signal};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long the guard may take to kill everything before we do it ourselves.
const KILL_WAIT: Duration = Duration::from_secs(3);
/// Rounds of killing ourselves, and the pause between two.
const FORCE_ROUNDS: u32 = 40;
const FORCE_PAUSE: Duration = Duration::from_millis(25);

/// A managed target that answered. Dropping it kills it: the guard sees the end of the lifeline.
#[derive(Debug)]
pub struct RunningTarget {
    guard: Child,
    guard_pid: Pid,
    lifeline: ChildStdin,
    drain: Drain,
    command: Option<Process>,
    port: u16,
    owner: PortOwner,
    grace: Duration,
    started: Instant,
    startup: Duration,
}

/// How a target came to its end in [`RunningTarget::stop`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It had ended before it was asked to.
    Earlier,
    /// It ended within the grace after SIGTERM.
    Terminated,
    /// It was killed.
    Killed,
}

/// What [`RunningTarget::stop`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// How it came to its end.
    pub ending: Ending,
    /// Its status and last lines; `None` when even its guard could not be ended.
    pub exit: Option<Exit>,
    /// Processes of the target that could not be killed; empty except on a sick machine.
    pub survivors: Vec<Process>,
}

impl Stopped {
    /// How it had ended, if that was before it was asked to.
    #[must_use]
    pub fn earlier(&self) -> Option<&Exit> {
        self.exit.as_ref().filter(|_| self.ending == Ending::Earlier)
    }
}

impl RunningTarget {
    /// Starts the guard, and through it the command, without waiting.
    pub(super) async fn launch(
        managed: &ManagedTarget,
        port: u16,
        log: &Path,
        guard_program: &Path,
    ) -> Result<Self, TargetError> {
        if managed.command.is_empty() {
            return Err(TargetError::NoCommand);
        }
        // a path of no parts is the folder of a suite given by its bare name
        let here = managed.directory.as_os_str().is_empty();
        let directory = if here { Path::new(".") } else { &managed.directory };
        if !directory.is_dir() {
            return Err(TargetError::NoDirectory { directory: directory.to_owned() });
        }
        let failed = |source| TargetError::Guard { program: guard_program.to_owned(), source };
        // one pipe for both streams keeps their order
        let (output, writer) = std::io::pipe().map_err(failed)?;
        let drain = Drain::start(output.into(), log, Mask::new(secrets_of(managed).iter())).await?;
        let mut command = Command::new(std::path::absolute(guard_program).map_err(failed)?);
        command
            .arg(GUARD_VERB)
            .arg("--")
            .args(managed.command.iter().map(|argument| with_port(argument, port)))
            .env_clear()
            .envs(environment_of(managed, port))
            .current_dir(directory)
            .process_group(0) // Ctrl-C at the terminal is for us
            .stdin(std::process::Stdio::piped())
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer);
        let started = Instant::now();
        let mut guard = command.spawn().map_err(failed)?;
        let lost = || failed(std::io::ErrorKind::NotFound.into());
        let lifeline = guard.stdin.take().ok_or_else(lost)?;
        let pid = guard.id().and_then(|pid| i32::try_from(pid).ok());
        let guard_pid = pid.and_then(Pid::from_raw).ok_or_else(lost)?;
        Ok(Self {
            guard,
            guard_pid,
            lifeline,
            drain,
            command: None,
            port,
            owner: PortOwner::Unverified,
            grace: managed.grace,
            started,
            startup: Duration::ZERO,
        })
    }

    /// Takes note of its first answer.
    pub(super) fn note_ready(&mut self, readiness: Readiness) {
        self.startup = readiness.at - self.started;
        self.owner = readiness.owner;
        self.command = oldest_child(self.guard_pid());
    }

    /// When its guard was started.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Where it answers, without a path: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Time from its start to its first 2xx, known to the pause between two attempts (20 to
    /// 100 ms).
    #[must_use]
    pub fn startup(&self) -> Duration {
        self.startup
    }

    /// Whether the listener was seen to be the target's own.
    #[must_use]
    pub fn owner(&self) -> PortOwner {
        self.owner
    }

    /// The process of the command itself; `None` where the system does not tell.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.command.as_ref().map(|process| process.pid)
    }

    /// The guard above it, which is no part of the target.
    #[must_use]
    pub fn guard_pid(&self) -> i32 {
        self.guard_pid.as_raw_pid()
    }

    /// Every living process of the target, without its guard, the oldest first.
    ///
    /// # Errors
    ///
    /// When the process table cannot be read, as elsewhere than on Linux.
    pub fn processes(&self) -> std::io::Result<Vec<Process>> {
        descendants(self.guard_pid())
    }

    /// What it printed last.
    #[must_use]
    pub fn last_lines(&self) -> LastLines {
        self.drain.last_lines()
    }

    /// Waits until it ended by itself. May be cancelled and called again: for `select!`.
    pub async fn exited(&mut self) -> Exit {
        let status = self.guard.wait().await.map_or(EndStatus::Unknown, EndStatus::from);
        if let EndStatus::GuardKilled(_) = status {
            self.kill_group();
        }
        self.drain.finish().await;
        Exit { status, last_lines: self.last_lines() }
    }

    /// Ends it and everything that it started: SIGTERM, the grace of the plan, SIGKILL.
    pub async fn stop(mut self) -> Stopped {
        if self.guard.try_wait().is_ok_and(|status| status.is_some()) {
            let exit = Some(self.exited().await);
            return Stopped { ending: Ending::Earlier, exit, survivors: Vec::new() };
        }
        self.tell(TERM).await;
        if let Ok(exit) = timeout(self.grace, self.exited()).await {
            return Stopped { ending: Ending::Terminated, exit: Some(exit), survivors: Vec::new() };
        }
        self.kill().await
    }

    /// SIGKILL at once.
    pub(super) async fn kill(mut self) -> Stopped {
        self.tell(KILL).await;
        if let Ok(exit) = timeout(KILL_WAIT, self.exited()).await {
            return Stopped { ending: Ending::Killed, exit: Some(exit), survivors: Vec::new() };
        }
        let survivors = self.force().await;
        if !survivors.is_empty() {
            tracing::error!(?survivors, "processes of the target could not be killed");
        }
        let exit = timeout(KILL_WAIT, self.exited()).await.ok();
        Stopped { ending: Ending::Killed, exit, survivors }
    }

    /// Kills without the guard's help, for it does not react; what could not be killed.
    async fn force(&mut self) -> Vec<Process> {
        let mut left = Vec::new();
        for _ in 0..FORCE_ROUNDS {
            left = self.processes().unwrap_or_default();
            if left.is_empty() {
                break;
            }
            for pid in left.iter().filter_map(|process| Pid::from_raw(process.pid)) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
            sleep(FORCE_PAUSE).await;
        }
        self.kill_group();
        left
    }

    /// Says a word to the guard. One that is gone does not hear it, and its end is seen anyway.
    async fn tell(&mut self, word: &str) {
        let line = format!("{word}\n");
        if let Err(error) = self.lifeline.write_all(line.as_bytes()).await {
            tracing::debug!(%error, word, "the guard is gone");
        }
    }

    /// Kills the guard's process group: the guard itself, and what did not leave the group.
    fn kill_group(&self) {
        let _ = rustix::process::kill_process_group(self.guard_pid, Signal::KILL);
    }
}

impl Drop for RunningTarget {
    fn drop(&mut self) {
        // the end of the lifeline is enough, unless the guard itself was killed
        if let Ok(Some(status)) = self.guard.try_wait()
            && let EndStatus::GuardKilled(_) = EndStatus::from(status)
        {
            self.kill_group();
        }
    }
}

impl From<ExitStatus> for EndStatus {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::GuardKilled(signal),
            (None, None) => Self::Unknown,
        }
    }
}
