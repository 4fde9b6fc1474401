//! Building a target before it is compared: the suite's own command, watched as a target is, with the
//! same environment, and what was built.

use crate::config::plan::ManagedTarget;
use crate::target::error::{EndStatus, Exit, TargetError};
use crate::target::process::RunningTarget;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest build.
const BUILD_MAX: Duration = Duration::from_secs(60 * 60);

/// Why there is no build.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It could not be begun, or was interrupted.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The command failed.
    #[error("`{command}` failed: {}", exit.status)]
    Failed {
        /// The command.
        command: String,
        /// How it ended, and what it printed last.
        exit: Exit,
    },
    /// The command went on and on.
    #[error("`{command}` did not end within {} min", BUILD_MAX.as_secs() / 60)]
    Endless {
        /// The command.
        command: String,
        /// What it printed last.
        exit: Option<Exit>,
    },
}

impl BuildError {
    /// What the command printed last.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        match self {
            Self::Target(error) => error.last_lines().to_vec(),
            Self::Failed { exit, .. } | Self::Endless { exit: Some(exit), .. } => {
                exit.last_lines.as_slice().to_vec()
            }
            Self::Endless { exit: None, .. } => Vec::new(),
        }
    }
}

/// Runs the build of a target in its folder, if it has one; `log` receives what it prints. Everything
/// that it started ends with it.
///
/// # Errors
/// It fails, does not end, or somebody interrupts.
pub async fn build(
    managed: &ManagedTarget,
    log: &Path,
    guard_program: &Path,
    stop: &CancellationToken,
) -> Result<(), BuildError> {
    let Some(command) = &managed.build else { return Ok(()) };
    let shell = ["sh", "-c", command].map(str::to_owned);
    let builder = ManagedTarget { command: shell.into(), ..managed.clone() };
    let mut running = RunningTarget::launch(&builder, 0, log, guard_program).await?;
    let exit = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        exit = running.exited() => Some(exit),
        () = tokio::time::sleep(BUILD_MAX) => {
            let exit = running.stop().await.exit;
            return Err(BuildError::Endless { command: command.clone(), exit });
        }
    };
    match exit {
        Some(exit) if exit.status == EndStatus::Code(0) => Ok(()),
        Some(exit) => Err(BuildError::Failed { command: command.clone(), exit }),
        None => {
            running.stop().await;
            Err(TargetError::Interrupted.into())
        }
    }
}

/// What a build made, by name and SHA-256: the files that the suite names as `artifacts`, else the
/// program, where it is one that was built in the target's folder, and the files among its arguments.
/// `None` where that does not tell two builds apart: a script, or a program from elsewhere.
#[must_use]
pub fn built(managed: &ManagedTarget) -> Option<BTreeMap<String, String>> {
    managed.build.as_ref()?;
    let named =
        |name: &Path| Some((name.display().to_string(), digest(&managed.directory.join(name))?));
    if !managed.artifacts.is_empty() {
        return managed.artifacts.iter().map(|name| named(name)).collect();
    }
    let (program, arguments) = managed.command.split_first()?;
    let program = PathBuf::from(program);
    let is_inside = program.is_relative()
        && program.components().count() > 1
        && program.components().all(|part| part != Component::ParentDir);
    if !is_inside || !is_machine_code(&managed.directory.join(&program)) {
        return None;
    }
    let files = arguments.iter().map(PathBuf::from);
    let files = files.filter(|file| managed.directory.join(file).is_file());
    std::iter::once(program).chain(files).map(|name| named(&name)).collect()
}

fn digest(path: &Path) -> Option<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path).ok()?, &mut hash).ok()?;
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether a file begins as a program of Linux or macOS does: what a script does stands elsewhere.
fn is_machine_code(path: &Path) -> bool {
    use io::Read as _;
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    let known: [[u8; 4]; 3] = [*b"\x7fELF", [0xcf, 0xfa, 0xed, 0xfe], [0xca, 0xfe, 0xba, 0xbe]];
    read.is_ok() && known.contains(&magic)
}
