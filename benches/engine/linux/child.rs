//! Runs a process on a core of its own, and what it used.

use super::clock::{SECOND_NS, now_ns};
use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Seek as _};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// Time between two samples of a child.
const SAMPLE_NS: i64 = 20_000_000;

/// Where a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    Ordinary,
    /// No ordinary process can displace it, as on a quiet machine: `chrt -f 5`.
    RealTime,
}

/// A command that runs `program` on `core`, or anywhere.
pub(super) fn on(core: Option<u32>, priority: Priority, program: impl AsRef<OsStr>) -> Command {
    let mut words: Vec<String> = Vec::new();
    if let Some(core) = core {
        words.extend(["taskset".into(), "-c".into(), core.to_string()]);
    }
    if priority == Priority::RealTime {
        words.extend(["chrt".into(), "-f".into(), "5".into()]);
    }
    // Both replace themselves by the program, so that its process is the child.
    let Some((first, rest)) = words.split_first() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(rest).arg(program);
    command
}

/// A child's use of the machine at one instant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    /// ns of `CLOCK_MONOTONIC`.
    pub(super) at_ns: u64,
    /// CPU so far.
    pub(super) cpu_ns: u64,
    /// Time so far in which the thread that used most of it was ready and waited for a CPU.
    pub(super) wait_ns: u64,
}

/// A child that has ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) out: String,
    pub(super) err: String,
    /// User and system time of all of it.
    pub(super) cpu_ns: u64,
    pub(super) wall_ns: u64,
    /// Largest resident memory seen.
    pub(super) rss_kib_max: u64,
    pub(super) samples: Vec<Sample>,
}

impl Ran {
    /// Share of the time in which its busiest thread was ready and had no CPU.
    pub(super) fn wait_share(&self) -> Option<f64> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        share(first, last, |sample| sample.wait_ns)
    }

    /// CPU used from an instant on: what a client did before its first request is no request's cost.
    pub(super) fn cpu_ns_since(&self, from_ns: u64) -> u64 {
        let after = self.samples.iter().position(|sample| sample.at_ns > from_ns);
        let after = after.unwrap_or(self.samples.len());
        let sample = |index: usize| self.samples.get(index).copied();
        let before = after.checked_sub(1).and_then(sample).unwrap_or_default();
        let next = sample(after).unwrap_or(before);
        // Between two samples it is taken as steady.
        let spent = u128::from(next.cpu_ns.saturating_sub(before.cpu_ns));
        let part = u128::from(from_ns.saturating_sub(before.at_ns));
        let period = u128::from(next.at_ns.saturating_sub(before.at_ns));
        let until = (spent * part).checked_div(period).unwrap_or_default();
        let until = before.cpu_ns + u64::try_from(until).unwrap_or_default();
        self.cpu_ns.saturating_sub(until)
    }

    /// CPUs used between two instants.
    pub(super) fn cores_between(&self, from_ns: u64, to_ns: u64) -> Option<f64> {
        let first = self.samples.iter().find(|sample| sample.at_ns >= from_ns)?;
        let last = self.samples.iter().rfind(|sample| sample.at_ns <= to_ns)?;
        share(first, last, |sample| sample.cpu_ns)
    }
}

fn share(first: &Sample, last: &Sample, of: impl Fn(&Sample) -> u64) -> Option<f64> {
    let time = last.at_ns.checked_sub(first.at_ns).filter(|time| *time > 0)?;
    Some(super::number::as_f64(of(last).saturating_sub(of(first))) / super::number::as_f64(time))
}

/// User and system time of all children that have been waited for.
pub(super) fn children_cpu_ns() -> anyhow::Result<u64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let (user, system) = (usage.user_time(), usage.system_time());
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    let ns = |time: nix::sys::time::TimeVal| {
        part(time.tv_sec()) * SECOND_NS + part(time.tv_usec()) * 1_000
    };
    Ok(ns(user) + ns(system))
}

/// Runs `command` to its end, watching it. No other child may end meanwhile.
///
/// # Errors
/// It cannot be started, or had not ended after `limit` and was killed.
pub(super) fn run(mut command: Command, limit: Duration) -> anyhow::Result<Ran> {
    let (before, began) = (children_cpu_ns()?, now_ns());
    let mut errors = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors.try_clone()?);
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let mut watcher = Watcher::new(child.id());
    let mut output = child.stdout.take().context("no pipe")?;
    let mut out = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    let end = began + u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    loop {
        let mut ready = [PollFd::new(&output, PollFlags::IN)];
        poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: SAMPLE_NS }))?;
        let [output_ready] = ready;
        watcher.look();
        if !output_ready.revents().is_empty() {
            let count = output.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            out.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
        if now_ns() > end {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("{command:?} had not ended after {limit:?}");
        }
    }
    let status = child.wait()?;
    let wall_ns = now_ns() - began;
    let mut err = String::new();
    errors.rewind()?;
    errors.read_to_string(&mut err)?;
    Ok(Ran {
        status,
        out: String::from_utf8(out).context("its output is no text")?,
        err,
        cpu_ns: children_cpu_ns()? - before,
        wall_ns,
        rss_kib_max: watcher.rss_kib_max,
        samples: watcher.samples,
    })
}

/// Reads `/proc` of one process.
struct Watcher {
    folder: String,
    /// CPU and wait of each thread ever seen; a thread that has ended keeps its last.
    threads: HashMap<String, (u64, u64)>,
    rss_kib_max: u64,
    samples: Vec<Sample>,
}

impl Watcher {
    fn new(process: u32) -> Self {
        let folder = format!("/proc/{process}");
        Self { folder, threads: HashMap::new(), rss_kib_max: 0, samples: Vec::new() }
    }

    fn look(&mut self) {
        let Ok(tasks) = fs::read_dir(format!("{}/task", self.folder)) else { return };
        for task in tasks.flatten() {
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
            let mut fields = text.split(' ').map_while(|field| field.trim().parse().ok());
            if let (Some(cpu), Some(wait)) = (fields.next(), fields.next()) {
                let name = task.file_name().to_string_lossy().into_owned();
                self.threads.insert(name, (cpu, wait));
            }
        }
        let cpu_ns = self.threads.values().map(|(cpu, _)| *cpu).sum();
        let wait_ns = self.threads.values().max().map_or(0, |(_, wait)| *wait);
        self.samples.push(Sample { at_ns: now_ns(), cpu_ns, wait_ns });
        let status = fs::read_to_string(format!("{}/status", self.folder)).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
        self.rss_kib_max = self.rss_kib_max.max(peak.unwrap_or_default());
    }
}
