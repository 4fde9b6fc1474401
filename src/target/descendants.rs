//! The processes below a process, also those that left its process group.

use std::collections::HashMap;
use std::fmt;
use std::io;

/// A process that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Its short name as the system knows it (15 bytes on Linux); untrusted text without control
    /// characters.
    pub name: String,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} ({})", self.pid, self.name)
    }
}

/// One line of the process table.
#[derive(Debug, Clone)]
struct Entry {
    process: Process,
    parent: i32,
    /// Start in clock ticks since boot.
    started: u64,
    /// Dead, and waiting to be reaped: can neither be killed nor do harm.
    is_zombie: bool,
}

/// The living processes below `root`, without `root`, the oldest first.
///
/// The table is not read in one instant: a process that is handed to another parent meanwhile
/// may be missed, so an empty answer is no proof that none is left.
///
/// # Errors
///
/// When the process table cannot be read (no `/proc`).
pub fn descendants(root: i32) -> io::Result<Vec<Process>> {
    let mut below = entries_below(root, table()?);
    below.retain(|entry| !entry.is_zombie);
    Ok(below.into_iter().map(|entry| entry.process).collect())
}

/// The same with those that are dead and wait to be reaped: what they used is still told only by
/// themselves.
///
/// # Errors
///
/// When the process table cannot be read (no `/proc`).
pub fn descendants_and_dead(root: i32) -> io::Result<Vec<Process>> {
    let below = entries_below(root, table()?);
    Ok(below.into_iter().map(|entry| entry.process).collect())
}

/// The oldest child of `parent`, if any lives.
pub(super) fn oldest_child(parent: i32) -> Option<Process> {
    let below = entries_below(parent, table().ok()?);
    let mut children = below.into_iter().filter(|e| e.parent == parent && !e.is_zombie);
    children.next().map(|entry| entry.process)
}

/// The entries below `root`, the oldest first. A chain of parents can hold a ring only when the
/// table changed while it was read; the climb is bounded for that.
fn entries_below(root: i32, table: Vec<Entry>) -> Vec<Entry> {
    let parents: HashMap<i32, i32> = table.iter().map(|e| (e.process.pid, e.parent)).collect();
    let is_below = |entry: &Entry| {
        std::iter::successors(Some(entry.parent), |pid| parents.get(pid).copied())
            .take(parents.len())
            .any(|pid| pid == root)
    };
    let mut below: Vec<_> = table.into_iter().filter(is_below).collect();
    below.retain(|entry| entry.process.pid != root);
    below.sort_by_key(|entry| (entry.started, entry.process.pid));
    below
}

#[cfg(target_os = "linux")]
fn table() -> io::Result<Vec<Entry>> {
    let processes = procfs::process::all_processes().map_err(io::Error::other)?;
    // a process that ended while we looked is none
    Ok(processes.filter_map(|process| Some(entry(process.ok()?.stat().ok()?))).collect())
}

#[cfg(target_os = "linux")]
fn entry(stat: procfs::process::Stat) -> Entry {
    Entry {
        process: Process {
            pid: stat.pid,
            name: crate::target::tail::readable(stat.comm.as_bytes()),
        },
        parent: stat.ppid,
        started: stat.starttime,
        is_zombie: matches!(stat.state, 'Z' | 'X' | 'x'),
    }
}

#[cfg(not(target_os = "linux"))]
fn table() -> io::Result<Vec<Entry>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pid: i32, parent: i32) -> Entry {
        let process = Process { pid, name: String::new() };
        Entry { process, parent, started: 0, is_zombie: false }
    }

    #[test]
    fn everything_below_is_found_and_nothing_else() {
        let table = [(1, 0), (10, 1), (11, 10), (12, 11), (20, 1), (21, 20), (10_000, 12)];
        let table: Vec<_> = table.map(|(pid, parent)| entry(pid, parent)).into();
        for (root, expected) in [
            (10, &[11, 12, 10_000][..]),
            (12, &[10_000]),
            (10_000, &[]),
            (20, &[21]),
            (99, &[]),
            (1, &[10, 11, 12, 20, 21, 10_000]),
        ] {
            let below = entries_below(root, table.clone());
            let pids: Vec<_> = below.iter().map(|entry| entry.process.pid).collect();
            assert_eq!(pids, expected, "below {root}");
        }
    }

    #[test]
    fn a_ring_of_parents_ends_the_climb() {
        let table = vec![entry(5, 6), entry(6, 5), entry(7, 5)];
        assert!(entries_below(1, table.clone()).is_empty());
        assert_eq!(entries_below(5, table).len(), 2);
    }
}
