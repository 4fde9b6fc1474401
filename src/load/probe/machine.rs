//! Who else used the machine's CPU: `/proc/stat` less what we and the target used.

use crate::target::descendants_and_dead;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use tokio::time::Instant;

/// CPU that was not ours, in cores: 1 is one whole core.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::load) struct Others {
    /// Given to others by the machine's host.
    pub(in crate::load) steal_cores: Option<f64>,
    /// Used by processes that are neither ours nor the target's.
    pub(in crate::load) foreign_cores: Option<f64>,
}

/// Meters the whole machine since it was made.
#[derive(Debug)]
pub(in crate::load) struct MachineMeter {
    targets: Vec<i32>,
    since: Option<Reading>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    machine: Ticks,
    own: Duration,
    target: Duration,
}

/// The machine's CPU time since boot, in clock ticks over all cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    steal: u64,
}

impl MachineMeter {
    /// With the processes whose CPU, and that of all below them, is the target's; also that of a target
    /// which waits while the other one is measured. Of a target that is not ours but on this machine
    /// nothing is known: it counts as foreign.
    pub(in crate::load) fn start(targets: &[i32]) -> Self {
        Self { targets: targets.to_vec(), since: Reading::take(targets) }
    }

    /// Since the start.
    pub(in crate::load) fn others(&self) -> Others {
        match (self.since, Reading::take(&self.targets), ticks_per_second()) {
            (Some(before), Some(now), Some(per_s)) => between(&before, &now, per_s),
            _ => Others::default(),
        }
    }
}

impl Reading {
    fn take(targets: &[i32]) -> Option<Self> {
        Some(Self {
            at: Instant::now(),
            machine: machine(&std::fs::read_to_string("/proc/stat").ok()?)?,
            own: Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()?,
            target: targets.iter().copied().map(cpu_of_tree).sum(),
        })
    }
}

fn between(before: &Reading, now: &Reading, per_s: f64) -> Others {
    let wall = now.at.saturating_duration_since(before.at).as_secs_f64();
    if wall <= 0.0 {
        return Others::default();
    }
    let seconds = |now: u64, before: u64| crate::units::as_f64(now.saturating_sub(before)) / per_s;
    let busy = seconds(now.machine.busy, before.machine.busy);
    let known = now.own.saturating_sub(before.own) + now.target.saturating_sub(before.target);
    let foreign = (busy - known.as_secs_f64()).clamp(0.0, f64::MAX);
    let steal = seconds(now.machine.steal, before.machine.steal);
    Others { steal_cores: Some(steal / wall), foreign_cores: Some(foreign / wall) }
}

/// CPU time of a process and of all below it, with what those that have ended left behind; of none
/// that can be seen it is zero. A parent is read after its children: one that is reaped meanwhile may
/// be counted twice, and never as foreign.
fn cpu_of_tree(root: i32) -> Duration {
    let Some(per_s) = ticks_per_second() else { return Duration::ZERO };
    let below = descendants_and_dead(root).unwrap_or_default();
    let pids = below.iter().rev().map(|process| process.pid).chain([root]);
    let ticks: u64 = pids
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok())
        .filter_map(|text| process(&text))
        .sum();
    Duration::from_secs_f64(crate::units::as_f64(ticks) / per_s)
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal, …; what
/// guests used is inside user and nice. A kernel that times its interrupts does not count them as any
/// process's CPU, and most of them are the network's at our load: they are nobody's then. One that does
/// not shows no irq at all, and its softirq is inside the processes'.
fn machine(text: &str) -> Option<Ticks> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> =
        line.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let &[user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = &fields[..] else {
        return None;
    };
    let softirq = if irq == 0 { softirq } else { 0 };
    let busy = [user, nice, system, softirq].into_iter().try_fold(0, u64::checked_add)?;
    Some(Ticks { busy, steal })
}

/// Ticks of a process in its `stat`: its own and of the children that it has reaped. Its name stands
/// in brackets and may hold anything.
fn process(text: &str) -> Option<u64> {
    let (_, after_name) = text.rsplit_once(')')?;
    let fields = after_name.split_ascii_whitespace().skip(11).take(4);
    let fields: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    (fields.len() == 4).then_some(())?;
    fields.into_iter().try_fold(0, u64::checked_add)
}

#[cfg(target_os = "linux")]
fn ticks_per_second() -> Option<f64> {
    Some(crate::units::as_f64(procfs::ticks_per_second())).filter(|per_s| *per_s > 0.0)
}

#[cfg(not(target_os = "linux"))]
fn ticks_per_second() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::{MachineMeter, Others, Reading, Ticks, between, cpu_of_tree, machine, process};
    use proptest::prelude::*;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn the_machine_is_busy_with_all_but_waiting() {
        let text = "cpu  100 20 30 5000 700 4 6 9 50 1\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(machine(text), Some(Ticks { busy: 150, steal: 9 }));
        // Without times of interrupts, those of the network are inside what processes used.
        let text = "cpu  100 20 30 5000 700 0 6 9 50 1\n";
        assert_eq!(machine(text), Some(Ticks { busy: 156, steal: 9 }));
        for text in ["", "cpu0 1 2 3 4 5 6 7 8", "cpu  1 2 3", "cpu  1 2 x 4 5 6 7 8"] {
            assert_eq!(machine(text), None, "{text}");
        }
    }

    #[test]
    fn a_process_counts_with_the_children_that_it_reaped_whatever_its_name() {
        let text = "7 (a) b (1 2) S 1 7 7 0 -1 4194560 100 0 0 0 40 2 300 50 20 0 1 0 99";
        assert_eq!(process(text), Some(392));
        for text in ["", "7 (sh) S 1 7", "7 (sh) S 1 7 7 0 -1 4194560 100 0 0 0 40 x 300 50"] {
            assert_eq!(process(text), None, "{text}");
        }
    }

    #[test]
    fn foreign_is_what_neither_we_nor_the_target_used() {
        let at = Instant::now();
        let ms = Duration::from_millis;
        let of = |seconds, busy, steal, own, target| Reading {
            at: at + Duration::from_secs(seconds),
            machine: Ticks { busy, steal },
            own: ms(own),
            target: ms(target),
        };
        let before = of(0, 1_000, 50, 300, 400);
        for (now, steal, foreign) in [
            (of(10, 2_000, 60, 1_300, 4_400), 0.01, 0.5),
            // Ticks are coarse, and a process of the target may be gone: never below none.
            (of(10, 1_010, 50, 9_300, 0), 0.0, 0.0),
        ] {
            let others = between(&before, &now, 100.0);
            assert!((others.steal_cores.unwrap() - steal).abs() < 1e-9, "{others:?}");
            assert!((others.foreign_cores.unwrap() - foreign).abs() < 1e-9, "{others:?}");
        }
        assert_eq!(between(&before, &before, 100.0), Others::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_dead_of_a_tree_used_is_not_foreign() {
        let burn = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done";
        // One that is reaped by the shell, and one that nobody reaps.
        for script in [format!("({burn}); exec sleep 60"), format!("({burn}) & exec sleep 60")] {
            let mut tree = std::process::Command::new("sh").args(["-c", &script]).spawn().unwrap();
            let root = i32::try_from(tree.id()).unwrap();
            let until = Instant::now() + Duration::from_secs(20);
            let living = || crate::target::descendants(root).unwrap().len();
            let is_asleep = || {
                let name = std::fs::read_to_string(format!("/proc/{root}/comm")).unwrap();
                name.trim() == "sleep" && living() == 0
            };
            while !is_asleep() && Instant::now() < until {
                std::thread::yield_now();
            }
            let used = cpu_of_tree(root);
            tree.kill().unwrap();
            tree.wait().unwrap();
            assert!(used >= Duration::from_millis(20), "{script}: {used:?}");
        }
    }

    #[test]
    fn a_tree_that_is_not_there_used_nothing() {
        assert_eq!(cpu_of_tree(i32::MAX), Duration::ZERO);
        let ourselves = i32::try_from(std::process::id()).unwrap();
        let others = MachineMeter::start(&[ourselves]).others();
        if cfg!(target_os = "linux") {
            assert!(others.steal_cores.is_some() && others.foreign_cores.is_some());
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_file_may_hold_is_a_defect(text in "[cpu ()0-9]*") {
            machine(&text);
            process(&text);
        }
    }
}
