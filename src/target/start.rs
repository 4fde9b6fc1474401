//! Starting a managed target: a port, a process, its first answer.

use crate::config::plan::{ManagedTarget, Ready};
use crate::target::error::TargetError;
use crate::target::listeners::{addresses_of, holder};
use crate::target::port::{free_port, is_taken};
use crate::target::process::RunningTarget;
use crate::target::ready::{Probe, Readiness, until_ready};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Starts the target and waits until it is ready.
///
/// `log` receives its output (appended; the folder must exist). `guard_program` is our own
/// binary, whose verb [`GUARD_VERB`](super::GUARD_VERB) calls [`run_guard`](super::run_guard). When `stop` is
/// cancelled, or this future is dropped, the target is ended as well.
///
/// # Errors
///
/// See [`TargetError`]; nothing of the target is left running then. When a free port was chosen
/// and somebody else took it before the target could, one other port is tried first.
pub async fn start(
    managed: &ManagedTarget,
    log: &Path,
    guard_program: &Path,
    stop: &CancellationToken,
) -> Result<RunningTarget, TargetError> {
    if let Some(port) = managed.port {
        if is_taken(port) {
            return Err(TargetError::PortInUse { port, owner: holder(port) });
        }
        return attempt(managed, port, log, guard_program, stop).await;
    }
    let choose = || free_port().map_err(|source| TargetError::NoFreePort { source });
    let port = choose()?;
    match attempt(managed, port, log, guard_program, stop).await {
        Err(error) if is_lost_port(&error, port) => {
            tracing::warn!(port, "somebody else took the target's port: trying another");
            attempt(managed, choose()?, log, guard_program, stop).await
        }
        result => result,
    }
}

/// Whether the start failed because somebody took the port between our choice and the target.
fn is_lost_port(error: &TargetError, port: u16) -> bool {
    match error {
        TargetError::Stranger { .. } => true,
        TargetError::ExitedEarly { .. } => is_taken(port),
        TargetError::NoCommand
        | TargetError::NoDirectory { .. }
        | TargetError::NoFreePort { .. }
        | TargetError::PortInUse { .. }
        | TargetError::Log { .. }
        | TargetError::Guard { .. }
        | TargetError::NotReady { .. }
        | TargetError::Interrupted => false,
    }
}

async fn attempt(
    managed: &ManagedTarget,
    port: u16,
    log: &Path,
    guard_program: &Path,
    stop: &CancellationToken,
) -> Result<RunningTarget, TargetError> {
    let mut target = RunningTarget::launch(managed, port, log, guard_program).await?;
    match wait_ready(&mut target, &managed.ready, stop).await {
        Ok(readiness) => {
            target.note_ready(readiness);
            tracing::info!(port, pid = target.pid(), startup = ?target.startup(), "target ready");
            Ok(target)
        }
        Err(error @ TargetError::Interrupted) => {
            target.stop().await;
            Err(error)
        }
        Err(error) => {
            target.kill().await;
            Err(error)
        }
    }
}

/// Waits for the first answer, the end of the target, the deadline or `stop`.
async fn wait_ready(
    target: &mut RunningTarget,
    ready: &Ready,
    stop: &CancellationToken,
) -> Result<Readiness, TargetError> {
    let (port, guard) = (target.port(), target.guard_pid());
    let mut last_probe = Probe::NotTried;
    let left = ready.within.saturating_sub(target.started().elapsed());
    let answer = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(TargetError::Interrupted),
        exit = target.exited() => return Err(TargetError::ExitedEarly { exit }),
        answer = until_ready(port, &ready.path, guard, &mut last_probe) => Some(answer),
        () = tokio::time::sleep(left) => None,
    };
    match answer {
        Some(Ok(readiness)) => Ok(readiness),
        Some(Err(owner)) => {
            Err(TargetError::Stranger { port, owner, last_lines: target.last_lines() })
        }
        None => {
            let mut listens = addresses_of(guard);
            if last_probe != Probe::Refused {
                listens.clear(); // it was reached: where else it listens is no explanation
            }
            Err(TargetError::NotReady {
                url: format!("{}{}", target.base_url(), ready.path),
                within: ready.within,
                last_probe,
                listens,
                last_lines: target.last_lines(),
            })
        }
    }
}
