//! The guard: our own binary once more, between Plimsoll and a target. It sees to it that nothing
//! of the target outlives Plimsoll, however Plimsoll ends.
//!
//! It holds one end of a pipe, the *lifeline*. `term` on a line asks the target to end, `kill`
//! kills it. End of file means that Plimsoll is gone, also by SIGKILL: then the target is killed
//! at once. As a child subreaper it inherits every orphan below it, so a daemon that left the
//! process group is found as well. Elsewhere than on Linux only the process group is reached.

use crate::target::descendants::descendants;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

/// The hidden verb of our binary under which [`run_guard`] runs: `plimsoll guard -- COMMAND…`.
pub const GUARD_VERB: &str = "guard";
/// The exit code with which the binary answers an error of [`run_guard`]; a shell's for a command
/// that it cannot find.
pub const COULD_NOT_START: u8 = 127;

/// A line on the lifeline: SIGTERM to the target.
pub(super) const TERM: &str = "term";
/// A line on the lifeline: SIGKILL to the target.
pub(super) const KILL: &str = "kill";

/// Pause between two rounds of killing.
const KILL_PAUSE: Duration = Duration::from_millis(10);
/// How long it goes on killing what does not die (a process in an uninterruptible wait).
const KILL_LIMIT: Duration = Duration::from_secs(30);

/// Runs `command` and returns its exit code (128 + n for the signal n) when nothing of it is left.
/// Standard input must be the lifeline. Must not be called inside an async runtime.
///
/// # Errors
///
/// When the command cannot be started, or standard input is no pipe. The caller prints the error
/// (it then stands in the target's log) and exits with [`COULD_NOT_START`].
pub fn run_guard(command: Vec<OsString>) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(guard(command))
}

async fn guard(command: Vec<OsString>) -> io::Result<ExitCode> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut child_ended = signal(SignalKind::child())?;
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        // handled from now on, and nobody listens; unlike SIG_IGN the target does not inherit it
        drop(signal(kind)?);
    }
    let lifeline = io::stdin().as_fd().try_clone_to_owned()?;
    let lifeline = pipe::Receiver::from_owned_fd(lifeline).map_err(|error| {
        io::Error::new(error.kind(), "the guard is started by plimsoll itself, with a pipe")
    })?;
    let mut lines = BufReader::new(lifeline).lines();
    let mut tree = Tree::start(&command)?;
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            line = lines.next_line() => match line.ok().flatten().as_deref() {
                Some(TERM) => {
                    is_stopping = true;
                    tree.signal(Signal::TERM);
                    tree.signal(Signal::CONT); // one that is stopped cannot end
                }
                Some(KILL) | None => break,
                Some(_) => {}
            },
            _ = child_ended.recv() => {
                let has_children = tree.reap();
                // asked to end, the processes below have the same grace as the command itself
                if !has_children || (tree.status.is_some() && !is_stopping) {
                    break;
                }
            }
        }
    }
    tree.kill().await;
    Ok(tree.exit_code())
}

/// The command and everything below us.
struct Tree {
    command: Pid,
    /// How the command ended, once it has.
    status: Option<WaitStatus>,
}

impl Tree {
    fn start(command: &[OsString]) -> io::Result<Self> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command to guard"));
        };
        let mut command = std::process::Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        if !cfg!(target_os = "linux") {
            // there the group is all that can be reached, and the guard must not kill itself
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        let child = command.spawn().map_err(|error| {
            let text = format!("cannot start `{}`: {error}", program.display());
            io::Error::new(error.kind(), text)
        })?;
        Ok(Self { command: Pid::from_child(&child), status: None })
    }

    /// Sends `signal` to every descendant. Those that end meanwhile, or may not be signalled,
    /// are passed over.
    fn signal(&self, signal: Signal) {
        let ourselves = rustix::process::getpid();
        match descendants(ourselves.as_raw_pid()) {
            Ok(processes) => {
                for pid in processes.iter().filter_map(|process| Pid::from_raw(process.pid)) {
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
            // without a process table: the group, on Linux with ourselves in it
            Err(_) if cfg!(target_os = "linux") => {
                let _ = rustix::process::kill_current_process_group(signal);
            }
            Err(_) => {
                let _ = rustix::process::kill_process_group(self.command, signal);
            }
        }
    }

    /// Takes leave of every child that ended; whether there are others. On Linux "no child" is
    /// the proof that nothing is left below us: an orphan would have become our child.
    fn reap(&mut self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.command => self.status = Some(status),
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Kills until nothing is left. New processes may come while it looks: hence the rounds.
    async fn kill(&mut self) {
        let deadline = Instant::now() + KILL_LIMIT;
        if !cfg!(target_os = "linux") {
            self.signal(Signal::KILL); // the group may live on without a child of ours
        }
        while self.reap() && Instant::now() < deadline {
            self.signal(Signal::KILL);
            sleep(KILL_PAUSE).await;
        }
    }

    fn exit_code(&self) -> ExitCode {
        let code = self.status.and_then(|status| {
            status.exit_status().or_else(|| status.terminating_signal().map(|n| 128 + n))
        });
        ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
    }
}
