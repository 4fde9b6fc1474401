//! Which processes still live: all that a run starts has its working directory in the folder of
//! the test, also what left the process group or its parent.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Longest wait for what must happen. Generous: it only ends a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(10);

/// A living process that works in some folder.
#[derive(Debug)]
pub(crate) struct Living {
    pub(crate) pid: i32,
    pub(crate) command: String,
}

/// The living processes whose working directory lies in `folder`. One that only waits to be reaped
/// does not live.
pub(crate) fn living_in(folder: &Path) -> Vec<Living> {
    let folder = folder.canonicalize().unwrap();
    let all = procfs::process::all_processes().unwrap();
    let inside = all.filter_map(|process| {
        let process = process.ok()?;
        let works_here = process.cwd().ok()?.starts_with(&folder);
        let lives = !matches!(process.stat().ok()?.state, 'Z' | 'X');
        let command = process.cmdline().ok()?.join(" ");
        (works_here && lives).then_some(Living { pid: process.pid, command })
    });
    inside.collect()
}

/// Polls until nothing lives in `folder`; fails with what still does.
pub(crate) fn nothing_lives_in(folder: &Path) {
    let mut left = Vec::new();
    let gone = holds_eventually(|| {
        left = living_in(folder);
        left.is_empty()
    });
    let mut names = String::new();
    for process in &left {
        let _ = writeln!(names, "{} {}", process.pid, process.command);
    }
    assert!(gone, "these outlived the run:\n{names}");
}

/// Polls until `holds`; fails after [`PATIENCE`].
pub(crate) fn eventually(what: &str, holds: impl FnMut() -> bool) {
    assert!(holds_eventually(holds), "waited {PATIENCE:?} in vain for {what}");
}

fn holds_eventually(mut holds: impl FnMut() -> bool) -> bool {
    let began = now();
    while !holds() {
        if began.elapsed().is_ok_and(|waited| waited > PATIENCE) {
            return false;
        }
        pause(PAUSE);
    }
    true
}

#[expect(clippy::disallowed_methods, reason = "a test polls the world outside")]
pub(crate) fn pause(length: Duration) {
    std::thread::sleep(length);
}

#[expect(clippy::disallowed_methods, reason = "a deadline for what would hang")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Sends a signal to a process that this test started.
pub(crate) fn send(pid: i32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}
