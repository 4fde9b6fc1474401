//! Processes that take a core.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::process::{Child, Command, Stdio};

/// Spins, and ends with whoever started it even if that was killed.
const SPIN: &str = "while kill -0 $PPID; do :; done";

/// The first core that this process may use.
pub(crate) fn core() -> usize {
    let allowed = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).find(|core| allowed.is_set(*core)).unwrap()
}

/// Running hogs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Hogs(Vec<Child>);

impl Hogs {
    /// So many, of ordinary weight, on this core.
    pub(crate) fn start(count: usize, core: usize) -> Self {
        let mut set = CpuSet::new();
        set.set(core);
        let mut hogs = Self(Vec::new());
        for _ in 0..count {
            let mut command = Command::new("sh");
            command.args(["-c", SPIN]).stdin(Stdio::null()).stderr(Stdio::null());
            let hog = command.spawn().unwrap();
            let pid = Pid::from_child(&hog);
            // It belongs to the guard before anything else can fail.
            hogs.0.push(hog);
            sched_setaffinity(Some(pid), &set).unwrap();
        }
        hogs
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            let _ = hog.kill();
        }
        for hog in &mut self.0 {
            let _ = hog.wait();
        }
    }
}
