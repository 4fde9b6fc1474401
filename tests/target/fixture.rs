//! What the tests start as a target, and how they look at processes.

use anyhow::{Context as _, Result, bail, ensure};
use plimsoll::config::plan::{ManagedTarget, Ready, Residency};
use plimsoll::target::{RunningTarget, TargetError, start};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Our own binary, the guard.
pub(crate) const GUARD: &str = env!("CARGO_BIN_EXE_plimsoll");
/// Longest wait for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A shell line that becomes a server answering on `$PORT` with `$STATUS`, by default 200.
pub(crate) const SERVE: &str = r#"exec "$FIXTURE" --ignored --exact fixture::serves --nocapture"#;
/// A shell line that leaves a daemon behind: orphaned, in a session of its own, deaf to SIGTERM.
/// It ends in the end, for the day on which a test fails.
pub(crate) const DAEMON: &str = r#"(setsid sh -c 'trap "" TERM; echo $$ > "$DIR/daemon"; \
    for i in $(seq 90); do sleep 1; done' > /dev/null 2>&1 &);"#;

/// A suite's folder, removed at the end.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    /// A target that runs `script` in a shell, in this folder.
    pub(crate) fn shell(&self, script: &str) -> Result<ManagedTarget> {
        let fixture = std::env::current_exe()?.display().to_string();
        let folder = self.folder.path().display().to_string();
        let env = [("FIXTURE", fixture), ("PORT", "{port}".to_owned()), ("DIR", folder)];
        Ok(ManagedTarget {
            secrets: Vec::new(),
            command: ["sh", "-c", script].map(str::to_owned).into(),
            directory: self.folder.path().to_owned(),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            pass_env: BTreeSet::new(),
            port: None,
            ready: Ready { path: "/health".to_owned(), within: PATIENCE },
            grace: PATIENCE,
            build: None,
            artifacts: Vec::new(),
            residency: Residency::Both,
        })
    }

    pub(crate) async fn start(
        &self,
        managed: &ManagedTarget,
    ) -> Result<RunningTarget, TargetError> {
        self.start_until(managed, &CancellationToken::new()).await
    }

    pub(crate) async fn start_until(
        &self,
        managed: &ManagedTarget,
        stop: &CancellationToken,
    ) -> Result<RunningTarget, TargetError> {
        start(managed, &self.file("target.log"), Path::new(GUARD), stop).await
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.file(name))?).into_owned())
    }

    /// The pid that a script writes into `name`, as soon as it stands there.
    pub(crate) async fn pid_in(&self, name: &str) -> Result<i32> {
        let mut pid = None;
        eventually(&format!("a pid in {name}"), || {
            pid = self.read(name).ok().and_then(|text| text.strip_suffix('\n')?.parse().ok());
            pid.is_some()
        })
        .await?;
        pid.context("no pid")
    }

    /// The pid that a script writes into `name`, seen alive.
    pub(crate) async fn living_pid_in(&self, name: &str) -> Result<i32> {
        let pid = self.pid_in(name).await?;
        ensure!(is_alive(pid), "{name} is dead before the test began");
        Ok(pid)
    }
}

/// Polls until `holds`, with a deadline.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > deadline {
            bail!("waited {PATIENCE:?} in vain for {what}");
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Polls until a process is dead.
pub(crate) async fn is_gone(pid: i32) -> Result<()> {
    eventually(&format!("the end of pid {pid}"), || !is_alive(pid)).await
}

/// Whether a process runs; one that only waits to be reaped does not.
pub(crate) fn is_alive(pid: i32) -> bool {
    procfs::process::Process::new(pid)
        .and_then(|process| process.stat())
        .is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// Sends a signal to a process that this test started.
pub(crate) fn send(pid: i32, signal: rustix::process::Signal) -> Result<()> {
    let pid = rustix::process::Pid::from_raw(pid).context("not a pid")?;
    Ok(rustix::process::kill_process(pid, signal)?)
}

/// Answers every connection on `listener` with `status`, for ever; `silent` never answers.
pub(crate) fn answer(listener: &TcpListener, status: &str) {
    let mut held = Vec::new();
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        if status == "silent" {
            held.push(stream);
            continue;
        }
        let mut request = [0; 1024];
        let _ = stream.read(&mut request);
        let _ = write!(stream, "HTTP/1.1 {status} Some\r\ncontent-length: 2\r\n\r\nok");
    }
}

#[test]
#[ignore = "the server that other tests start as their target; it does nothing by itself"]
fn serves() {
    let variables: BTreeMap<_, _> = std::env::vars_os().collect();
    let text = |name: &str| variables.get(name.as_ref() as &std::ffi::OsStr)?.to_str();
    if let Some(port) = text("PORT").and_then(|port| port.parse::<u16>().ok()) {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        answer(&listener, text("STATUS").unwrap_or("200"));
    }
}
